// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "api/json.h"

namespace genpro::api {

// Deeper nesting than any answer has, and far from what a recursive parser could bear.
inline constexpr int max_json_depth = 64;

struct ParsedJson {
  // Null when the text is not one JSON value.
  JsonNodePtr root;
  // Why it is not, as a fragment that says where.
  std::string wrong;
  // Whether every number is held as it is: a double stands for an integer of more than 63 bits, and
  // infinity for what a double cannot hold.
  bool has_exact_numbers = true;
};

// Reads JSON (RFC 8259) into json-glib's nodes. json-glib's own parser takes more than JSON, and
// what it makes of large integers and of line breaks within strings depends on its version. Two
// things are taken beyond JSON: a byte order mark, and control characters within strings, since
// people write prompts with line breaks. U+0000 is refused, as nodes cannot hold it.
ParsedJson read_json(std::string_view text);

}  // namespace genpro::api
