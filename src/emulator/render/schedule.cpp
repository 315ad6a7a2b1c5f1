// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/render/schedule.h"

#include <algorithm>

namespace genpro::emulator::render {
namespace {

// At 24 frames a second three frames are 125 ms, a whole number of nanoseconds: a cut there falls
// on the same frame whichever way a time is rounded.
constexpr int kGrid = 3;

}  // namespace

std::vector<Slot> make_schedule(int count, int total, int fade) {
  std::vector<Slot> slots(static_cast<std::size_t>(std::max(count, 0)));
  if (count <= 0) return slots;
  int shared = count > 1 ? std::min(fade, total / count / 3) : 0;
  const int grid = total % kGrid == 0 && total / count >= 4 * kGrid ? kGrid : 1;
  shared -= shared % grid;
  const auto cut = [&](int index) {
    if (index == count) return total - shared;
    const long frame = static_cast<long>(index) * (total - shared) / count;
    return static_cast<int>(frame - frame % grid);
  };
  for (int i = 0; i < count; ++i) {
    Slot& slot = slots[static_cast<std::size_t>(i)];
    slot.start = cut(i);
    slot.frames = cut(i + 1) + shared - slot.start;
    slot.fade_in = i > 0 ? shared : 0;
    slot.fade_out = i + 1 < count ? shared : 0;
  }
  return slots;
}

}  // namespace genpro::emulator::render
