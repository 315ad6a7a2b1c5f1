// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/listener.h"

#include <stdexcept>
#include <utility>

namespace genpro::emulator {

ObjectPtr<GInetAddress> resolve_host(const std::string& host) {
  if (host == "localhost") {
    return ObjectPtr<GInetAddress>::adopt(g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4));
  }
  auto address = ObjectPtr<GInetAddress>::adopt(g_inet_address_new_from_string(host.c_str()));
  if (address) return address;
  const auto resolver = ObjectPtr<GResolver>::adopt(g_resolver_get_default());
  ErrorPtr error;
  GList* found = g_resolver_lookup_by_name(resolver.get(), host.c_str(), nullptr, error.out());
  if (found == nullptr) {
    throw std::runtime_error("The host \"" + host + "\" is unknown: " + error.message() +
                             ". Give an address of this machine, such as 127.0.0.1.");
  }
  address = ObjectPtr<GInetAddress>::ref(G_INET_ADDRESS(found->data));
  g_resolver_free_addresses(found);
  return address;
}

Listener::Listener(const std::string& host, std::uint16_t port, Accepted accepted)
    : accepted_(std::move(accepted)) {
  const auto address = resolve_host(host);
  const auto where = take_string(g_inet_address_to_string(address.get()));
  const auto family = g_inet_address_get_family(address.get());
  ErrorPtr error;
  socket_ = ObjectPtr<GSocket>::adopt(
      g_socket_new(family, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error.out()));
  const auto target =
      ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new(address.get(), port));
  if (socket_) {
    g_socket_set_blocking(socket_.get(), FALSE);
    g_socket_set_listen_backlog(socket_.get(), 512);
  }
  if (!socket_ || !g_socket_bind(socket_.get(), target.get(), TRUE, error.out()) ||
      !g_socket_listen(socket_.get(), error.out())) {
    throw std::runtime_error("Cannot listen on " + where + " port " + std::to_string(port) + ": " +
                             error.message() + ". Choose another --port, or 0 for any free one.");
  }
  const auto local =
      ObjectPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket_.get(), error.out()));
  if (!local) throw std::runtime_error("The listening socket has no address: " + error.message());
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local.get()));
  authority_ =
      (family == G_SOCKET_FAMILY_IPV6 ? "[" + where + "]" : where) + ":" + std::to_string(port_);
  watch();
}

void Listener::watch() {
  source_ = watch_socket(socket_.get(), [this] { return accept(); });
}

// False when nothing more can be accepted for now.
bool Listener::accept() {
  ErrorPtr error;
  const auto connection =
      ObjectPtr<GSocket>::adopt(g_socket_accept(socket_.get(), nullptr, error.out()));
  if (connection) {
    accepted_(connection.get());
    return true;
  }
  if (error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
      error.matches(G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)) {
    return true;
  }
  // Most likely no file descriptor is left. The connection stays in the backlog and would wake
  // this at once again: wait until some other has closed.
  pause_.start(0.1, [this] { watch(); });
  return false;
}

}  // namespace genpro::emulator
