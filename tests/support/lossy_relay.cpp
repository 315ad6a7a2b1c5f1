// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/lossy_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace genpro::test {

namespace {

// How soon the end of the object is noticed.
constexpr int nap_ms = 50;

int new_socket() {
  return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

// Empty at the end.
std::string receive(int socket) {
  std::array<char, 16384> bytes{};
  const ssize_t size = ::recv(socket, bytes.data(), bytes.size(), 0);
  return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool send_all(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t size = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sent += static_cast<std::size_t>(size);
  }
  return true;
}

}  // namespace

LossyRelay::LossyRelay(int target) : target_(target), listener_(new_socket()) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, any, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, any, &size) != 0) {
    throw std::runtime_error("no port is free");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LossyRelay::~LossyRelay() {
  ends_ = true;
  thread_.join();
  ::close(listener_);
}

void LossyRelay::lose_answer_to(const std::string& words) {
  const std::lock_guard lock(mutex_);
  words_ = words;
}

bool LossyRelay::is_to_be_lost(const std::string& request) {
  const std::lock_guard lock(mutex_);
  if (words_.empty() || request.find(words_) == std::string::npos) return false;
  words_.clear();
  return true;
}

void LossyRelay::serve() {
  while (!ends_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, nap_ms) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) clients_.emplace_back([this, client] { relay(client); });
  }
  for (std::thread& client : clients_) client.join();
}

void LossyRelay::relay(int client) {
  const int server = new_socket();
  sockaddr_in address = loopback(target_);
  bool goes_on = ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  bool is_losing = false;
  while (goes_on && !ends_) {
    std::array<pollfd, 2> sockets{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    if (::poll(sockets.data(), sockets.size(), nap_ms) <= 0) continue;
    if (sockets[0].revents != 0) {
      const std::string request = receive(client);
      is_losing = is_losing || is_to_be_lost(request);
      goes_on = !request.empty() && send_all(server, request);
    }
    if (goes_on && sockets[1].revents != 0) {
      const std::string answer = receive(server);
      if (is_losing) ++lost_;
      goes_on = !is_losing && !answer.empty() && send_all(client, answer);
    }
  }
  ::close(server);
  ::close(client);
}

}  // namespace genpro::test
