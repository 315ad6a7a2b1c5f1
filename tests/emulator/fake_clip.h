// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace genpro::emulator::test {

// What the fake renderer writes: 100,000 bytes that differ from place to place.
inline std::string fake_clip() {
  std::string clip(100'000, '\0');
  for (std::size_t i = 0; i < clip.size(); ++i)
    clip[i] = static_cast<char>((i * 7 + i / 251) % 251);
  return clip;
}

}  // namespace genpro::emulator::test
