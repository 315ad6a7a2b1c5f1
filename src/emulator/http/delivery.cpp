// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/delivery.h"

#include <algorithm>
#include <utility>

#include "emulator/http/connection.h"

namespace genpro::emulator {

namespace {

constexpr double tick = 0.05;  // seconds

}  // namespace

void put_head(SoupServerMessage* message, const Reply& reply, std::size_t length) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  SoupMessageBody* body = soup_server_message_get_response_body(message);
  soup_message_body_truncate(body);
  // Sent pieces are let go, and the library leaves the ranges to us.
  soup_message_body_set_accumulate(body, FALSE);
  if (reply.status == SOUP_STATUS_NO_CONTENT) {
    // The library ends the connection after one, and does not say so.
    soup_message_headers_replace(headers, "Connection", "close");
    soup_message_headers_remove(headers, "Content-Type");
  } else {
    soup_message_headers_replace(headers, "Content-Type", reply.content_type.c_str());
  }
  for (const auto& [name, value] : reply.headers) {
    soup_message_headers_replace(headers, name.c_str(), value.c_str());
  }
  soup_message_headers_set_content_length(
      headers, reply.announced_length >= 0 ? reply.announced_length : static_cast<goffset>(length));
  soup_server_message_set_status(message, reply.status, nullptr);
}

DisturbedBody::DisturbedBody(SoupServerMessage* message, GBytes* bytes,
                             std::optional<std::uint64_t> cut_after,
                             std::optional<double> bytes_per_second, std::function<void()> cut)
    : message_(message),
      bytes_(g_bytes_ref(bytes)),
      end_(g_bytes_get_size(bytes)),
      rate_(bytes_per_second.value_or(0)),
      started_at_(g_get_monotonic_time()) {
  if (cut_after && *cut_after < end_) {
    end_ = static_cast<std::size_t>(*cut_after);
    cut_ = std::move(cut);
  }
  g_signal_connect(message_, "finished", G_CALLBACK(&DisturbedBody::on_gone), this);
  g_signal_connect(message_, "disconnected", G_CALLBACK(&DisturbedBody::on_gone), this);
  if (rate_ > 0) {
    timer_.start(tick, [this] { append_due(); });
  } else {
    append(end_);
  }
}

DisturbedBody::~DisturbedBody() {
  g_signal_handlers_disconnect_by_data(message_, this);
}

// A message without a connection must not be resumed.
void DisturbedBody::on_gone(SoupServerMessage*, gpointer data) {
  static_cast<DisturbedBody*>(data)->timer_.cancel();
}

void DisturbedBody::append_due() {
  const double elapsed = static_cast<double>(g_get_monotonic_time() - started_at_) / 1e6;
  const double due = std::min(elapsed * rate_, static_cast<double>(end_));
  const auto wanted = static_cast<std::size_t>(due);
  const bool resume = wanted > appended_;
  if (resume) append(wanted - appended_);
  if (appended_ < end_) timer_.start(tick, [this] { append_due(); });
  // The library has paused the message when it ran out of bytes.
  if (resume) soup_server_message_unpause(message_);
}

void DisturbedBody::append(std::size_t size) {
  SoupMessageBody* body = soup_server_message_get_response_body(message_);
  const BytesPtr part(g_bytes_new_from_bytes(bytes_.get(), appended_, size));
  soup_message_body_append_bytes(body, part.get());
  appended_ += size;
  if (appended_ == end_ && !cut_) soup_message_body_complete(body);
}

void DisturbedBody::written(std::size_t size) {
  written_ += size;
  if (!cut_ || written_ < end_) return;
  // Not from here: the library is in the middle of writing. A copy, as the end of the connection is
  // the end of this object.
  timer_.start(0, [cut = cut_] { cut(); });
}

std::shared_ptr<ReplyStream> MessageStream::begin(SoupServerMessage* message, const Reply& reply) {
  put_head(message, reply, 0);
  // For a client of HTTP/1.0, which knows no chunks, the end of the connection is the end.
  const bool old = soup_server_message_get_http_version(message) == SOUP_HTTP_1_0;
  soup_message_headers_set_encoding(soup_server_message_get_response_headers(message),
                                    old ? SOUP_ENCODING_EOF : SOUP_ENCODING_CHUNKED);
  return std::make_shared<MessageStream>(message);
}

MessageStream::MessageStream(SoupServerMessage* message)
    : message_(ObjectPtr<SoupServerMessage>::ref(message)) {
  g_signal_connect(message, "wrote-chunk", G_CALLBACK(&MessageStream::on_written), this);
  g_signal_connect(message, "finished", G_CALLBACK(&MessageStream::on_finished), this);
  g_signal_connect(message, "disconnected", G_CALLBACK(&MessageStream::on_finished), this);
}

MessageStream::~MessageStream() {
  g_signal_handlers_disconnect_by_data(message_.get(), this);
  // Nothing is ever written to it again.
  if (closed_) return;
  if (Connection* connection = Connection::of(message_.get())) connection->end();
}

// Nothing is read while an answer goes on, so that nobody else would notice before much is written.
bool MessageStream::is_closed() const {
  if (closed_) return true;
  const Connection* connection = Connection::of(message_.get());
  return connection == nullptr || connection->client_has_left();
}

void MessageStream::write(const std::string& text) {
  if (closed_ || text.empty()) return;
  const BytesPtr bytes(g_bytes_new(text.data(), text.size()));
  soup_message_body_append_bytes(soup_server_message_get_response_body(message_.get()),
                                 bytes.get());
  ++unwritten_;
  // The library has paused it when there was nothing left to write.
  soup_server_message_unpause(message_.get());
}

void MessageStream::on_written(SoupServerMessage*, gpointer data) {
  auto* self = static_cast<MessageStream*>(data);
  if (self->unwritten_ > 0) --self->unwritten_;
}

void MessageStream::on_finished(SoupServerMessage*, gpointer data) {
  static_cast<MessageStream*>(data)->closed_ = true;
}

}  // namespace genpro::emulator
