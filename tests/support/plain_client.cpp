// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/plain_client.h"

#include <libsoup/soup.h>

#include "base/glib_ptr.h"

namespace genpro::test {

Reply send(const char* method, const std::string& url, const RequestHeaders& headers,
           const std::string& body, GCancellable* cancellable) {
  auto session = ObjectPtr<SoupSession>::adopt(soup_session_new());
  auto message = ObjectPtr<SoupMessage>::adopt(soup_message_new(method, url.c_str()));
  for (const auto& [name, value] : headers)
    soup_message_headers_append(soup_message_get_request_headers(message.get()), name.c_str(),
                                value.c_str());
  soup_message_add_flags(message.get(), SOUP_MESSAGE_NO_REDIRECT);
  if (!body.empty()) {
    BytesPtr bytes(g_bytes_new(body.data(), body.size()));
    soup_message_set_request_body_from_bytes(message.get(), "application/json", bytes.get());
  }
  ErrorPtr error;
  BytesPtr answer(
      soup_session_send_and_read(session.get(), message.get(), cancellable, error.out()));
  Reply reply;
  reply.status = static_cast<int>(soup_message_get_status(message.get()));
  reply.error = error.message();
  if (answer) {
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(answer.get(), &size));
    if (data != nullptr) reply.body.assign(data, size);
  }
  soup_message_headers_foreach(
      soup_message_get_response_headers(message.get()),
      [](const char* name, const char* value, gpointer data) {
        (*static_cast<std::map<std::string, std::string>*>(data))[name] = value;
      },
      &reply.headers);
  return reply;
}

std::string send_plain(const std::string& origin, const std::string& path) {
  const int port = std::stoi(origin.substr(origin.rfind(':') + 1));
  auto client = ObjectPtr<GSocketClient>::adopt(g_socket_client_new());
  auto connection = ObjectPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
      client.get(), "127.0.0.1", static_cast<guint16>(port), nullptr, nullptr));
  if (!connection) return "no connection";
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection.get())),
                            request.data(), request.size(), nullptr, nullptr, nullptr);
  GInputStream* in = g_io_stream_get_input_stream(G_IO_STREAM(connection.get()));
  std::string all;
  char buffer[4096];
  for (gssize got = 0;
       (got = g_input_stream_read(in, buffer, sizeof buffer, nullptr, nullptr)) > 0;)
    all.append(buffer, static_cast<std::size_t>(got));
  return all;
}

}  // namespace genpro::test
