// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/proxy.h"

#include <utility>

namespace genpro::test {

namespace {

std::string read_head(GInputStream* stream, GCancellable* cancellable) {
  std::string head;
  char letter = 0;
  while (!head.ends_with("\r\n\r\n")) {
    if (g_input_stream_read(stream, &letter, 1, cancellable, nullptr) <= 0) return {};
    head += letter;
  }
  return head;
}

void write(GOutputStream* stream, const std::string& text, GCancellable* cancellable) {
  g_output_stream_write_all(stream, text.data(), text.size(), nullptr, cancellable, nullptr);
}

// Until one side closes or all is over.
void relay(GIOStream* from, GIOStream* to, GCancellable* cancellable) {
  g_output_stream_splice(g_io_stream_get_output_stream(to), g_io_stream_get_input_stream(from),
                         G_OUTPUT_STREAM_SPLICE_NONE, cancellable, nullptr);
  g_socket_shutdown(g_socket_connection_get_socket(G_SOCKET_CONNECTION(to)), FALSE, TRUE, nullptr);
}

}  // namespace

Proxy::Proxy(int target, std::string login)
    : target_(target),
      login_(std::move(login)),
      cancellable_(ObjectPtr<GCancellable>::adopt(g_cancellable_new())),
      listener_(ObjectPtr<GSocketListener>::adopt(g_socket_listener_new())) {
  const auto any =
      ObjectPtr<GInetAddress>::adopt(g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4));
  const auto address = ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new(any.get(), 0));
  GSocketAddress* bound = nullptr;
  ErrorPtr error;
  if (!g_socket_listener_add_address(listener_.get(), address.get(), G_SOCKET_TYPE_STREAM,
                                     G_SOCKET_PROTOCOL_TCP, nullptr, &bound, error.out())) {
    g_error("no port for a proxy: %s", error.message().c_str());
  }
  port_ = g_inet_socket_address_get_port(
      G_INET_SOCKET_ADDRESS(ObjectPtr<GSocketAddress>::adopt(bound).get()));
  thread_ = std::thread([this] { serve(); });
}

Proxy::~Proxy() {
  g_cancellable_cancel(cancellable_.get());
  thread_.join();
}

std::vector<std::string> Proxy::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void Proxy::serve() {
  while (auto client = ObjectPtr<GSocketConnection>::adopt(
             g_socket_listener_accept(listener_.get(), nullptr, cancellable_.get(), nullptr))) {
    clients_.emplace_back([this, client] { handle(client); });
  }
  for (std::thread& client : clients_) client.join();
}

void Proxy::handle(const ObjectPtr<GSocketConnection>& client) {
  GIOStream* stream = G_IO_STREAM(client.get());
  GOutputStream* out = g_io_stream_get_output_stream(stream);
  while (true) {
    const std::string head = read_head(g_io_stream_get_input_stream(stream), cancellable_.get());
    if (head.empty()) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(head.substr(0, head.find("\r\n")));
    }
    const std::string word =
        take_string(g_base64_encode(reinterpret_cast<const guchar*>(login_.data()), login_.size()));
    if (login_.empty() || head.find("Proxy-Authorization: Basic " + word) != std::string::npos)
      break;
    write(out,
          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic "
          "realm=\"test\"\r\nContent-Length: 0\r\n\r\n",
          cancellable_.get());
  }
  const auto connector = ObjectPtr<GSocketClient>::adopt(g_socket_client_new());
  g_socket_client_set_enable_proxy(connector.get(), FALSE);
  const auto server = ObjectPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
      connector.get(), "127.0.0.1", static_cast<guint16>(target_), cancellable_.get(), nullptr));
  if (!server)
    return write(out, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", cancellable_.get());
  write(out, "HTTP/1.1 200 Connection established\r\n\r\n", cancellable_.get());
  std::thread back([&] { relay(G_IO_STREAM(server.get()), stream, cancellable_.get()); });
  relay(stream, G_IO_STREAM(server.get()), cancellable_.get());
  back.join();
}

}  // namespace genpro::test
