// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an operator sees of a run: counted where it happens, read by any thread.
#pragma once

#include <optional>

#include "bin/media/decoded_frames.h"

namespace genpro::bin {

struct PlayoutStats {
  std::uint64_t frames = 0;          // of output
  std::uint64_t shown = 0;           // frames of clips
  std::uint64_t repeated = 0;        // of output, with the clip's frame of before
  std::uint64_t dropped = 0;         // frames of clips that were not shown
  std::uint64_t silent_samples = 0;  // of clips whose audio was not there in time
  std::uint64_t starved = 0;         // how often a clip came slower than it plays
  bool is_clip = false;
  bool is_cued = false;           // what waits can be taken
  std::optional<Time> needed_in;  // the time to the deadline, where there is one
  Time time = 0;               // running time of the last frame
  DecodedFrames::Level level;  // of the clip that is on
  std::optional<AudioGain> gain;
};

}  // namespace genpro::bin
