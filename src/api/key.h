// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "base/error.h"

namespace genpro::api {

inline constexpr const char* default_base_url = "https://api.gen.pro/v1";

// The address in `GEN_API_BASE_URL`, else the service's own.
std::string base_url_from_environment();

// The key to use: `key` when it is set, else the first line of the file `key_file`, else
// `GEN_API_KEY`. Empty when there is none. Fails with ErrorKind::settings when the file cannot be
// read; never waits, whatever the file is.
Result<std::string> find_key(const std::string& key, const std::string& key_file);

}  // namespace genpro::api
