// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program under test, with what it writes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"

namespace genpro::emulator::test {

class ChildProcess {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;
  // Starts a program in a session of its own; with `terminal`, on a new terminal that carries its
  // input and output.
  explicit ChildProcess(const std::vector<std::string>& argv, const Environment& environment = {},
                        bool terminal = false);
  ~ChildProcess();  // kills what still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void write(const std::string& text);
  void close_input() { input_ = FileDescriptor(); }
  // Reads until the output holds `text`; false when it ends or the time passes before.
  bool wait_for_output(const std::string& text,
                       std::chrono::seconds longest = std::chrono::minutes(2));
  // Reads until the end of the output and waits for the program. The exit code; 128+n for a signal.
  int wait();
  void kill(int signal_number);

  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  bool read_some(int timeout_ms);

  pid_t pid_ = -1;
  FileDescriptor input_;
  FileDescriptor output_fd_;
  FileDescriptor errors_fd_;
  std::string output_;
  std::string errors_;
};

}  // namespace genpro::emulator::test
