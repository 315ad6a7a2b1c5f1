// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstPreset of both elements. A preset holds how a clip is made and shown; not who asks for it and
// where, nor what it shows: keys, ids, addresses and prompts are neither stored nor loaded.
#pragma once

#include <gst/gst.h>

#include "settings/settings.h"

namespace genpro {

// For what G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, ...) calls, which adds save_preset().
void init_presets(gpointer preset_interface, gpointer);

// For an element's own save_preset: as GStreamer does it, but of the settings of a generation only
// those that somebody has set, so that a profile counts for the others when it is loaded. False
// when there is nothing to save, or it cannot be written.
bool save_preset(GstPreset* preset, const char* name, const Settings& settings);

}  // namespace genpro
