// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/silent_peer.h"

namespace genpro::test {

SilentPeer::SilentPeer()
    : cancellable_(ObjectPtr<GCancellable>::adopt(g_cancellable_new())),
      socket_(ObjectPtr<GSocket>::adopt(g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                                     G_SOCKET_PROTOCOL_TCP, nullptr))) {
  auto address =
      ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", 0));
  g_socket_bind(socket_.get(), address.get(), FALSE, nullptr);
  g_socket_listen(socket_.get(), nullptr);
  auto bound = ObjectPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket_.get(), nullptr));
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
  thread_ = std::thread([this] { serve(); });
}

SilentPeer::~SilentPeer() {
  g_cancellable_cancel(cancellable_.get());
  thread_.join();
}

std::size_t SilentPeer::received() const {
  std::lock_guard lock(mutex_);
  return received_;
}

void SilentPeer::serve() {
  std::vector<std::thread> readers;
  while (true) {
    auto client =
        ObjectPtr<GSocket>::adopt(g_socket_accept(socket_.get(), cancellable_.get(), nullptr));
    if (!client) break;
    readers.emplace_back([this, client] { read(client); });
  }
  for (std::thread& reader : readers) reader.join();
}

void SilentPeer::read(const ObjectPtr<GSocket>& client) {
  char buffer[4096];
  gssize got = 0;
  while ((got = g_socket_receive(client.get(), buffer, sizeof buffer, cancellable_.get(),
                                 nullptr)) > 0) {
    std::lock_guard lock(mutex_);
    received_ += static_cast<std::size_t>(got);
  }
}

}  // namespace genpro::test
