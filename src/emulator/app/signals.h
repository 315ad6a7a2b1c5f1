// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The signals that ask the program to end, delivered on the main loop.
#pragma once

#include <functional>

#include "base/file_descriptor.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// Watches SIGINT, SIGTERM, SIGHUP and SIGQUIT, except those that were ignored from the start, as
// under nohup. One at a time in a process.
class SignalWatch {
 public:
  // `from_terminal`: the kernel sent it, to all of the terminal's foreground group.
  using Callback = std::function<void(int signal_number, bool from_terminal)>;

  // Throws std::system_error.
  explicit SignalWatch(Callback callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  Callback callback_;
  FileDescriptor reader_;
  FileDescriptor writer_;
  AttachedSourcePtr source_;
};

}  // namespace genpro::emulator
