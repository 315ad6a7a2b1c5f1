// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "api/json_check.h"
#include "base/text.h"

namespace genpro::api {

namespace {

JsonNodePtr sorted(JsonNode* node);

JsonNodePtr sorted_object(JsonObject* object) {
  std::vector<std::string> names;
  const Owned<GList, g_list_free> members(json_object_get_members(object));
  for (const GList* item = members.get(); item != nullptr; item = item->next) {
    names.emplace_back(static_cast<const char*>(item->data));
  }
  std::sort(names.begin(), names.end());
  JsonNodePtr result(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(result.get(), json_object_new());
  for (const std::string& name : names) {
    json_object_set_member(json_node_get_object(result.get()), name.c_str(),
                           sorted(json_object_get_member(object, name.c_str())).release());
  }
  return result;
}

JsonNodePtr sorted_array(JsonArray* array) {
  JsonNodePtr result(json_node_new(JSON_NODE_ARRAY));
  json_node_take_array(result.get(), json_array_new());
  for (guint index = 0; index < json_array_get_length(array); ++index) {
    json_array_add_element(json_node_get_array(result.get()),
                           sorted(json_array_get_element(array, index)).release());
  }
  return result;
}

// Depth is bounded by the parser.
JsonNodePtr sorted(JsonNode* node) {
  if (JSON_NODE_HOLDS_OBJECT(node)) return sorted_object(json_node_get_object(node));
  if (JSON_NODE_HOLDS_ARRAY(node)) return sorted_array(json_node_get_array(node));
  return JsonNodePtr(json_node_copy(node));
}

}  // namespace

Result<JsonNodePtr, std::string> parse_json(std::string_view text) {
  if (trim(text).empty()) return std::string("it is empty");
  const auto length = static_cast<gssize>(text.size());
  if (!g_utf8_validate(text.data(), length, nullptr)) return std::string("it is not valid UTF-8");
  if (JsonCheck check = check_json(text); !check.wrong.empty()) return std::move(check.wrong);
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

Result<JsonObjectPtr, std::string> parse_exact_json_object(std::string_view text) {
  auto object = parse_json_object(text);
  if (object && !check_json(text).has_exact_numbers) {
    return std::string(
        "a number in it cannot be sent as it is; write it with fewer digits, or as a string");
  }
  return object;
}

std::string to_text(JsonObjectPtr object) {
  const JsonNodePtr root(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(root.get(), object.release());
  return take_string(json_to_string(root.get(), FALSE));
}

std::string canonical_json(JsonNode* node) {
  const JsonNodePtr canonical = sorted(node);
  return take_string(json_to_string(canonical.get(), FALSE));
}

std::string canonical_json(std::string_view text) {
  const auto node = parse_json(text);
  return node ? canonical_json(node->get()) : std::string(text);
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
      // The fewest digits that tell the number from its neighbours: 9.99, not 9.9900000000000002.
      std::array<char, G_ASCII_DTOSTR_BUF_SIZE> text{};
      const double value = json_node_get_double(node);
      const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
      return std::string(text.data(), end);
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
    // What has more than 63 bits comes out of the parser as a negative number, and is another id.
    if (json_node_get_int(node) < 0) return std::nullopt;
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
