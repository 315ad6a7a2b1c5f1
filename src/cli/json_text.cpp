// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace genpro::cli {

namespace {

// The shortest text that is the same number, where json-glib writes 17 digits.
std::string short_number(const std::string& token) {
  if (token.find_first_of(".eE") == std::string::npos) return token;
  char text[400];
  const double number = g_ascii_strtod(token.c_str(), nullptr);
  const auto format =
      std::abs(number) < 1e15 ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(text, text + sizeof text, number, format);
  std::string shortest(text, end);
  if (error != std::errc()) return token;
  return shortest.find_first_of(".e") == std::string::npos ? shortest + ".0" : shortest;
}

std::string with_short_numbers(const std::string& json) {
  std::string result;
  bool is_in_string = false;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (!is_in_string && (g_ascii_isdigit(c) || c == '-')) {
      const std::size_t end = std::min(json.find_first_not_of("0123456789+-.eE", at), json.size());
      result += short_number(json.substr(at, end - at));
      at = end;
      continue;
    }
    if (c == '"') is_in_string = !is_in_string;
    if (c == '\\') result += json[at++];
    result += json[at++];
  }
  return result;
}

// Control characters above ASCII, which JSON allows and some terminals obey. They can only stand in
// strings, where an escape means the same.
std::string without_terminal_commands(const std::string& json) {
  std::string result;
  for (const char* at = json.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    const GUnicodeType type = g_unichar_type(c);
    const bool obeyed = type == G_UNICODE_CONTROL || (type == G_UNICODE_FORMAT && c <= 0xffff);
    if (c >= 0x7f && obeyed) {
      result += take_string(g_strdup_printf("\\u%04x", c));
    } else {
      result.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
    }
  }
  return result;
}

}  // namespace

std::string json_text(const api::JsonNodePtr& document) {
  return without_terminal_commands(
             with_short_numbers(take_string(json_to_string(document.get(), TRUE)))) +
         "\n";
}

}  // namespace genpro::cli
