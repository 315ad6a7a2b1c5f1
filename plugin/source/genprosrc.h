// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesrc.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_GENPRO_SRC (gst_genpro_src_get_type())
G_DECLARE_FINAL_TYPE(GstGenproSrc, gst_genpro_src, GST_GENPRO, SRC, GstBaseSrc)

G_END_DECLS

namespace genpro {

struct Settings;

// One with these settings, for a part of the plugin. The reference is the caller's.
GstElement* genpro_src_new(const Settings& settings);

}  // namespace genpro
