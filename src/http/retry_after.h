// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace genpro::http {

// Reads a Retry-After header: seconds or an HTTP date. Nothing for what is neither or longer than a
// day, which no caller would sit out.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text);

}  // namespace genpro::http
