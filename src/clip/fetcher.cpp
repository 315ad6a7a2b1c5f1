// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/fetcher.h"

#include "base/text.h"

namespace genpro::clip {

namespace {

constexpr int max_redirects = 10;

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string header(SoupMessage* message, const char* name) {
  const char* value =
      soup_message_headers_get_one(soup_message_get_response_headers(message), name);
  return value != nullptr ? std::string(trim(value)) : std::string();
}

}  // namespace

// One request and its answer. A connection that is not the current one any more reports back to
// nobody: each callback compares.
struct Fetcher::Connection {
  SoupSession* session = nullptr;  // of the runtime
  ObjectPtr<SoupMessage> message;
  ObjectPtr<GInputStream> stream;
  ObjectPtr<GCancellable> cancellable;
  // Bytes of the body to skip, for a server that answers a range with the whole clip.
  std::uint64_t skip = 0;
  std::unique_ptr<unsigned char[], Releaser<g_free>> buffer;
};

Fetcher::Fetcher(Runtime& runtime, ReaderSettings settings, Reader::Channel channel)
    : runtime_(runtime),
      settings_(std::move(settings)),
      channel_(std::move(channel)),
      url_(settings_.url) {}

void Fetcher::seek(std::uint64_t offset, std::uint64_t epoch) {
  disconnect();
  backoff_.reset();
  boxes_.reset();
  if (offset == 0) boxes_.emplace();
  offset_ = offset;
  epoch_ = epoch;
  if (identity_ && identity_->total && offset_ >= *identity_->total) return end();
  begin();
}

void Fetcher::resume(std::uint64_t epoch) {
  if (epoch == epoch_ && connection_ && connection_->stream) read(connection_);
}

void Fetcher::cancel() {
  disconnect();
}

void Fetcher::disconnect() {
  retry_timer_.stop();
  stall_timer_.stop();
  if (connection_) g_cancellable_cancel(connection_->cancellable.get());
  connection_.reset();
}

ErrorKind Fetcher::read_kind() const {
  return delivered_ ? ErrorKind::read : ErrorKind::open_read;
}

void Fetcher::begin() {
  url_ = settings_.url;
  redirects_ = 0;
  connect();
}

void Fetcher::connect() {
  disconnect();
  auto connection = std::make_shared<Connection>();
  connection_ = connection;
  const UriPtr uri(
      g_uri_parse(url_.text.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  if (!uri) {
    return fail(ErrorKind::open_read,
                "The clip's address cannot be used. Ask the service's support for it.", url_.text);
  }
  connection->message = ObjectPtr<SoupMessage>::adopt(soup_message_new_from_uri("GET", uri.get()));
  connection->cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  // Redirects are followed here, where https cannot become http and their number is bounded.
  soup_message_set_flags(connection->message.get(), SOUP_MESSAGE_NO_REDIRECT);

  SoupMessageHeaders* headers = soup_message_get_request_headers(connection->message.get());
  soup_message_headers_replace(headers, "Accept-Encoding", "identity");
  // Also from byte 0: the answer then says whether ranges are honoured.
  soup_message_headers_replace(headers, "Range",
                               ("bytes=" + std::to_string(offset_) + "-").c_str());
  if (identity_ && offset_ > 0 && !identity_->validator().empty()) {
    soup_message_headers_replace(headers, "If-Range", identity_->validator().c_str());
  }

  stall_timer_.start(settings_.stall_timeout, [this] {
    retry("no byte came for " + std::to_string(settings_.stall_timeout.count() / 1000) + " s");
  });
  connection->session = runtime_.session(Runtime::Purpose::clip, url_);
  soup_session_send_async(connection->session, connection->message.get(), G_PRIORITY_DEFAULT,
                          connection->cancellable.get(), Runtime::finish,
                          runtime_.async([self = shared_from_this(), connection](GAsyncResult* r) {
                            self->on_headers(connection, r);
                          }));
}

void Fetcher::on_headers(const ConnectionPtr& connection, GAsyncResult* result) {
  ErrorPtr error;
  connection->stream = ObjectPtr<GInputStream>::adopt(
      soup_session_send_finish(connection->session, result, error.out()));
  if (connection != connection_) return;
  if (!connection->stream) return retry(one_line(error.message(), 200));

  const unsigned status = soup_message_get_status(connection->message.get());
  if (is_redirect(status)) return on_redirect(connection);
  if (status != SOUP_STATUS_OK && status != SOUP_STATUS_PARTIAL_CONTENT) {
    return on_refusal(connection, status);
  }
  if (accept(connection)) read(connection);
}

void Fetcher::on_redirect(const ConnectionPtr& connection) {
  const std::string location = header(connection->message.get(), "Location");
  auto target = resolve_url(url_, location);
  std::string wrong;
  if (!target) {
    wrong = target.error();
  } else if (url_.scheme == "https" && target->scheme != "https") {
    wrong = "it leads from https to http";
  } else if (++redirects_ > max_redirects) {
    wrong = "it is redirected more than " + std::to_string(max_redirects) + " times";
  }
  if (!wrong.empty()) {
    return fail(read_kind(),
                "The clip's address is redirected where it cannot be followed: " +
                    one_line(wrong, 120) + ". Ask the service's support for the clip.",
                url_.without_query() + " redirects to " +
                    one_line(target ? target->without_query() : location, 200),
                soup_message_get_status(connection->message.get()));
  }
  url_ = std::move(*target);
  connect();
}

bool Fetcher::accept(const ConnectionPtr& connection) {
  SoupMessage* message = connection->message.get();
  const unsigned status = soup_message_get_status(message);
  const Part part = read_part(message, offset_);
  const std::string debug = url_.without_query() + " answered HTTP " + std::to_string(status);

  const std::string encoding = header(message, "Content-Encoding");
  if (!encoding.empty() && g_ascii_strcasecmp(encoding.c_str(), "identity") != 0) {
    fail(ErrorKind::wrong_type,
         "The clip's server sends it encoded (" + one_line(encoding, 40) +
             "), though it was asked for the bytes as they are. Ask the service's support for "
             "the clip.",
         debug, status);
    return false;
  }
  if (!part.wrong.empty()) {
    fail(read_kind(),
         "The clip's server gave an answer that cannot be trusted: " + part.wrong +
             ". Try again later.",
         debug, status);
    return false;
  }
  const std::string changed = identity_ ? difference(*identity_, part.identity) : "";
  if (!changed.empty()) {
    fail(read_kind(),
         "The clip changed while it was read: " + changed +
             ". What was read so far is not the clip; start again.",
         debug, status);
    return false;
  }
  if (part.identity.total && *part.identity.total > settings_.max_size) {
    fail(ErrorKind::too_large,
         "The clip has " + std::to_string(*part.identity.total) +
             " bytes, more than max-clip-size allows (" + std::to_string(settings_.max_size) +
             "). Raise max-clip-size to take it.",
         debug, status);
    return false;
  }
  if (part.first < offset_) {
    // The whole clip in place of a part. Its beginning may be skipped when it is known to be the
    // same clip; bytes of an unknown one are not to be joined.
    const bool same = identity_ && identity_->has_strong_tag() &&
                      identity_->entity_tag == part.identity.entity_tag;
    if (!same) {
      fail(read_kind(),
           "The connection to the clip's server broke, and the server cannot continue at byte " +
               std::to_string(offset_) + " of the same clip. Start again.",
           debug, status);
      return false;
    }
    connection->skip = offset_ - part.first;
  }

  if (!identity_) identity_ = part.identity;
  if (!identity_->total) identity_->total = part.identity.total;
  ClipInfo info;
  info.size = identity_->total;
  info.seekable = part.ranged && info.size;
  info.content_type = header(message, "Content-Type");
  auto shared = channel_->lock();
  if (!shared->info || !shared->info->seekable) shared->info = std::move(info);
  return true;
}

void Fetcher::on_refusal(const ConnectionPtr& connection, unsigned status) {
  const std::string answer = "HTTP " + std::to_string(status);
  const std::string debug = url_.without_query() + " answered " + answer;
  if (status == 408 || status == 429 || status >= 500) {
    return retry(answer, status,
                 parse_retry_after(header(connection->message.get(), "Retry-After")));
  }
  if (status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE) {
    return fail(read_kind(),
                "The clip's server has no byte " + std::to_string(offset_) +
                    " of the clip (HTTP 416): the clip is empty or became shorter. Ask the "
                    "service's support for it.",
                debug, status);
  }
  const bool gone = status == 404 || status == 410;
  const bool forbidden = status == 401 || status == 403;
  fail(gone        ? ErrorKind::not_found
       : forbidden ? ErrorKind::not_authorized
                   : read_kind(),
       "The clip's server does not hand out the clip (" + answer +
           "). Its address may have expired: attach to the generation with generation-id for a "
           "fresh one.",
       debug, status);
}

void Fetcher::read(const ConnectionPtr& connection) {
  stall_timer_.restart(settings_.stall_timeout);
  connection->buffer.reset(static_cast<unsigned char*>(g_malloc(settings_.read_size)));
  g_input_stream_read_async(
      connection->stream.get(), connection->buffer.get(), settings_.read_size, G_PRIORITY_DEFAULT,
      connection->cancellable.get(), Runtime::finish,
      runtime_.async([self = shared_from_this(), connection](GAsyncResult* r) {
        ErrorPtr error;
        const gssize size = g_input_stream_read_finish(connection->stream.get(), r, error.out());
        if (connection == self->connection_) self->on_bytes(connection, size, error);
      }));
}

void Fetcher::on_bytes(const ConnectionPtr& connection, gssize size, const ErrorPtr& error) {
  if (size < 0) return retry(one_line(error.message(), 200));
  if (size == 0) return on_body_end();
  auto length = static_cast<std::size_t>(size);
  unsigned char* data = connection->buffer.release();
  // The read-ahead counts bytes, so a block must not hold much more memory than it has bytes.
  if (length < settings_.read_size / 2) data = static_cast<unsigned char*>(g_realloc(data, length));
  BytesPtr bytes(g_bytes_new_take(data, length));
  if (connection->skip > 0) {
    const auto skipped = std::min<std::uint64_t>(connection->skip, length);
    connection->skip -= skipped;
    if (skipped == length) return read(connection);
    bytes.reset(g_bytes_new_from_bytes(bytes.get(), skipped, length - skipped));
  }
  if (deliver(std::move(bytes))) read(connection);
}

bool Fetcher::deliver(BytesPtr bytes) {
  const std::uint64_t length = g_bytes_get_size(bytes.get());
  if (offset_ + length > settings_.max_size) {
    fail(ErrorKind::too_large,
         "The clip is larger than max-clip-size allows (" + std::to_string(settings_.max_size) +
             " bytes). Raise max-clip-size to take it.",
         url_.without_query());
    return false;
  }
  backoff_.reset();
  if (boxes_ && !identity_->total) {
    boxes_->add(
        {static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), nullptr)), length});
  }
  auto shared = channel_->lock();
  // A seek is on its way here, and these bytes are of before it.
  if (shared->epoch != epoch_) return false;
  shared->blocks.push_back({std::move(bytes), offset_});
  shared->queued += length;
  shared.notify();
  offset_ += length;
  delivered_ = true;
  if (shared->queued < Reader::read_ahead) return true;
  // A consumer that does not consume is no stall of the server.
  shared->fetcher_waits = true;
  stall_timer_.stop();
  return false;
}

