// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/json_text.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <json-glib/json-glib.h>

#include "base/glib_ptr.h"

namespace genpro::test {
namespace {

std::string quoted(const char* text) {
  std::string result = "\"";
  for (; *text != '\0'; ++text) {
    const auto byte = static_cast<unsigned char>(*text);
    if (byte == '"' || byte == '\\') {
      result += '\\';
      result += *text;
    } else if (byte < 0x20) {
      char escape[8];
      g_snprintf(escape, sizeof escape, "\\u%04x", byte);
      result += escape;
    } else {
      result += *text;
    }
  }
  return result + "\"";
}

std::string written(JsonNode* node);

std::string written_object(JsonObject* object) {
  GList* members = json_object_get_members(object);
  std::vector<std::string> names;
  for (GList* item = members; item != nullptr; item = item->next)
    names.emplace_back(static_cast<const char*>(item->data));
  g_list_free(members);
  std::sort(names.begin(), names.end());
  std::string result = "{";
  for (const std::string& name : names) {
    if (result.size() > 1) result += ",";
    result += quoted(name.c_str()) + ":" + written(json_object_get_member(object, name.c_str()));
  }
  return result + "}";
}

std::string written_array(JsonArray* array) {
  std::string result = "[";
  for (guint i = 0; i < json_array_get_length(array); ++i)
    result += (i > 0 ? "," : "") + written(json_array_get_element(array, i));
  return result + "]";
}

std::string written_value(JsonNode* node) {
  switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
      return quoted(json_node_get_string(node));
    case G_TYPE_BOOLEAN:
      return json_node_get_boolean(node) ? "true" : "false";
    case G_TYPE_INT64:
      return std::to_string(json_node_get_int(node));
    default: {
      char text[G_ASCII_DTOSTR_BUF_SIZE];
      g_ascii_dtostr(text, sizeof text, json_node_get_double(node));
      return std::strpbrk(text, ".e") != nullptr ? text : std::string(text) + ".0";
    }
  }
}

std::string written(JsonNode* node) {
  switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
      return written_object(json_node_get_object(node));
    case JSON_NODE_ARRAY:
      return written_array(json_node_get_array(node));
    case JSON_NODE_NULL:
      return "null";
    case JSON_NODE_VALUE:
      break;
  }
  return written_value(node);
}

}  // namespace

std::string canonical_json(const std::string& text) {
  auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  ErrorPtr error;
  if (!json_parser_load_from_data(parser.get(), text.data(), static_cast<gssize>(text.size()),
                                  error.out()))
    return "not JSON: " + error.message() + ": " + text;
  return written(json_parser_get_root(parser.get()));
}

}  // namespace genpro::test
