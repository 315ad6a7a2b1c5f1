// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line with a short text, then any text.
#include "base/text.h"

#include <algorithm>

#include "api/client.h"
#include "api/json.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

void check_list(const std::string& text) {
  const auto parts = split_list(text);
  const bool is_blank = std::all_of(text.begin(), text.end(), is_white);
  const auto commas = static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
  FUZZ_CHECK(parts.size() == (is_blank ? 0 : commas + 1));
  std::string joined;
  for (const std::string& part : parts) {
    FUZZ_CHECK(part.find(',') == std::string::npos && trim(part) == part);
    joined += (&part == parts.data() ? "" : ",") + part;
  }
  // Trimming takes white space next to commas and the ends, and nothing else.
  if (!is_blank && !trim(joined).empty()) FUZZ_CHECK(split_list(joined) == parts);
  std::string bare(text);
  std::erase_if(bare, is_white);
  std::erase_if(joined, is_white);
  FUZZ_CHECK(bare == joined);
}

void check_id(const std::string& text) {
  std::size_t good = 0;
  for (const char c : text) {
    good += (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '_' || c == '-';
  }
  FUZZ_CHECK(is_id(text) == (good == text.size() && good > 0 && good <= max_id_length));
  if (!is_id(text)) return;
  const api::JsonNodePtr node = api::id_node(text);
  FUZZ_CHECK(api::as_id(node.get()) == text);
  const bool is_integer = json_node_get_value_type(node.get()) == G_TYPE_INT64;
  FUZZ_CHECK(!is_integer || text.find_first_not_of("0123456789") == std::string::npos);
}

void check_lines(const std::string& text, const std::string& secret) {
  for (const std::size_t limit : {1U, 10U, 300U}) {
    const std::string line = one_line(text, limit);
    FUZZ_CHECK(is_one_line(line) && length(line) <= limit && trim(line) == line.substr(0));
    FUZZ_CHECK(line.find("  ") == std::string::npos);
    const std::string shortened = shorten(text, limit);
    FUZZ_CHECK(is_utf8(shortened) && length(shortened) <= limit);
  }
  FUZZ_CHECK(one_line(one_line(text)) == one_line(text));

  const std::string redacted = redact(text, secret);
  if (secret.empty()) FUZZ_CHECK(redacted == text);
  // A secret of stars cannot be hidden behind stars.
  if (!secret.empty() && secret.find('*') == std::string::npos) {
    FUZZ_CHECK(redacted.find(secret) == std::string::npos);
  }
  if (text.find(secret) == std::string::npos) FUZZ_CHECK(redacted == text);
}

void check_number(const std::string& text) {
  const auto number = parse_unsigned(text);
  const bool is_digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  FUZZ_CHECK(!number || is_digits);
  if (!is_digits) return;
  const std::string significant =
      text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
  constexpr std::string_view largest = "18446744073709551615";
  const bool fits = significant.size() < largest.size() ||
                    (significant.size() == largest.size() && significant <= largest);
  FUZZ_CHECK(static_cast<bool>(number) == fits);
  FUZZ_CHECK(!number || std::to_string(*number) == significant);
}

void check_json(const std::string& text) {
  const auto node = api::parse_json(text);
  const std::string canonical = api::canonical_json(text);
  if (!node) {
    FUZZ_CHECK(canonical == text && is_one_line(node.error()) && !node.error().empty());
    return;
  }
  const auto again = api::parse_json(canonical);
  FUZZ_CHECK(again && json_node_equal(node->get(), again->get()));
  FUZZ_CHECK(api::canonical_json(canonical) == canonical);
  FUZZ_CHECK(api::canonical_json("\n " + canonical + "\t") == canonical);
  // Added last or first, a member is where its name puts it.
  if (canonical.starts_with("{\"") && canonical.size() > 2) {
    const std::string inner = canonical.substr(1, canonical.size() - 2);
    if (inner.find("\"~~\"") != std::string::npos) return;
    FUZZ_CHECK(api::canonical_json("{\"~~\":1," + inner + "}") ==
               api::canonical_json("{" + inner + ",\"~~\":1}"));
  }
}

void check_access(const std::string& url, const std::string& key) {
  const auto access = api::make_access(url, key);
  if (!access) {
    FUZZ_CHECK(access.error().kind == ErrorKind::settings && is_one_line(access.error().message));
    return;
  }
  FUZZ_CHECK(access->key == key && !key.empty());
  FUZZ_CHECK(std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; }));
  FUZZ_CHECK(!access->base.text.ends_with('/'));
  // What calls append to it stays below it.
  const auto call = parse_url(access->base.text + "/generations/9040");
  FUZZ_CHECK(call && call->origin() == access->base.origin());
}

}  // namespace

void test_one(std::string_view input) {
  const auto parts = split(input, '\n', 2);
  check_list(parts[0]);
  check_id(parts[0]);
  check_number(parts[0]);
  check_lines(parts[1], parts[0]);
  check_json(parts[1]);
  check_access(parts[0], parts[1]);
}

}  // namespace genpro::fuzz
