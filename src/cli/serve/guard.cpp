// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/guard.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace genpro::cli {

namespace {

bool is_this_machine(std::string_view host) {
  constexpr std::array<std::string_view, 3> names = {"localhost", "127.0.0.1", "[::1]"};
  return std::ranges::any_of(names, [&](std::string_view name) {
    if (!host.starts_with(name)) return false;
    const std::string_view port = host.substr(name.size());
    return port.empty() || (port.starts_with(':') && parse_unsigned(port.substr(1)));
  });
}

// By each of the headers that browsers say it with; programs send none of them.
bool is_of_another_site(const Request& request, const std::string& origin) {
  const std::string site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const std::string sender = request.header("origin");
  if (!sender.empty() && sender != origin) return true;
  const std::string page = request.header("referer");
  return !page.empty() && page != origin && !page.starts_with(origin + "/");
}

}  // namespace

void check_sender(const Request& request) {
  const std::string host = request.header("host");
  if (!is_this_machine(host)) {
    throw HttpError(403,
                    "The request's Host is none of this machine. Use localhost, 127.0.0.1 or "
                    "[::1].");
  }
  if (is_of_another_site(request, "http://" + host)) {
    throw HttpError(403, "This was asked for by a page of another site. Open the address itself.");
  }
  const std::string purpose =
      request.header("sec-purpose") + request.header("purpose") + request.header("x-moz");
  if (purpose.find("prefetch") != std::string::npos) {
    throw HttpError(403, "Nothing is made before somebody asks for it.");
  }
}

}  // namespace genpro::cli
