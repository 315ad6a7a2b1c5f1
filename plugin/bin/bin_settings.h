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
  int format = 0;       // its number in the enumeration
  int placeholder = 0;  // bin::PlaceholderKind
  std::string placeholder_location;
  int at_end = 0;      // bin::AtEnd
  int start_mode = 0;  // start_mode_auto
  guint64 take_at = GST_CLOCK_TIME_NONE;
  std::string take_at_timecode;
  guint64 needed_by = GST_CLOCK_TIME_NONE;
  std::string needed_by_time;
  std::string fallback_location;
  int late_clip = 0;  // bin::LateClip
  unsigned prefetch = 1;
  std::string preroll = "0";
  int on_starve = 0;  // bin::OnStarve
  int on_error = 0;   // on_error_placeholder
  unsigned fade = 0;
  bool auto_generate = false;
  double loudness_target = 0;
  unsigned stats_interval = 0;
};

inline constexpr int on_error_placeholder = 0;
inline constexpr int on_error_error = 1;
inline constexpr int start_mode_auto = 0;
inline constexpr int start_mode_cue = 1;

// Their numbers follow those of the settings of a generation.
unsigned last_bin_setting();
unsigned take_at_setting();
unsigned take_at_timecode_setting();

void install_bin_settings(GObjectClass* object_class);
// For all settings. Both return false for a number that is not a setting's.
bool set_bin_setting(BinSettings& settings, unsigned id, const GValue* value);
bool get_bin_setting(const BinSettings& settings, unsigned id, GValue* value);

// Whether one of them asks for another generation than the other.
bool asks_for_another(const Settings& one, const Settings& other);

// Fails with ErrorKind::settings when the frame rate is none.
Result<bin::WantedRaster> wanted_raster(const BinSettings& settings);

}  // namespace genpro