void Fetcher::on_body_end() {
  if (identity_->total && offset_ < *identity_->total) {
    return retry("it ended after " + std::to_string(offset_) + " of " +
                 std::to_string(*identity_->total) + " bytes");
  }
  if (!delivered_) {
    return fail(ErrorKind::wrong_type,
                "The clip is empty. Ask the service's support for it, with the generation's id.",
                url_.without_query());
  }
  if (!identity_->total && boxes_ && !boxes_->at_boundary()) {
    return retry("it ended within a part of it, after " + std::to_string(offset_) + " bytes");
  }
  end();
}

void Fetcher::retry(const std::string& reason, unsigned status,
                    std::optional<std::chrono::milliseconds> retry_after) {
  disconnect();
  if (backoff_.failures() < settings_.retries) {
    retry_timer_.start(backoff_.next(retry_after), [this] { begin(); });
    return;
  }
  const std::string tries = std::to_string(backoff_.failures() + 1);
  const std::string where =
      delivered_ ? " from byte " + std::to_string(offset_) + " on" : std::string();
  fail(read_kind(),
       "The clip could not be read" + where + " (" + reason + "), after " + tries +
           (tries == "1" ? " try" : " tries") +
           ". Check the network; the clip stays at the service: attach to it with generation-id.",
       url_.without_query() + ": " + reason, status);
}

void Fetcher::end() {
  disconnect();
  auto shared = channel_->lock();
  if (shared->epoch != epoch_) return;
  shared->ended = true;
  shared.notify();
}

void Fetcher::fail(ErrorKind kind, std::string message, const std::string& debug, unsigned status) {
  disconnect();
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  error.debug = debug;
  error.http_status = status;
  auto shared = channel_->lock();
  if (shared->epoch != epoch_) return;
  shared->error = std::move(error);
  shared.notify();
}

}  // namespace genpro::clip
