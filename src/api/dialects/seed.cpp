// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The dialect of "video from ingredients" as the service published it first.
#include <array>
#include <climits>

#include "api/dialect.h"

namespace genpro::api {

namespace seed {
namespace {

constexpr std::array forms = {
    Form{
        GenerationType::video_from_ingredients,
        "prompt variables ingredients model aspect-ratio duration prompt-var content-resource-vars",
        "", 1, UINT_MAX},
    Form{GenerationType::video_from_text, "prompt variables model aspect-ratio duration prompt-var",
         ""},
    Form{GenerationType::video_from_image,
         "prompt variables ingredients model aspect-ratio duration prompt-var", "", 1, 1, false,
         "image"},
};

JsonArrayPtr id_array(const std::vector<Asset>& assets) {
  JsonArrayPtr array(json_array_new());
  for (const Asset& asset : assets) {
    json_array_add_element(array.get(), id_node(asset.id).release());
  }
  return array;
}

std::string path(const GenerationRequest& request) {
  return request.cell_path + "/generate";
}

void write(Draft draft, GenerationRequest& request) {
  JsonObjectPtr data(json_object_new());
  if (draft.type == GenerationType::video_from_image && !draft.assets.empty()) {
    json_object_set_member(data.get(), "image_resource_id",
                           id_node(draft.assets.front().id).release());
  }
  set_text(data.get(), "prompt", draft.prompt);
  set_text(data.get(), "model", draft.model);
  if (draft.type == GenerationType::video_from_ingredients) {
    // Required by the service, so sent even when the ingredients come from variables.
    json_object_set_array_member(data.get(), "asset_resource_ids",
                                 id_array(draft.assets).release());
  }
  set_text(data.get(), "aspect_ratio", draft.aspect_ratio);
  if (draft.duration != 0) json_object_set_int_member(data.get(), "duration", draft.duration);
  set_text(data.get(), "prompt_var", draft.prompt_var);
  if (!draft.resource_vars.empty()) {
    json_object_set_array_member(data.get(), "content_resource_vars",
                                 text_array(draft.resource_vars).release());
  }
  merge(data.get(), draft.extra.get());

  note_left(data.get(), "aspect_ratio", request);
  note_variables(as_string(member(data.get(), "prompt")).value_or(""), request);
  if (auto name = as_string(member(data.get(), "prompt_var"))) {
    request.left.variables.push_back(std::move(*name));
  }
  for (JsonNode* node : elements(as_array(member(data.get(), "content_resource_vars")))) {
    if (auto name = as_string(node)) request.left.variables.push_back(std::move(*name));
  }

  JsonObjectPtr body(json_object_new());
  json_object_set_string_member(body.get(), "generation_type", type_word(draft.type));
  json_object_set_object_member(body.get(), "data", data.release());
  request.body = to_text(std::move(body));
}

}  // namespace
}  // namespace seed

const Dialect seed_dialect = {
    .word = "seed",
    .sheet_route = "autocontentengine",
    .forms = seed::forms,
    .agent_in_query = true,
    .documents_keys = false,
    .prompt_fields = "prompt prompt_var",
    .asset_fields = "asset_resource_ids content_resource_vars image_resource_id",
    .path = seed::path,
    .write = seed::write,
    .job_data = data_of,
    .read = parse_generation,
};

}  // namespace genpro::api
