// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What every fuzz target needs. A target does not only call a parser: it states what has to hold of
// whatever comes out, most often against a second, slow and simple version of the same rule.
#pragma once

#include <glib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// Ends the run with the input kept, as a crash would.
#define FUZZ_CHECK(condition)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

namespace genpro::fuzz {

// Called once for each input. A critical warning of a library ends the run too: see init().
void test_one(std::string_view input);

// The parts of `input` between `separator`s; always `count` of them, the last one with all that is
// left, missing ones empty.
inline std::vector<std::string> split(std::string_view input, char separator, std::size_t count) {
  std::vector<std::string> parts;
  while (parts.size() + 1 < count) {
    const std::size_t end = input.find(separator);
    parts.emplace_back(input.substr(0, end));
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  parts.emplace_back(input);
  return parts;
}

inline bool is_utf8(std::string_view text) {
  return g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr) != 0;
}

// What may stand in one line of an error message.
inline bool is_one_line(std::string_view text) {
  if (!is_utf8(text)) return false;
  for (const char c : text) {
    if (g_ascii_iscntrl(c)) return false;
  }
  return true;
}

inline std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(g_utf8_strlen(text.data(), static_cast<gssize>(text.size())));
}

}  // namespace genpro::fuzz
