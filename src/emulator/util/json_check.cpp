// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A check of RFC 8259 that needs no recursion deeper than its own limit. json-glib alone would do
// more than is wanted: it takes comments and assignments, and recurses as deep as the text says.
#include <glib.h>

#include <charconv>
#include <utility>

#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr int max_depth = 64;

class JsonChecker {
 public:
  explicit JsonChecker(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    skip_space();
    if (!value(1)) return problem();
    skip_space();
    if (at_ != text_.size()) {
      fail("text follows the end of the value");
      return problem();
    }
    return {};
  }

 private:
  std::string problem() const { return reason_ + " at byte " + std::to_string(at_); }
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool value(int depth) {
    if (depth > max_depth) return fail("it is nested more than 64 deep");
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("an unknown word stands");
    at_ += expected.size();
    return true;
  }

  // What stands in brackets, with commas in between.
  template <typename Element>
  bool list(char closing, const char* missing, const Element& element) {
    ++at_;
    skip_space();
    if (take(closing)) return true;
    do {
      skip_space();
      if (!element()) return false;
      skip_space();
    } while (take(','));
    return take(closing) || fail(missing);
  }

  bool object(int depth) {
    return list('}', "a comma or closing brace is missing", [&] {
      if (peek() != '"') return fail("a member name in double quotes is missing");
      if (!string()) return false;
      skip_space();
      if (!take(':')) return fail("a colon is missing");
      skip_space();
      return value(depth + 1);
    });
  }

  bool array(int depth) {
    return list(']', "a comma or closing bracket is missing", [&] { return value(depth + 1); });
  }

  bool digits() {
    const std::size_t first = at_;
    while (g_ascii_isdigit(peek())) ++at_;
    return at_ > first;
  }

  // json-glib would make another number of a whole one that does not fit.
  bool fits(std::string_view whole) {
    std::int64_t value = 0;
    if (std::from_chars(whole.data(), whole.data() + whole.size(), value).ec == std::errc()) {
      return true;
    }
    return fail("the whole number " + clean_label(whole) +
                " does not fit into 64 bits (send a string to keep its digits)");
  }

  bool number() {
    const std::size_t first = at_;
    take('-');
    if (!take('0') && !digits()) return fail("a value is missing or wrong");
    const std::size_t whole = at_ - first;
    if (take('.') && !digits()) return fail("digits are missing after the decimal point");
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (!take('+')) take('-');
      if (!digits()) return fail("the exponent is missing");
    }
    if (at_ > first + whole || fits(text_.substr(first, whole))) return true;
    at_ = first;
    return false;
  }

  // The four digits of a \u escape; -1 when there are none.
  int code_unit() {
    int unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int digit = g_ascii_xdigit_value(peek());
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  bool unicode_escape() {
    const int unit = code_unit();
    if (unit < 0) return fail("a \\u escape needs four hexadecimal digits");
    if (unit == 0) return fail("a string holds U+0000, which is not allowed here,");
    if (unit >= 0xdc00 && unit <= 0xdfff) return fail("half a surrogate pair stands alone");
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const bool more = take('\\') && take('u');
      const int low = more ? code_unit() : -1;
      if (low < 0xdc00 || low > 0xdfff) return fail("half a surrogate pair stands alone");
    }
    return true;
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return fail("a string holds a control character");
      if (c != '\\') continue;
      const char escaped = peek();
      ++at_;
      if (escaped == 'u') {
        if (!unicode_escape()) return false;
      } else if (escaped == '\0' ||
                 std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) {
        return fail("an unknown escape stands");
      }
    }
    at_ = text_.size();
    return fail("a string does not end");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string reason_;
};

}  // namespace

std::optional<std::string> json_problem(std::string_view text) {
  const char* end = nullptr;
  if (!g_utf8_validate_len(text.data(), text.size(), &end)) {
    return "it is no UTF-8 at byte " + std::to_string(end - text.data());
  }
  return JsonChecker(text).run();
}

}  // namespace genpro::emulator
