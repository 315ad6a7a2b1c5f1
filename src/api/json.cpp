// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/json.h"

#include <cmath>

#include "base/text.h"

namespace genpro::api {

namespace {

// What keeps a text from the parser, which recurses without end and stops at the first whole value.
// Counts brackets outside strings; the text need not be JSON otherwise.
std::string find_hazard(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_json_depth) {
        return "it is nested more than " + std::to_string(max_json_depth) + " levels deep";
      }
    } else if (c == '}' || c == ']') {
      if (--depth == 0 && !trim(text.substr(at + 1)).empty()) {
        return "something stands behind its end";
      }
    }
  }
  return "";
}

}  // namespace

Result<JsonNodePtr, std::string> parse_json(std::string_view text) {
  if (trim(text).empty()) return std::string("it is empty");
  const auto length = static_cast<gssize>(text.size());
  if (!g_utf8_validate(text.data(), length, nullptr)) return std::string("it is not valid UTF-8");
  if (std::string hazard = find_hazard(text); !hazard.empty()) return hazard;
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new_immutable());
  ErrorPtr error;
  if (!json_parser_load_from_data(parser.get(), text.data(), length, error.out())) {
    return "it is not JSON: " + one_line(error.message());
  }
  JsonNodePtr root(json_parser_steal_root(parser.get()));
  if (!root) return std::string("it is empty");
  return root;
}

Result<JsonObjectPtr, std::string> parse_json_object(std::string_view text) {
  auto root = parse_json(text);
  if (!root) return root.error();
  JsonObject* object = as_object(root->get());
  if (object == nullptr) return std::string("it is not a JSON object");
  return JsonObjectPtr(json_object_ref(object));
}

std::string to_text(JsonObjectPtr object) {
  const JsonNodePtr root(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(root.get(), object.release());
  return take_string(json_to_string(root.get(), FALSE));
}

JsonNode* member(JsonObject* object, const char* name) {
  if (object == nullptr || !json_object_has_member(object, name)) return nullptr;
  JsonNode* node = json_object_get_member(object, name);
  return JSON_NODE_HOLDS_NULL(node) ? nullptr : node;
}

JsonObject* as_object(JsonNode* node) {
  return node != nullptr && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : nullptr;
}

JsonArray* as_array(JsonNode* node) {
  return node != nullptr && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : nullptr;
}

std::optional<std::string> as_text(JsonNode* node) {
  if (node == nullptr || !JSON_NODE_HOLDS_VALUE(node)) return std::nullopt;
  switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
      return std::string(json_node_get_string(node));
    case G_TYPE_INT64:
      return std::to_string(json_node_get_int(node));
    case G_TYPE_BOOLEAN:
      return std::string(json_node_get_boolean(node) ? "true" : "false");
    case G_TYPE_DOUBLE: {
      char text[G_ASCII_DTOSTR_BUF_SIZE];
      return std::string(g_ascii_dtostr(text, sizeof text, json_node_get_double(node)));
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> as_string(JsonNode* node) {
  if (node == nullptr || !JSON_NODE_HOLDS_VALUE(node)) return std::nullopt;
  if (json_node_get_value_type(node) != G_TYPE_STRING) return std::nullopt;
  return std::string(json_node_get_string(node));
}

std::optional<std::string> as_id(JsonNode* node) {
  if (node == nullptr || !JSON_NODE_HOLDS_VALUE(node)) return std::nullopt;
  if (json_node_get_value_type(node) == G_TYPE_INT64) {
    return std::to_string(json_node_get_int(node));
  }
  return as_string(node);
}

std::optional<double> as_number(JsonNode* node) {
  if (node == nullptr || !JSON_NODE_HOLDS_VALUE(node)) return std::nullopt;
  double value = 0;
  switch (json_node_get_value_type(node)) {
    case G_TYPE_INT64:
    case G_TYPE_DOUBLE:
      value = json_node_get_double(node);
      break;
    case G_TYPE_STRING: {
      const std::string text(trim(json_node_get_string(node)));
      char* end = nullptr;
      value = g_ascii_strtod(text.c_str(), &end);
      if (text.empty() || *end != '\0') return std::nullopt;
      break;
    }
    default:
      return std::nullopt;
  }
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

JsonNodePtr id_node(const std::string& id) {
  JsonNodePtr node(json_node_new(JSON_NODE_VALUE));
  const auto number = parse_unsigned(id);
  const bool gives_back = number && *number <= G_MAXINT64 && std::to_string(*number) == id;
  if (gives_back) {
    json_node_set_int(node.get(), static_cast<gint64>(*number));
  } else {
    json_node_set_string(node.get(), id.c_str());
  }
  return node;
}

}  // namespace genpro::api
