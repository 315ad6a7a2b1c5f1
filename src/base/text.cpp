// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"

#include <algorithm>
#include <charconv>

#include "base/glib_ptr.h"

namespace genpro {

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= max_id_length && std::ranges::all_of(text, [](char c) {
    return g_ascii_isalnum(c) || c == '_' || c == '-';
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  if (trim(text).empty()) return parts;
  for (const std::string_view part : split(text, ',')) parts.emplace_back(trim(part));
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator,
                 std::string_view last) {
  std::string text;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    const bool is_last = index + 1 == parts.size() && !last.empty();
    if (index > 0) text += is_last ? last : separator;
    text += parts[index];
  }
  return text;
}

std::string_view plain_id(std::string_view id) {
  const bool is_number = id.find_first_not_of("0123456789") == std::string_view::npos;
  while (is_number && id.size() > 1 && id.front() == '0') id.remove_prefix(1);
  return id;
}

bool is_utf8(std::string_view text) {
  return g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr);
}

std::string valid_utf8(std::string_view text) {
  return take_string(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
}

std::string shorten(std::string_view text, std::size_t max_length) {
  std::string valid = valid_utf8(text);
  const auto length = static_cast<std::size_t>(g_utf8_strlen(valid.c_str(), -1));
  if (length <= max_length) return valid;
  const char* begin = valid.c_str();
  const char* end = g_utf8_offset_to_pointer(begin, static_cast<glong>(max_length) - 1);
  return std::string(begin, end) + "…";
}

std::string one_line(std::string_view text, std::size_t max_length) {
  const std::string valid = valid_utf8(text);
  std::string folded;
  bool gap = false;
  for (const char* at = valid.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (g_unichar_isspace(c) || g_unichar_iscntrl(c)) {
      gap = !folded.empty();
      continue;
    }
    if (gap) folded += ' ';
    gap = false;
    folded.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
  }
  return shorten(folded, max_length);
}

std::string redact(std::string_view text, std::string_view secret) {
  std::string result(text);
  if (secret.empty()) return result;
  constexpr std::string_view mask = "***";
  for (std::size_t at = result.find(secret); at != std::string::npos;
       at = result.find(secret, at + mask.size())) {
    result.replace(at, secret.size(), mask);
  }
  return result;
}

std::optional<unsigned long long> parse_unsigned(std::string_view text) {
  unsigned long long value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, 10);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::string number_text(double number) {
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.10g", number);
}

}  // namespace genpro
