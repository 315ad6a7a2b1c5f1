// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an answer of the API that is an error means, and whether a retry can help.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "api/exchange.h"
#include "base/error.h"

namespace genpro::api {

struct Failure {
  Error error;
  bool retryable = false;
  // False: the service never saw the request.
  bool sent = true;
  // The body is the API's own JSON error: an object with a text in `error` or `error_code`; with a
  // text in `message`, and in `code`, or with `errors` or a boolean `retryable` beside it; or with
  // such a `message` or `code` in an object `error`. Gateways answer in HTML, in JSON of another
  // shape, such as a number for a code, or not at all.
  bool is_api_error = false;
  // A redirect was the answer, or was followed before it: who refused may not be the API.
  bool is_redirected = false;
  // The header, else the body's `retry_after_seconds`.
  std::optional<std::chrono::milliseconds> retry_after;
};

// What was asked, for the error's text.
struct Subject {
  std::string what;       // "the request for a generation", "generation 9040"
  std::string unknown;    // what a 404 means: "generation 9040", "an id in the request"
  std::string not_found;  // what to check then
  std::string address;    // without its query
  std::string secret;     // the key, which a server may echo and which must not get out
};

// For a status of 300 and more. Classified by status first and by `error_code` second.
Failure failure_from_reply(const HttpReply& reply, const Subject& subject);
Failure failure_from_transport(const HttpFailure& failure, const Subject& subject);
// For a success whose body cannot be used. `wrong` is a fragment: "it is not JSON: …".
Failure failure_from_shape(const HttpReply& reply, const std::string& wrong,
                           const Subject& subject);

}  // namespace genpro::api
