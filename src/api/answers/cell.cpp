// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/answers/cell.h"

#include <optional>
#include <set>

#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

std::optional<std::string> job_id(JsonNode* node) {
  std::optional<std::string> id = as_id(node);
  if (JsonObject* job = as_object(node)) {
    id = as_id(member(job, "id"));
    if (!id) id = as_id(member(job, "generation_id"));
  }
  if (id && !is_id(*id)) id.reset();
  return id;
}

std::string read_defaults(JsonObject* cell) {
  JsonObjectPtr defaults(json_object_new());
  for (const char* name : {"additional_attributes", "value"}) {
    JsonNode* node = member(cell, name);
    if (node != nullptr) json_object_set_member(defaults.get(), name, json_node_copy(node));
  }
  if (json_object_get_size(defaults.get()) == 0) return {};
  return canonical_json(to_text(std::move(defaults)));
}

// Empty for null, which is a variable without a value.
std::string variable_text(JsonNode* node) {
  if (node == nullptr) return {};
  if (auto text = as_text(node)) return std::move(*text);
  return canonical_json(node);
}

}  // namespace

Result<Cell, std::string> parse_cell(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return object.error();
  JsonArray* jobs = as_array(member(object->get(), "user_jobs"));
  if (jobs == nullptr) return std::string("it has no list of user_jobs");
  Cell cell;
  cell.id = as_id(member(object->get(), "id")).value_or("");
  std::set<std::string> known;
  for (JsonNode* job : elements(jobs)) {
    auto id = job_id(job);
    if (!id) {
      cell.is_whole = false;
    } else if (known.insert(*id).second) {
      cell.jobs.push_back(std::move(*id));
    }
  }
  cell.defaults = read_defaults(object->get());
  return cell;
}

Result<std::map<std::string, std::string>, std::string> parse_global_variables(
    std::string_view body) {
  std::map<std::string, std::string> variables;
  const auto root = parse_json(body);
  if (!root) return root.error();
  if (JSON_NODE_HOLDS_NULL(root->get())) return variables;
  JsonObject* object = as_object(root->get());
  if (object == nullptr) return std::string("it is not a JSON object");
  // An object of another kind is not a sheet without variables.
  if (!json_object_has_member(object, "variables")) return std::string("it has no variables");
  JsonNode* node = member(object, "variables");
  if (node == nullptr) return variables;
  JsonArray* list = as_array(node);
  if (list == nullptr) return std::string("its variables are no list");
  unsigned number = 0;
  for (JsonNode* element : elements(list)) {
    ++number;
    JsonObject* variable = as_object(element);
    const auto key = as_text(member(variable, "key"));
    if (!key) return "its variable " + std::to_string(number) + " has no key";
    variables[*key] = variable_text(member(variable, "value"));
  }
  return variables;
}

}  // namespace genpro::api
