// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gio/gio.h>

#include "base/glib_ptr.h"

namespace genpro::test {

// Takes connections on a loopback port, reads what comes and never says a word: below HTTP, so that
// a TLS handshake hangs in it. Any thread.
class SilentPeer {
 public:
  SilentPeer();
  ~SilentPeer();
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;

  int port() const { return port_; }
  std::size_t received() const;  // bytes, on all connections together

 private:
  void serve();
  void read(const ObjectPtr<GSocket>& client);

  ObjectPtr<GCancellable> cancellable_;
  ObjectPtr<GSocket> socket_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::size_t received_ = 0;  // under mutex_
  std::thread thread_;
};

}  // namespace genpro::test
