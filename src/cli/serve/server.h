// SPDX-License-Identifier: LGPL-2.1-or-later
//
// HTTP on this machine's own addresses. A thread a connection, which holds one block of a body at a
// time, so that slow clients take little memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "cli/serve/message.h"

namespace genpro::cli {

class Server {
 public:
  static constexpr std::size_t most_connections = 64;
  // Called by the threads of connections. May wait, as long as the client is there. May throw
  // HttpError.
  using Handler = std::function<Response(const Request&, const Client&)>;

  // On 127.0.0.1 and, where there is one, ::1. Port 0: any that is free. Throws std::runtime_error.
  Server(std::uint16_t port, Handler handler);
  // Ends all connections.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  struct Connection {
    std::atomic<bool> is_done = false;
    std::jthread thread;
  };
  void accept_all(const std::stop_token& stop);
  void accept_one(int listener);

  const Handler handler_;
  std::uint16_t port_;
  std::vector<FileDescriptor> listeners_;
  FileDescriptor wake_;
  std::list<Connection> connections_;  // of the accepting thread
  std::jthread accepting_;
};

}  // namespace genpro::cli
