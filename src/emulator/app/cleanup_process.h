// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A small process that cleans up after this one, also when this one is killed with SIGKILL: it
// waits for the end of a socket that only this process holds, then removes the temporary folder
// and, for `exec`, kills the command and everything the command started.
//
// For `exec` it is also the command's parent. As such it inherits what the command leaves behind,
// so that it can find all of it, and no process id is signalled after it was reaped.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"

namespace genpro::emulator {

struct CommandEnd {
  enum class Kind { none, exited, not_started, cleanup_lost };
  Kind kind = Kind::none;
  int value = 0;  // the exit code, 128+n for a signal; errno when it was not started
};

class CleanupProcess {
 public:
  // Forks, so call it before any thread exists. `folder` is removed in the end, unless empty.
  // `command` may be empty. Throws std::system_error.
  CleanupProcess(std::string folder, std::vector<std::string> command);
  // Has the folder removed and waits for that.
  ~CleanupProcess();
  CleanupProcess(const CleanupProcess&) = delete;
  CleanupProcess& operator=(const CleanupProcess&) = delete;

  using Environment = std::vector<std::pair<std::string, std::string>>;
  // Starts the command with these variables added. Its end is told by `socket()`.
  void run_command(const Environment& environment);
  void signal_command(int signal_number);
  // Readable when read_end() has something to say.
  int socket() const { return socket_.get(); }
  CommandEnd read_end();

 private:
  std::string folder_;
  FileDescriptor socket_;
  pid_t pid_ = -1;
};

}  // namespace genpro::emulator
