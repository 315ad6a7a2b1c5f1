// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Generations, cells and credits.
#include <algorithm>

#include "emulator/api.h"
#include "emulator/api_error.h"
#include "emulator/json.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_ingredients = 100;
constexpr std::size_t max_idempotency_key = 255;
constexpr std::int64_t idempotency_seconds = 24 * 60 * 60;
constexpr int max_duration = 60;

// An optional text field; throws when it is there and no text, or an empty one.
std::optional<std::string> optional_text(JsonObject* data, const char* name) {
  JsonNode* node = json_member(data, name);
  if (node == nullptr) return {};
  const std::string text = json_is_string(node) ? json_text(node) : std::string();
  if (trim(text).empty()) {
    throw validation_error(std::string("data.") + name + " must be a string that is not empty.");
  }
  return text;
}

std::string one_of(JsonObject* data, const char* name, const std::vector<std::string>& allowed,
                   const std::string& fallback) {
  JsonNode* node = json_member(data, name);
  if (node == nullptr) return fallback;
  const std::string text = json_is_string(node) ? json_text(node) : std::string();
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    throw validation_error(std::string("data.") + name + " must be one of " + join(allowed) + ".");
  }
  return text;
}

bool has_resource_vars(JsonObject* data) {
  JsonNode* node = json_member(data, "content_resource_vars");
  if (node == nullptr) return false;
  const char* wanted = "data.content_resource_vars must be an array of variable names.";
  if (!JSON_NODE_HOLDS_ARRAY(node)) throw validation_error(wanted);
  JsonArray* names = json_node_get_array(node);
  for (guint i = 0; i < json_array_get_length(names); ++i) {
    JsonNode* name = json_array_get_element(names, i);
    if (!json_is_string(name) || trim(json_text(name)).empty()) throw validation_error(wanted);
  }
  return json_array_get_length(names) > 0;
}

std::vector<std::int64_t> asset_ids(JsonObject* data) {
  const bool may_lack = has_resource_vars(data);
  const ApiError wrong = validation_error(
      "data.asset_resource_ids must be a non-empty array of content resource ids, such as "
      "[501, 502]. It may be left out when content_resource_vars names variables.");
  std::vector<std::int64_t> ids;
  if (JsonNode* node = json_member(data, "asset_resource_ids")) {
    if (!JSON_NODE_HOLDS_ARRAY(node)) throw ApiError(wrong);
    JsonArray* array = json_node_get_array(node);
    if (json_array_get_length(array) > max_ingredients) {
      throw validation_error("data.asset_resource_ids holds more than 100 ids.");
    }
    for (guint i = 0; i < json_array_get_length(array); ++i) {
      JsonNode* element = json_array_get_element(array, i);
      std::optional<std::int64_t> id;
      if (json_is_integer(element)) id = json_node_get_int(element);
      if (json_is_string(element)) id = parse_digits(json_text(element));
      if (!id || *id < 0) throw ApiError(wrong);
      ids.push_back(*id);
    }
  }
  if (ids.empty() && !may_lack) throw ApiError(wrong);
  return ids;
}

GenerationSettings read_settings(JsonObject* body) {
  JsonNode* type = json_member(body, "generation_type");
  if (type == nullptr || !json_is_string(type) || json_text(type) != "video_from_ingredients") {
    throw validation_error("generation_type must be \"video_from_ingredients\".");
  }
  JsonNode* data_node = json_member(body, "data");
  if (data_node == nullptr || !JSON_NODE_HOLDS_OBJECT(data_node)) {
    throw validation_error(
        "data must be an object that holds the settings: prompt, asset_resource_ids and so on.");
  }
  JsonObject* data = json_node_get_object(data_node);
  GenerationSettings settings;
  settings.prompt_var = optional_text(data, "prompt_var").value_or("");
  const auto prompt = optional_text(data, "prompt");
  if (!prompt && settings.prompt_var.empty()) {
    throw validation_error(
        "data.prompt is missing. Describe the video in a string, or name a variable in "
        "data.prompt_var.");
  }
  // A variable's value comes from a sheet that the emulator does not have: its place shows.
  settings.prompt = prompt ? *prompt : "{{" + settings.prompt_var + "}}";
  settings.asset_ids = asset_ids(data);
  settings.model = one_of(data, "model", model_names(), settings.model);
  settings.aspect_ratio =
      one_of(data, "aspect_ratio", {"1:1", "9:16", "16:9"}, settings.aspect_ratio);
  if (JsonNode* duration = json_member(data, "duration")) {
    const std::int64_t seconds = json_is_integer(duration) ? json_node_get_int(duration) : 0;
    if (seconds < 1 || seconds > max_duration) {
      throw validation_error(
          "data.duration must be a whole number of seconds from 1 to 60 without a fraction.");
    }
    settings.duration = static_cast<int>(seconds);
  }
  return settings;
}

void write_cost(JsonWriter& json, MilliCredits cost) {
  json.key("execution_cost").number(static_cast<double>(cost) / 1000.0);
}

}  // namespace

