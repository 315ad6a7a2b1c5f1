// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/text.h"

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "base/glib_ptr.h"

namespace genpro::emulator {

std::string random_token(std::size_t bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string raw(bytes, '\0');
  if (getentropy(raw.data(), bytes) != 0) {
    throw std::system_error(errno, std::generic_category(), "The kernel gave no random bytes");
  }
  std::string text;
  for (const char c : raw) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[c & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  return take_string(g_compute_checksum_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(text.data()), text.size()));
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  // Digests have one length, so the loop tells nothing about the length of either text.
  const std::string a = sha256_hex(left);
  const std::string b = sha256_hex(right);
  unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

std::optional<std::int64_t> parse_digits(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number > std::numeric_limits<std::int64_t>::max()) return {};
  return static_cast<std::int64_t>(*number);
}

bool is_too_large_id(std::string_view id) {
  if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos) return false;
  // Nothing: more digits than any number here has.
  return parse_digits(id).value_or(max_given_id + 1) > max_given_id;
}

namespace {

// The start of `text` that fits, without what would not show or would change how the rest shows.
std::string shown_text(std::string_view text, std::size_t most) {
  const GCharPtr valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  std::string shown;
  for (const char* p = valid.get(); *p != '\0'; p = g_utf8_next_char(p)) {
    const gunichar c = g_utf8_get_char(p);
    const auto length = static_cast<std::size_t>(g_utf8_next_char(p) - p);
    const GUnicodeType type = g_unichar_type(c);
    // Format characters include the ones that reverse the direction of a name on a screen.
    if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT) continue;
    if (shown.size() + length > most) break;
    shown.append(p, length);
  }
  return std::string(trim(shown));
}

}  // namespace

std::string clean_label(std::string_view text) {
  return shown_text(text, 80);
}

std::string clean_file_name(std::string_view name) {
  const auto slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  const std::string shown = shown_text(name, 200);
  if (shown.empty() || shown == "." || shown == "..") return "file";
  return shown;
}

std::optional<std::string> percent_decode(std::string_view encoded, bool plus_is_space) {
  std::string text(encoded);
  if (plus_is_space) std::ranges::replace(text, '+', ' ');
  if (text.find('\0') != std::string::npos) return {};
  const GCharPtr decoded(g_uri_unescape_string(text.c_str(), ""));
  if (!decoded || !g_utf8_validate(decoded.get(), -1, nullptr)) return {};
  return decoded.get();
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = g_ascii_tolower(c);
  return lower;
}

}  // namespace genpro::emulator
