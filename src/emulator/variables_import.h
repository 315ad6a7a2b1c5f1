// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables from text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emulator/records.h"

namespace genpro::emulator {

// Reads CSV (RFC 4180, UTF-8) whose first line names the columns, two of them `key` and `value`.
// Empty lines are left out. Throws ApiError 422 for anything else, also for a key twice.
std::vector<Variable> variables_from_csv(std::string_view text);

// Reads {"variables": [{"key", "value"}, …]}, {"variables": {"key": "value", …}} or what stands
// under "variables" alone. Values are texts, numbers or booleans. Throws ApiError 422.
std::vector<Variable> variables_from_json(std::string_view text);

// JSON when it starts like an object or an array, else CSV.
std::vector<Variable> variables_from_text(std::string_view text);

}  // namespace genpro::emulator
