// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace genpro::api {

// Deeper nesting than any answer has, and far from what a recursive parser could bear.
inline constexpr int max_json_depth = 64;

struct JsonCheck {
  // What keeps the text from being one JSON value (RFC 8259), as a fragment that says where; empty
  // when nothing does.
  std::string wrong;
  // Whether every number is one that json-glib gives back: it wraps what has more than 63 bits
  // around, takes what a double cannot hold for infinity, and writes 1e22 as `1e+22.0`.
  bool has_exact_numbers = true;
};

// json-glib goes on where JSON ends: it takes comments, single quotes, assignments and octal
// numbers, cuts texts at a NUL, and recurses as deep as a text wants. What it may be given is
// therefore looked through first. Line breaks and tabs within strings are let through: people write
// prompts with them.
JsonCheck check_json(std::string_view text);

}  // namespace genpro::api
