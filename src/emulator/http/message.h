// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request and a reply as the handlers see them, apart from the server library.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::emulator {

struct Request {
  std::string method;
  std::vector<std::string> path;                           // decoded segments
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::map<std::string, std::string> headers;              // names in lower case
  std::vector<std::string> parameters;                     // what the route's {} stood for
  std::string origin;                                      // "http://127.0.0.1:8787"
  std::string target;                                      // path and query as they were sent

  // The header's value, empty when it is missing.
  std::string header(const std::string& lower_case_name) const;
  std::optional<std::string> query_value(std::string_view name) const;
  // The content type without its parameters, in lower case.
  std::string media_type() const;
};

// The body of a reply that is written bit by bit, for as long as the client stays.
class ReplyStream {
 public:
  virtual ~ReplyStream() = default;
  // Whether all that was written has been taken by the connection. Writing only then keeps the
  // memory that a slow client takes small.
  virtual bool is_idle() const = 0;
  // The client has gone.
  virtual bool is_closed() const = 0;
  virtual void write(const std::string& text) = 0;
};

struct Reply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string text;  // the body, unless `bytes` is set
  BytesPtr bytes;
  // The Content-Length of a reply that has no body of its own, such as 304; -1: the body's.
  std::int64_t announced_length = -1;
  // Set: this is no reply yet. The server calls it with the function to be called with the reply,
  // once and from the main loop; other requests are served meanwhile.
  using Respond = std::function<void(Reply)>;
  std::function<void(Respond)> later;
  // Set: the body is what is written into the stream that it is called with.
  std::function<void(std::shared_ptr<ReplyStream>)> stream;
  // What becomes of it on its way to the client: it arrives, or the connection is closed instead,
  // or nothing ever comes.
  enum class Fate { sent, closed, silent };
  Fate fate = Fate::sent;
  // Of `bytes`: after so many the connection is closed; so many go out a second.
  std::optional<std::uint64_t> cut_after;
  std::optional<double> bytes_per_second;

  static Reply when_ready(std::function<void(Respond)> start) {
    Reply reply;
    reply.later = std::move(start);
    return reply;
  }
  static Reply json(unsigned status, std::string text) {
    Reply reply;
    reply.status = status;
    reply.text = std::move(text);
    return reply;
  }
};

// The contract's error JSON.
Reply error_reply(unsigned status, const std::string& code, const std::string& text);
// Runs `action`; the reply for what it throws, nothing when it throws nothing.
std::optional<Reply> refusal_of(const std::function<void()>& action);
// What `action` returns, or the reply for what it throws.
Reply answer_of(const std::function<Reply()>& action);

// The decoded segments of a path, without a trailing slash; nothing when it is malformed.
std::optional<std::vector<std::string>> split_path(std::string_view encoded);
// The pairs of a query, those without a name left out; nothing when one cannot be decoded.
std::optional<std::vector<std::pair<std::string, std::string>>> split_query(
    std::string_view encoded);

}  // namespace genpro::emulator
