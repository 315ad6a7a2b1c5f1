// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace genpro {

// Whether a thread that waits is wanted elsewhere. An interruption may be over before the thread has
// woken up to see it, so they are counted: a wait that began at `count` n ends when it is no longer n.
struct Interruption {
  bool active = false;
  std::uint64_t count = 0;

  void set(bool interrupted) {
    active = interrupted;
    if (interrupted) ++count;
  }
  bool concerns(std::uint64_t begun_at) const { return active || count != begun_at; }
};

}  // namespace genpro
