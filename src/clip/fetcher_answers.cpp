// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "clip/connection.h"
#include "clip/content_range.h"
#include "clip/fetcher.h"
#include "clip/redirect.h"
#include "http/retry_after.h"
#include "http/sessions.h"

namespace genpro::clip {

namespace {

// What servers say of an address whose signature is out of date, and of a file that was moved.
bool may_have_expired(unsigned status) {
  return status == 400 || status == 401 || status == 403 || status == 404 || status == 410;
}

ErrorKind kind_of_refusal(unsigned status, ErrorKind otherwise) {
  if (status == 404 || status == 410) return ErrorKind::not_found;
  if (status == 401 || status == 403) return ErrorKind::not_authorized;
  return otherwise;
}

// What a body of that encoding may be in, in the order in which it is tried. Some servers leave out
// the header of deflate.
std::vector<GZlibCompressorFormat> formats_of(const std::string& encoding) {
  const auto is = [&](const char* name) { return g_ascii_strcasecmp(encoding.c_str(), name) == 0; };
  if (is("gzip") || is("x-gzip")) return {G_ZLIB_COMPRESSOR_FORMAT_GZIP};
  if (is("deflate")) return {G_ZLIB_COMPRESSOR_FORMAT_ZLIB, G_ZLIB_COMPRESSOR_FORMAT_RAW};
  return {};
}

std::string refusal_text(unsigned status) {
  return "The clip's server does not hand out the clip (HTTP " + std::to_string(status) + ")";
}

}  // namespace

void Fetcher::on_headers(const ConnectionPtr& connection, GAsyncResult* result) {
  ErrorPtr error;
  connection->stream = ObjectPtr<GInputStream>::adopt(
      soup::session_send_finish(connection->session, result, error.out()));
  if (connection != connection_) return;
  if (const auto obstacle = connection->watch->obstacle(settings_.network, error.get())) {
    return fail_for_obstacle(*obstacle);
  }
  if (!connection->stream) {
    if (const char* endless = connection->watch->endless()) return fail_for_endless(endless);
    if (error.matches(soup::session_error_quark(), SOUP_SESSION_ERROR_ENCODING)) {
      return fail(read_kind(),
                  "The clip's server says in no known way where its answer ends, by a "
                  "Content-Length that is no number or a Transfer-Encoding other than chunked. Ask "
                  "the service's support for it, with the generation's id.",
                  url_.without_query() + ": " + one_line(error.message(), 200));
    }
    return retry(one_line(error.message(), 200));
  }
  runtime_.keep<http::Sessions>().note_answer(http::Purpose::clip, url_);
  connection->watch->watch_body(connection->stream.get(), settings_.read_size);

  const unsigned status = soup::message_get_status(connection->message.get());
  log_.debug([&] {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - connection->started_at);
    std::string text = "GET " + url_.without_query() + " after " + std::to_string(took.count()) +
                       " ms: HTTP " + std::to_string(status);
    for (const char* name : {"Content-Range", "Content-Length", "Content-Type", "Retry-After"}) {
      const std::string value = connection->header(name);
      if (!value.empty()) text += std::string(", ") + name + " " + one_line(value, 80);
    }
    return text;
  });
  if (is_redirect(status)) return on_redirect(connection);
  if (status != SOUP_STATUS_OK && status != SOUP_STATUS_PARTIAL_CONTENT) {
    return on_refusal(connection, status);
  }
  if (accept(connection)) read(connection);
}

void Fetcher::fail_for_obstacle(const http::Obstacle& obstacle) {
  fail(read_kind(),
       "The clip's server cannot be reached at " + url_.origin() + ": " + obstacle.reason + ". " +
           obstacle.advice,
       url_.without_query());
}

void Fetcher::fail_for_endless(const char* what) {
  fail(read_kind(),
       std::string("The clip's server sends ") + what +
           " without end, so that no clip comes. Ask the service's support for it, with the "
           "generation's id.",
       url_.without_query() + " sends " + what + " without end");
}

void Fetcher::on_redirect(const ConnectionPtr& connection) {
  const std::string location = connection->header("Location");
  auto target = follow_redirect(url_, location, redirects_);
  if (!target) {
    return fail(read_kind(),
                "The clip's address is redirected where it cannot be followed: " +
                    one_line(target.error(), 120) + ". Ask the service's support for the clip.",
                url_.without_query() + " redirects to " + address_for_log(location),
                soup::message_get_status(connection->message.get()));
  }
  ++redirects_;
  keep_cookies(connection->message.get());
  url_ = std::move(*target);
  log_.log([&] { return "is redirected to " + url_.without_query(); });
  connect();
}

