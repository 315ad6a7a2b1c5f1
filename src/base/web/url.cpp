// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/web/url.h"

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro {

namespace {

constexpr GUriFlags uri_flags = static_cast<GUriFlags>(
    G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY |
    G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_SCHEME_NORMALIZE);

Result<Url, std::string> from_uri(GUri* uri) {
  Url url;
  url.scheme = g_uri_get_scheme(uri);
  if (url.scheme != "http" && url.scheme != "https") {
    return std::string("it is not an http or https address");
  }
  const char* host = g_uri_get_host(uri);
  if (host == nullptr || *host == '\0') return std::string("it names no host");
  if (g_uri_get_userinfo(uri) != nullptr) return std::string("it holds a user name or password");
  url.host = take_string(g_ascii_strdown(host, -1));
  url.port = g_uri_get_port(uri);
  if (url.port == 0) return std::string("its port is 0");
  if (url.port < 0) url.port = url.scheme == "https" ? 443 : 80;
  url.text = take_string(g_uri_to_string(uri));
  if (url.scheme == "http" && !url.is_loopback()) {
    return std::string("it is plain http, which is allowed to this machine (loopback) only");
  }
  return url;
}

}  // namespace

std::string Url::origin() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return scheme + "://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Url::is_loopback() const {
  if (host == "localhost") return true;
  const ObjectPtr<GInetAddress> address =
      ObjectPtr<GInetAddress>::adopt(g_inet_address_new_from_string(host.c_str()));
  return address && g_inet_address_get_is_loopback(address.get());
}

bool Url::reaches_this_machine() const {
  std::string_view name(host);
  while (name.ends_with('.')) name.remove_suffix(1);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  constexpr std::string_view mapped = "::ffff:";
  if (name.starts_with(mapped)) name.remove_prefix(mapped.size());
  const auto address =
      ObjectPtr<GInetAddress>::adopt(g_inet_address_new_from_string(std::string(name).c_str()));
  return address && (g_inet_address_get_is_loopback(address.get()) ||
                     g_inet_address_get_is_any(address.get()));
}

Result<Url, std::string> parse_url(std::string_view text) {
  const std::string trimmed(trim(text));
  if (trimmed.empty()) return std::string("it is empty");
  ErrorPtr error;
  const UriPtr uri(g_uri_parse(trimmed.c_str(), uri_flags, error.out()));
  if (!uri) return std::string("it is not an address: ") + one_line(error.message());
  return from_uri(uri.get());
}

Result<Url, std::string> resolve_url(const Url& base, std::string_view reference) {
  const std::string trimmed(trim(reference));
  ErrorPtr error;
  const UriPtr base_uri(g_uri_parse(base.text.c_str(), uri_flags, error.out()));
  if (!base_uri) return error.message();
  const UriPtr uri(g_uri_parse_relative(base_uri.get(), trimmed.c_str(), uri_flags, error.out()));
  if (!uri) return std::string("it is not an address: ") + one_line(error.message());
  return from_uri(uri.get());
}

std::string address_for_log(std::string_view address) {
  std::string text(address.substr(0, address.find_first_of("?#")));
  const std::size_t authority = text.find("//");
  const std::size_t at = text.rfind('@');
  if (authority != std::string::npos && at != std::string::npos && at > authority) {
    text.erase(authority + 2, at - authority - 1);
  }
  return one_line(text, 200);
}

}  // namespace genpro
