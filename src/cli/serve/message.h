// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request and a response of HTTP, apart from sockets (RFC 9110, RFC 9112).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/web/range_header.h"

namespace genpro::cli {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// What a request is answered with when it is not served. The text is for a person.
class HttpError : public std::runtime_error {
 public:
  HttpError(unsigned status, const std::string& text, HeaderList headers = {})
      : std::runtime_error(text), status_(status), headers_(std::move(headers)) {}
  unsigned status() const { return status_; }
  const HeaderList& headers() const { return headers_; }

 private:
  unsigned status_;
  HeaderList headers_;
};

struct Request {
  std::string method;                          // GET or HEAD
  std::vector<std::string> path;               // decoded segments; none: /
  std::map<std::string, std::string> headers;  // names in lower case
  bool stays_open = true;                      // the connection, after the response

  bool is_head() const { return method == "HEAD"; }
  // Empty when it is missing.
  std::string header(const std::string& lower_case_name) const;
};

// `head`: without the empty line at its end. Throws HttpError for what is malformed, and for all
// that has a body.
Request parse_request(std::string_view head);

// The client that waits for an answer, and may close its connection meanwhile.
class Client {
 public:
  virtual ~Client() = default;
  // False: it has closed its connection.
  virtual bool is_there() const = 0;
  // Requested when the server ends.
  virtual const std::stop_token& interrupted() const = 0;
};

// Bytes of a length that is known, which come while they are read. Threads: any.
class Body {
 public:
  virtual ~Body() = default;
  // How many bytes it has put into `bytes`, at least one; waits for that. 0: there will be none, or
  // the client has left.
  virtual std::size_t read(std::uint64_t offset, std::span<unsigned char> bytes,
                           const Client& client) = 0;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  HeaderList headers;
  std::string text;
  // Set: this is sent in place of the text.
  std::shared_ptr<Body> body;
  ByteRange range;
  bool tells_length = true;
};

Response response_of(const HttpError& error);
// The head of the response, with the empty line at its end.
std::string head_text(const Response& response, bool stays_open);

// What of `size` bytes with the entity tag `tag` the request asks for: 200, 206, 304 or 416, and
// the headers that go with it. The body is not set.
Response select_range(const Request& request, std::uint64_t size, const std::string& tag);

}  // namespace genpro::cli
