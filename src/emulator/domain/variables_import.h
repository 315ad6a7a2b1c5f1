// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables from text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/store/records.h"

namespace genpro::emulator {

inline constexpr std::size_t max_variables = 10'000;  // of one sheet

// Whether a {{name}} could not be told from what stands around it.
bool has_braces(std::string_view name);

// A key without the space around it. Throws std::invalid_argument that says what is wrong with it,
// such as "a variable has no key".
std::string variable_key(std::string_view key);

// Reads CSV (RFC 4180, UTF-8) whose first line names the columns, two of them `key` and `value`.
// Empty lines are left out. Throws ApiError 422 for anything else, also for a key twice.
std::vector<Variable> variables_from_csv(std::string_view text);

// Reads {"variables": [{"key", "value"}, …]}, {"variables": {"key": "value", …}} or what stands
// under "variables" alone, unless it has a member of that name. Values are texts, numbers or
// booleans. Throws ApiError 422.
std::vector<Variable> variables_from_json(std::string_view text);

// JSON when it starts like an object or an array, else CSV.
std::vector<Variable> variables_from_text(std::string_view text);

}  // namespace genpro::emulator
