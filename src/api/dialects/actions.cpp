// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The dialect of POST /vidsheet/actions: one action a request, which holds a card.
#include <array>
#include <climits>

#include "api/answers/error_text.h"
#include "api/dialect.h"
#include "base/text.h"

namespace genpro::api {

namespace actions {
namespace {

constexpr std::string_view video_settings =
    "prompt variables ingredients model aspect-ratio resolution duration native-audio "
    "content-resource-vars layer-id";

constexpr std::array forms = {
    Form{GenerationType::video_from_ingredients, video_settings, "model", 1, UINT_MAX},
    Form{GenerationType::video_from_text,
         "prompt variables model aspect-ratio resolution duration native-audio layer-id", "model"},
    Form{GenerationType::video_from_image, video_settings, "model", 1, 2, false, "image image"},
    Form{GenerationType::lipsync, "ingredients model content-resource-vars layer-id", "", 2, 2,
         false, "video audio"},
};

const char* card_of(GenerationType type) {
  switch (type) {
    case GenerationType::video_from_text:
      return "video-from-text";
    case GenerationType::video_from_image:
      return "video-from-image";
    case GenerationType::lipsync:
      return "lip-sync";
    default:
      return "video-from-ingredients";
  }
}

JsonNodePtr reference(const char* type, const std::string& id) {
  JsonObjectPtr target(json_object_new());
  json_object_set_string_member(target.get(), "type", type);
  json_object_set_member(target.get(), "value", id_node(id).release());
  JsonObjectPtr result(json_object_new());
  json_object_set_string_member(result.get(), "key", "var");
  json_object_set_object_member(result.get(), "references", target.release());
  return to_node(std::move(result));
}

std::vector<JsonNodePtr> references(const Draft& draft) {
  std::vector<JsonNodePtr> result;
  // Of the two kinds of references only that to a global variable is published; the other one is
  // named among the kinds that exist, and is written in the same way.
  for (const Asset& asset : draft.assets) result.push_back(reference("content_resource", asset.id));
  for (const std::string& id : draft.resource_vars) {
    result.push_back(reference("global_variable", id));
  }
  return result;
}

void add_references(const Draft& draft, JsonObject* inputs) {
  std::vector<JsonNodePtr> all = references(draft);
  if (all.empty()) return;
  if (draft.type == GenerationType::video_from_ingredients) {
    JsonArrayPtr images(json_array_new());
    for (JsonNodePtr& one : all) json_array_add_element(images.get(), one.release());
    json_object_set_array_member(inputs, "images", images.release());
    return;
  }
  const bool is_lipsync = draft.type == GenerationType::lipsync;
  const char* names[] = {is_lipsync ? "video" : "image", is_lipsync ? "audio" : "imageTail"};
  for (std::size_t i = 0; i < all.size() && i < std::size(names); ++i) {
    json_object_set_member(inputs, names[i], all[i].release());
  }
}

JsonObjectPtr prompt_object(const std::string& text) {
  JsonObjectPtr manual(json_object_new());
  json_object_set_string_member(manual.get(), "text", text.c_str());
  json_object_set_array_member(manual.get(), "var", json_array_new());
  JsonObjectPtr prompt(json_object_new());
  json_object_set_string_member(prompt.get(), "activeMode", "manual");
  json_object_set_object_member(prompt.get(), "manual", manual.release());
  return prompt;
}

// Of a cell or one of its layers alone: a column as the target would be paid for in each of its
// rows.
JsonObjectPtr target_of(const Draft& draft) {
  JsonObjectPtr target(json_object_new());
  const bool is_layer = !draft.layer_id.empty();
  json_object_set_string_member(target.get(), "kind", is_layer ? "layer" : "cell");
  json_object_set_member(target.get(), "vidsheet_id", id_node(draft.sheet_id).release());
  json_object_set_member(target.get(), "id",
                         id_node(is_layer ? draft.layer_id : draft.cell_id).release());
  return target;
}

std::string path(const GenerationRequest& request) {
  return request.cell_path.substr(0, request.cell_path.find('/')) + "/actions";
}

// Whether extra-data has a prompt or ingredients of its own.
bool replaces_contents(JsonObject* extra) {
  for (const std::string_view fields :
       {actions_dialect.prompt_fields, actions_dialect.asset_fields})
    for (const std::string_view name : split(fields, ' '))
      if (member(extra, std::string(name).c_str()) != nullptr) return true;
  return false;
}

void write(Draft draft, GenerationRequest& request) {
  JsonObjectPtr inputs(json_object_new());
  const bool is_lipsync = draft.type == GenerationType::lipsync;
  set_text(inputs.get(), is_lipsync ? "lipSyncModel" : "model", draft.model);
  if (!draft.prompt.empty()) {
    json_object_set_object_member(inputs.get(), "prompt", prompt_object(draft.prompt).release());
  }
  if (draft.type != GenerationType::video_from_text) add_references(draft, inputs.get());
  set_text(inputs.get(), "ratio", draft.aspect_ratio);
  if (draft.duration != 0) json_object_set_int_member(inputs.get(), "duration", draft.duration);
  set_text(inputs.get(), "outputResolution", draft.resolution);
  if (draft.native_audio) {
    json_object_set_boolean_member(inputs.get(), "nativeAudio", *draft.native_audio);
  }
  // By id: what they hold cannot be told by the names that the sheet lists.
  request.left.is_unreadable = !draft.resource_vars.empty() || replaces_contents(draft.extra.get());
  merge(inputs.get(), draft.extra.get());
  if (!is_lipsync) note_left(inputs.get(), "ratio", request);
  note_variables(draft.prompt, request);

  JsonObjectPtr card(json_object_new());
  json_object_set_string_member(card.get(), "type", card_of(draft.type));
  json_object_set_object_member(card.get(), "inputs", inputs.release());
  JsonObjectPtr action(json_object_new());
  json_object_set_string_member(action.get(), "action", "generate");
  json_object_set_object_member(action.get(), "target", target_of(draft).release());
  json_object_set_object_member(action.get(), "card", card.release());
  JsonArrayPtr actions(json_array_new());
  json_array_add_object_element(actions.get(), action.release());

  JsonObjectPtr body(json_object_new());
  json_object_set_member(body.get(), "agent_id", id_node(draft.agent_id).release());
  // By default, what depends on the cell is generated anew as well, and charged.
  json_object_set_boolean_member(body.get(), "auto_regenerate", FALSE);
  json_object_set_array_member(body.get(), "actions", actions.release());
  request.body = to_text(std::move(body));
}

// Without references, whose shape there is not published.
JsonObjectPtr job_data(JsonObject* body) {
  constexpr std::pair<const char*, const char*> names[] = {{"model", "model"},
                                                           {"ratio", "aspect_ratio"},
                                                           {"duration", "duration"},
                                                           {"outputResolution", "resolution"},
                                                           {"nativeAudio", "native_audio"},
                                                           {"lipSyncModel", "lip_sync_model"}};
  JsonObjectPtr data(json_object_new());
  const auto actions = elements(as_array(member(body, "actions")));
  if (actions.empty()) return data;
  JsonObject* card = as_object(member(as_object(actions.front()), "card"));
  JsonObject* inputs = as_object(member(card, "inputs"));
  JsonObject* prompt = as_object(member(inputs, "prompt"));
  JsonObject* manual = as_object(member(prompt, "manual"));
  set_text(data.get(), "prompt", as_string(member(manual, "text")).value_or(""));
  for (const auto& [input, name] : names) {
    JsonNode* value = member(inputs, input);
    if (value != nullptr) json_object_set_member(data.get(), name, json_node_copy(value));
  }
  return data;
}

// {"results": [{"index", "result": {"user_job_id", "status", …}}], …}, or what is in there by
// itself.
Result<Generation, std::string> read(std::string_view answer) {
  const auto object = parse_json_object(answer);
  if (!object) return object.error();
  const auto results = elements(as_array(member(object->get(), "results")));
  JsonObject* first = results.empty() ? object->get() : as_object(results.front());
  JsonObject* result = as_object(member(first, "result"));
  if (result == nullptr && results.empty()) result = first;
  if (result == nullptr && member(first, "user_job_id") != nullptr) result = first;
  if (result == nullptr) {
    std::string text = error_text(first);
    if (text.empty()) text = error_text(object->get());
    return "it has no result of the action" + (text.empty() ? "" : ", but says: " + text);
  }
  JsonObjectPtr generation(json_object_new());
  merge(generation.get(), result);
  if (JsonNode* id = member(result, "user_job_id")) {
    json_object_set_member(generation.get(), "generation_id", json_node_copy(id));
  }
  const std::string status = as_string(member(result, "status")).value_or("");
  if (status == "queued") json_object_set_string_member(generation.get(), "status", "pending");
  if (status == "generating") {
    json_object_set_string_member(generation.get(), "status", "processing");
  }
  return parse_generation(to_text(std::move(generation)));
}

}  // namespace
}  // namespace actions

const Dialect actions_dialect = {
    .word = "actions",
    .sheet_route = "vidsheet",
    .forms = actions::forms,
    .agent_in_query = false,
    .documents_keys = true,
    .prompt_fields = "prompt",
    .asset_fields = "images image videos audios video audio",
    .audio_models = "kling-v3",
    .leaves_out_images = true,
    .path = actions::path,
    .write = actions::write,
    .job_data = actions::job_data,
    .read = actions::read,
};

}  // namespace genpro::api
