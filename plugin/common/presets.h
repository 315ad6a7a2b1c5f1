// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstPreset of both elements. A preset holds how a clip is made and shown; not who asks for it and
// where, nor what it shows: keys, ids, addresses, files and prompts are neither stored nor loaded.
#pragma once

#include <gst/gst.h>

namespace genpro {

// For G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, ...).
void init_presets(gpointer preset_interface, gpointer);

}  // namespace genpro
