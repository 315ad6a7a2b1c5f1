// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/fetcher.h"

#include <algorithm>

#include "base/callback.h"
#include "base/text.h"
#include "clip/connection.h"
#include "http/sessions.h"

namespace genpro::clip {

namespace {

// A connection that brought that much before it broke, some of which was not known yet, is made
// anew at once. One that brings a few bytes each time is not, so that it does not become a flood of
// requests.
constexpr std::uint64_t prompt_retry_size = 64 * 1024;
constexpr std::uint64_t prompt_retry_new_size = 16 * 1024;

// What was seen to be the same counts for the next connection when it is made soon, and when it was
// not just some bytes.
constexpr std::chrono::milliseconds longest_trust{1000};
constexpr std::uint64_t least_proof = 4 * 1024;

// How much of a clip is read, if it is there, before others have their turn, in bytes. Among
// several it is less, or those with large socket buffers would leave the others behind.
constexpr std::size_t turn_alone = 1024 * 1024;
constexpr std::size_t turn_among_several = 128 * 1024;

// To wake who waits for a block takes longer than to read it. While there is more to read, it is
// done for so many bytes at once.
constexpr std::size_t wake_size = 512 * 1024;

// A clip that changes more often than that before its first bytes are taken does not settle.
constexpr int max_restarts = 3;

}  // namespace

Fetcher::Fetcher(Runtime& runtime, ReaderSettings settings, Reader::Channel channel)
    : runtime_(runtime),
      settings_(std::move(settings)),
      channel_(std::move(channel)),
      log_(log::Category::clip, settings_.log_id),
      address_(settings_.url),
      pool_(BlockPool::of_size(settings_.read_size)) {}

void Fetcher::seek(std::uint64_t offset, std::uint64_t epoch) {
  log_.log([&] { return "reads from byte " + std::to_string(offset) + " on"; });
  disconnect();
  backoff_.reset();
  boxes_.reset();
  if (offset == 0) boxes_.emplace();
  start_ = offset;
  offset_ = offset;
  epoch_ = epoch;
  is_asleep_ = false;
  proven_to_ = 0;
  asked_without_proof_ = false;
  if (identity_ && identity_->total && offset_ >= *identity_->total) return end();
  // A fresh address is on its way, and the old one is of no use.
  if (refusal_ && refusal_->is_pending) return;
  refusal_.reset();
  begin();
}

void Fetcher::resume(std::uint64_t epoch) {
  if (epoch != epoch_) return;
  if (connection_ && connection_->is_paused) {
    connection_->is_paused = false;
    connection_->is_alive = true;
    const ConnectionPtr connection = connection_;
    return read(connection);
  }
  // What failed while nobody waited does not count.
  backoff_.reset();
  if (refusal_ && refusal_->is_pending) refusal_->is_outdated = true;
  if (!is_asleep_) return;
  is_asleep_ = false;
  proven_to_ = 0;
  refusal_.reset();
  begin();
}

void Fetcher::cancel() {
  disconnect();
  refusal_.reset();
}

void Fetcher::disconnect() {
  retry_timer_.stop();
  stall_timer_.stop();
  if (connection_) {
    if (connection_->watch) connection_->watch->cancel();
    // Callbacks that are on their way may hold the connection for a while.
    connection_->ready.reset();
  }
  connection_.reset();
}

ErrorKind Fetcher::read_kind() const {
  return delivered_ ? ErrorKind::read : ErrorKind::open_read;
}

void Fetcher::begin() {
  forget_redirects();
  wanted_ = {.first = offset_, .known_end = offset_};
  if (identity_ && !overlap_.empty()) {
    wanted_.proven_to = std::clamp(proven_to_, overlap_.begin(), overlap_.end());
    if (overlap_.end() == offset_) {
      wanted_.first = wanted_.proven_to;
      if (wanted_.first == offset_) asked_without_proof_ = true;
    } else if (is_ranged_ && identity_->validator().empty() && wanted_.proven_to < overlap_.end()) {
      // After a seek nothing but its length tells the clip from another one: first a look at bytes
      // that are known.
      wanted_ = {.first = wanted_.proven_to,
                 .last = overlap_.end() - 1,
                 .known_end = overlap_.end(),
                 .proven_to = wanted_.proven_to};
    }
  }
  connect();
}

void Fetcher::connect() {
  disconnect();
  auto connection = std::make_shared<Connection>();
  connection_ = connection;
  connection->wanted = wanted_;
  const UriPtr uri(
      g_uri_parse(url_.text.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  if (!uri) {
    return fail(ErrorKind::open_read,
                "The clip's address cannot be used. Ask the service's support for it.",
                url_.without_query());
  }
  if (const auto obstacle = soup::load()) return fail_for_obstacle(*obstacle);
  connection->message = ObjectPtr<SoupMessage>::adopt(soup::message_new_from_uri("GET", uri.get()));
  const auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  // Redirects are followed here, where https cannot become http and their number is bounded.
  soup::message_set_flags(connection->message.get(), SOUP_MESSAGE_NO_REDIRECT);

  SoupMessageHeaders* headers = soup::message_get_request_headers(connection->message.get());
  soup::message_headers_replace(headers, "Accept-Encoding", "identity");
  const GCharPtr cookies(cookies_ ? soup::cookie_jar_get_cookies(cookies_.get(), uri.get(), TRUE)
                                  : nullptr);
  if (cookies) soup::message_headers_replace(headers, "Cookie", cookies.get());
  // Also from byte 0: the answer then says whether ranges are honoured.
  std::string range = "bytes=" + std::to_string(wanted_.first) + "-";
  if (wanted_.last) range += std::to_string(*wanted_.last);
  if (refuses_ranges_) {
    range = "all bytes";
  } else {
    soup::message_headers_replace(headers, "Range", range.c_str());
    // Which of them answers is not known where several name the clip differently.
    const bool is_named_once = alike_.empty() && !claim_;
    if (identity_ && is_named_once && !identity_->validator().empty()) {
      soup::message_headers_replace(headers, "If-Range", identity_->validator().c_str());
    }
  }

  connection->watch.emplace(connection->message.get(), cancellable.get(),
                            [weak = weak_from_this(), connection = std::weak_ptr(connection)] {
                              const auto self = weak.lock();
                              if (!self || connection.lock() != self->connection_) return;
                              self->stall_timer_.restart(self->settings_.stall_timeout);
                            });
  log_.debug([&] {
    return "GET " + url_.without_query() + ", " + range +
           (wanted_.first < wanted_.known_end ? ", known up to " + std::to_string(wanted_.known_end)
                                              : "");
  });
  connection->started_at = std::chrono::steady_clock::now();
  connection->watch->forbid_http2();
  stall_timer_.start(settings_.stall_timeout, [this] { on_stall(); });
  connection->session =
      runtime_.keep<http::Sessions>().session(http::Purpose::clip, url_, settings_.network);
  soup::session_send_async(connection->session, connection->message.get(), G_PRIORITY_DEFAULT,
                           cancellable.get(), Runtime::finish,
                           runtime_.async([self = shared_from_this(), connection](GAsyncResult* r) {
                             self->on_headers(connection, r);
                           }));
}

void Fetcher::on_stall() {
  if (connection_ && !connection_->watch->has_left_queue()) {
    const auto left = runtime_.keep<http::Sessions>().time_to_wait(http::Purpose::clip, url_,
                                                                   settings_.stall_timeout);
    if (left) return stall_timer_.restart(*left);
  }
  retry("no byte came for " + std::to_string(settings_.stall_timeout.count() / 1000) + " s");
}

// Without GLib's asynchronous reads, each of which takes a turn of the loop even where the bytes
// are there already.
void Fetcher::read(const ConnectionPtr& connection) {
  connection->ready.reset();
  GPollableInputStream* stream = G_POLLABLE_INPUT_STREAM(connection->stream.get());
  bool goes_on = true;
  std::size_t left = runtime_.clip_count() > 1 ? turn_among_several : turn_alone;
  while (goes_on && left > 0) {
    if (!connection->buffer) connection->buffer = pool_->take();
    ErrorPtr error;
    const gssize size = g_pollable_input_stream_read_nonblocking(
        stream, connection->buffer.get() + connection->filled,
        settings_.read_size - connection->filled, nullptr, error.out());
    if (size > 0) {
      connection->filled += static_cast<std::size_t>(size);
      connection->is_alive = true;
      connection->watch->on_body_bytes();
      left -= std::min(left, static_cast<std::size_t>(size));
      if (connection->filled == settings_.read_size) goes_on = on_bytes(connection);
      if (unannounced_ >= wake_size) announce();
      continue;
    }
    goes_on = false;
    if (!on_bytes(connection)) break;
    if (error.matches(G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      watch_for_stall(connection);
      read_when_ready(connection);
    } else if (const char* endless = error ? connection->watch->endless() : nullptr) {
      fail_for_endless(endless);
    } else if (connection->is_decoded && !delivered_ &&
               error.matches(G_IO_ERROR, G_IO_ERROR_INVALID_DATA)) {
      ++wrong_formats_;
      connect();
    } else if (error) {
      retry(one_line(error.message(), 200));
    } else {
      on_body_end();
    }
  }
  // Other clips' turn.
  goes_on = goes_on && on_bytes(connection);
  if (goes_on) {
    watch_for_stall(connection);
    runtime_.post([weak = weak_from_this(), connection] {
      const auto self = weak.lock();
      if (self && connection == self->connection_) self->read(connection);
    });
  }
  if (!goes_on) announce();
}

// A body has not gone on by what merely wakes its reader: the lengths of chunks, a part of a TLS
// record.
void Fetcher::watch_for_stall(const ConnectionPtr& connection) {
  if (std::exchange(connection->is_alive, false)) stall_timer_.restart(settings_.stall_timeout);
}

void Fetcher::announce() {
  if (std::exchange(unannounced_, 0) > 0) channel_->lock().notify();
}

void Fetcher::read_when_ready(const ConnectionPtr& connection) {
  connection->ready.reset(g_pollable_input_stream_create_source(
      G_POLLABLE_INPUT_STREAM(connection->stream.get()), nullptr));
  const GPollableSourceFunc function = [](GObject*, gpointer data) noexcept -> gboolean {
    guard_c_callback("reading", [data] {
      const auto self = static_cast<Fetcher*>(data)->shared_from_this();
      const ConnectionPtr current = self->connection_;
      self->read(current);
    });
    return G_SOURCE_REMOVE;
  };
  // It goes with the connection, and that with this object.
  g_source_set_callback(connection->ready.get(), G_SOURCE_FUNC(function), this, nullptr);
  g_source_attach(connection->ready.get(), g_main_context_get_thread_default());
}

bool Fetcher::on_bytes(const ConnectionPtr& connection) {
  const std::size_t length = std::exchange(connection->filled, 0);
  if (length == 0) return true;
  const std::uint64_t end = connection->position + length;
  if (identity_->total && end > *identity_->total) {
    on_change("it is longer than the " + std::to_string(*identity_->total) + " bytes that it had",
              url_.without_query(), 0);
    return false;
  }
  if (connection->end && end > *connection->end) {
    fail(read_kind(),
         "The clip's server sends more bytes than it announces, so that none of them can "
         "be trusted. Try again later.",
         url_.without_query());
    return false;
  }
  std::span<const unsigned char> fresh(connection->buffer.get(), length);
  if (!compare(connection, &fresh)) return false;
  if (fresh.empty()) {
    // What was asked for to be compared is the same: now to what is wanted.
    const bool is_compared =
        connection->wanted.last && connection->position >= connection->wanted.known_end;
    if (is_compared) on_compared(connection);
    return !is_compared;
  }
  // The read-ahead counts bytes, so a block must not hold much more memory than it has bytes.
  const bool is_block = fresh.size() == length && length >= settings_.read_size / 2;
  return deliver(connection, is_block ? pool_->lend(std::move(connection->buffer), length)
                                      : BytesPtr(g_bytes_new(fresh.data(), fresh.size())));
}

bool Fetcher::compare(const ConnectionPtr& connection, std::span<const unsigned char>* bytes) {
  const std::uint64_t position = connection->position;
  const Wanted& wanted = connection->wanted;
  connection->position += bytes->size();
  // Also after a seek, beyond what was asked for to be compared.
  if (!overlap_.agrees(position, *bytes) || !samples_.agrees(position, *bytes)) {
    on_change("its bytes before byte " + std::to_string(connection->position) + " are others now",
              url_.without_query(), 0);
    return false;
  }
  if (position >= wanted.known_end) return true;
  const auto known = std::min<std::uint64_t>(bytes->size(), wanted.known_end - position);
  if (!wanted.is_proof) proven_to_ = std::max(proven_to_, position + known);
  // Of an answer that is only there to be compared nothing else is of use.
  *bytes = wanted.last ? bytes->last(0) : bytes->subspan(known);
  return true;
}

bool Fetcher::deliver(const ConnectionPtr& connection, BytesPtr bytes) {
  const std::uint64_t length = g_bytes_get_size(bytes.get());
  if (offset_ + length > settings_.max_size) {
    fail(ErrorKind::too_large,
         "The clip is larger than max-clip-size allows (" + std::to_string(settings_.max_size) +
             " bytes). Raise max-clip-size to take it.",
         url_.without_query());
    return false;
  }
  backoff_.reset();
  refusal_.reset();
  proven_to_ = 0;
  asked_without_proof_ = false;
  proofs_ = 0;
  connection->delivered += length;
  if (boxes_ && !identity_->total) {
    boxes_->add(
        {static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), nullptr)), length});
  }
  log_.trace([&] {
    return "bytes " + std::to_string(offset_) + " to " + std::to_string(offset_ + length);
  });
  auto shared = channel_->lock();
  // A seek is on its way here, and these bytes are of before it.
  if (shared->epoch != epoch_) return false;
  overlap_.add(offset_, bytes);
  samples_.add(offset_,
               {static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), nullptr)), length});
  shared->blocks.push_back({std::move(bytes), offset_});
  shared->queued += length;
  shared->failed_unwanted = false;
  unannounced_ += length;
  offset_ += length;
  delivered_ = true;
  if (shared->queued < Reader::read_ahead) return true;
  // A consumer that does not consume is no stall of the server.
  shared->fetching = Reader::Fetching::full;
  connection->is_paused = true;
  stall_timer_.stop();
  return false;
}

