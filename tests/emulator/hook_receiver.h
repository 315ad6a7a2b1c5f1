// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A server that takes webhooks and remembers them.
#pragma once

#include <libsoup/soup.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::emulator::test {

class HookReceiver {
 public:
  explicit HookReceiver(unsigned port = 0);
  ~HookReceiver();
  HookReceiver(const HookReceiver&) = delete;
  HookReceiver& operator=(const HookReceiver&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  unsigned port() const { return port_; }
  // The status of the answers from now on; a redirect leads to /elsewhere.
  void answer_with(unsigned status);
  // The bodies that came in, also those that were answered with an error.
  std::vector<std::string> bodies() const;
  // Names and values of headers that came in, "name: value".
  std::vector<std::string> headers() const;

 private:
  static void on_request(SoupServer* server, SoupServerMessage* message, const char* path,
                         GHashTable* query, gpointer data);
  void serve(unsigned port);

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  unsigned port_ = 0;
  bool started_ = false;
  unsigned status_ = 200;
  std::vector<std::string> bodies_;
  std::vector<std::string> headers_;
  MainContextPtr context_;
  MainLoopPtr loop_;
  std::thread thread_;
};

}  // namespace genpro::emulator::test
