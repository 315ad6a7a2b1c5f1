// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesrc.h>
#include <gst/gst.h>

#include <memory>

#include "gst/gst_ptr.h"

G_BEGIN_DECLS

#define GST_TYPE_GENPRO_SRC (gst_genpro_src_get_type())
G_DECLARE_FINAL_TYPE(GstGenproSrc, gst_genpro_src, GST_GENPRO, SRC, GstBaseSrc)

G_END_DECLS

namespace genpro {

class Generation;

// A part of the plugin's own that plays the clip of a generation, once its address is known.
ElementPtr make_clip_source(std::shared_ptr<Generation> generation);

}  // namespace genpro
