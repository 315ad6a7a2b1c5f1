// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/fetcher.h"

#include <algorithm>

#include "base/text.h"
#include "clip/connection.h"
#include "http/sessions.h"

namespace genpro::clip {

namespace {

// A connection that brought that much before it broke, some of which was not known yet, is made
// anew at once; one that brought a few new bytes only after a moment, so that it does not become a
// flood of requests.
constexpr std::uint64_t prompt_retry_size = 64 * 1024;
constexpr std::uint64_t prompt_retry_new_size = 16 * 1024;
constexpr std::chrono::milliseconds short_delay{20};

// What was seen to be the same counts for the next connection when it is made soon, and when it was
// not just some bytes.
constexpr std::chrono::milliseconds longest_trust{1000};
constexpr std::uint64_t least_proof = 4 * 1024;

// Of answers that end sooner than four times what is compared, a quarter is compared.
constexpr std::uint64_t least_answer = 4 * Overlap::size_limit;

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
    wanted_.proven_to = compared_from();
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

std::uint64_t Fetcher::compared_from() const {
  const std::uint64_t known = overlap_.end() - overlap_.begin();
  const std::uint64_t size = short_size_ > 0 ? std::min((short_size_ + 3) / 4, known) : known;
  return std::clamp(proven_to_, overlap_.end() - size, overlap_.end());
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

void Fetcher::retry(const std::string& reason, unsigned status,
                    std::optional<std::chrono::milliseconds> retry_after) {
  log_.debug([&] { return "GET " + url_.without_query() + " failed: " + reason; });
  const ConnectionPtr broken = connection_;
  disconnect();
  if (broken) note_size(*broken);
  if (broken && !broken->wanted.is_proof && !asked_without_proof_ &&
      proven_to_ > broken->wanted.proven_to &&
      (proven_to_ == overlap_.end() || proven_to_ - broken->wanted.proven_to >= least_proof)) {
    log_.log(
        [&] { return "reconnects at byte " + std::to_string(offset_) + " after a comparison"; });
    return begin();
  }
  note_unwanted();
  if (backoff_.failures() < settings_.retries) {
    auto delay = backoff_.next(retry_after);
    // An answer that ended where it said it would is none that broke.
    const bool is_complete = broken && broken->delivered > 0 && broken->position == broken->end;
    const bool is_good = broken && broken->delivered >= prompt_retry_new_size &&
                         broken->position - broken->first >= prompt_retry_size;
    if (is_complete || is_good)
      delay = {};
    else if (broken && broken->delivered > 0)
      delay = std::min(delay, short_delay);
    if (delay > longest_trust) proven_to_ = 0;
    // A server may fail over ranges only, unless it has known them.
    const bool is_last = backoff_.failures() == settings_.retries;
    if (is_last && status != 0 && !is_ranged_) refuses_ranges_ = true;
    log_.log([&] {
      return "reconnects at byte " + std::to_string(offset_) + " in " +
             std::to_string(delay.count()) + " ms, failure " + std::to_string(backoff_.failures()) +
             " of " + std::to_string(settings_.retries);
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

// That an answer is short is known once its bytes were compared: what breaks for the first time is
// followed by a comparison of all that is known.
void Fetcher::note_size(const Connection& broken) {
  const std::uint64_t size = broken.position - broken.first;
  if (size == 0 || broken.wanted.is_proof) return;
  if (size >= least_answer) {
    short_size_ = 0;
  } else if (short_size_ > 0 || broken.wanted.first < broken.wanted.known_end) {
    short_size_ = size;
  }
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
