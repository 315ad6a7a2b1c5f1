// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/exchange.h"

#include <array>
#include <utility>

#include "base/callback.h"
#include "base/text.h"
#include "http/retry_after.h"
#include "http/soup.h"

namespace genpro::api {

namespace {

// How long the body of an answer may take, in times of the longest silence.
constexpr int longest_body = 4;
// Nearly all answers fit in.
constexpr std::size_t read_size = 8 * 1024;

std::string header(SoupMessageHeaders* headers, const char* name) {
  const char* value = soup::message_headers_get_one(headers, name);
  return value != nullptr ? value : "";
}

// Whether the error means that no connection came about, so that the service saw nothing.
bool is_connect_error(const GError* error) {
  if (error->domain == G_RESOLVER_ERROR || error->domain == G_TLS_ERROR) return true;
  if (error->domain != G_IO_ERROR) return false;
  switch (error->code) {
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_HOST_NOT_FOUND:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE:
    case G_IO_ERROR_PROXY_FAILED:
    case G_IO_ERROR_PROXY_AUTH_FAILED:
    case G_IO_ERROR_PROXY_NEED_AUTH:
    case G_IO_ERROR_PROXY_NOT_ALLOWED:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::shared_ptr<Exchange> Exchange::start(Runtime& runtime, const HttpRequest& request,
                                          std::chrono::milliseconds silence, Done done) {
  struct Access : Exchange {
    explicit Access(Runtime& runtime) : Exchange(runtime) {}
  };
  auto exchange = std::make_shared<Access>(runtime);
  exchange->done_ = std::move(done);
  exchange->silence_ = silence;
  if (auto obstacle = soup::load()) {
    exchange->silence_timer_.start(std::chrono::milliseconds(0),
                                   [self = exchange.get(), obstacle] { self->fail_by(*obstacle); });
  } else {
    exchange->send(request);
  }
  return exchange;
}

void Exchange::send(const HttpRequest& request) {
  const UriPtr uri(
      g_uri_parse(request.url.text.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  message_ =
      ObjectPtr<SoupMessage>::adopt(soup::message_new_from_uri(request.method.c_str(), uri.get()));
  unsigned flags = SOUP_MESSAGE_NO_REDIRECT;
  // A kept connection may be closed by the server just as a POST is written to it, which leaves it
  // open whether the POST was taken. A new one makes that rare.
  if (request.method != "GET") {
    flags |= SOUP_MESSAGE_NEW_CONNECTION;
    purpose_ = http::Purpose::api_write;
  }
  soup::message_set_flags(message_.get(), static_cast<SoupMessageFlags>(flags));

  SoupMessageHeaders* headers = soup::message_get_request_headers(message_.get());
  soup::message_headers_replace(headers, "Accept", "application/json");
  for (const auto& [name, value] : request.headers) {
    soup::message_headers_replace(headers, name.c_str(), value.c_str());
  }
  if (!request.json_body.empty()) {
    const BytesPtr body(g_bytes_new(request.json_body.data(), request.json_body.size()));
    soup::message_set_request_body_from_bytes(message_.get(), "application/json", body.get());
  }
  if (request.body) send_body(*request.body);

  const auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  watch_.emplace(message_.get(), cancellable.get(), [this] { silence_timer_.restart(silence_); });
  // What libsoup reads without end can be bounded in HTTP/1.1 only, and this thread serves all.
  watch_->forbid_http2();
  if (request.may_leave) watch_->ask_before_sending(request.may_leave);
  silence_timer_.start(silence_, [this] { on_silence(); });
  url_ = request.url;
  network_ = request.network;
  session_ = runtime_.keep<http::Sessions>().session(purpose_, url_, network_);
  soup::session_send_async(
      session_, message_.get(), G_PRIORITY_DEFAULT, cancellable.get(), Runtime::finish,
      runtime_.async([self = shared_from_this()](GAsyncResult* r) { self->on_headers(r); }));
}

void Exchange::send_body(const StreamedBody& body) {
  on_sent_ = body.on_sent;
  soup::message_set_request_body(message_.get(), body.content_type.c_str(), body.open().get(),
                                 static_cast<gssize>(body.size));
  using Wrote = void (*)(SoupMessage*, guint, gpointer);
  const Wrote on_wrote = [](SoupMessage*, guint count, gpointer data) noexcept {
    guard_c_callback("sending", [count, self = static_cast<Exchange*>(data)] {
      self->sent_ += count;
      self->silence_timer_.restart(self->silence_);
      if (self->on_sent_) self->on_sent_(self->sent_);
    });
  };
  sent_handler_ = g_signal_connect(message_.get(), "wrote-body-data", G_CALLBACK(on_wrote), this);
}

void Exchange::on_silence() {
  if (!watch_->has_left_queue()) {
    const auto left = runtime_.keep<http::Sessions>().time_to_wait(purpose_, url_, silence_);
    if (left) return silence_timer_.restart(*left);
  }
  fail(HttpFailure::Kind::silent,
       "no answer for " + std::to_string(silence_.count() / 1000.0).substr(0, 5) + " s");
}

void Exchange::on_headers(GAsyncResult* result) {
  ErrorPtr error;
  auto stream =
      ObjectPtr<GInputStream>::adopt(soup::session_send_finish(session_, result, error.out()));
  if (!done_) return;
  stream_ = std::move(stream);
  if (const auto obstacle = watch_->obstacle(network_, error.get())) return fail_by(*obstacle);
  if (watch_->is_held_back()) {
    return fail(HttpFailure::Kind::unreachable, "the connection came too late");
  }
  if (!stream_) {
    return fail_by(error, is_connect_error(error.get()) ? HttpFailure::Kind::unreachable
                                                        : HttpFailure::Kind::broken);
  }
  SoupMessageHeaders* headers = soup::message_get_response_headers(message_.get());
  reply_.status = soup::message_get_status(message_.get());
  reply_.content_type = header(headers, "Content-Type");
  reply_.location = header(headers, "Location");
  reply_.retry_after = http::parse_retry_after(header(headers, "Retry-After"));
  if (soup::message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH &&
      static_cast<guint64>(soup::message_headers_get_content_length(headers)) > max_reply_size) {
    return fail(HttpFailure::Kind::too_large, "its answer is too large");
  }
  runtime_.keep<http::Sessions>().note_answer(purpose_, url_);
  watch_->watch_body(stream_.get(), read_size);
  silence_timer_.restart(silence_);
  // One that comes byte by byte is never silent, and would be waited for as long as it likes.
  body_timer_.start(longest_body * silence_,
                    [this] { fail(HttpFailure::Kind::silent, "its answer does not end"); });
  read();
}

// What is there already is taken at once. GLib's asynchronous reads take a turn of the loop each,
// which is most of what an answer costs that came whole.
void Exchange::read() {
  ready_.reset();
  GPollableInputStream* stream = G_POLLABLE_INPUT_STREAM(stream_.get());
  std::array<char, read_size> buffer;
  while (true) {
    ErrorPtr error;
    const gssize size = g_pollable_input_stream_read_nonblocking(
        stream, buffer.data(), buffer.size(), nullptr, error.out());
    if (error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) return read_when_ready();
    if (size < 0) return fail_by(error, HttpFailure::Kind::broken);
    if (size == 0) {
      is_complete_ = true;
      return finish(std::move(reply_));
    }
    if (reply_.body.size() + static_cast<std::size_t>(size) > max_reply_size) {
      return fail(HttpFailure::Kind::too_large, "its answer is too large");
    }
    watch_->on_body_bytes();
    silence_timer_.restart(silence_);
    reply_.body.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void Exchange::read_when_ready() {
  ready_.reset(
      g_pollable_input_stream_create_source(G_POLLABLE_INPUT_STREAM(stream_.get()), nullptr));
  const GPollableSourceFunc function = [](GObject*, gpointer data) noexcept -> gboolean {
    guard_c_callback("reading", [data] {
      const auto self = static_cast<Exchange*>(data)->shared_from_this();
      self->read();
    });
    return G_SOURCE_REMOVE;
  };
  // The source is destroyed with this object at the latest.
  g_source_set_callback(ready_.get(), G_SOURCE_FUNC(function), this, nullptr);
  g_source_attach(ready_.get(), g_main_context_get_thread_default());
}

void Exchange::fail(HttpFailure::Kind kind, std::string reason) {
  finish(HttpFailure{kind, std::move(reason), {}, watch_->is_sent()});
}

void Exchange::fail_by(const ErrorPtr& error, HttpFailure::Kind kind) {
  if (const char* endless = watch_->endless()) {
    return fail(HttpFailure::Kind::broken, std::string("it sends ") + endless + " without end");
  }
  fail(kind, one_line(error.message()));
}

void Exchange::fail_by(const http::Obstacle& obstacle) {
  finish(HttpFailure{HttpFailure::Kind::obstructed, obstacle.reason, obstacle.advice, false});
}

void Exchange::finish(Outcome outcome) {
  const auto self = shared_from_this();
  const Done done = std::move(done_);
  cancel();
  if (done) done(std::move(outcome));
}

void Exchange::cancel() {
  done_ = nullptr;
  silence_timer_.stop();
  body_timer_.stop();
  ready_.reset();
  // What has ended needs no system call to be told that it has.
  if (watch_ && !is_complete_) watch_->cancel();
  // The connection is free for others only when the stream is closed, and this object may be kept
  // until the next call.
  stream_.reset();
  watch_.reset();
  // The session may keep the message for a moment.
  if (sent_handler_ != 0) {
    g_signal_handler_disconnect(message_.get(), std::exchange(sent_handler_, 0));
  }
  on_sent_ = nullptr;
  message_.reset();
}

}  // namespace genpro::api
