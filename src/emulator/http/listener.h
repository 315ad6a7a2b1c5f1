// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A listening socket that outlives a shortage of file descriptors. The one of SoupServer stops
// listening for good when a single accept fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/glib_ptr.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

// The numeric address behind `host`, an address or a name. Throws std::runtime_error.
ObjectPtr<GInetAddress> resolve_host(const std::string& host);

class Listener {
 public:
  using Accepted = std::function<void(GSocket* connection)>;

  // Port 0: any free one. Throws std::runtime_error when the address cannot be had.
  Listener(const std::string& host, std::uint16_t port, Accepted accepted);

  GSocket* socket() const { return socket_.get(); }
  std::uint16_t port() const { return port_; }
  // "127.0.0.1:8787" or "[::1]:8787"
  const std::string& authority() const { return authority_; }

 private:
  void watch();
  bool accept();

  ObjectPtr<GSocket> socket_;
  Accepted accepted_;
  AttachedSourcePtr source_;
  Timer pause_;
  std::uint16_t port_ = 0;
  std::string authority_;
};

}  // namespace genpro::emulator
