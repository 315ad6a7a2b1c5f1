// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/json_parser.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

namespace genpro::api {

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  ParsedJson parse() {
    // Some servers begin with a byte order mark, which is no white space.
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    skip_space();
    JsonNodePtr root = value(0);
    if (root) {
      skip_space();
      if (at_ < text_.size()) {
        fail("something stands behind its end");
      } else {
        result_.root = std::move(root);
      }
    }
    return std::move(result_);
  }

 private:
  // Each function reads one thing from at_ on; it returns false, nothing or a null pointer once
  // something is wrong.

  JsonNodePtr value(int depth) {
    if (depth > max_json_depth) {
      result_.wrong = "it is nested more than " + std::to_string(max_json_depth) + " levels deep";
      return {};
    }
    switch (peek()) {
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"':
        return string_value();
      case 't':
        return word("true") ? boolean(true) : JsonNodePtr();
      case 'f':
        return word("false") ? boolean(false) : JsonNodePtr();
      case 'n':
        return JsonNodePtr(word("null") ? json_node_new(JSON_NODE_NULL) : nullptr);
      default:
        return number();
    }
  }

  JsonNodePtr object(int depth) {
    JsonObjectPtr object(json_object_new());
    const bool is_whole = list('}', [&] {
      if (peek() != '"') return fail("a name in double quotes is missing");
      const auto name = string();
      if (!name) return false;
      skip_space();
      if (!take(':')) return fail("a colon is missing");
      skip_space();
      JsonNodePtr item = value(depth);
      if (item) json_object_set_member(object.get(), name->c_str(), item.release());
      return result_.wrong.empty();
    });
    return is_whole ? to_node(std::move(object)) : JsonNodePtr();
  }

  JsonNodePtr array(int depth) {
    JsonArrayPtr array(json_array_new());
    const bool is_whole = list(']', [&] {
      JsonNodePtr item = value(depth);
      if (item) json_array_add_element(array.get(), item.release());
      return result_.wrong.empty();
    });
    return is_whole ? to_node(std::move(array)) : JsonNodePtr();
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

  JsonNodePtr string_value() {
    const auto text = string();
    if (!text) return {};
    JsonNodePtr node(json_node_new(JSON_NODE_VALUE));
    json_node_set_string(node.get(), text->c_str());
    return node;
  }

  std::optional<std::string> string() {
    ++at_;
    std::string result;
    for (;;) {
      const std::size_t end = std::min(text_.find_first_of("\"\\", at_), text_.size());
      result += text_.substr(at_, end - at_);
      at_ = end;
      if (take('"')) return result;
      if (!take('\\')) {
        fail("a text has no end");
        return std::nullopt;
      }
      if (!escape(result)) return std::nullopt;
    }
  }

  // What stands behind a backslash.
  bool escape(std::string& result) {
    static constexpr std::string_view names = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (peek() != 'u') {
      const std::size_t index = names.find(peek());
      if (index == std::string_view::npos) {
        return fail("a text holds an escape that JSON does not have");
      }
      ++at_;
      result += meanings[index];
      return true;
    }
    int character = code_unit();
    if (character == 0) return fail("a text holds a NUL character");
    if (character >= 0xd800 && character < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      ++at_;
      const int low = code_unit();
      const bool is_pair = low >= 0xdc00 && low < 0xe000;
      character = is_pair ? 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (character < 0 || (character >= 0xd800 && character < 0xe000)) {
      return fail("a text holds an escape that stands for no character");
    }
    std::array<char, 6> bytes{};
    const int length = g_unichar_to_utf8(static_cast<gunichar>(character), bytes.data());
    result.append(bytes.data(), static_cast<std::size_t>(length));
    return true;
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

  JsonNodePtr number() {
    const std::size_t begin = at_;
    take('-');
    const std::size_t whole = at_;
    if (!digits()) return no_value(begin == at_ ? "a value is missing" : "a number has no digits");
    if (text_[whole] == '0' && at_ > whole + 1) return no_value("a number begins with a zero");
    bool is_integer = true;
    if (take('.')) {
      is_integer = false;
      if (!digits()) return no_value("a number ends in a point");
    }
    if (take('e') || take('E')) {
      is_integer = false;
      if (!take('+')) take('-');
      if (!digits()) return no_value("a number's exponent has no digits");
    }
    const std::string literal(text_.substr(begin, at_ - begin));
    JsonNodePtr node(json_node_new(JSON_NODE_VALUE));
    std::int64_t integer = 0;
    const auto [end, error] =
        std::from_chars(literal.data(), literal.data() + literal.size(), integer);
    if (is_integer && error == std::errc()) {
      json_node_set_int(node.get(), integer);
    } else {
      const double number = g_ascii_strtod(literal.c_str(), nullptr);
      if (is_integer || !std::isfinite(number)) result_.has_exact_numbers = false;
      json_node_set_double(node.get(), number);
    }
    return node;
  }

  static JsonNodePtr boolean(bool value) {
    JsonNodePtr node(json_node_new(JSON_NODE_VALUE));
    json_node_set_boolean(node.get(), value);
    return node;
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

  JsonNodePtr no_value(const std::string& what) {
    fail(what);
    return {};
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
  ParsedJson result_;
};

}  // namespace

ParsedJson read_json(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace genpro::api
