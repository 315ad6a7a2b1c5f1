// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When each ingredient is seen, in whole frames.
#pragma once

#include <vector>

namespace genpro::emulator::render {

struct Slot {
  int start = 0;     // first frame
  int frames = 0;    // length; the end reaches into the next slot by the cross-fade
  int fade_in = 0;   // frames shared with the slot before
  int fade_out = 0;  // frames shared with the slot after
};

// The number of frames after which a frame's time is a whole number of nanoseconds: 3 at 24 frames
// a second. GES counts in nanoseconds, and a cut between two of them costs or adds a frame.
int schedule_grid(int fps);

// `count` slots of about equal length that cover frames 0 to total - 1 without a gap; every cut and
// every end of a cross-fade falls on the grid. `fade` is the wanted length of a cross-fade; short
// slots get shorter ones or none. `total` must be a multiple of `grid`, `count` at most total /
// grid.
std::vector<Slot> make_schedule(int count, int total, int fade, int grid);

}  // namespace genpro::emulator::render
