// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One HTTP request with a short answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/threads/runtime.h"
#include "base/web/url.h"
#include "http/message_watch.h"
#include "http/sessions.h"

namespace genpro::api {

// Far more than any documented answer; the rest of a longer one is not read.
inline constexpr std::size_t max_reply_size = 4 * 1024 * 1024;

// A body that is read while it is sent.
struct StreamedBody {
  std::string content_type;
  std::uint64_t size = 0;
  // Called on the runtime thread, once for each time that the request is sent.
  std::function<ObjectPtr<GInputStream>()> open;
  // The bytes that have left; called on the runtime thread.
  std::function<void(std::uint64_t)> on_sent;
};

struct HttpRequest {
  std::string method;
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string json_body;  // empty: none
  std::optional<StreamedBody> body;
  // Asked on the runtime thread when a connection is there, before a byte leaves: where it says no,
  // none does, and the service counts as unreachable. Empty: it may.
  std::function<bool()> may_leave;
  http::Network network;
};

struct HttpReply {
  unsigned status = 0;
  std::string body;
  std::string content_type;
  std::string location;
  std::optional<std::chrono::milliseconds> retry_after;
  bool is_redirected = false;  // others sent the request here; set by who follows redirects
};

// Why there is no reply.
struct HttpFailure {
  enum class Kind {
    unreachable,  // no connection could be made, so nothing was sent
    obstructed,   // by a certificate, a proxy or no libsoup: as above, and trying again does not
                  // help
    silent,       // no byte for the time allowed
    broken,       // the connection ended before the answer did
    too_large,
  };
  Kind kind = Kind::broken;
  std::string reason;
  std::string advice;  // of what is obstructed
  // False: not a byte of the request left, so the service cannot have acted on it.
  bool sent = true;
};

// Belongs to the runtime thread. Neither follows redirects nor retries.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Outcome = Result<HttpReply, HttpFailure>;
  using Done = std::function<void(Outcome)>;

  // `done` is called once, never from within start(), and not after cancel(). `silence` bounds the
  // time without any byte, and four times as long the time that an answer's body takes. While
  // others hold all connections, the request waits for as long as the server answers them.
  static std::shared_ptr<Exchange> start(Runtime& runtime, const HttpRequest& request,
                                         std::chrono::milliseconds silence, Done done);
  void cancel();

 private:
  explicit Exchange(Runtime& runtime) : runtime_(runtime) {}
  void send(const HttpRequest& request);
  void send_body(const StreamedBody& body);
  void on_silence();
  void on_headers(GAsyncResult* result);
  void read();
  void read_when_ready();
  void fail(HttpFailure::Kind kind, std::string reason);
  void fail_by(const ErrorPtr& error, HttpFailure::Kind kind);
  void fail_by(const http::Obstacle& obstacle);
  void finish(Outcome outcome);

  Runtime& runtime_;
  Url url_;
  http::Network network_;
  http::Purpose purpose_ = http::Purpose::api_read;
  SoupSession* session_ = nullptr;  // of the runtime
  ObjectPtr<SoupMessage> message_;
  std::optional<http::MessageWatch> watch_;
  std::function<void(std::uint64_t)> on_sent_;
  std::uint64_t sent_ = 0;  // of the body
  gulong sent_handler_ = 0;
  ObjectPtr<GInputStream> stream_;
  AttachedSourcePtr ready_;   // while bytes are waited for
  bool is_complete_ = false;  // all of the answer is there
  Timer silence_timer_;
  Timer body_timer_;
  std::chrono::milliseconds silence_{0};
  HttpReply reply_;
  Done done_;
};

}  // namespace genpro::api
