// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this process holds, and other processes.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_service.h"

namespace genpro::test {

int thread_count();
// Open file descriptors, and those of them that are sockets.
int fd_count();
int socket_count();
// True as soon as `condition` holds, false at the deadline. For what cannot be waited on, such as
// the end of a thread that belongs to somebody else.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds deadline = generous);

using Environment = std::vector<std::pair<std::string, std::string>>;
// Starts the command with these variables on top of this process's own, and these descriptors as
// its stdin (-1: none) and as its stdout and stderr. Who calls has to reap it. Throws
// std::runtime_error.
//
// Not with GSubprocess, which crashes or hangs now and then (GLib 2.74) when many processes end
// soon.
GPid spawn(const std::vector<std::string>& command, const Environment& environment, int in,
           int out);

struct Finished {
  bool in_time = false;
  int exit_code = -1;  // -1: ended by a signal, or not in time
  std::string out;     // stdout and stderr together
};
// Runs the command with these variables on top of this process's own, with `input` on its stdin.
Finished run_command(const std::vector<std::string>& command, const Environment& environment = {},
                     const std::string& input = "", std::chrono::milliseconds deadline = generous);
std::vector<std::string> lines_of(const std::string& text);

// A variable of this process's environment while the object lives; an empty value removes it.
// Not for use beside other threads that read the environment.
class ScopedEnv {
 public:
  ScopedEnv(std::string name, const std::string& value);
  ~ScopedEnv();
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

 private:
  std::string name_;
  std::string before_;
  bool was_set_;
};

}  // namespace genpro::test
