// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The dialect of the cells' routes under /vidsheet: the same envelope, and ingredients by address.
#include <array>
#include <climits>

#include "api/dialect.h"

namespace genpro::api {

namespace vidsheet {
namespace {

constexpr std::string_view video_settings =
    "prompt variables ingredients negative-prompt model aspect-ratio resolution duration "
    "native-audio layer-id";

constexpr std::array forms = {
    Form{GenerationType::video_from_ingredients, video_settings, "", 1, UINT_MAX, true},
    Form{GenerationType::video_from_text,
         "prompt variables negative-prompt model aspect-ratio resolution duration native-audio "
         "layer-id",
         ""},
    Form{GenerationType::video_from_image, video_settings, "", 1, 2, false, "image image"},
    Form{GenerationType::lipsync, "ingredients model layer-id", "", 2, 2, true, "video audio"},
    Form{GenerationType::render, "", ""},
    Form{GenerationType::remove_background, "ingredients layer-id", "", 1, 1, true, "video"},
};

JsonNodePtr value_node(const Asset& asset) {
  JsonObjectPtr value(json_object_new());
  set_text(value.get(), "value", asset.address.empty() ? asset.id : asset.address);
  return to_node(std::move(value));
}

void add_assets(const Draft& draft, JsonObject* data) {
  switch (draft.type) {
    case GenerationType::video_from_ingredients: {
      JsonArrayPtr images(json_array_new());
      for (const Asset& asset : draft.assets) {
        json_array_add_element(images.get(), value_node(asset).release());
      }
      json_object_set_array_member(data, "images", images.release());
      break;
    }
    case GenerationType::video_from_image: {
      const char* names[] = {"image_resource_id", "image_tail_resource_id"};
      for (std::size_t i = 0; i < draft.assets.size() && i < std::size(names); ++i) {
        json_object_set_member(data, names[i], id_node(draft.assets[i].id).release());
      }
      break;
    }
    case GenerationType::lipsync: {
      JsonObjectPtr pair(json_object_new());
      const char* names[] = {"video", "audio"};
      for (std::size_t i = 0; i < draft.assets.size() && i < std::size(names); ++i) {
        json_object_set_member(pair.get(), names[i], value_node(draft.assets[i]).release());
      }
      json_object_set_object_member(data, "talking_avatar_video_data", pair.release());
      break;
    }
    case GenerationType::remove_background:
      json_object_set_string_member(data, "model", "transparent");
      if (!draft.assets.empty()) {
        json_object_set_member(data, "video", value_node(draft.assets.front()).release());
      }
      break;
    default:
      break;
  }
}

std::string path(const GenerationRequest& request) {
  const bool is_render = request.type == GenerationType::render;
  return request.cell_path + (is_render ? "/render" : "/generate");
}

void write(Draft draft, GenerationRequest& request) {
  JsonObjectPtr data(json_object_new());
  const bool is_video = draft.type == GenerationType::video_from_ingredients ||
                        draft.type == GenerationType::video_from_text ||
                        draft.type == GenerationType::video_from_image;
  add_assets(draft, data.get());
  set_text(data.get(), "prompt", draft.prompt);
  set_text(data.get(), "negative_prompt", draft.negative_prompt);
  set_text(data.get(), draft.type == GenerationType::lipsync ? "lip_sync_model" : "model",
           draft.model);
  set_text(data.get(), "aspect_ratio", draft.aspect_ratio);
  set_text(data.get(), "resolution", draft.resolution);
  if (draft.duration != 0) json_object_set_int_member(data.get(), "duration", draft.duration);
  if (draft.native_audio) {
    json_object_set_boolean_member(data.get(), "native_audio", *draft.native_audio);
  }
  merge(data.get(), draft.extra.get());
  // The one member beside `data` that the service takes: its own word for a raw job.
  const std::string own_type = as_string(member(data.get(), "generation_type")).value_or("");
  if (!own_type.empty()) json_object_remove_member(data.get(), "generation_type");

  if (is_video) note_left(data.get(), "aspect_ratio", request);
  note_variables(as_string(member(data.get(), "prompt")).value_or(""), request);
  if (draft.type == GenerationType::render) {
    // The cell's layers decide.
    request.left.is_unreadable = true;
    if (json_object_get_size(data.get()) == 0 && own_type.empty()) return;
  }
  JsonObjectPtr body(json_object_new());
  json_object_set_string_member(body.get(), "generation_type",
                                own_type.empty() ? type_word(draft.type) : own_type.c_str());
  json_object_set_object_member(body.get(), "data", data.release());
  request.body = to_text(std::move(body));
}

}  // namespace
}  // namespace vidsheet

const Dialect vidsheet_dialect = {
    .word = "vidsheet",
    .sheet_route = "vidsheet",
    .forms = vidsheet::forms,
    .agent_in_query = true,
    .documents_keys = false,
    .prompt_fields = "prompt",
    .asset_fields =
        "images image image_resource_id video_files audio_files talking_avatar_video_data "
        "voice_generation_data video",
    .path = vidsheet::path,
    .write = vidsheet::write,
    .job_data = data_of,
    .read = parse_generation,
};

}  // namespace genpro::api
