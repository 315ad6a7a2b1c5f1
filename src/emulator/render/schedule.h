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

// `count` slots of about equal length that cover frames 0 to total - 1 without a gap. `fade` is the
// wanted length of a cross-fade; short slots get shorter ones or none. Needs count <= total.
std::vector<Slot> make_schedule(int count, int total, int fade);

}  // namespace genpro::emulator::render
