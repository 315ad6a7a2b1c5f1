// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/content_range.h"

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::clip {

namespace {

// What follows `bytes `, else nothing.
std::optional<std::string_view> without_unit(std::string_view text) {
  constexpr std::string_view unit = "bytes";
  text = trim(text);
  if (text.size() <= unit.size() ||
      g_ascii_strncasecmp(text.data(), unit.data(), unit.size()) != 0 || text[unit.size()] != ' ') {
    return std::nullopt;
  }
  return text.substr(unit.size());
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  const auto numbers = without_unit(text);
  if (!numbers) return std::nullopt;
  text = *numbers;
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = parse_unsigned(trim(text.substr(0, dash)));
  const auto last = parse_unsigned(trim(text.substr(dash + 1, slash - dash - 1)));
  const std::string_view total_text = trim(text.substr(slash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  if (total_text != "*") {
    const auto total = parse_unsigned(total_text);
    if (!total || *last >= *total) return std::nullopt;
    range.total = *total;
  }
  return range;
}

std::optional<std::uint64_t> parse_unsatisfied_range(std::string_view text) {
  const auto numbers = without_unit(text);
  if (!numbers) return std::nullopt;
  const std::string_view total = trim(*numbers);
  if (!total.starts_with("*/")) return std::nullopt;
  return parse_unsigned(total.substr(2));
}

}  // namespace genpro::clip
