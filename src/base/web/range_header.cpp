// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/web/range_header.h"

#include <glib.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace genpro {

namespace {

// One too large for a number lies behind the end of every file.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  return parse_unsigned(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  const std::string_view text = trim(header);
  const std::size_t dash = text.find('-');
  if (dash == text.npos || dash < unit.size() ||
      g_ascii_strncasecmp(text.data(), unit.data(), unit.size()) != 0) {
    return std::nullopt;
  }
  const std::string_view from = trim(text.substr(unit.size(), dash - unit.size()));
  const auto first = parse_position(from);
  const auto last = parse_position(trim(text.substr(dash + 1)));
  if (from.empty()) {
    return last ? std::optional(ByteRange{size - std::min(*last, size), size}) : std::nullopt;
  }
  const bool is_open = trim(text.substr(dash + 1)).empty();
  if (!first || (!is_open && (!last || *last < *first))) return std::nullopt;
  return ByteRange{*first, is_open || *last >= size ? size : *last + 1};
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  const std::string part =
      range.is_empty() ? "*" : std::to_string(range.first) + "-" + std::to_string(range.end - 1);
  return "bytes " + part + "/" + std::to_string(size);
}

bool lists_tag(std::string_view header, std::string_view tag) {
  return std::ranges::any_of(split(header, ','), [&](std::string_view one) {
    one = trim(one);
    if (one.starts_with("W/")) one.remove_prefix(2);
    return one == "*" || one == tag;
  });
}

}  // namespace genpro
