// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JSON in and out. Reading is strict and of bounded depth before json-glib, whose parser recurses,
// sees a byte; writing is exact, so that 4.2 is sent as 4.2.
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::emulator {

using JsonNodePtr = Owned<JsonNode, json_node_unref>;

// Why `text` is no JSON (RFC 8259) that this program takes: the reason and the byte where it was
// seen. Nothing when it is fine. Nesting is limited to 64. U+0000, lone surrogates and whole
// numbers of more than 64 bits are refused because json-glib would cut or change what holds them.
std::optional<std::string> json_problem(std::string_view text);

// Parses a request body. Throws ApiError 422 validation_error.
JsonNodePtr parse_json(std::string_view text);
// The same, and the body must be an object. The result owns it.
JsonNodePtr parse_json_object(std::string_view text);
// Null when the text is no such object.
JsonNodePtr find_json_object(std::string_view text);

// A member of `object`; null when it is missing or JSON null.
JsonNode* json_member(JsonObject* object, const char* name);
// All of the members, in the order of the text.
std::vector<std::pair<std::string, JsonNode*>> json_members(JsonObject* object);

// A null pointer is none of these.
bool json_is_string(JsonNode* node);
bool json_is_integer(JsonNode* node);
bool json_is_boolean(JsonNode* node);
bool json_is_true(JsonNode* node);
// Null for anything but an object.
JsonObject* json_object_in(JsonNode* node);
// Nothing for anything but an array.
std::optional<std::vector<JsonNode*>> json_elements(JsonNode* node);
// A whole number, also as digits in a string.
std::optional<std::int64_t> json_whole_number(JsonNode* node);

std::string json_text(JsonNode* node);
// A string as it is, anything else as JSON.
std::string json_value_text(JsonNode* node);

// The same JSON value always gives the same text: members sorted, no white space.
std::string canonical_json(JsonNode* node);

// Builds a JSON text from the outside in.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& string_or_null(const std::optional<std::string>& text);
  JsonWriter& integer(std::int64_t number) { return raw(std::to_string(number)); }
  JsonWriter& integer_or_null(std::optional<std::int64_t> number);
  JsonWriter& number(double number);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // Inserts a text that already is JSON.
  JsonWriter& raw(std::string_view json);
  // A number when the id is made of digits, else a string.
  JsonWriter& id(std::string_view id);

  const std::string& text() const noexcept { return text_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate() {
    if (needs_comma_) text_ += ',';
  }

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace genpro::emulator
