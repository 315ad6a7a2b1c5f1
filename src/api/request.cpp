// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/request.h"

#include <optional>

#include "api/json.h"
#include "api/variables.h"
#include "base/text.h"

namespace genpro::api {

namespace {

std::optional<Error> check_id(const char* name, const std::string& value) {
  const std::string setting(name);
  if (value.empty()) {
    return settings_error("No " + setting + " is set. Set " + setting +
                          " to the id that gen.pro shows.");
  }
  if (!is_id(value)) {
    return settings_error(setting + " is \"" + one_line(value, 80) +
                          "\", which is no id. Ids have letters, digits, _ and - only.");
  }
  return std::nullopt;
}

std::optional<Error> check_texts(const RequestSettings& settings) {
  const std::pair<const char*, const std::string&> texts[] = {
      {"prompt", settings.prompt},
      {"prompt-var", settings.prompt_var},
      {"content-resource-vars", settings.content_resource_vars},
  };
  for (const auto& [name, text] : texts) {
    if (is_utf8(text)) continue;
    return settings_error(std::string(name) + " is not valid UTF-8. Write it in UTF-8.");
  }
  return std::nullopt;
}

Result<std::vector<std::string>> parse_asset_ids(const std::string& text) {
  std::vector<std::string> ids = split_list(text);
  for (std::string& id : ids) {
    if (is_id(id)) {
      id = std::string(plain_id(id));
      continue;
    }
    return settings_error("asset-ids is \"" + one_line(text, 80) + "\", where \"" +
                          one_line(id, 80) +
                          "\" is no id. Write ids separated by commas, such as 501,502.");
  }
  return ids;
}

Result<std::vector<std::string>> parse_names(const std::string& text) {
  std::vector<std::string> names = split_list(text);
  for (const std::string& name : names) {
    if (!name.empty()) continue;
    return settings_error("content-resource-vars is \"" + one_line(text, 80) +
                          "\", where a name is empty. Write names separated by commas, such as "
                          "product,logo.");
  }
  return names;
}

Result<JsonObjectPtr> parse_extra(const std::string& text) {
  if (trim(text).empty()) return JsonObjectPtr(json_object_new());
  auto extra = parse_exact_json_object(text);
  if (!extra) {
    return settings_error("extra-data cannot be used: " + extra.error() +
                          R"(. Write a JSON object, such as {"seed": 7}.)");
  }
  return std::move(*extra);
}

std::vector<std::string> duration_warnings(const RequestSettings& settings) {
  const unsigned seconds = settings.duration;
  const std::string asked = "duration is " + std::to_string(seconds) + " s, but ";
  if (seconds == 0) return {};
  if (settings.model == "kling_1_6" && seconds != 5 && seconds != 10) {
    return {asked + "kling_1_6 is documented to make 5 or 10 s. The service may refuse it."};
  }
  if (settings.model.starts_with("veo_3_1") && seconds > 8) {
    return {asked + settings.model +
            " is documented to make up to 8 s. The service may refuse it."};
  }
  return {};
}

bool has_member(const JsonObjectPtr& object, const char* name) {
  return member(object.get(), name) != nullptr;
}

void set_text(JsonObject* data, const char* name, const std::string& value) {
  if (!value.empty()) json_object_set_string_member(data, name, value.c_str());
}

void merge(JsonObject* data, JsonObject* extra) {
  JsonObjectIter iterator;
  json_object_iter_init(&iterator, extra);
  const char* name = nullptr;
  JsonNode* node = nullptr;
  while (json_object_iter_next(&iterator, &name, &node)) {
    json_object_set_member(data, name, json_node_copy(node));
  }
}

JsonArrayPtr id_array(const std::vector<std::string>& ids) {
  JsonArrayPtr array(json_array_new());
  for (const std::string& id : ids) json_array_add_element(array.get(), id_node(id).release());
  return array;
}

}  // namespace

Result<GenerationRequest> make_request(const RequestSettings& settings) {
  if (!is_id(settings.sheet_route)) {
    return settings_error("sheet-route is \"" + one_line(settings.sheet_route, 80) +
                          "\", which is no single path word. Use autocontentengine or vidsheet.");
  }
  if (auto error = check_id("sheet-id", settings.sheet_id)) return *error;
  if (auto error = check_id("cell-id", settings.cell_id)) return *error;
  if (auto error = check_id("agent-id", settings.agent_id)) return *error;
  if (auto error = check_texts(settings)) return *error;

  const auto asset_ids = parse_asset_ids(settings.asset_ids);
  if (!asset_ids) return asset_ids.error();
  const auto resource_vars = parse_names(settings.content_resource_vars);
  if (!resource_vars) return resource_vars.error();
  const auto variables = parse_variables(settings.variables);
  if (!variables) {
    return settings_error("variables cannot be used: " + variables.error() +
                          R"(. Write a JSON object, such as {"name": "value"}.)");
  }
  const auto extra = parse_extra(settings.extra_data);
  if (!extra) return extra.error();

  const std::string prompt = fill_variables(settings.prompt, *variables);
  if (trim(prompt).empty() && settings.prompt_var.empty() && !has_member(*extra, "prompt") &&
      !has_member(*extra, "prompt_var")) {
    return settings_error(
        "No prompt is set. Set prompt to a description of the video, or prompt-var to the name of "
        "a variable that holds one.");
  }
  if (asset_ids->empty() && resource_vars->empty() && !has_member(*extra, "asset_resource_ids") &&
      !has_member(*extra, "content_resource_vars")) {
    return settings_error(
        "No ingredients are set. Set asset-ids to the ids of uploaded content resources, such as "
        "501,502, or content-resource-vars to the names of variables that hold them.");
  }
  if (settings.duration > max_duration) {
    return settings_error("duration is " + std::to_string(settings.duration) +
                          " s. Set it to at most " + std::to_string(max_duration) +
                          ", or to 0 to leave it to the cell.");
  }

  GenerationRequest request;
  request.cell_path = settings.sheet_route + "/" + std::string(plain_id(settings.sheet_id)) +
                      "/cells/" + std::string(plain_id(settings.cell_id));
  request.agent_id = plain_id(settings.agent_id);
  request.prompt = prompt;
  request.warnings = duration_warnings(settings);

  JsonObjectPtr data(json_object_new());
  // An empty prompt would be one; with prompt_var it has to be absent.
  if (!trim(prompt).empty()) set_text(data.get(), "prompt", prompt);
  set_text(data.get(), "model", settings.model);
  // Required by the service, so sent even when the ingredients come from variables.
  json_object_set_array_member(data.get(), "asset_resource_ids", id_array(*asset_ids).release());
  set_text(data.get(), "aspect_ratio", settings.aspect_ratio);
  if (settings.duration != 0) {
    json_object_set_int_member(data.get(), "duration", settings.duration);
  }
  set_text(data.get(), "prompt_var", settings.prompt_var);
  if (!resource_vars->empty()) {
    json_object_set_array_member(data.get(), "content_resource_vars",
                                 text_array(*resource_vars).release());
  }
  merge(data.get(), extra->get());
  request.model = as_string(member(data.get(), "model")).value_or("");

  JsonObjectPtr body(json_object_new());
  json_object_set_string_member(body.get(), "generation_type", "video_from_ingredients");
  json_object_set_object_member(body.get(), "data", data.release());
  request.body = to_text(std::move(body));
  return request;
}

}  // namespace genpro::api
