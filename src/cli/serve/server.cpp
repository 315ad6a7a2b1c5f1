// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "base/glib_ptr.h"

namespace genpro::cli {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t longest_head = 16 * 1024;
constexpr std::size_t block_size = 128 * 1024;
// For a whole request, from the end of the one before it.
constexpr auto longest_idle = 30s;
// A player that is paused reads nothing for as long.
constexpr time_t longest_pause = 3600;
// For what a client still sends that has been refused.
constexpr auto longest_linger = 1s;

FileDescriptor listen_at(const sockaddr* address, socklen_t size) {
  FileDescriptor listener(
      socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return listener;
  constexpr int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address->sa_family == AF_INET6) {
    setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  }
  if (bind(listener.get(), address, size) != 0 || listen(listener.get(), SOMAXCONN) != 0) {
    const int reason = errno;
    listener = FileDescriptor();
    errno = reason;
  }
  return listener;
}

FileDescriptor listen_at_ipv4(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return listen_at(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

FileDescriptor listen_at_ipv6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(port);
  return listen_at(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

[[noreturn]] void fail(std::uint16_t port, int reason) {
  throw std::runtime_error(
      "Port " + std::to_string(port) +
      " of this machine cannot be listened on: " + g_strerror(reason) +
      (reason == EADDRINUSE ? ". Another program has it: name another one with --port." : "."));
}

// The same port for both, so that `localhost` is never another program's.
std::vector<FileDescriptor> listen_at_loopback(std::uint16_t port) {
  constexpr int tries = 16;
  for (int count = 1;; ++count) {
    std::vector<FileDescriptor> listeners;
    listeners.push_back(listen_at_ipv4(port));
    if (!listeners.back()) fail(port, errno);
    const std::uint16_t chosen = port_of(listeners.back().get());
    listeners.push_back(listen_at_ipv6(chosen));
    if (listeners.back()) return listeners;
    const int reason = errno;
    listeners.pop_back();
    if (reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL) return listeners;
    if (port != 0 || count == tries) fail(chosen, reason);
  }
}

class Peer final : public Client {
 public:
  Peer(FileDescriptor socket, std::stop_token stop, const Server::Handler& handler)
      : socket_(std::move(socket)), stop_(std::move(stop)), handler_(handler) {
    constexpr int yes = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const timeval pause{longest_pause, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &pause, sizeof pause);
  }

  void serve() {
    // Wakes whatever waits for the socket.
    const std::stop_callback end(stop_, [this] { shutdown(socket_.get(), SHUT_RDWR); });
    while (serve_one()) continue;
    linger();
  }

  bool is_there() const override {
    if (stop_.stop_requested()) return false;
    pollfd state{socket_.get(), POLLRDHUP, 0};
    return poll(&state, 1, 0) <= 0;
  }
  const std::stop_token& interrupted() const override { return stop_; }

 private:
  // Whether another one may follow.
  bool serve_one() {
    bool stays_open = false;
    bool is_head = false;
    Response response;
    try {
      const auto head = read_head();
      if (!head) return false;
      const Request request = parse_request(*head);
      stays_open = request.stays_open;
      is_head = request.is_head();
      response = handler_(request, *this);
    } catch (const HttpError& error) {
      response = response_of(error);
    } catch (const std::exception& error) {
      response = response_of(HttpError(500, error.what()));
    }
    return respond(response, stays_open, is_head) && stays_open;
  }

  // Nothing: the client has left, or says nothing.
  std::optional<std::string> read_head() {
    constexpr std::string_view end = "\r\n\r\n";
    const auto deadline = Clock::now() + longest_idle;
    while (true) {
      const std::size_t size = buffer_.find(end);
      if (std::min(size, buffer_.size()) > longest_head) {
        throw HttpError(431, "The head of the request is larger than 16 KiB.");
      }
      if (size != std::string::npos) {
        std::string head = buffer_.substr(0, size);
        buffer_.erase(0, size + end.size());
        return head;
      }
      if (!receive(deadline)) return std::nullopt;
    }
  }

  bool receive(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd state{socket_.get(), POLLIN, 0};
    if (left <= 0ms || poll(&state, 1, static_cast<int>(left.count())) <= 0) return false;
    std::array<char, 4096> bytes;
    const ssize_t count = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    return true;
  }

  bool send_all(const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t count = send(socket_.get(), at, size, MSG_NOSIGNAL);
      if (count <= 0) return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }

  bool respond(const Response& response, bool stays_open, bool is_head) {
    std::string head = head_text(response, stays_open);
    const bool has_content = !is_head && response.status != 304;
    if (has_content && !response.body) head += response.text;
    if (!send_all(head.data(), head.size())) return false;
    if (!has_content || !response.body) return true;
    std::vector<unsigned char> block(block_size);
    for (std::uint64_t at = response.range.first; at < response.range.end;) {
      const auto wanted = std::min<std::uint64_t>(block.size(), response.range.end - at);
      const std::size_t count =
          response.body->read(at, std::span(block).first(static_cast<std::size_t>(wanted)), *this);
      if (count == 0 || !send_all(block.data(), count)) return false;
      at += count;
    }
    return true;
  }

  // A connection that is closed with bytes unread takes the answer away from its client.
  void linger() {
    shutdown(socket_.get(), SHUT_WR);
    const auto deadline = Clock::now() + longest_linger;
    while (receive(deadline)) buffer_.clear();
  }

  const FileDescriptor socket_;
  const std::stop_token stop_;
  const Server::Handler& handler_;
  std::string buffer_;  // read, and not parsed yet
};

}  // namespace

Server::Server(std::uint16_t port, Handler handler)
    : handler_(std::move(handler)),
      listeners_(listen_at_loopback(port)),
      wake_(eventfd(0, EFD_CLOEXEC)) {
  if (!wake_) throw std::runtime_error(std::string("No event can be made: ") + g_strerror(errno));
  port_ = port_of(listeners_.front().get());
  accepting_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
}

Server::~Server() {
  accepting_.request_stop();
  eventfd_write(wake_.get(), 1);
  accepting_.join();
}

void Server::accept_all(const std::stop_token& stop) {
  std::vector<pollfd> events = {{wake_.get(), POLLIN, 0}};
  for (const FileDescriptor& listener : listeners_) events.push_back({listener.get(), POLLIN, 0});
  while (!stop.stop_requested()) {
    if (poll(events.data(), events.size(), -1) < 0) continue;
    std::erase_if(connections_, [](const Connection& one) { return one.is_done.load(); });
    for (std::size_t i = 1; i < events.size(); ++i) {
      if (events[i].revents != 0) accept_one(events[i].fd);
    }
  }
  for (Connection& connection : connections_) connection.thread.request_stop();
  connections_.clear();
}

void Server::accept_one(int listener) {
  FileDescriptor socket(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) {
    // Such as for lack of descriptors, which others may give back.
    if (errno != EAGAIN && errno != ECONNABORTED) {
      pollfd woken{wake_.get(), POLLIN, 0};
      poll(&woken, 1, 100);
    }
    return;
  }
  if (connections_.size() >= most_connections) {
    constexpr std::string_view answer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    std::array<char, 4096> request;
    recv(socket.get(), request.data(), request.size(), MSG_DONTWAIT);
    send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  Connection& connection = connections_.emplace_back();
  try {
    connection.thread = std::jthread(
        [this, &connection, held = std::move(socket)](const std::stop_token& stop) mutable {
          Peer(std::move(held), stop, handler_).serve();
          connection.is_done = true;
        });
  } catch (const std::system_error&) {
    connections_.pop_back();
  }
}

}  // namespace genpro::cli