void Fetcher::forget_redirects() {
  url_ = address_;
  redirects_ = 0;
  cookies_.reset();
}

void Fetcher::keep_cookies(SoupMessage* message) {
  const Owned<GSList, g_slist_free> list(soup::cookies_from_response(message));
  if (list && !cookies_) cookies_ = ObjectPtr<SoupCookieJar>::adopt(soup::cookie_jar_new());
  for (const GSList* each = list.get(); each != nullptr; each = each->next) {
    soup::cookie_jar_add_cookie(cookies_.get(), static_cast<SoupCookie*>(each->data));
  }
}

bool Fetcher::accept(const ConnectionPtr& connection) {
  SoupMessage* message = connection->message.get();
  const unsigned status = soup::message_get_status(message);
  Part part =
      read_part(status, soup::message_get_response_headers(message), connection->wanted.first);
  const std::string debug = url_.without_query() + " answered HTTP " + std::to_string(status);

  const std::string encoding = connection->header("Content-Encoding");
  if (!encoding.empty() && g_ascii_strcasecmp(encoding.c_str(), "identity") != 0) {
    // Ranges are of the encoded bytes, and so is the length.
    const bool is_part = status == SOUP_STATUS_PARTIAL_CONTENT;
    if (is_part && ask_without_range(status)) return false;
    const std::vector<GZlibCompressorFormat> formats = formats_of(encoding);
    if (formats.empty() || is_part) {
      fail(ErrorKind::wrong_type,
           "The clip's server sends it encoded (" + one_line(encoding, 40) +
               "), though it was asked for the bytes as they are. Ask the service's support for "
               "the clip.",
           debug, status);
      return false;
    }
    // Where none of the formats fits, the bytes are taken as they are.
    connection->is_decoded = wrong_formats_ < formats.size();
    if (connection->is_decoded) {
      const auto decoder = ObjectPtr<GConverter>::adopt(
          G_CONVERTER(g_zlib_decompressor_new(formats[wrong_formats_])));
      connection->stream = ObjectPtr<GInputStream>::adopt(
          g_converter_input_stream_new(connection->stream.get(), decoder.get()));
      part.identity.total.reset();
      part.length.reset();
      part.ranged = false;
    }
  }
  if (!part.wrong.empty()) {
    if (status == SOUP_STATUS_PARTIAL_CONTENT && ask_without_range(status)) return false;
    fail(read_kind(),
         "The clip's server gave an answer that cannot be trusted: " + part.wrong +
             ". Try again later.",
         debug, status);
    return false;
  }
  std::string changed = identity_ ? difference_from_known(part.identity) : "";
  if (!changed.empty() && may_be_proven(part.identity)) {
    return examine(connection, part, changed, debug);
  }
  if (changed.empty() && connection->wanted.is_proof) {
    on_known_server();
    return false;
  }
  if (changed.empty() && identity_ && part.first < connection->wanted.first) {
    changed = why_not_from_the_beginning(part.identity);
  }
  if (!changed.empty()) {
    on_change(changed, debug, status);
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

  connection->first = connection->position = part.first;
  if (part.length) connection->end = part.first + *part.length;
  if (!identity_) identity_.emplace();
  identity_->add(part.identity);
  is_ranged_ = part.ranged && !refuses_ranges_;
  ClipInfo info;
  info.size = identity_->total;
  info.seekable = is_ranged_ && info.size;
  info.content_type = connection->header("Content-Type");
  auto shared = channel_->lock();
  if (!shared->info || !shared->info->seekable) shared->info = std::move(info);
  return true;
}

// The whole clip came in place of a part. Its beginning may be skipped when it is known to be the
// same clip; bytes of an unknown one are not to be joined.
std::string Fetcher::why_not_from_the_beginning(const Identity& now) const {
  const std::string reason = "its server cannot continue at byte " + std::to_string(offset_) +
                             ", and does not say that it is still the same";
  for (const Identity& alike : alike_) {
    if (difference(alike, now).empty()) return "";
  }
  if (identity_->has_strong_tag()) {
    return now.entity_tag == identity_->entity_tag ? "" : reason;
  }
  if (!identity_->last_modified.empty()) {
    return now.last_modified == identity_->last_modified ? "" : reason;
  }
  // Then the latest bytes have to be among those that come again.
  return overlap_.empty() || overlap_.end() <= offset_ ? "" : reason;
}

void Fetcher::on_refusal(const ConnectionPtr& connection, unsigned status) {
  const std::string answer = "HTTP " + std::to_string(status);
  const std::string debug = url_.without_query() + " answered " + answer;
  if (status == 511) {
    return fail(read_kind(),
                "The network wants a sign-in before the clip can be read (HTTP 511). Sign in to "
                "the network with a browser; the clip stays at the service: attach to it with "
                "generation-id.",
                debug, status);
  }
  const bool may_pass = status >= 500 && status != 501;
  if (may_pass || status == 408 || status == 429) {
    auto wait = http::parse_retry_after(connection->header("Retry-After"));
    if (wait) wait = std::min(*wait, settings_.longest_wait);
    return retry(answer, status, wait);
  }
  if (status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE) {
    return on_no_such_range(connection, debug);
  }
  if (may_have_expired(status) && settings_.fresh_address) return refresh(status, debug);
  if (ask_without_range(status)) return;
  fail(kind_of_refusal(status, read_kind()),
       refusal_text(status) + ". Ask the service's support for it, with the generation's id.",
       debug, status);
}

bool Fetcher::ask_without_range(unsigned status) {
  if (std::exchange(refuses_ranges_, true)) return false;
  log_.debug([&] { return "asks for all bytes after HTTP " + std::to_string(status); });
  connect();
  return true;
}

void Fetcher::on_no_such_range(const ConnectionPtr& connection, const std::string& debug) {
  constexpr unsigned status = SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE;
  const auto total = parse_unsatisfied_range(connection->header("Content-Range"));
  if (total && identity_) {
    Identity now;
    now.total = total;
    const std::string changed = difference(*identity_, now);
    if (!changed.empty()) return on_change(changed, debug, status);
    // A clip whose length was not told before ends just here.
    if (*total == offset_ && delivered_) {
      identity_->total = total;
      if (!boxes_ || boxes_->may_end()) return end();
    }
  }
  if (ask_without_range(status)) return;
  if (identity_) {
    return on_change("its server has no byte " + std::to_string(offset_) + " of it any more", debug,
                     status);
  }
  fail(read_kind(),
       "The clip's server has no byte " + std::to_string(offset_) +
           " of the clip (HTTP 416): the clip is empty or became shorter. Ask the service's "
           "support for it.",
       debug, status);
}

void Fetcher::refresh(unsigned status, const std::string& debug) {
  disconnect();
  if (refusal_) return on_second_refusal(status, debug);
  refusal_ = Refusal{.status = status, .debug = debug, .is_pending = true};
  log_.info([&] { return "asks the service for a fresh address: " + debug; });
  note_unwanted();
  settings_.fresh_address(
      [weak = weak_from_this(), runtime = runtime_.weak_from_this()](const Result<Url>& address) {
        const auto alive = runtime.lock();
        if (!alive) return;
        alive->post([weak, address] {
          const auto self = weak.lock();
          if (self && self->refusal_ && self->refusal_->is_pending) self->on_address(address);
        });
      });
}

void Fetcher::on_second_refusal(unsigned status, const std::string& debug) {
  // What has known ranges, or has no clip at all, does not refuse one for a range.
  const bool may_be_of_range = status == 400 || (status == 403 && !is_ranged_);
  if (may_be_of_range && ask_without_range(status)) return;
  fail(kind_of_refusal(status, read_kind()),
       refusal_text(status) +
           (refusal_->is_moved ? ", not even at the fresh address that the service gave for it"
                               : ", and the service has no other address for it") +
           ". Ask the service's support for it, with the generation's id.",
       debug, status);
}

void Fetcher::on_address(const Result<Url>& address) {
  refusal_->is_pending = false;
  const ErrorKind kind = kind_of_refusal(refusal_->status, read_kind());
  if (!address && refusal_->is_outdated) {
    refusal_.reset();
    return begin();
  }
  if (!address) {
    return give_up(kind,
                   refusal_text(refusal_->status) +
                       ", and asking for a fresh address failed: " + address.error().message,
                   refusal_->debug + "; " + address.error().debug, refusal_->status);
  }
  if (address->text == address_.text) return on_second_refusal(refusal_->status, refusal_->debug);
  refusal_->is_moved = true;
  address_ = *address;
  refuses_ranges_ = false;
  log_.info([&] { return "the clip is at " + address_.without_query() + " now"; });
  channel_->lock()->address = address_;
  begin();
}

}  // namespace genpro::clip
