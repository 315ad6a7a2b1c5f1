// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/network.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace genpro::http {

namespace {

constexpr const char* proxy_advice =
    "Set proxy, or https_proxy in the environment, to http://user:password@host:port.";

std::string text_of(GTlsCertificate* certificate, const char* property) {
  char* text = nullptr;
  g_object_get(certificate, property, &text, nullptr);
  return one_line(take_string(text), 120);
}

std::string day_of(GTlsCertificate* certificate, const char* property) {
  GDateTime* moment = nullptr;
  g_object_get(certificate, property, &moment, nullptr);
  const DateTimePtr owned(moment);
  return owned ? take_string(g_date_time_format(owned.get(), "%Y-%m-%d")) : "an unknown day";
}

// The names that a certificate is for: "a.example, b.example".
std::string names_of(GTlsCertificate* certificate) {
  GPtrArray* names = nullptr;
  g_object_get(certificate, "dns-names", &names, nullptr);
  if (names == nullptr) return text_of(certificate, "subject-name");
  std::string text;
  for (guint i = 0; i < names->len; ++i) {
    gsize size = 0;
    const void* name = g_bytes_get_data(static_cast<GBytes*>(names->pdata[i]), &size);
    if (!text.empty()) text += ", ";
    text.append(static_cast<const char*>(name), size);
  }
  g_ptr_array_unref(names);
  return one_line(text, 120);
}

}  // namespace

ObjectPtr<GTlsDatabase> read_authorities(const std::string& file, ErrorPtr* error) {
  // GIO takes absolute names only.
  const GCharPtr path(g_canonicalize_filename(file.c_str(), nullptr));
  return ObjectPtr<GTlsDatabase>::adopt(g_tls_file_database_new(path.get(), error->out()));
}

std::string proxy_address(std::string_view proxy) {
  const std::string address(trim(proxy));
  const bool is_bare = !address.empty() && address.find("://") == std::string::npos;
  return is_bare ? "http://" + address : address;
}

std::string without_login(std::string_view proxy) {
  std::string text(proxy);
  const std::size_t at = text.rfind('@');
  const std::size_t colon = text.find(':');
  // A password may have slashes as well.
  const std::size_t begin = colon < at && text.compare(colon, 3, "://") == 0 ? colon + 3 : 0;
  if (at != std::string::npos) text.erase(begin, at + 1 - begin);
  return text;
}

std::string effective_proxy(const Network& network) {
  std::string proxy = network.proxy;
  for (const char* variable : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const char* value = g_getenv(variable);
    if (proxy.empty() && value != nullptr) proxy = value;
  }
  return proxy;
}

std::optional<Error> check_network(const Network& network) {
  if (!network.proxy.empty()) {
    const UriPtr uri(
        g_uri_parse(proxy_address(network.proxy).c_str(), G_URI_FLAGS_HAS_PASSWORD, nullptr));
    const std::string scheme = uri ? g_uri_get_scheme(uri.get()) : "";
    const char* host = uri ? g_uri_get_host(uri.get()) : nullptr;
    constexpr std::array schemes = {"http", "socks5", "socks4", "socks4a"};
    const bool has_space =
        std::ranges::any_of(network.proxy, [](char c) { return g_ascii_isspace(c); });
    if (host == nullptr || *host == '\0' || has_space ||
        std::ranges::find(schemes, scheme) == schemes.end()) {
      // Not shown: it may be a login in a form that is not known as one.
      return settings_error(
          "proxy is no address of a proxy. Set it to http://host:port or "
          "http://user:password@host:port.");
    }
  }
  if (network.ca_file.empty()) return std::nullopt;
  ErrorPtr error;
  if (read_authorities(network.ca_file, &error)) return std::nullopt;
  // Some of GnuTLS's messages end with a full stop, others do not.
  std::string reason = one_line(error.message());
  if (reason.ends_with('.')) reason.pop_back();
  return settings_error("ca-file \"" + one_line(network.ca_file, 200) + "\" cannot be used: " +
                        reason + ". Set it to a file with the authorities' certificates (PEM).");
}

Obstacle describe_distrust(GTlsCertificate* certificate, GTlsCertificateFlags errors,
                           std::string_view host, const Network& network) {
  const auto has = [errors](GTlsCertificateFlags flag) { return (errors & flag) != 0; };
  const std::string name(host);
  if (has(G_TLS_CERTIFICATE_BAD_IDENTITY)) {
    return {"its certificate is for " + names_of(certificate) + ", not for " + name,
            "Check the address, and whether something else answers in its place."};
  }
  if (has(G_TLS_CERTIFICATE_EXPIRED)) {
    return {"its certificate expired on " + day_of(certificate, "not-valid-after"),
            "Check this machine's date, or have the certificate of " + name + " renewed."};
  }
  if (has(G_TLS_CERTIFICATE_NOT_ACTIVATED)) {
    return {"its certificate is valid from " + day_of(certificate, "not-valid-before") + " on",
            "Check this machine's date."};
  }
  if (has(G_TLS_CERTIFICATE_UNKNOWN_CA)) {
    const std::string where =
        network.ca_file.empty() ? "the system's authorities" : "the authorities of ca-file";
    return {"its certificate was issued by \"" + text_of(certificate, "issuer-name") +
                "\", which is none of " + where,
            "Set ca-file to that authority's certificate (PEM), or add it to the system's."};
  }
  return {has(G_TLS_CERTIFICATE_REVOKED)    ? "its certificate was revoked"
          : has(G_TLS_CERTIFICATE_INSECURE) ? "its certificate uses a method that is not secure"
                                            : "its certificate cannot be verified",
          "Ask those who run " + name + "."};
}

Obstacle describe_proxy_answer(unsigned status, const Network& network) {
  const std::string proxy = effective_proxy(network);
  const std::string name =
      proxy.empty() ? "the system's proxy" : "the proxy " + one_line(without_login(proxy), 200);
  const bool wants_login = status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED;
  return {name + (wants_login ? " wants a login" : " makes no connection to it") + " (HTTP " +
              std::to_string(status) + ")",
          wants_login ? proxy_advice : "Check proxy or https_proxy, and no_proxy."};
}

bool is_web_page(std::string_view body) {
  constexpr std::string_view mark = "\xef\xbb\xbf";  // of UTF-8
  if (body.starts_with(mark)) body.remove_prefix(mark.size());
  while (true) {
    while (!body.empty() && g_ascii_isspace(body.front())) body.remove_prefix(1);
    const bool is_comment = body.starts_with("<!--");
    if (!is_comment && !body.starts_with("<?xml")) break;
    const std::string_view close = is_comment ? "-->" : "?>";
    const std::size_t end = body.find(close);
    // What is longer than the start of a body at hand is a comment on a page.
    if (end == std::string_view::npos) return is_comment;
    body.remove_prefix(end + close.size());
  }
  // Browsers take a body that begins with one of these for HTML, and many pages leave out the
  // first.
  constexpr std::array<std::string_view, 9> starts = {
      "<!doctype html", "<html", "<head", "<title", "<meta", "<link", "<script", "<style", "<body"};
  return std::ranges::any_of(starts, [body](std::string_view start) {
    return body.size() >= start.size() &&
           g_ascii_strncasecmp(body.data(), start.data(), start.size()) == 0;
  });
}

}  // namespace genpro::http
