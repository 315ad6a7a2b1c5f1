// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

bool holds(JsonNode* node, GType type) {
  return node != nullptr && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

void write_canonical(JsonNode* node, JsonWriter& out) {
  if (node == nullptr || JSON_NODE_HOLDS_NULL(node)) {
    out.null();
  } else if (JsonObject* object = json_object_in(node)) {
    auto members = json_members(object);
    std::sort(members.begin(), members.end());
    out.begin_object();
    for (const auto& [name, value] : members) {
      out.key(name);
      write_canonical(value, out);
    }
    out.end_object();
  } else if (const auto elements = json_elements(node)) {
    out.begin_array();
    for (JsonNode* element : *elements) write_canonical(element, out);
    out.end_array();
  } else if (json_is_string(node)) {
    out.string(json_text(node));
  } else if (json_is_integer(node)) {
    out.integer(json_node_get_int(node));
  } else if (json_is_boolean(node)) {
    out.boolean(json_is_true(node));
  } else {
    out.number(json_node_get_double(node));
  }
}

}  // namespace

JsonNodePtr parse_json(std::string_view text) {
  if (const auto problem = json_problem(text)) {
    throw validation_error("The body is not valid JSON for the emulator: " + *problem +
                           ". Send one JSON object in UTF-8.");
  }
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  ErrorPtr error;
  if (!json_parser_load_from_data(parser.get(), text.data(), static_cast<gssize>(text.size()),
                                  error.out())) {
    throw validation_error("The body is not valid JSON: " + error.message() + ".");
  }
  JsonNodePtr root(json_parser_steal_root(parser.get()));
  if (!root) throw validation_error("The body is empty. Send one JSON object in UTF-8.");
  return root;
}

JsonNodePtr parse_json_object(std::string_view text) {
  JsonNodePtr root = parse_json(text);
  if (!JSON_NODE_HOLDS_OBJECT(root.get())) {
    throw validation_error("The body must be a JSON object, {…}.");
  }
  return root;
}

JsonNodePtr find_json_object(std::string_view text) {
  if (json_problem(text)) return nullptr;
  JsonNodePtr root = parse_json(text);
  return JSON_NODE_HOLDS_OBJECT(root.get()) ? std::move(root) : nullptr;
}

JsonNode* json_member(JsonObject* object, const char* name) {
  JsonNode* node = json_object_get_member(object, name);
  return node != nullptr && !JSON_NODE_HOLDS_NULL(node) ? node : nullptr;
}

std::vector<std::pair<std::string, JsonNode*>> json_members(JsonObject* object) {
  std::vector<std::pair<std::string, JsonNode*>> members;
  JsonObjectIter iterator;
  json_object_iter_init_ordered(&iterator, object);
  const char* name = nullptr;
  JsonNode* value = nullptr;
  while (json_object_iter_next_ordered(&iterator, &name, &value)) members.emplace_back(name, value);
  return members;
}

bool json_is_string(JsonNode* node) {
  return holds(node, G_TYPE_STRING);
}

bool json_is_integer(JsonNode* node) {
  return holds(node, G_TYPE_INT64);
}

bool json_is_boolean(JsonNode* node) {
  return holds(node, G_TYPE_BOOLEAN);
}

bool json_is_true(JsonNode* node) {
  return json_is_boolean(node) && json_node_get_boolean(node) != FALSE;
}

JsonObject* json_object_in(JsonNode* node) {
  return node != nullptr && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : nullptr;
}

std::optional<std::vector<JsonNode*>> json_elements(JsonNode* node) {
  if (node == nullptr || !JSON_NODE_HOLDS_ARRAY(node)) return {};
  JsonArray* array = json_node_get_array(node);
  std::vector<JsonNode*> elements(json_array_get_length(array));
  for (guint i = 0; i < elements.size(); ++i) elements[i] = json_array_get_element(array, i);
  return elements;
}

std::optional<std::int64_t> json_whole_number(JsonNode* node) {
  if (json_is_integer(node)) return json_node_get_int(node);
  return json_is_string(node) ? parse_digits(json_text(node)) : std::nullopt;
}

std::string json_text(JsonNode* node) {
  const char* text = json_node_get_string(node);
  return text != nullptr ? text : "";
}

std::string json_value_text(JsonNode* node) {
  return json_is_string(node) ? json_text(node) : canonical_json(node);
}

std::string canonical_json(JsonNode* node) {
  JsonWriter out;
  write_canonical(node, out);
  return out.text();
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  string(name);
  text_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  separate();
  const GCharPtr valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  text_ += '"';
  for (const char* p = valid.get(); *p != '\0'; ++p) {
    const char c = *p;
    if (c == '"' || c == '\\') {
      (text_ += '\\') += c;
    } else if (c == '\n' || c == '\t') {
      text_ += c == '\n' ? "\\n" : "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text_ += "\\u00";
      text_ += digits[c >> 4];
      text_ += digits[c & 15];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::string_or_null(const std::optional<std::string>& text) {
  return text ? string(*text) : null();
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::integer_or_null(std::optional<std::int64_t> number) {
  return number ? integer(*number) : null();
}

JsonWriter& JsonWriter::number(double number) {
  if (!std::isfinite(number)) return null();
  char buffer[64];
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), number);
  return raw(error == std::errc() ? std::string_view(buffer, end - buffer) : "0");
}

JsonWriter& JsonWriter::id(std::string_view id) {
  const auto number = parse_digits(id);
  // "007" stays a word: as a number it would come back as another id.
  if (number && std::to_string(*number) == id) return integer(*number);
  return string(id);
}

}  // namespace genpro::emulator
