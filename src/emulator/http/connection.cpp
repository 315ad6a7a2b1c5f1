// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

namespace genpro::emulator {

namespace {

constexpr const char* connection_key = "genpro-connection";

std::string as_http(const Reply& reply) {
  std::string text =
      "HTTP/1.1 " + std::to_string(reply.status) + " " + soup_status_get_phrase(reply.status) +
      "\r\nServer: genpro-emulator\r\nConnection: close\r\nContent-Type: " + reply.content_type +
      "\r\nContent-Length: " + std::to_string(reply.text.size()) + "\r\n";
  for (const auto& [name, value] : reply.headers) {
    if (name != "Connection") text += name + ": " + value + "\r\n";
  }
  return text + "\r\n" + reply.text;
}

// Whether all was taken at once, which is so unless the client has gone or reads nothing.
bool send_at_once(GSocket* socket, const std::string& text) {
  return g_socket_send_with_blocking(socket, text.data(), text.size(), FALSE, nullptr, nullptr) ==
         static_cast<gssize>(text.size());
}

}  // namespace

ApiError head_too_large(bool is_url) {
  return is_url ? ApiError(414, "uri_too_long",
                           "The URL of the request is longer than 64 kB. Use a shorter one.")
                : ApiError(431, "headers_too_large",
                           "The headers of the request are larger than 64 kB. Send less.");
}

Connection::Connection(Connections& owner, GSocket* socket, GSocketAddress* remote)
    : owner_(owner),
      socket_(ObjectPtr<GSocket>::ref(socket)),
      remote_(ObjectPtr<GSocketAddress>::ref(remote)),
      since_(g_get_monotonic_time()) {
  g_object_set_data(G_OBJECT(remote), connection_key, this);
}

Connection::~Connection() {
  g_object_set_data(G_OBJECT(remote_.get()), connection_key, nullptr);
  if (stream_ != nullptr) leave_stream(stream_);
}

Connection* Connection::of(SoupServerMessage* message) {
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  return remote != nullptr
             ? static_cast<Connection*>(g_object_get_data(G_OBJECT(remote), connection_key))
             : nullptr;
}

void Connection::enter(State state) {
  state_ = state;
  since_ = g_get_monotonic_time();
}

void Connection::started(SoupServerMessage* message) {
  // The first message is there before its first byte, a later one comes with it.
  if (message_ && state_ == State::idle) enter(State::head);
  message_ = ObjectPtr<SoupServerMessage>::ref(message);
  under_way_ = true;
}

void Connection::finished() {
  under_way_ = false;
  // Without an answer it has failed, and the library closes the connection next.
  if (state_ != State::answer) return;
  head_size_ = 0;
  has_line_ = false;
  enter(State::idle);
}

void Connection::bytes_read(std::string_view bytes) {
  if (state_ == State::idle) enter(State::head);
  if (state_ == State::head) {
    head_size_ += bytes.size();
    has_line_ = has_line_ || bytes.find('\n') != std::string_view::npos;
  } else if (state_ == State::body) {
    since_ = g_get_monotonic_time();
  }
}

bool Connection::hides_end(bool lost) {
  // The library closes the connection of a message. While there is none it would lose it.
  if (under_way_ || (!lost && state_ != State::idle)) return false;
  leaving_.start(0, [this] { end(); });
  return true;
}

bool Connection::client_has_left() const {
  char byte = 0;
  const auto got = recv(g_socket_get_fd(socket_.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

void Connection::fall_silent() {
  const auto message = message_;
  const auto socket = socket_;
  Connections& owner = owner_;
  owner.remove(*this);  // and with it this object
  owner.linger(socket.get(), std::numeric_limits<double>::infinity(),
               ObjectPtr<GIOStream>::adopt(soup_server_message_steal_connection(message.get())));
}

void Connection::end(const Reply* answer) {
  if (answer != nullptr) answer_ = as_http(*answer);
  enter(State::answer);  // unless there is one, nothing is to be said
  const auto message = message_;
  const auto stream =
      ObjectPtr<GIOStream>::adopt(soup_server_message_steal_connection(message.get()));
  if (stream) g_io_stream_close(stream.get(), nullptr, nullptr);
}

bool Connection::is_overdue(std::int64_t now) const {
  if (state_ == State::answer || !message_) return false;
  const double limit = state_ == State::idle ? owner_.times_.idle : owner_.times_.stalled;
  return static_cast<double>(now - since_) / 1e6 > limit;
}

// The library closes a connection without a word when it cannot make sense of it.
std::string Connection::last_words() const {
  if (!answer_.empty() || owner_.shut_) return answer_;
  if (state_ == State::body) {
    return as_http(error_reply(400, "bad_request",
                               "The body of the request is not well-formed, or it ends too early. "
                               "Check its Content-Length or its chunks."));
  }
  if (state_ != State::head) return {};
  if (head_size_ <= max_head) {
    return as_http(error_reply(400, "bad_request", "The request is not well-formed HTTP."));
  }
  const ApiError error = head_too_large(!has_line_);
  return as_http(error_reply(error.status(), error.code(), error.what()));
}

bool Connection::keeps_socket() {
  stream_ = nullptr;
  const std::string words = last_words();
  const bool kept = !words.empty() && send_at_once(socket_.get(), words);
  // Closed at once, with bytes that nobody has read, the client would lose the answer.
  if (kept) {
    g_socket_shutdown(socket_.get(), FALSE, TRUE, nullptr);
    owner_.linger(socket_.get(), owner_.times_.lingering);
  }
  owner_.remove(*this);
  return kept;
}

struct Connections::Lingering {
  ObjectPtr<GSocket> socket;
  ObjectPtr<GIOStream> stream;
  std::int64_t since = g_get_monotonic_time();
  double seconds = 0;
  AttachedSourcePtr source;

  ~Lingering() {
    source.reset();
    g_socket_close(socket.get(), nullptr);
  }
};

Connections::Connections(const ConnectionTimes& times) : times_(times) {}
Connections::~Connections() = default;

ObjectPtr<GIOStream> Connections::add(GSocket* socket, GSocketAddress* remote) {
  Connection& connection = *all_.emplace_back(std::make_unique<Connection>(*this, socket, remote));
  auto stream = watched_stream(socket, &connection);
  connection.stream_ = stream.get();
  sweep_later();
  return stream;
}

void Connections::remove(const Connection& connection) {
  all_.remove_if([&](const auto& one) { return one.get() == &connection; });
}

void Connections::sweep_later() {
  if (std::exchange(sweeping_, true)) return;
  const double shortest = std::min({times_.idle, times_.stalled, times_.lingering});
  sweep_timer_.start(std::min(1.0, shortest / 2), [this] { sweep(); });
}

void Connections::sweep() {
  sweeping_ = false;
  const std::int64_t now = g_get_monotonic_time();
  std::vector<Connection*> overdue;
  for (const auto& one : all_) {
    if (one->is_overdue(now)) overdue.push_back(one.get());
  }
  const Reply late = error_reply(408, "request_timeout",
                                 "The rest of the request has not come for too long. Send it "
                                 "again, in one go.");
  // The end of one is not the end of another.
  for (Connection* one : overdue)
    one->end(one->state_ == Connection::State::idle ? nullptr : &late);
  lingering_.remove_if(
      [&](const auto& one) { return static_cast<double>(now - one->since) / 1e6 > one->seconds; });
  if (!all_.empty() || !lingering_.empty()) sweep_later();
}

void Connections::linger(GSocket* socket, double seconds, ObjectPtr<GIOStream> stream) {
  Lingering& rest = *lingering_.emplace_back(std::make_unique<Lingering>());
  rest.socket = ObjectPtr<GSocket>::ref(socket);
  rest.stream = std::move(stream);
  rest.seconds = seconds;
  rest.source = watch_socket(socket, [this, &rest] {
    char ignored[64 * 1024];
    ErrorPtr error;
    const gssize got = g_socket_receive_with_blocking(rest.socket.get(), ignored, sizeof ignored,
                                                      FALSE, nullptr, error.out());
    if (got > 0 || error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) return true;
    lingering_.remove_if([&rest](const auto& one) { return one.get() == &rest; });
    return false;
  });
  sweep_later();
}

}  // namespace genpro::emulator