void Fetcher::on_body_end() {
  if (connection_->position < connection_->wanted.known_end) {
    return retry("it ended before the bytes that are wanted");
  }
  if (identity_->total && offset_ < *identity_->total) {
    return retry("it ended after " + std::to_string(offset_) + " of " +
                 std::to_string(*identity_->total) + " bytes");
  }
  if (!delivered_) {
    return fail(ErrorKind::wrong_type,
                "The clip is empty. Ask the service's support for it, with the generation's id.",
                url_.without_query());
  }
  // Rubbish may follow the last box of a clip; a connection does not break at one byte twice. What
  // was compressed does, where only its first member was unpacked.
  const bool is_same_end = std::exchange(ended_at_, offset_) == offset_;
  const bool is_known_end =
      is_same_end && !connection_->is_decoded && boxes_ && boxes_->may_end_in_box();
  if (!identity_->total && boxes_ && !boxes_->may_end() && !is_known_end) {
    return retry("it ended within a part of it or before all of them, after " +
                 std::to_string(offset_) + " bytes");
  }
  end();
}

void Fetcher::retry(const std::string& reason, unsigned status,
                    std::optional<std::chrono::milliseconds> retry_after) {
  const ConnectionPtr broken = connection_;
  disconnect();
  if (broken && !broken->wanted.is_proof && !asked_without_proof_ &&
      proven_to_ > broken->wanted.proven_to &&
      (proven_to_ == overlap_.end() || proven_to_ - broken->wanted.proven_to >= least_proof)) {
    log_.log([&] {
      return "reconnects at byte " + std::to_string(offset_) + " after a comparison: " + reason;
    });
    return begin();
  }
  note_unwanted();
  if (backoff_.failures() < settings_.retries) {
    auto delay = backoff_.next(retry_after);
    // An answer that ended where it said it would is none that broke.
    const bool is_complete = broken && broken->delivered > 0 && broken->position == broken->end;
    const bool is_good = broken && broken->delivered >= prompt_retry_new_size &&
                         broken->position - broken->first >= prompt_retry_size;
    if (is_complete || is_good) delay = {};
    if (delay > longest_trust) proven_to_ = 0;
    log_.log([&] {
      return "reconnects at byte " + std::to_string(offset_) + " in " +
             std::to_string(delay.count()) + " ms, failure " + std::to_string(backoff_.failures()) +
             " of " + std::to_string(settings_.retries) + ": " + reason;
    });
    retry_timer_.start(delay, [this] { begin(); });
    return;
  }
  const std::string tries = std::to_string(backoff_.failures() + 1);
  const std::string where =
      delivered_ ? " from byte " + std::to_string(offset_) + " on" : std::string();
  give_up(read_kind(),
          "The clip could not be read" + where + " (" + reason + "), after " + tries +
              (tries == "1" ? " try" : " tries") +
              ". Check the network; the clip stays at the service: attach to it with "
              "generation-id.",
          url_.without_query() + ": " + reason, status);
}

