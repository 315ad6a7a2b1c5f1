// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/reply.h"

#include <cmath>

#include "api/answers/error_text.h"
#include "api/json.h"
#include "base/text.h"
#include "http/network.h"

namespace genpro::api {

namespace {

// The shapes that the API has: {error, error_code}, {code, message, errors, retryable}, of which
// not all has to be there, and {error: {message, code}}.
struct ErrorBody {
  std::string text;
  std::string code;
  bool is_api_error = false;
  std::optional<std::chrono::milliseconds> retry_after;
};

std::optional<std::chrono::milliseconds> read_wait(JsonNode* node) {
  constexpr double longest_seconds = 24 * 60 * 60;
  const auto seconds = as_number(node);
  if (!seconds || *seconds < 0 || *seconds > longest_seconds) return std::nullopt;
  return std::chrono::milliseconds(std::llround(std::ceil(*seconds * 1000)));
}

// A list or an object with something in it.
bool is_filled(JsonNode* node) {
  JsonObject* object = as_object(node);
  return !elements(as_array(node)).empty() ||
         (object != nullptr && json_object_get_size(object) > 0);
}

// What keeps a request from being paid for, and what the service offers for sale: nothing is ever
// bought.
std::string funding_of(JsonObject* body) {
  std::string text = first_text(body, {"funding_error_kind"});
  JsonObject* offer = as_object(member(body, "x402_credit_purchase"));
  const auto credits = as_text(member(offer, "credits"));
  const auto price = as_text(member(offer, "amount_usd"));
  if (credits && price) {
    text += (text.empty() ? "" : "; ") + *credits + " credits for " + *price +
            " USD are offered, and not bought";
  }
  return text;
}

// What a gateway says is not: a message or a code alone, or an object with a number for a code.
bool is_own_error(JsonObject* body) {
  const auto has = [](JsonObject* object, const char* name) {
    return !first_text(object, {name}).empty();
  };
  if (has(body, "error") || has(body, "error_code") || has(body, "funding_error_kind")) return true;
  JsonObject* error = as_object(member(body, "error"));
  if (has(error, "message") || has(error, "code")) return !as_number(member(error, "code"));
  const auto retryable = member(body, "retryable");
  const bool says_retryable =
      retryable != nullptr && json_node_get_value_type(retryable) == G_TYPE_BOOLEAN;
  return has(body, "message") &&
         (has(body, "code") || says_retryable || is_filled(member(body, "errors")));
}

ErrorBody read_error_body(const HttpReply& reply, const std::string& secret) {
  ErrorBody result;
  const auto object = parse_json_object(reply.body);
  if (!object) return result;
  JsonObject* body = object->get();
  result.text = error_text(body);
  result.code = first_text(body, {"error_code", "code"});
  if (result.code.empty()) result.code = first_text(as_object(member(body, "error")), {"code"});
  result.is_api_error = is_own_error(body);
  if (const std::string funding = funding_of(body); !funding.empty()) {
    result.text += (result.text.empty() ? "" : "; ") + funding;
  }
  result.retry_after = read_wait(member(body, "retry_after_seconds"));
  result.text = one_line(redact(result.text, secret), 200);
  result.code = one_line(redact(result.code, secret), 80);
  return result;
}

void add_facts(Failure* failure, const HttpReply& reply, const ErrorBody& body) {
  failure->error.http_status = reply.status;
  failure->error.error_code = body.code;
  failure->is_api_error = body.is_api_error;
  failure->is_redirected = reply.is_redirected || reply.status / 100 == 3;
  failure->retry_after = reply.retry_after ? reply.retry_after : body.retry_after;
}

// What the body begins with, for a developer. The secret is looked for in all of it: its first half
// at a cut would not be found.
std::string body_start(const HttpReply& reply, const std::string& secret) {
  return one_line(redact(reply.body, secret).substr(0, 1000), 200);
}

bool is_credit_code(const std::string& code) {
  return code == "usable_gen_credit_required" || code == "insufficient_credits_for_job";
}

// "HTTP 422 agent_not_found: no such agent"
std::string describe(unsigned status, const ErrorBody& body) {
  std::string text = "HTTP " + std::to_string(status);
  if (!body.code.empty()) text += " " + body.code;
  if (!body.text.empty() && body.text != body.code) text += ": " + body.text;
  return text;
}

Error judge(unsigned status, const ErrorBody& body, const Subject& subject) {
  const std::string answer = " (" + describe(status, body) + "). ";
  if (status == 401) {
    return {ErrorKind::not_authorized,
            "The GEN API refused the key" + answer +
                "Set api-key, api-key-file or GEN_API_KEY to a key that is valid at " +
                subject.address + "."};
  }
  if (status == 403) {
    return {ErrorKind::not_authorized,
            "The key is not allowed to do this" + answer +
                "Use a key with access to this agent and sheet, or ask its owner for that."};
  }
  if (status == 402 || (status == 422 && is_credit_code(body.code))) {
    return {ErrorKind::not_authorized, "There are not enough GEN credits" + answer +
                                           "Add credits to the organization, then try again."};
  }
  if (status == 404 || status == 410 || (status == 422 && body.code == "agent_not_found")) {
    return {ErrorKind::not_found,
            "The GEN API does not know " + subject.unknown + answer + subject.not_found};
  }
  if (status == 429) {
    return {ErrorKind::open_read, "The GEN API asks for fewer requests" + answer +
                                      "Try again later, or raise poll-interval."};
  }
  if (body.code == "idempotency_conflict") {
    return {ErrorKind::open_read, "The GEN API has the idempotency key of " + subject.what +
                                      " from one with another content" + answer +
                                      "Look at what the cell has before asking anew."};
  }
  if (status == 408 || status == 409 || status == 425 || body.code == "generation_busy") {
    return {ErrorKind::open_read,
            "The GEN API is not done with " + subject.what + answer + "Try again later."};
  }
  if (status >= 500) {
    return {ErrorKind::open_read,
            "The GEN API failed on " + subject.what + answer + "Try again later."};
  }
  if (status >= 400) {
    return {ErrorKind::settings, "The GEN API refused " + subject.what + answer +
                                     "Correct the setting that it names, then try again."};
  }
  return {ErrorKind::open_read, "The GEN API gave an answer to " + subject.what +
                                    " that is not documented" + answer +
                                    "Check that api-base-url is the address of the GEN API."};
}

}  // namespace

Failure failure_from_reply(const HttpReply& reply, const Subject& subject) {
  const ErrorBody body = read_error_body(reply, subject.secret);
  Failure failure{judge(reply.status, body, subject)};
  failure.error.debug = subject.address + " answered " + describe(reply.status, body);
  if (body.text.empty() && !reply.body.empty()) {
    failure.error.debug += ", body: " + body_start(reply, subject.secret);
  }
  add_facts(&failure, reply, body);
  failure.retryable = reply.status == 429 || reply.status == 500 ||
                      (reply.status >= 502 && reply.status <= 504) || reply.status == 408;
  return failure;
}

Failure failure_from_transport(const HttpFailure& transport, const Subject& subject) {
  const std::string reason = one_line(redact(transport.reason, subject.secret), 200);
  Failure failure;
  failure.error.kind = ErrorKind::open_read;
  failure.error.debug = subject.address + ": " + reason;
  failure.retryable = true;
  failure.sent = transport.sent;
  switch (transport.kind) {
    case HttpFailure::Kind::unreachable:
      failure.error.message = "The GEN API cannot be reached at " + subject.address + " (" +
                              reason + "). Check api-base-url and the network.";
      break;
    case HttpFailure::Kind::obstructed:
      failure.retryable = false;
      failure.error.message = "The GEN API cannot be reached at " + subject.address + ": " +
                              reason + ". " + transport.advice;
      break;
    case HttpFailure::Kind::silent:
      failure.error.message = "The GEN API at " + subject.address + " does not answer (" + reason +
                              "). Check the network, or raise stall-timeout.";
      break;
    case HttpFailure::Kind::broken:
      failure.error.message = "The connection to the GEN API at " + subject.address +
                              " broke off (" + reason + "). Check the network, then try again.";
      break;
    case HttpFailure::Kind::too_large:
      failure.error.kind = ErrorKind::read;
      failure.error.message = "The answer to " + subject.what + " is larger than " +
                              std::to_string(max_reply_size / (1024 * 1024)) +
                              " MiB, so it is not from the GEN API. Check that api-base-url is "
                              "the address of the GEN API.";
      failure.retryable = false;
      break;
  }
  return failure;
}

Failure failure_from_shape(const HttpReply& reply, const std::string& wrong,
                           const Subject& subject) {
  Failure failure;
  failure.error.kind = ErrorKind::read;
  const bool is_page = http::is_web_page(reply.body);
  const std::string reason = is_page ? "it is a web page, as of a network that wants a sign-in"
                                     : one_line(redact(wrong, subject.secret), 200);
  failure.error.message = "The answer to " + subject.what + " cannot be used: " + reason + ". " +
                          (is_page ? "Sign in to the network with a browser, or check" : "Check") +
                          " that api-base-url is the address of the GEN API.";
  failure.error.debug = subject.address + " answered HTTP " + std::to_string(reply.status) + ", " +
                        one_line(redact(reply.content_type, subject.secret), 80) + ": " +
                        body_start(reply, subject.secret);
  add_facts(&failure, reply, read_error_body(reply, subject.secret));
  failure.retryable = true;
  return failure;
}

}  // namespace genpro::api