Reply Api::generate(Exchange& exchange) {
  const Request& request = exchange.request;
  check_cell(request);
  const std::string& sheet = request.parameters[0];
  const std::string& cell = request.parameters[1];
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  const GenerationSettings settings = read_settings(json_node_get_object(body.get()));

  const std::string key = request.header("idempotency-key");
  if (key.size() > max_idempotency_key) {
    throw validation_error("The Idempotency-Key header is longer than 255 bytes.");
  }
  const std::int64_t now = g_get_real_time() / G_USEC_PER_SEC;
  const std::string fingerprint =
      sha256_hex(sheet + "\n" + cell + "\n" + request.query_value("agent_id").value_or("") + "\n" +
                 canonical_json(body.get()));
  if (!key.empty()) {
    if (const auto earlier = store_.remembered(key, now - idempotency_seconds)) {
      if (earlier->fingerprint != fingerprint) {
        throw validation_error(
            "This Idempotency-Key was used for another request in the last 24 hours. Use a new "
            "key for a new request.");
      }
      return Reply::json(201, earlier->body);
    }
  }
  const Generation generation = generations_.create(sheet, cell, settings);
  JsonWriter json;
  json.begin_object().key("generation_id").integer(generation.id);
  json.key("status").string("pending").end_object();
  if (!key.empty()) store_.remember(key, {fingerprint, json.text(), now});
  return Reply::json(201, json.text());
}

Generation Api::generation_of(const Request& request) const {
  const auto id = parse_digits(request.parameters.at(0));
  if (!id) {
    throw not_found("There is no generation \"" + clean_file_name(request.parameters[0]) +
                    "\". Use the generation_id of the answer to the generate call.");
  }
  return generations_.get(*id);
}

std::string Api::generation_json(const Generation& generation, const Request& request) const {
  JsonWriter json;
  json.begin_object().key("id").integer(generation.id);
  json.key("status").string(status_word(generation.status));
  json.key("user_job_type").string("video_generation").key("result").null();
  json.key("failed_reason");
  if (generation.failed_reason.empty()) {
    json.null();
  } else {
    json.string(generation.failed_reason);
  }
  json.key("output_resources").begin_array();
  if (generation.output) {
    const Output& output = *generation.output;
    json.begin_object().key("id").integer(output.id);
    json.key("url").string(request.origin + "/outputs/" + output.name + ".mp4");
    json.key("thumbnail_url").string(request.origin + "/thumbnails/" + output.name + ".jpg");
    json.key("object_type").string("video").key("type").string("output").end_object();
  }
  json.end_array();
  // The cost is settled on completion; until then, and after a refund, there is none.
  write_cost(json, generation.status == Status::completed ? generation.charged : 0);
  return json.end_object().text();
}

Reply Api::get_generation(Exchange& exchange) {
  return Reply::json(200, generation_json(generation_of(exchange.request), exchange.request));
}

Reply Api::stop_generation(Exchange& exchange) {
  const auto id = generation_of(exchange.request).id;
  return Reply::json(200, generation_json(generations_.stop(id), exchange.request));
}

Reply Api::continue_generation(Exchange& exchange) {
  const auto id = generation_of(exchange.request).id;
  return Reply::json(200, generation_json(generations_.resume(id), exchange.request));
}

Reply Api::get_cell(Exchange& exchange) {
  const Request& request = exchange.request;
  check_cell(request);
  const auto jobs = store_.generations(request.parameters[0], request.parameters[1]);
  std::int64_t created = 0;
  std::int64_t updated = 0;
  MilliCredits cost = 0;
  const Generation* latest_clip = nullptr;
  for (const auto& job : jobs) {
    if (created == 0) created = job.created_at;
    updated = std::max(updated, job.updated_at);
    if (job.status != Status::completed) continue;
    cost += job.charged;
    latest_clip = &job;
  }
  JsonWriter json;
  json.begin_object().key("id").id(request.parameters[1]).key("value").null();
  json.key("additional_attributes").begin_object().end_object();
  json.key("cell_role").string("video");
  json.key("created_at_ts").integer(created).key("updated_at_ts").integer(updated);
  json.key("default_user_job");
  if (latest_clip != nullptr) {
    json.raw(generation_json(*latest_clip, request));
  } else {
    json.null();
  }
  json.key("user_jobs").begin_array();
  for (const auto& job : jobs) json.raw(generation_json(job, request));
  json.end_array().key("video_layers").begin_array().end_array();
  write_cost(json, cost);
  return Reply::json(200, json.end_object().text());
}

Reply Api::get_organization(Exchange& exchange) {
  JsonWriter json;
  json.begin_object().key("id").id(exchange.request.parameters.at(0));
  json.key("name").string("GEN emulator").key("available_credit").begin_object();
  json.key("generic").number(static_cast<double>(store_.credit()) / 1000.0);
  json.key("aura").integer(0).end_object().end_object();
  return Reply::json(200, json.text());
}

}  // namespace genpro::emulator
