// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/fields.h"

#include <set>

#include "emulator/api/services.h"
#include "emulator/domain/card.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_entries = 1000;
constexpr std::size_t max_attributes = 64 * 1024;

JsonNodePtr merged(const std::string& attributes, JsonNode* patch) {
  JsonObject* changes = json_object_in(patch);
  if (changes == nullptr) throw validation_error("additional_attributes must be an object.");
  JsonNodePtr result = parse_json_object(attributes);
  JsonObject* target = json_node_get_object(result.get());
  for (const auto& [name, value] : json_members(changes)) {
    if (JSON_NODE_HOLDS_NULL(value)) {
      json_object_remove_member(target, name.c_str());
    } else {
      json_object_set_member(target, name.c_str(), json_node_copy(value));
    }
  }
  return result;
}

std::string text_of(const JsonNodePtr& attributes) {
  std::string text = canonical_json(attributes.get());
  if (text.size() > max_attributes) {
    throw validation_error("additional_attributes would be larger than 64 kB. Leave some out.");
  }
  return text;
}

// What holds the entries; null when there is no such thing.
JsonNode* list_in(JsonObject* object, const std::string& name) {
  JsonNode* list = json_member(object, name.c_str());
  return list != nullptr ? list : json_member(object, ("spreadsheet_" + name).c_str());
}

std::vector<Entry> read_entries(JsonNode* list, const std::string& name, std::size_t limit) {
  const auto elements = json_elements(list);
  if (!elements) {
    throw validation_error(name + " must be an array, as in {\"" + name +
                           "\": [{\"id\": …, …}, …]}.");
  }
  if (elements->size() > limit) {
    throw validation_error(name + " holds more than " + std::to_string(limit) +
                           " entries. Send them in several requests.");
  }
  std::vector<Entry> entries;
  for (JsonNode* element : *elements) {
    JsonObject* fields = json_object_in(element);
    if (fields == nullptr) throw validation_error(name + " must hold objects.");
    const auto id = optional_id(fields, "id", name + ".id");
    if (!id) throw validation_error("Each of " + name + " needs an id, a number or a string.");
    entries.push_back({*id, parse_digits(*id).value_or(-1), fields});
  }
  return entries;
}

// That of a body, which may also be the list itself.
JsonNode* list_of(JsonNode* body, const std::string& name) {
  JsonObject* object = json_object_in(body);
  return object != nullptr ? list_in(object, name) : body;
}

std::vector<Entry> distinct(std::vector<Entry> entries, const std::string& name) {
  std::set<std::int64_t> numbers;
  for (const auto& entry : entries) {
    if (entry.number < 0 || numbers.insert(entry.number).second) continue;
    throw validation_error(name + " names " + std::to_string(entry.number) +
                           " twice. Nothing was changed.");
  }
  return entries;
}

}  // namespace

std::optional<std::string> value_text(JsonNode* node, const std::string& shown) {
  if (JSON_NODE_HOLDS_NULL(node)) return {};
  if (!JSON_NODE_HOLDS_VALUE(node)) {
    throw validation_error(shown + " must be a string, a number, a boolean or null.");
  }
  return json_value_text(node);
}

std::string merged_attributes(const std::string& attributes, JsonNode* patch) {
  return patch != nullptr ? text_of(merged(attributes, patch)) : attributes;
}

std::string merged_card_attributes(const std::string& attributes, JsonNode* patch) {
  if (patch == nullptr) return attributes;
  const JsonNodePtr result = merged(attributes, patch);
  check_attributes(json_node_get_object(result.get()));
  return text_of(result);
}

bool patch_cell(Cell& cell, JsonObject* fields) {
  JsonNode* value = json_object_get_member(fields, "value");
  JsonNode* attributes = json_member(fields, "additional_attributes");
  if (value != nullptr) cell.value = value_text(value, "value");
  cell.attributes = merged_card_attributes(cell.attributes, attributes);
  cell.updated_at = now_milliseconds();
  return value != nullptr || attributes != nullptr;
}

std::optional<std::vector<Entry>> optional_entries(JsonObject* object, const std::string& name,
                                                   const std::string& shown) {
  JsonNode* list = list_in(object, name);
  if (list == nullptr) return {};
  return read_entries(list, shown, max_entries);
}

std::vector<Entry> entries_of(JsonNode* body, const std::string& name) {
  return read_entries(list_of(body, name), name, max_entries);
}

std::vector<Entry> distinct_entries_of(JsonNode* body, const std::string& name) {
  return distinct(entries_of(body, name), name);
}

std::vector<Place> wanted_places(const Exchange& exchange, const std::string& name,
                                 const std::function<void(const Entry&)>& check) {
  const JsonNodePtr body = parse_json(exchange.json_text());
  std::vector<Place> wanted;
  for (const auto& entry :
       distinct(read_entries(list_of(body.get(), name), name, SIZE_MAX), name)) {
    check(entry);
    const auto position = optional_number(entry.fields, "position", name + ".position");
    if (!position) {
      throw validation_error("Each of " + name + " needs a position, a whole number from 1.");
    }
    wanted.push_back({entry.number, *position});
  }
  return wanted;
}

}  // namespace genpro::emulator
