// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line with the status and the offset that was asked for (`206 100`), then the lines of an
// answer's head (`Content-Range: bytes 100-199/1000`).
#include <algorithm>

#include "base/backoff.h"
#include "base/glib_ptr.h"
#include "base/text.h"
#include "clip/content_range.h"
#include "clip/identity.h"
#include "fuzz.h"
#include "http/retry_after.h"
#include "http/soup.h"

namespace genpro::fuzz {

namespace {

using clip::ContentRange;

// The digits at the beginning of `text`, which they are taken from; nothing when there are none or
// they are more than 64 bits.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    const auto digit = static_cast<std::uint64_t>(text[digits] - '0');
    if (__builtin_mul_overflow(value, 10U, &value) ||
        __builtin_add_overflow(value, digit, &value)) {
      return std::nullopt;
    }
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

// The grammar of RFC 9110, section 14.4, letter by letter.
std::optional<ContentRange> strict_content_range(std::string_view text) {
  if (text.size() < 6 || g_ascii_strncasecmp(text.data(), "bytes ", 6) != 0) return std::nullopt;
  text.remove_prefix(6);
  const auto first = take_number(text);
  if (!first || !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!last || *first > *last || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  if (text == "*") return ContentRange{*first, *last, std::nullopt};
  const auto total = take_number(text);
  if (!total || !text.empty() || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

bool equal(const ContentRange& a, const ContentRange& b) {
  return a.first == b.first && a.last == b.last && a.total == b.total;
}

void check_content_range(const std::string& text) {
  const auto range = clip::parse_content_range(text);
  const auto strict = strict_content_range(text);
  // More white space than the standard has is let pass, nothing else.
  FUZZ_CHECK(!strict || (range && equal(*range, *strict)));
  if (!range) return;
  std::string bare;
  std::copy_if(text.begin(), text.end(), std::back_inserter(bare),
               [](char c) { return !g_ascii_isspace(c) && c != '\v'; });
  const auto squeezed = strict_content_range("bytes " + bare.substr(5));
  FUZZ_CHECK(squeezed && equal(*squeezed, *range));
}

void check_retry_after(const std::string& text) {
  using namespace std::chrono_literals;
  const auto wait = http::parse_retry_after(text);
  FUZZ_CHECK(!wait || (*wait >= 0ms && *wait <= 24h));
  std::string_view rest = trim(text);
  const auto seconds = take_number(rest);
  if (seconds && rest.empty()) {
    FUZZ_CHECK(static_cast<bool>(wait) == (*seconds <= 86'400));
    FUZZ_CHECK(!wait || *wait == std::chrono::seconds(*seconds));
  }
  Backoff backoff({.first = 10ms, .longest = 50ms}, 1);
  const auto drawn = backoff.next(wait);
  FUZZ_CHECK(drawn >= wait.value_or(0ms) && drawn <= std::max(50ms, wait.value_or(0ms) + 250ms));
}

using HeadersPtr = Owned<SoupMessageHeaders, soup_message_headers_unref>;

void check_part(unsigned status, std::uint64_t offset, const std::vector<std::string>& lines) {
  const HeadersPtr headers(soup_message_headers_new(SOUP_MESSAGE_HEADERS_RESPONSE));
  std::string range_text;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) continue;
    const std::string name = line.substr(0, colon);
    const std::string value(trim(std::string_view(line).substr(colon + 1)));
    // What libsoup lets through from a connection, and no second one of a name.
    const bool is_sane = value.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos;
    if (!is_id(name) || !is_sane || !is_utf8(value)) continue;
    soup_message_headers_replace(headers.get(), name.c_str(), value.c_str());
    if (g_ascii_strcasecmp(name.c_str(), "Content-Range") == 0) range_text = value;
  }

  const clip::Part part = clip::read_part(status, headers.get(), offset);
  FUZZ_CHECK(is_one_line(part.wrong));
  FUZZ_CHECK(difference(part.identity, part.identity).empty());
  const std::string validator = part.identity.validator();
  FUZZ_CHECK(validator.empty() || validator == part.identity.entity_tag ||
             validator == part.identity.last_modified);
  // If-Range with a weak tag never matches.
  FUZZ_CHECK(!validator.starts_with("W/") || validator == part.identity.last_modified);
  if (status != SOUP_STATUS_PARTIAL_CONTENT) {
    FUZZ_CHECK(part.wrong.empty() && part.first == 0 && part.identity.total == part.length);
    return;
  }
  const auto range = clip::parse_content_range(range_text);
  FUZZ_CHECK(part.ranged && (range || !part.wrong.empty()));
  if (!part.wrong.empty()) return;
  FUZZ_CHECK(part.first == offset && range->first == offset);
  FUZZ_CHECK(part.length && *part.length == range->last - offset + 1);
  FUZZ_CHECK(part.identity.total == range->total);
  FUZZ_CHECK(!range->total || offset + *part.length <= *range->total);

  // A clip of another length or tag is another clip, whichever was seen first.
  clip::Identity other = part.identity;
  other.total = part.identity.total.value_or(0) + 1;
  FUZZ_CHECK(difference(part.identity, other).empty() == !part.identity.total);
  FUZZ_CHECK(difference(other, part.identity).empty() == !part.identity.total);
  other = part.identity;
  other.entity_tag += "x";
  FUZZ_CHECK(difference(part.identity, other).empty() == part.identity.entity_tag.empty());
}

}  // namespace

void test_one(std::string_view input) {
  FUZZ_CHECK(!soup::load());
  std::vector<std::string> lines = split(input, '\n', 8);
  const auto head = split(lines.front(), ' ', 2);
  lines.erase(lines.begin());
  for (const std::string& line : lines) {
    const std::string value = line.substr(line.find(':') + 1);
    check_content_range(value);
    check_retry_after(value);
  }
  const unsigned status = head[0] == "206" ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK;
  check_part(status, parse_unsigned(head[1]).value_or(0), lines);
}

}  // namespace genpro::fuzz
