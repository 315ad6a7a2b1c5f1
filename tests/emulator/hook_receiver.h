// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A server that takes webhooks and remembers them.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "emulator/folders.h"

namespace genpro::emulator::test {

class HookReceiver {
 public:
  HookReceiver();
  ~HookReceiver();
  HookReceiver(const HookReceiver&) = delete;
  HookReceiver& operator=(const HookReceiver&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  // The status of the answers from now on; a redirect leads to /elsewhere.
  void answer_with(unsigned status);
  // The bodies that came in, also those that were answered with an error.
  std::vector<std::string> bodies() const;
  // The request lines and headers that came in, one text a request.
  std::vector<std::string> headers() const;

 private:
  void serve();
  void answer(int connection);

  Fd listener_;
  unsigned port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  unsigned status_ = 200;
  std::vector<std::string> bodies_;
  std::vector<std::string> headers_;
  std::thread thread_;
};

}  // namespace genpro::emulator::test
