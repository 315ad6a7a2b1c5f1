// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/json_check.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace genpro::api {

namespace {

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  JsonCheck check() {
    // Some servers begin with a byte order mark, which is no white space.
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    skip_space();
    if (value(0)) {
      skip_space();
      if (at_ < text_.size()) fail("something stands behind its end");
    }
    return std::move(result_);
  }

 private:
  // Each function reads one thing from at_ on, and is false once something is wrong.

  bool value(int depth) {
    if (depth > max_json_depth) {
      result_.wrong = "it is nested more than " + std::to_string(max_json_depth) + " levels deep";
      return false;
    }
    switch (peek()) {
      case '{':
        return list('}', [&] { return pair(depth + 1); });
      case '[':
        return list(']', [&] { return value(depth + 1); });
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

  template <typename Item>
  bool list(char close, Item item) {
    ++at_;
    skip_space();
    if (take(close)) return true;
    while (item()) {
      skip_space();
      if (take(close)) return true;
      if (!take(',')) return fail(std::string("a comma or ") + close + " is missing");
      skip_space();
    }
    return false;
  }

  bool pair(int depth) {
    if (peek() != '"') return fail("a name in double quotes is missing");
    if (!string()) return false;
    skip_space();
    if (!take(':')) return fail("a colon is missing");
    skip_space();
    return value(depth);
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\0') return fail("a text holds a NUL character");
      if (c != '\\') {
        ++at_;
      } else if (!escape()) {
        return false;
      }
    }
    return fail("a text has no end");
  }

  bool escape() {
    ++at_;
    if (peek() != 'u') {
      if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) {
        return fail("a text holds an escape that JSON does not have");
      }
      ++at_;
      return true;
    }
    const int first = code_unit();
    if (first == 0) return fail("a text holds a NUL character");
    const bool is_high = first >= 0xd800 && first < 0xdc00;
    const int second = is_high && text_.substr(at_, 2) == "\\u" ? (++at_, code_unit()) : -1;
    const bool is_whole = is_high ? second >= 0xdc00 && second < 0xe000
                                  : first > 0 && (first < 0xd800 || first >= 0xe000);
    return is_whole || fail("a text holds an escape that stands for no character");
  }

  // The number in `uXXXX`, -1 when it is none.
  int code_unit() {
    ++at_;
    int unit = 0;
    for (int digit = 0; digit < 4; ++digit, ++at_) {
      if (!g_ascii_isxdigit(peek())) return -1;
      unit = unit * 16 + g_ascii_xdigit_value(peek());
    }
    return unit;
  }

  bool number() {
    const std::size_t begin = at_;
    take('-');
    const std::size_t whole = at_;
    if (!digits())
      return begin == at_ ? fail("a value is missing") : fail("a number has no digits");
    if (text_[whole] == '0' && at_ > whole + 1) return fail("a number begins with a zero");
    const std::string_view integer = text_.substr(whole, at_ - whole);
    bool is_integer = true;
    if (take('.')) {
      is_integer = false;
      if (!digits()) return fail("a number ends in a point");
    }
    if (take('e') || take('E')) {
      is_integer = false;
      if (!take('+')) take('-');
      if (!digits()) return fail("a number's exponent has no digits");
    }
    const std::string literal(text_.substr(begin, at_ - begin));
    const bool is_exact = is_integer ? fits_integer(integer) : is_written_well(literal);
    if (!is_exact) result_.has_exact_numbers = false;
    return true;
  }

  static bool fits_integer(std::string_view digits) {
    const auto magnitude = parse_unsigned(digits);
    return magnitude && *magnitude <= G_MAXINT64;
  }

  // json-glib adds `.0` to what shows no point, also behind an exponent, which is no number then.
  static bool is_written_well(const std::string& literal) {
    const double value = g_ascii_strtod(literal.c_str(), nullptr);
    std::array<char, G_ASCII_DTOSTR_BUF_SIZE> buffer{};
    const std::string_view written(g_ascii_dtostr(buffer.data(), buffer.size(), value));
    return std::isfinite(value) && (written.find('e') == std::string_view::npos ||
                                    written.find('.') != std::string_view::npos);
  }

  bool digits() {
    const std::size_t begin = at_;
    while (g_ascii_isdigit(peek())) ++at_;
    return at_ > begin;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return fail("a value is missing");
    at_ += expected.size();
    return true;
  }

  // NUL at the end, which nothing in JSON begins with.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char expected) {
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string::npos) {
      ++at_;
    }
  }

  bool fail(const std::string& what) {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_begin = before.rfind('\n') + 1;  // 0 when there is none
    const auto column =
        g_utf8_strlen(before.data() + line_begin, static_cast<gssize>(before.size() - line_begin)) +
        1;
    result_.wrong = "it is not JSON: " + what + " (line " + std::to_string(line) + ", character " +
                    std::to_string(column) + ")";
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  JsonCheck result_;
};

}  // namespace

JsonCheck check_json(std::string_view text) {
  return Checker(text).check();
}

}  // namespace genpro::api
