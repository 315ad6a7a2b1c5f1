// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A server that takes webhooks and remembers them.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"

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
  // These bytes, as they are; the connection stays open until its client closes it.
  void answer_raw(std::string bytes);
  // These bytes and then zeros for as long as the client takes them.
  void answer_without_end(std::string head);
  // Of what answer_without_end() sent, the most in one answer.
  std::size_t most_sent() const { return most_sent_; }
  // The bodies that came in, also those that were answered with an error.
  std::vector<std::string> bodies() const;
  // The request lines and headers that came in, one text a request.
  std::vector<std::string> headers() const;

 private:
  void serve();
  void answer(int connection);
  void send_zeros(int connection);
  void wait_for_close(int connection);

  FileDescriptor listener_;
  unsigned port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  unsigned status_ = 200;
  std::optional<std::string> raw_;
  bool is_endless_ = false;
  std::atomic<std::size_t> most_sent_ = 0;
  std::vector<std::string> bodies_;
  std::vector<std::string> headers_;
  std::thread thread_;
};

}  // namespace genpro::emulator::test
