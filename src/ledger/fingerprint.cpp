// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/fingerprint.h"

#include <algorithm>

#include "api/json.h"

namespace genpro::job {

namespace {

api::JsonNodePtr sorted(JsonNode* node);

api::JsonNodePtr sorted_object(JsonObject* object) {
  std::vector<std::string> names;
  const Owned<GList, g_list_free> members(json_object_get_members(object));
  for (const GList* item = members.get(); item != nullptr; item = item->next) {
    names.emplace_back(static_cast<const char*>(item->data));
  }
  std::sort(names.begin(), names.end());
  api::JsonNodePtr result(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(result.get(), json_object_new());
  for (const std::string& name : names) {
    json_object_set_member(json_node_get_object(result.get()), name.c_str(),
                           sorted(json_object_get_member(object, name.c_str())).release());
  }
  return result;
}

api::JsonNodePtr sorted_array(JsonArray* array) {
  api::JsonNodePtr result(json_node_new(JSON_NODE_ARRAY));
  json_node_take_array(result.get(), json_array_new());
  for (guint index = 0; index < json_array_get_length(array); ++index) {
    json_array_add_element(json_node_get_array(result.get()),
                           sorted(json_array_get_element(array, index)).release());
  }
  return result;
}

// Depth is bounded by the parser.
api::JsonNodePtr sorted(JsonNode* node) {
  if (JSON_NODE_HOLDS_OBJECT(node)) return sorted_object(json_node_get_object(node));
  if (JSON_NODE_HOLDS_ARRAY(node)) return sorted_array(json_node_get_array(node));
  return api::JsonNodePtr(json_node_copy(node));
}

}  // namespace

std::string canonical_json(std::string_view text) {
  const auto node = api::parse_json(text);
  if (!node) return std::string(text);
  const api::JsonNodePtr canonical = sorted(node->get());
  return take_string(json_to_string(canonical.get(), FALSE));
}

std::string fingerprint(const std::vector<std::string>& parts) {
  const Owned<GChecksum, g_checksum_free> checksum(g_checksum_new(G_CHECKSUM_SHA256));
  for (const std::string& part : parts) {
    const std::string head = std::to_string(part.size()) + ":";
    for (const std::string& text : {head, part}) {
      g_checksum_update(checksum.get(), reinterpret_cast<const guchar*>(text.data()),
                        static_cast<gssize>(text.size()));
    }
  }
  return g_checksum_get_string(checksum.get());
}

}  // namespace genpro::job
