// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

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

JsonNode* json_member(JsonObject* object, const char* name) {
  JsonNode* node = json_object_get_member(object, name);
  return node != nullptr && !JSON_NODE_HOLDS_NULL(node) ? node : nullptr;
}

bool json_is_string(JsonNode* node) {
  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

bool json_is_integer(JsonNode* node) {
  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64;
}

bool json_is_true(JsonNode* node) {
  return node != nullptr && JSON_NODE_HOLDS_VALUE(node) &&
         json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node) != FALSE;
}

std::string json_text(JsonNode* node) {
  const char* text = json_node_get_string(node);
  return text != nullptr ? text : "";
}

namespace {

void write_canonical(JsonNode* node, JsonWriter& out) {
  if (node == nullptr || JSON_NODE_HOLDS_NULL(node)) {
    out.null();
  } else if (JSON_NODE_HOLDS_OBJECT(node)) {
    JsonObject* object = json_node_get_object(node);
    const Owned<GList, g_list_free> members(json_object_get_members(object));
    std::vector<std::string> names;
    for (GList* l = members.get(); l != nullptr; l = l->next) {
      names.emplace_back(static_cast<const char*>(l->data));
    }
    std::sort(names.begin(), names.end());
    out.begin_object();
    for (const auto& name : names) {
      out.key(name);
      write_canonical(json_object_get_member(object, name.c_str()), out);
    }
    out.end_object();
  } else if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray* array = json_node_get_array(node);
    out.begin_array();
    for (guint i = 0; i < json_array_get_length(array); ++i) {
      write_canonical(json_array_get_element(array, i), out);
    }
    out.end_array();
  } else if (json_is_string(node)) {
    out.string(json_text(node));
  } else if (json_is_integer(node)) {
    out.integer(json_node_get_int(node));
  } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
    out.boolean(json_node_get_boolean(node) != FALSE);
  } else {
    out.number(json_node_get_double(node));
  }
}

}  // namespace

std::string canonical_json(JsonNode* node) {
  JsonWriter out;
  write_canonical(node, out);
  return out.text();
}

void JsonWriter::separate() {
  if (needs_comma_) text_ += ',';
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
    switch (c) {
      case '"':
        text_ += "\\\"";
        break;
      case '\\':
        text_ += "\\\\";
        break;
      case '\n':
        text_ += "\\n";
        break;
      case '\t':
        text_ += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          text_ += "\\u00";
          text_ += digits[c >> 4];
          text_ += digits[c & 15];
        } else {
          text_ += c;
        }
    }
  }
  text_ += '"';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t number) {
  return raw(std::to_string(number));
}

JsonWriter& JsonWriter::number(double number) {
  if (!std::isfinite(number)) return null();
  char buffer[64];
  const auto [end, error] = std::to_chars(std::begin(buffer), std::end(buffer), number);
  return raw(error == std::errc() ? std::string_view(buffer, end - buffer) : "0");
}

JsonWriter& JsonWriter::boolean(bool value) {
  return raw(value ? "true" : "false");
}
JsonWriter& JsonWriter::null() {
  return raw("null");
}

JsonWriter& JsonWriter::id(std::string_view id) {
  const auto number = parse_digits(id);
  // "007" stays a word: as a number it would come back as another id.
  if (number && std::to_string(*number) == id) return integer(*number);
  return string(id);
}

}  // namespace genpro::emulator
