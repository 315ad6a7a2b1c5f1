// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line with a status, a line with a content type, then the body of an answer that is no
// success. Each `@` of the latter two stands for the key, which a server may echo anywhere.
#include <algorithm>
#include <iterator>

#include "api/reply.h"
#include "base/text.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

constexpr std::string_view key = "gen_pat_5ecretK3y4n0b0dy";
constexpr std::string_view half = key.substr(0, key.size() / 2);

std::string with_key(std::string text) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    text.replace(at, 1, key);
  }
  return text;
}

// The contract's table, and a request that took the server too long.
bool may_be_retried(unsigned status) {
  constexpr unsigned statuses[] = {408, 429, 500, 502, 503, 504};
  return std::find(std::begin(statuses), std::end(statuses), status) != std::end(statuses);
}

void check_text(const std::string& text, std::size_t limit) {
  FUZZ_CHECK(is_one_line(text) && length(text) <= limit);
  // Nor as much of it as a cut may leave.
  FUZZ_CHECK(text.find(half) == std::string::npos);
}

}  // namespace

void test_one(std::string_view input) {
  const auto parts = split(input, '\n', 3);
  const auto status = parse_unsigned(parts[0]);
  if (!status || *status < 300 || *status > 999) return;
  if (input.find(half) != std::string_view::npos) return;

  api::HttpReply reply;
  reply.status = static_cast<unsigned>(*status);
  reply.content_type = with_key(parts[1]);
  reply.body = with_key(parts[2]);
  const api::Subject subject = {"the request", "an id in it", "Check it.", "https://api.example/v1",
                                std::string(key)};

  const api::Failure failure = failure_from_reply(reply, subject);
  const ErrorKind kind = failure.error.kind;
  FUZZ_CHECK(failure.error.http_status == reply.status && failure.sent);
  FUZZ_CHECK(failure.retryable == may_be_retried(reply.status));
  if (*status == 401 || *status == 402 || *status == 403) {
    FUZZ_CHECK(kind == ErrorKind::not_authorized);
  }
  if (*status == 404 || *status == 410) FUZZ_CHECK(kind == ErrorKind::not_found);
  if (*status == 429 || *status >= 500) FUZZ_CHECK(kind == ErrorKind::open_read);
  check_text(failure.error.message, 600);
  check_text(failure.error.debug, 600);
  check_text(failure.error.error_code, 80);

  const api::Failure shape = failure_from_shape(reply, reply.body, subject);
  FUZZ_CHECK(shape.error.kind == ErrorKind::read && shape.retryable);
  check_text(shape.error.message, 600);
  check_text(shape.error.debug, 600);
}

}  // namespace genpro::fuzz
