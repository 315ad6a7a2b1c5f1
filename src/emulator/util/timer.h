// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The time of day, and callbacks on the main context that is the thread's default. A callback may
// destroy the object that owns it.
#pragma once

#include <cstdint>
#include <functional>

#include "base/callback.h"
#include "base/glib_ptr.h"

namespace genpro::emulator {

// Of the wall clock, since 1970.
inline std::int64_t now_milliseconds() {
  return g_get_real_time() / 1000;
}

// Both call `ready` whenever there is something to read or the other side has closed, until it
// returns false or the result is dropped.
AttachedSourcePtr watch_descriptor(int fd, std::function<bool()> ready);
AttachedSourcePtr watch_socket(GSocket* socket, std::function<bool()> ready);

// One shot; gone with its owner.
class Timer {
 public:
  // Calls `callback` once, `seconds` from now. Starting again drops the earlier call.
  void start(double seconds, std::function<void()> callback);
  void cancel() { source_.reset(); }

 private:
  AttachedSourcePtr source_;
};

}  // namespace genpro::emulator
