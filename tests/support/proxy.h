// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::test {

// A forward proxy on a loopback port that connects whatever host it is asked for to one port of
// this machine. Any thread.
class Proxy {
 public:
  // `login` is "user:password", or empty for everybody.
  Proxy(int target, std::string login);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  int port() const { return port_; }
  // First lines of the requests, such as "CONNECT clips.test:443 HTTP/1.1".
  std::vector<std::string> requests() const;

 private:
  void serve();
  void handle(const ObjectPtr<GSocketConnection>& client);

  const int target_;
  const std::string login_;
  ObjectPtr<GCancellable> cancellable_;
  ObjectPtr<GSocketListener> listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // under mutex_
  std::vector<std::thread> clients_;   // of the serving thread
  std::thread thread_;
};

}  // namespace genpro::test
