// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Addresses, as far as it matters where a request may go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace genpro {

// An absolute http or https URL. Shapes: `scheme` and `host` in lower case, `port` never 0, the
// host of an IPv6 address without brackets.
struct Url {
  std::string text;
  std::string scheme;
  std::string host;
  int port = 0;

  // `scheme://host:port`, the unit that a browser calls an origin. Two URLs with equal origins
  // reach the same server.
  std::string origin() const;
  // Scheme, host and path, without query and fragment: a signed URL's signature is a secret of a
  // kind, and does not belong in a log.
  std::string without_query() const { return text.substr(0, text.find_first_of("?#")); }
  bool is_loopback() const;
  // As above, in any of the ways in which an address may say so, also those that parse_url() does
  // not take for plain http.
  bool reaches_this_machine() const;
};

// Refuses everything that is not http or https, has no host, or holds a user name or password.
// Plain http is for loopback only: any other host would be sent keys and clips in the clear. The
// error is one sentence fragment, such as "it is not an http or https address".
Result<Url, std::string> parse_url(std::string_view text);

// Resolves a Location header against the URL that answered with it.
Result<Url, std::string> resolve_url(const Url& base, std::string_view reference);

// An address that may be none, fit for one line of a message or log: without credentials, query and
// fragment, which may be secrets.
std::string address_for_log(std::string_view address);

}  // namespace genpro
