// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One call of a Client, and what is done with its reply.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/client.h"
#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

struct Client::Call {
  HttpRequest request;
  Subject subject;
  std::function<void(Result<HttpReply, Failure>, const Subject&)> done;
  std::string query;  // behind the agent's id: "&page=1"
  int redirects = 0;
  std::chrono::steady_clock::time_point sent_at;
  // A request that is charged is not sent once more because of a redirect: whoever answered with
  // one may have taken it.
  bool may_be_sent_again = true;

  void fail(Failure failure) const {
    // Whether the request that was redirected was seen is known, wherever it went from there.
    if (redirects > 0) failure.sent = failure.is_redirected = true;
    done(std::move(failure), subject);
  }
};

// Whether the text can be the value of a header.
inline bool is_header_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return g_ascii_isgraph(c); });
}

// The agent of a call, for those that want it in their body.
inline std::string agent_body(const std::string& agent_id) {
  JsonObjectPtr body(json_object_new());
  json_object_set_member(body.get(), "agent_id", id_node(agent_id).release());
  return to_text(std::move(body));
}

// Takes the key out of what the service says of a generation. Not after a cut: a part of the key
// would not be found.
inline void hide_key(Generation& generation, const std::string& key) {
  generation.failed_reason = one_line(redact(generation.failed_reason, key));
}
inline void hide_key(std::vector<Generation>& generations, const std::string& key) {
  for (Generation& generation : generations) hide_key(generation, key);
}

// What is done with the reply to a call. `complaint`, if there is one, says what is wrong with what
// `parse` has made of it, and is empty when nothing is.
template <typename T, typename Parse, typename Complaint = std::string (*)(const T&)>
auto reading(
    std::function<void(Result<T, Failure>)> done, Parse parse,
    Complaint complaint = [](const T& /*value*/) { return std::string(); }) {
  return [=](Result<HttpReply, Failure> reply, const Subject& subject) {
    if (!reply) return done(std::move(reply.error()));
    Result<T, std::string> value = parse(reply->body);
    const std::string wrong = value ? complaint(*value) : value.error();
    if (!wrong.empty()) return done(failure_from_shape(*reply, wrong, subject));
    if constexpr (requires { hide_key(*value, subject.secret); }) hide_key(*value, subject.secret);
    if constexpr (requires { value->is_redirected; }) value->is_redirected = reply->is_redirected;
    done(std::move(*value));
  };
}

}  // namespace genpro::api
