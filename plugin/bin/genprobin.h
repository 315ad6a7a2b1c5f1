// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_GENPRO_BIN (gst_genpro_bin_get_type())
G_DECLARE_FINAL_TYPE(GstGenproBin, gst_genpro_bin, GST, GENPRO_BIN, GstBin)

G_END_DECLS
