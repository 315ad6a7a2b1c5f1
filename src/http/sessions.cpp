// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/sessions.h"

namespace genpro::http {

namespace {

struct Limits {
  int connections;
  unsigned idle_seconds;
};

Limits limits_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::api_read:
      return {8, 60};
    case Purpose::api_write:
      return {16, 1};
    case Purpose::clip:
      break;
  }
  return {1024, 60};
}

ObjectPtr<SoupSession> make_session(const Limits& limits, bool is_direct) {
  auto session = ObjectPtr<SoupSession>::adopt(soup_session_new_with_options(
      "max-conns", limits.connections, "max-conns-per-host", limits.connections, "idle-timeout",
      limits.idle_seconds, "timeout", 0, "user-agent", "gst-genpro/" GENPRO_VERSION, nullptr));
  // Byte ranges and lengths only make sense for the bytes as they are stored.
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_CONTENT_DECODER);
  // The API authenticates by a header; a challenge is an answer like any other.
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_AUTH_MANAGER);
  if (is_direct) soup_session_set_proxy_resolver(session.get(), nullptr);
  return session;
}

}  // namespace

SoupSession* Sessions::session(Purpose purpose, const Url& url) {
  const bool is_direct = url.is_loopback();
  ObjectPtr<SoupSession>& session = sessions_[{purpose, is_direct}];
  if (!session) session = make_session(limits_of(purpose), is_direct);
  return session.get();
}

void Sessions::note_answer(Purpose purpose, const Url& url) {
  answered_[{purpose, url.origin()}] = g_get_monotonic_time();
}

std::optional<std::chrono::milliseconds> Sessions::time_to_wait(
    Purpose purpose, const Url& url, std::chrono::milliseconds silence) const {
  const auto answered = answered_.find({purpose, url.origin()});
  if (answered == answered_.end()) return std::nullopt;
  const std::chrono::microseconds since(g_get_monotonic_time() - answered->second);
  if (since >= silence) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(silence - since);
}

void Sessions::abort() {
  for (const auto& [kind, session] : sessions_) soup_session_abort(session.get());
}

}  // namespace genpro::http
