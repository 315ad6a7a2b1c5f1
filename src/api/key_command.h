// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A key that another program keeps, such as a keyring.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/threads/runtime.h"

namespace genpro::api {

// Long enough for a person to unlock a keyring.
inline constexpr std::chrono::seconds key_command_limit{60};

// The first line that the program writes to its standard output. Runs it without a shell, and waits
// for its end; it is killed at the limit, or when that is asked for. Fails with
// ErrorKind::settings; what it wrote is not in the message.
Result<std::string> run_key_command(const std::vector<std::string>& command,
                                    std::chrono::milliseconds limit = key_command_limit,
                                    const std::stop_token& stop = {});

// The same on a thread of its own. Belongs to the runtime thread; destroying it ends the program,
// and `done` is not called then.
class KeyRequest {
 public:
  using Done = std::function<void(Result<std::string>)>;
  KeyRequest(Runtime& runtime, std::vector<std::string> command, Done done);
  KeyRequest(const KeyRequest&) = delete;
  KeyRequest& operator=(const KeyRequest&) = delete;

 private:
  std::shared_ptr<Done> done_;
  std::jthread thread_;  // joined first
};

}  // namespace genpro::api
