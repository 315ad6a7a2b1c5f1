// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program that the emulator runs beside itself, in a process group of its own and for a bounded
// time, and whose standard output it reads. Everything happens on the main context that was the
// thread's default when it was started.
#pragma once

#include <glib.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

struct ChildSettings {
  std::vector<std::string> command;  // the program, found in PATH, and its arguments
  double timeout = 0;                // seconds, then it is killed
  std::uint64_t max_memory = 0;      // bytes of data; 0: as many as the emulator may have
  bool verbose = false;              // let it write to standard error
};

class ChildProcess {
 public:
  // What it writes, as it comes.
  using Output = std::function<void(std::string_view)>;
  // Called once, after the last output. `status` is waitpid()'s. May destroy the object.
  using Ended = std::function<void(int status, bool timed_out)>;

  ChildProcess() = default;
  ~ChildProcess();  // kills it and calls nobody
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Once. Throws std::runtime_error with the system's words for why the program does not start.
  void start(const ChildSettings& settings, Output output, Ended ended);
  // With all that it has started. Its end is told nevertheless.
  void kill();

 private:
  static void on_exit(GPid pid, gint status, gpointer data);
  bool read_output();

  Output output_;
  Ended ended_;
  GPid pid_ = 0;
  FileDescriptor out_;
  AttachedSourcePtr reading_;
  AttachedSourcePtr watch_;
  Timer watchdog_;
  bool timed_out_ = false;
};

}  // namespace genpro::emulator
