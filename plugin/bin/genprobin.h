// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GENPRO_TYPE_BIN (genpro_bin_get_type())
G_DECLARE_FINAL_TYPE(GenproBin, genpro_bin, GENPRO, BIN, GstBin)

G_END_DECLS
