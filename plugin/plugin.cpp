// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "bin/genprobin.h"
#include "common/logging.h"
#include "source/genprosrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  genpro::init_logging();
  return gst_element_register(plugin, "genprosrc", GST_RANK_NONE, GST_TYPE_GENPRO_SRC) &&
         gst_element_register(plugin, "genprobin", GST_RANK_NONE, GST_TYPE_GENPRO_BIN);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, genpro,
                  "Videos from the GEN service (gen.pro) as GStreamer sources", plugin_init,
                  GENPRO_VERSION, "LGPL", "gst-genpro", GENPRO_URL)
