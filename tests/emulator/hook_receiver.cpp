// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hook_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace genpro::emulator::test {

namespace {

// How often an end is looked for.
constexpr int tick_milliseconds = 20;

}  // namespace

HookReceiver::HookReceiver()
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_.get(), plain, size) != 0 || listen(listener_.get(), 16) != 0 ||
      getsockname(listener_.get(), plain, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "The receiver of webhooks");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HookReceiver::~HookReceiver() {
  ending_ = true;
  thread_.join();
}

void HookReceiver::serve() {
  while (!ending_) {
    pollfd polled{listener_.get(), POLLIN, 0};
    if (poll(&polled, 1, tick_milliseconds) <= 0) continue;
    const FileDescriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) answer(connection.get());
  }
}

void HookReceiver::answer(int connection) {
  std::string request;
  std::size_t head = std::string::npos;
  std::size_t length = 0;
  char buffer[4096];
  while (head == std::string::npos || request.size() < head + 4 + length) {
    pollfd polled{connection, POLLIN, 0};
    const int ready = poll(&polled, 1, tick_milliseconds);
    if (ending_) return;
    if (ready <= 0) continue;
    const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    request.append(buffer, static_cast<std::size_t>(got));
    if (head != std::string::npos) continue;
    head = request.find("\r\n\r\n");
    const auto at = request.find("Content-Length: ");
    if (at != std::string::npos) length = std::strtoul(request.c_str() + at + 16, nullptr, 10);
  }
  std::string reply;
  bool is_raw = false;
  bool is_endless = false;
  {
    const std::lock_guard lock(mutex_);
    headers_.push_back(request.substr(0, head));
    bodies_.push_back(request.substr(head + 4));
    reply = "HTTP/1.1 " + std::to_string(status_) +
            " Said\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    is_raw = raw_.has_value();
    if (raw_) reply = *raw_;
    is_endless = is_endless_;
  }
  // A peer that does not take so little has gone.
  [[maybe_unused]] const auto sent = send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
  if (is_endless) send_zeros(connection);
  if (is_raw) wait_for_close(connection);
}

void HookReceiver::send_zeros(int connection) {
  const std::vector<char> zeros(64 * 1024);
  std::size_t total = 0;
  while (!ending_) {
    pollfd polled{connection, POLLOUT, 0};
    if (poll(&polled, 1, tick_milliseconds) <= 0) continue;
    const ssize_t sent = send(connection, zeros.data(), zeros.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent <= 0) break;
    total += static_cast<std::size_t>(sent);
    most_sent_ = std::max(most_sent_.load(), total);
  }
}

void HookReceiver::wait_for_close(int connection) {
  char buffer[4096];
  while (!ending_) {
    pollfd polled{connection, POLLIN, 0};
    if (poll(&polled, 1, tick_milliseconds) > 0 &&
        recv(connection, buffer, sizeof buffer, 0) <= 0) {
      return;
    }
  }
}

void HookReceiver::answer_with(unsigned status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

void HookReceiver::answer_raw(std::string bytes) {
  const std::lock_guard lock(mutex_);
  raw_ = std::move(bytes);
}

void HookReceiver::answer_without_end(std::string head) {
  const std::lock_guard lock(mutex_);
  raw_ = std::move(head);
  is_endless_ = true;
}

std::vector<std::string> HookReceiver::bodies() const {
  const std::lock_guard lock(mutex_);
  return bodies_;
}

std::vector<std::string> HookReceiver::headers() const {
  const std::lock_guard lock(mutex_);
  return headers_;
}

}  // namespace genpro::emulator::test
