// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace genpro::api {

// Reads the `variables` setting: a JSON object whose values are strings, numbers or booleans. An
// empty text has no variables. The error is a fragment that says what is wrong.
Result<std::map<std::string, std::string>, std::string> parse_variables(std::string_view text);

// Puts values in place of `{{name}}`, white space around the name allowed. Names that `variables`
// lacks are left as they are: the service fills them from the sheet. Values are not looked into
// again, so a value cannot bring in another variable.
std::string fill_variables(std::string_view prompt,
                           const std::map<std::string, std::string>& variables);

}  // namespace genpro::api
