// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A timeline with clips that are made up, on a clock that is counted: what is shown, heard and told
// at each output frame, and what is wrong about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bin/playout/timeline.h"

namespace genpro::test {

inline double ms(bin::Time time) {
  return static_cast<double>(time) / GST_MSECOND;
}

struct FakeClip {
  int offered = 0;
  std::vector<bin::Time> frames;  // how long each is
  bin::Time begin = 0;            // running time of its first frame
  bin::Time audio = 0;            // its length, 0 for none
  int stalls_at = -1;             // number of the frame that comes late
  int stalls_for = 0;             // output frames
  int fails = -1;                 // at which output frame
  int failing_repeat = -1;        // which time that it is played once more

  bin::Time frames_length() const;
  // The longer of frames and audio; what is less than a frame does not count.
  bin::Time length() const;
  // Nothing keeps it from being shown as it is.
  bool is_whole() const { return stalls_at < 0 && fails < 0; }
};

struct Scenario {
  int fps_n = 30;
  int fps_d = 1;
  int frames = 100;  // of output
  bin::AtEnd at_end = bin::AtEnd::placeholder;
  int at_end_changes = -1;  // at which output frame, to `later_at_end`
  bin::AtEnd later_at_end = bin::AtEnd::placeholder;
  bin::Time fade = 0;
  bin::Time audio_lead = 0;  // how far ahead of the frames audio is taken
  bin::Time audio_jitter = 0;
  int skips_at = -1;  // the frame from which on so many are not taken
  int skips_for = 0;
  std::vector<FakeClip> clips;

  static Scenario random(std::uint64_t seed);
  std::string text() const;
};

struct Outcome {
  std::string problem;  // the first one; empty for none
  std::string history;
  std::uint64_t started = 0;
  std::uint64_t repeats = 0;
};

Outcome simulate(const Scenario& scenario);

// The simplest one found that has a problem still.
Scenario shrink(Scenario scenario);

}  // namespace genpro::test
