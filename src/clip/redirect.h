// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a redirect of a clip's address may lead.
#pragma once

#include <string>

#include "base/web/url.h"

namespace genpro::clip {

inline constexpr int max_redirects = 10;

bool is_redirect(unsigned http_status);

// What `location` leads to from `from`, after `followed` redirects before it. The error is a
// fragment that says why it is not followed: never from https to http, not even on this machine,
// never from another machine to this one, and never with credentials in the address.
Result<Url, std::string> follow_redirect(const Url& from, const std::string& location,
                                         int followed);

}  // namespace genpro::clip
