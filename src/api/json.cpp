// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "api/json_parser.h"
#include "base/text.h"

namespace genpro::api {

namespace {

// Written here and not by json-glib, whose output depends on its version: requests are compared as
// text, also with those that an earlier version has left in the ledger.
class Writer {
 public:
  explicit Writer(bool is_sorted) : is_sorted_(is_sorted) {}

  // Depth is bounded by the parser.
  void write(JsonNode* node) {
    switch (json_node_get_node_type(node)) {
      case JSON_NODE_OBJECT:
        return write_object(json_node_get_object(node));
      case JSON_NODE_ARRAY:
        return write_array(json_node_get_array(node));
      case JSON_NODE_VALUE:
        return write_value(node);
      case JSON_NODE_NULL:
        text += "null";
    }
  }

  std::string text;

 private:
  void write_object(JsonObject* object) {
    auto own = members(object);
    if (is_sorted_) {
      std::ranges::sort(own, {}, [](const auto& one) { return std::string_view(one.first); });
    }
    const char* before = "{";
    for (const auto& [name, value] : own) {
      text += std::exchange(before, ",");
      write_string(name);
      text += ':';
      write(value);
    }
    text += own.empty() ? "{}" : "}";
  }

  void write_array(JsonArray* array) {
    text += '[';
    const char* before = "";
    for (JsonNode* element : elements(array)) {
      text += std::exchange(before, ",");
      write(element);
    }
    text += ']';
  }

  void write_value(JsonNode* node) {
    switch (json_node_get_value_type(node)) {
      case G_TYPE_STRING:
        return write_string(json_node_get_string(node));
      case G_TYPE_INT64:
        text += std::to_string(json_node_get_int(node));
        return;
      case G_TYPE_BOOLEAN:
        text += json_node_get_boolean(node) ? "true" : "false";
        return;
      default:
        write_double(json_node_get_double(node));
    }
  }

  // What comes in comes out: a whole number that is no integer, and what no double holds.
  void write_double(double value) {
    if (std::isinf(value)) {
      text += value < 0 ? "-1e999" : "1e999";
      return;
    }
    std::array<char, G_ASCII_DTOSTR_BUF_SIZE> buffer{};
    const std::string_view digits(g_ascii_dtostr(buffer.data(), buffer.size(), value));
    text += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) text += ".0";
  }

  void write_string(std::string_view string) {
    static constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
    static constexpr std::string_view names = "\"\\bfnrt";
    text += '"';
    for (const char c : string) {
      if (const std::size_t index = escaped.find(c); index != std::string_view::npos) {
        text += '\\';
        text += names[index];
      } else if (g_ascii_iscntrl(c)) {
        std::array<char, 8> code{};
        g_snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
        text += code.data();
      } else {
        text += c;
      }
    }
    text += '"';
  }

  bool is_sorted_;
};

std::string written(JsonNode* node, bool is_sorted) {
  Writer writer(is_sorted);
  writer.write(node);
  return std::move(writer.text);
}

// The same, and whether every number is held as it is.
Result<ParsedJson, std::string> parse(std::string_view text) {
  if (trim(text).empty()) return std::string("it is empty");
  if (!is_utf8(text)) return std::string("it is not valid UTF-8");
  ParsedJson parsed = read_json(text);
  if (!parsed.root) return std::move(parsed.wrong);
  return parsed;
}

// Invalid when it holds no string, number or boolean.
GType value_type(JsonNode* node) {
  return node != nullptr && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node)
                                                        : G_TYPE_INVALID;
}

Result<JsonObjectPtr, std::string> object_of(JsonNode* root) {
  JsonObject* object = as_object(root);
  if (object == nullptr) return std::string("it is not a JSON object");
  return JsonObjectPtr(json_object_ref(object));
}

}  // namespace

Result<JsonNodePtr, std::string> parse_json(std::string_view text) {
  auto parsed = parse(text);
  if (!parsed) return parsed.error();
  return std::move(parsed->root);
}

Result<JsonObjectPtr, std::string> parse_json_object(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed) return parsed.error();
  return object_of(parsed->root.get());
}

Result<JsonObjectPtr, std::string> parse_exact_json_object(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed) return parsed.error();
  if (as_object(parsed->root.get()) != nullptr && !parsed->has_exact_numbers) {
    return std::string(
        "a number in it cannot be sent as it is; write it with fewer digits, or as a string");
  }
  return object_of(parsed->root.get());
}

JsonNodePtr to_node(JsonObjectPtr object) {
  JsonNodePtr node(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(node.get(), object.release());
  return node;
}

JsonNodePtr to_node(JsonArrayPtr array) {
  JsonNodePtr node(json_node_new(JSON_NODE_ARRAY));
  json_node_take_array(node.get(), array.release());
  return node;
}

std::string to_text(JsonObjectPtr object) {
  return written(to_node(std::move(object)).get(), false);
}

std::string canonical_json(JsonNode* node) {
  return written(node, true);
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

std::vector<JsonNode*> elements(JsonArray* array) {
  std::vector<JsonNode*> nodes(array != nullptr ? json_array_get_length(array) : 0);
  for (guint index = 0; index < nodes.size(); ++index) {
    nodes[index] = json_array_get_element(array, index);
  }
  return nodes;
}

std::vector<std::pair<const char*, JsonNode*>> members(JsonObject* object) {
  std::vector<std::pair<const char*, JsonNode*>> found;
  const Owned<GList, g_list_free> names(object != nullptr ? json_object_get_members(object)
                                                          : nullptr);
  for (const GList* item = names.get(); item != nullptr; item = item->next) {
    const auto* name = static_cast<const char*>(item->data);
    found.emplace_back(name, json_object_get_member(object, name));
  }
  return found;
}

std::optional<std::string> as_text(JsonNode* node) {
  switch (value_type(node)) {
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
  if (value_type(node) != G_TYPE_STRING) return std::nullopt;
  return std::string(json_node_get_string(node));
}

std::optional<std::string> as_id(JsonNode* node) {
  if (value_type(node) != G_TYPE_INT64) return as_string(node);
  if (json_node_get_int(node) < 0) return std::nullopt;
  return std::to_string(json_node_get_int(node));
}

std::optional<double> as_number(JsonNode* node) {
  double value = 0;
  switch (value_type(node)) {
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

JsonArrayPtr text_array(const std::vector<std::string>& texts) {
  JsonArrayPtr array(json_array_new());
  for (const std::string& text : texts) json_array_add_string_element(array.get(), text.c_str());
  return array;
}

JsonNodePtr id_node(const std::string& id) {
  JsonNodePtr node(json_node_new(JSON_NODE_VALUE));
  const auto number = parse_unsigned(id);
  if (number && *number <= G_MAXINT64 && std::to_string(*number) == id) {
    json_node_set_int(node.get(), static_cast<gint64>(*number));
  } else {
    json_node_set_string(node.get(), id.c_str());
  }
  return node;
}

}  // namespace genpro::api
