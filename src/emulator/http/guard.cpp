// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/guard.h"

#include <utility>

#include "emulator/http/listener.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

// "[::1]:8787" and "Localhost:8787" as "::1" and "localhost".
std::string name_of(const std::string& authority) {
  const std::string text = to_lower(authority);
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return text.substr(0, text.find(':'));
}

bool is_own_origin(const std::string& origin, const std::string& authority) {
  // https: a proxy in front of the emulator keeps the Host.
  for (const char* scheme : {"http://", "https://"}) {
    if (to_lower(origin) == scheme + to_lower(authority)) return true;
  }
  return false;
}

}  // namespace

OriginGuard::OriginGuard(std::string host)
    : host_(to_lower(std::move(host))), address_(resolve_host(host_)) {}

bool OriginGuard::knows(const std::string& authority) const {
  if (g_inet_address_get_is_any(address_.get())) return true;
  const std::string name = name_of(authority);
  if (name == host_ || name == "localhost" || name.ends_with(".localhost")) return true;
  const auto address = ObjectPtr<GInetAddress>::adopt(g_inet_address_new_from_string(name.c_str()));
  if (!address) return false;
  return g_inet_address_get_is_loopback(address.get()) ||
         g_inet_address_equal(address.get(), address_.get());
}

void OriginGuard::check(const Request& request) const {
  const std::string authority = request.header("host");
  // Only HTTP/1.0 comes without one, and no browser speaks that.
  if (!authority.empty() && !knows(authority)) {
    throw ApiError(403, "forbidden",
                   "The Host of the request is not this emulator. Use http://127.0.0.1 or the "
                   "address that was given as --host.");
  }
  if (request.method == "GET" || request.method == "HEAD") return;
  const std::string origin = request.header("origin");
  if (!origin.empty() && !is_own_origin(origin, authority)) {
    throw ApiError(403, "forbidden",
                   "The Origin of the request is another page, and none but the emulator's own "
                   "may change anything here. Use that, or a client that is no browser.");
  }
  const std::string site = to_lower(request.header("sec-fetch-site"));
  if (!site.empty() && site != "same-origin" && site != "none") {
    throw ApiError(403, "forbidden",
                   "The request comes from a page of another site, and none but the emulator's own "
                   "may change anything here. Use that, or a client that is no browser.");
  }
}

}  // namespace genpro::emulator
