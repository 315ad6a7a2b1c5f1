// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line with an address, then a reference as a Location header has it.
#include <libsoup/soup.h>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "base/web/url.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

void check_url(const Url& url) {
  FUZZ_CHECK(url.scheme == "https" || (url.scheme == "http" && url.is_loopback()));
  FUZZ_CHECK(!url.host.empty() && url.port > 0 && url.port <= 65535);
  FUZZ_CHECK(url.text.starts_with(url.scheme + "://"));
  FUZZ_CHECK(url.without_query().find_first_of("?#") == std::string::npos);

  // It stays the same one, however often it is read.
  const auto again = parse_url(url.text);
  FUZZ_CHECK(again && again->text == url.text && again->origin() == url.origin());
  const auto alone = parse_url(url.without_query());
  FUZZ_CHECK(alone && alone->origin() == url.origin());

  // The library that sends the request has to send it to where this one was checked to lead: the
  // key goes there.
  const UriPtr uri(
      g_uri_parse(url.text.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  if (!uri) return;
  FUZZ_CHECK(url.scheme == g_uri_get_scheme(uri.get()));
  FUZZ_CHECK(g_ascii_strcasecmp(url.host.c_str(), g_uri_get_host(uri.get())) == 0);
  const int port = g_uri_get_port(uri.get());
  FUZZ_CHECK(url.port == port || (port == -1 && url.port == (url.scheme == "https" ? 443 : 80)));
  FUZZ_CHECK(g_uri_get_userinfo(uri.get()) == nullptr);
}

void check_loopback(const std::string& text) {
  // None that looks like this machine and is another one.
  const auto url = parse_url("http://" + text + "/v1");
  if (!url) return;
  FUZZ_CHECK(url->host == "localhost" || url->host.starts_with("127.") ||
             url->host.starts_with("::ffff:127.") || url->host.find(':') != std::string::npos);
}

}  // namespace

void test_one(std::string_view input) {
  const auto parts = split(input, '\n', 2);
  check_loopback(parts[1]);
  const auto url = parse_url(parts[0]);
  if (!url) {
    FUZZ_CHECK(is_one_line(url.error()) && !url.error().empty());
    return;
  }
  check_url(*url);

  const auto same = resolve_url(*url, url->text);
  FUZZ_CHECK(same && same->origin() == url->origin());
  const auto target = resolve_url(*url, parts[1]);
  if (!target) {
    FUZZ_CHECK(is_one_line(target.error()) && !target.error().empty());
    return;
  }
  check_url(*target);
  // Only what begins with a scheme or two slashes leads to another server.
  const std::string_view reference = trim(parts[1]);
  if (reference.starts_with('/') && !reference.starts_with("//")) {
    FUZZ_CHECK(target->origin() == url->origin());
  }
}

}  // namespace genpro::fuzz
