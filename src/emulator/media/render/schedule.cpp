// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/schedule.h"

#include <algorithm>
#include <numeric>

namespace genpro::emulator::render {
int schedule_grid(int fps) {
  return fps / std::gcd(fps, 1'000'000'000);
}

std::vector<Slot> make_schedule(int count, int total, int fade, int grid) {
  std::vector<Slot> slots(static_cast<std::size_t>(std::max(count, 0)));
  if (count <= 0) return slots;
  int shared = count > 1 ? std::min(fade, total / count / 3) : 0;
  shared -= shared % grid;
  const auto cut = [&](int index) {
    if (index == count) return total - shared;
    const long cell = static_cast<long>(index) * ((total - shared) / grid) / count;
    return static_cast<int>(cell * grid);
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
