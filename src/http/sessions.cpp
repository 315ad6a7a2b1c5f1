// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/sessions.h"

#include "base/glib_ptr.h"
#include "http/soup.h"

namespace genpro::http {

namespace {

struct Limits {
  int connections;
  unsigned idle_seconds;
};

Limits limits_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::api_read:
      return {16, 60};
    case Purpose::api_write:
      return {16, 1};
    case Purpose::clip:
      break;
  }
  return {1024, 60};
}

// Of a network's own proxy. What the environment exempts from its proxy is exempt from this one.
ObjectPtr<GProxyResolver> make_resolver(const std::string& proxy) {
  const char* exempt = g_getenv("no_proxy");
  if (exempt == nullptr) exempt = g_getenv("NO_PROXY");
  const StrvPtr hosts(g_strsplit_set(exempt != nullptr ? exempt : "", ", ", -1));
  return ObjectPtr<GProxyResolver>::adopt(
      g_simple_proxy_resolver_new(proxy_address(proxy).c_str(), hosts.get()));
}

// The login goes with the first request for a connection. libsoup's own way sends a wrong one again
// and again.
void log_in(SoupSession*, SoupMessage* message, gpointer login) noexcept {
  if (g_strcmp0(soup::message_get_method(message), "CONNECT") != 0) return;
  soup::message_headers_replace(soup::message_get_request_headers(message), "Proxy-Authorization",
                                static_cast<const char*>(login));
}

// A header's value; empty for a proxy without a login.
std::string login_of(const std::string& proxy) {
  const UriPtr uri(g_uri_parse(proxy_address(proxy).c_str(), G_URI_FLAGS_HAS_PASSWORD, nullptr));
  const char* user = uri ? g_uri_get_user(uri.get()) : nullptr;
  if (user == nullptr) return {};
  const char* password = g_uri_get_password(uri.get());
  const std::string plain = std::string(user) + ":" + (password != nullptr ? password : "");
  return "Basic " +
         take_string(g_base64_encode(reinterpret_cast<const guchar*>(plain.data()), plain.size()));
}

ObjectPtr<SoupSession> make_session(const Limits& limits, bool is_direct, const Network& network) {
  auto session = ObjectPtr<SoupSession>::adopt(soup::session_new_with_options(
      "max-conns", limits.connections, "max-conns-per-host", limits.connections, "idle-timeout",
      limits.idle_seconds, "timeout", 0, "user-agent", "gst-genpro/" GENPRO_VERSION, nullptr));
  // Byte ranges and lengths only make sense for the bytes as they are stored.
  soup::session_remove_feature_by_type(session.get(), soup::content_decoder_get_type());
  // The API authenticates by a header; a challenge is an answer like any other.
  soup::session_remove_feature_by_type(session.get(), soup::auth_manager_get_type());
  if (is_direct) {
    soup::session_set_proxy_resolver(session.get(), nullptr);
  } else {
    if (!network.proxy.empty()) {
      soup::session_set_proxy_resolver(session.get(), make_resolver(network.proxy).get());
    }
    if (const std::string login = login_of(effective_proxy(network)); !login.empty()) {
      g_signal_connect_data(
          session.get(), "request-queued", G_CALLBACK(log_in), g_strdup(login.c_str()),
          [](gpointer text, GClosure*) noexcept { g_free(text); }, static_cast<GConnectFlags>(0));
    }
  }
  if (!network.ca_file.empty()) {
    // It was read before: should it be gone since, there is no authority, and nothing is trusted.
    ErrorPtr ignored;
    soup::session_set_tls_database(session.get(),
                                   read_authorities(network.ca_file, &ignored).get());
  }
  soup::session_set_tls_interaction(session.get(), network.tls_interaction.get());
  return session;
}

}  // namespace

SoupSession* Sessions::session(Purpose purpose, const Url& url, const Network& network) {
  const bool is_direct = url.is_loopback();
  ObjectPtr<SoupSession>& session = sessions_[{purpose, is_direct, network}];
  if (!session) session = make_session(limits_of(purpose), is_direct, network);
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
  for (const auto& [kind, session] : sessions_) soup::session_abort(session.get());
}

}  // namespace genpro::http
