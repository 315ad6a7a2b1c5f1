// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The properties that genprobin has beside those of a generation.
#pragma once

#include <gst/gst.h>

#include <string>

#include "bin/media/raster.h"
#include "bin/playout/placeholder.h"
#include "bin/playout/timeline.h"
#include "common/settings.h"

namespace genpro {

// As set; units and defaults are those of the properties.
struct BinSettings {
  Settings generation;
  unsigned width = 0;
  unsigned height = 0;
  std::string framerate = "30/1";
  int format = 0;       // a GstVideoFormat, 0: automatic
  int placeholder = 0;  // bin::PlaceholderKind
  std::string placeholder_location;
  int at_end = 0;    // bin::AtEnd
  int on_error = 0;  // on_error_placeholder
  unsigned fade = 0;
  bool auto_generate = false;
};

inline constexpr int on_error_placeholder = 0;
inline constexpr int on_error_error = 1;

// Their numbers follow those of the settings of a generation.
extern const unsigned last_bin_setting;

void install_bin_settings(GObjectClass* object_class);
// For all settings. Both return false for a number that is not a setting's.
bool set_bin_setting(BinSettings& settings, unsigned id, const GValue* value);
bool get_bin_setting(const BinSettings& settings, unsigned id, GValue* value);

// Whether one of them asks for another generation than the other.
bool asks_for_another(const Settings& one, const Settings& other);

// Fails with ErrorKind::settings when the frame rate is none.
Result<bin::WantedRaster> wanted_raster(const BinSettings& settings);

}  // namespace genpro
