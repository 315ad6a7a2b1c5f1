// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A process that a test starts, watches and may kill.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "support/process.h"

namespace genpro::test {

class Child {
 public:
  // Starts the command with these variables on top of this process's own. Its stdout and stderr go
  // to the file `out`. Throws std::runtime_error when it cannot be started.
  Child(const std::vector<std::string>& command, const Environment& environment, std::string out);
  // Kills what still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // True as soon as the process has ended, false at the deadline.
  bool wait(std::chrono::milliseconds deadline = generous) const;
  // A signal, when the process still runs.
  void send(int signal_number);
  // SIGKILL, then waits. False when the process had ended by itself before.
  bool kill();

  // Once it has ended: its exit code, or -1 when a signal ended it.
  int exit_code() const;
  bool succeeded() const { return exit_code() == 0; }
  // What it has written so far.
  std::string output() const;

 private:
  struct State {
    bool is_reaped = false;  // its number may be another process's by now
    int status = 0;          // as of waitpid()
  };

  const std::string out_;
  GPid pid_ = 0;
  mutable Guarded<State> state_;
  std::thread waiter_;
};

}  // namespace genpro::test