void Fetcher::note_unwanted() {
  auto shared = channel_->lock();
  if (shared->epoch == epoch_ && !shared->is_wanted()) shared->failed_unwanted = true;
}

void Fetcher::give_up(ErrorKind kind, std::string message, const std::string& debug,
                      unsigned status) {
  disconnect();
  {
    auto shared = channel_->lock();
    if (shared->epoch != epoch_) return;
    is_asleep_ = settings_.retries > 0 && !shared->waiting;
    if (is_asleep_) shared->fetching = Reader::Fetching::asleep;
  }
  if (is_asleep_) return log_.log([&] { return "goes on when somebody reads: " + debug; });
  fail(kind, std::move(message), debug, status);
}

void Fetcher::on_change(const std::string& difference, const std::string& debug, unsigned status) {
  disconnect();
  log_.warning([&] { return "the clip has changed: " + difference + " (" + debug + ")"; });
  auto shared = channel_->lock();
  if (shared->epoch != epoch_) return;
  if (!shared->taken && restarts_ < max_restarts) {
    shared->blocks.clear();
    shared->queued = 0;
    shared->info.reset();
    ++restarts_;
    identity_.reset();
    claim_.reset();
    alike_.clear();
    overlap_.clear();
    samples_.clear();
    proven_to_ = 0;
    boxes_.reset();
    ended_at_.reset();
    if (start_ == 0) boxes_.emplace();
    offset_ = start_;
    delivered_ = false;
    retry_timer_.start({}, [this] { begin(); });
    return;
  }
  Error error;
  error.kind = read_kind();
  error.message = "The clip changed while it was read: " + difference +
                  ". What was read so far is not the clip; start again.";
  error.debug = debug;
  error.http_status = status;
  shared->error = std::move(error);
  shared.notify();
}

void Fetcher::end() {
  disconnect();
  log_.debug([&] { return "ends at byte " + std::to_string(offset_); });
  auto shared = channel_->lock();
  if (shared->epoch != epoch_) return;
  shared->ended = true;
  shared.notify();
}

void Fetcher::fail(ErrorKind kind, std::string message, const std::string& debug, unsigned status) {
  disconnect();
  log_.debug([&] { return "gives up: " + debug; });
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
