// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/redirect.h"

#include "base/text.h"

namespace genpro::clip {

bool is_redirect(unsigned http_status) {
  return http_status == 301 || http_status == 302 || http_status == 303 || http_status == 307 ||
         http_status == 308;
}

Result<Url, std::string> follow_redirect(const Url& from, const std::string& location,
                                         int followed) {
  if (trim(location).empty()) return std::string("it does not say where to");
  auto target = resolve_url(from, location);
  if (!target) return target;
  if (from.scheme == "https" && target->scheme != "https") {
    return std::string("it leads from https to http");
  }
  if (target->reaches_this_machine() && !from.reaches_this_machine()) {
    return std::string("it leads from another machine to this one");
  }
  if (followed >= max_redirects) {
    return "it is redirected more than " + std::to_string(max_redirects) + " times";
  }
  return target;
}

}  // namespace genpro::clip
