// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/today.h"

#include <algorithm>
#include <array>

#include "catalogue/catalogue.h"
#include "emulator/domain/pricing.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

ApiError invalid_action(const std::string& path, const std::string& what) {
  return {422, "invalid_action", path + ": " + what};
}

// A field of the seed by its name in an action.
ApiError invalid_input(std::string field, const std::string& what) {
  constexpr std::array<std::pair<const char*, const char*>, 5> names{{
      {"prompt", "prompt.manual.text"},
      {"aspect_ratio", "ratio"},
      {"resolution", "outputResolution"},
      {"image_tail_resource_id", "imageTail"},
      {"native_audio", "nativeAudio"},
  }};
  for (const auto& [of_seed, own] : names) {
    if (field == of_seed) {
      field = own;
      break;
    }
  }
  return invalid_action("actions[0].card.inputs." + field, what);
}

JsonNodePtr seed_body(Kind kind, JsonNodePtr data) {
  JsonNodePtr request = parse_json_object("{}");
  JsonObject* object = json_node_get_object(request.get());
  json_object_set_string_member(object, "generation_type", kind_word(kind));
  json_object_set_member(object, "data", data.release());
  return request;
}

void copy(JsonObject* from, const char* name, JsonObject* to, const char* as) {
  if (JsonNode* node = json_member(from, name)) {
    json_object_set_member(to, as, json_node_copy(node));
  }
}

void refuse(JsonObject* object, const char* name, const std::string& shown, const char* advice) {
  if (json_member(object, name) == nullptr) return;
  throw validation_error(shown + name + " is no field of this request. " + advice);
}

std::int64_t resource_at(JsonNode* node, const std::string& shown, const FindResource& find) {
  JsonObject* value = json_object_in(node);
  JsonNode* address = value != nullptr ? json_member(value, "value") : nullptr;
  if (!json_is_string(address)) {
    throw validation_error(shown + " must be {\"value\": the url of a content resource}.");
  }
  const auto id = find(json_text(address));
  if (!id) throw validation_error(shown + ".value is the url of no content resource.");
  return *id;
}

// A frame by the id of its resource, or by its address as jobs have it.
void add_frame(JsonObject* data, const char* id_name, const char* name, const FindResource& find,
               JsonObject* fields) {
  if (JsonNode* node = json_member(data, id_name)) {
    json_object_set_member(fields, id_name, json_node_copy(node));
  } else if (JsonNode* image = json_member(data, name)) {
    json_object_set_int_member(fields, id_name,
                               resource_at(image, std::string("data.") + name, find));
  }
}

JsonObject* object_at(JsonObject* object, const char* name, const std::string& path) {
  JsonObject* found = json_object_in(json_member(object, name));
  if (found == nullptr) throw invalid_action(path + "." + name, "must be an object.");
  return found;
}

std::string text_at(JsonObject* object, const char* name, const std::string& path) {
  JsonNode* node = json_member(object, name);
  if (!json_is_string(node) || trim(json_text(node)).empty()) {
    throw invalid_action(path + "." + name, "must be a string that is not empty.");
  }
  return json_text(node);
}

std::string id_at(JsonObject* object, const char* name, const std::string& path) {
  JsonNode* node = json_member(object, name);
  if (!json_is_string(node) && !json_is_integer(node)) {
    throw invalid_action(path + "." + name, "must be an id.");
  }
  return json_value_text(node);
}

// {"key": "var", "references": {"type", "value"}}
void add_reference(JsonNode* node, const std::string& path, JsonArray* ids, JsonArray* variables) {
  JsonObject* object = json_object_in(node);
  if (object == nullptr) throw invalid_action(path, "must be an object.");
  JsonObject* target = object_at(object, "references", path);
  const std::string type = text_at(target, "type", path + ".references");
  const std::string value = id_at(target, "value", path + ".references");
  if (type == "global_variable") return json_array_add_string_element(variables, value.c_str());
  const auto id = parse_digits(value);
  if (type != "content_resource" || !id) {
    throw invalid_action(path + ".references",
                         "the emulator knows content_resource, with an id, and global_variable.");
  }
  if (json_array_get_length(variables) > 0) {
    // Those of variables are appended to the others.
    throw invalid_action(path,
                         "the emulator keeps the order only where each content_resource comes "
                         "before each global_variable.");
  }
  json_array_add_int_element(ids, *id);
}

void add_prompt(JsonObject* inputs, const std::string& path, JsonObject* data) {
  JsonObject* prompt = object_at(inputs, "prompt", path);
  JsonObject* manual = object_at(prompt, "manual", path + ".prompt");
  const std::string text = text_at(manual, "text", path + ".prompt.manual");
  json_object_set_string_member(data, "prompt", text.c_str());
}

}  // namespace

bool is_of_today(JsonObject* body) {
  JsonNode* type = json_member(body, "generation_type");
  return has_words_of_today(json_is_string(type) ? json_text(type) : "",
                            json_object_in(json_member(body, "data")));
}

bool has_words_of_today(const std::string& type, JsonObject* data) {
  if (data != nullptr) {
    constexpr std::array names = {"images", "image", "negative_prompt", "resolution",
                                  "native_audio"};
    if (std::any_of(names.begin(), names.end(),
                    [&](const char* name) { return json_member(data, name) != nullptr; })) {
      return true;
    }
    // The seed has texts and images as well, with models of its own.
    JsonNode* model = json_member(data, "model");
    if (json_is_string(model) && (type == "video_from_text" || type == "video_from_image")) {
      const auto names_of_seed = model_names_of(Kind::text, false);
      return std::find(names_of_seed.begin(), names_of_seed.end(), json_text(model)) ==
             names_of_seed.end();
    }
  }
  return !type.empty() && type != "video_from_ingredients";
}

std::optional<JobType> job_type_named(const std::string& word, JsonObject* data) {
  if (const auto kind = kind_named(word)) return JobType{*kind, {}};
  if (word == "infinite_voice_lip_sync") return JobType{Kind::lipsync, {}};
  constexpr std::array<std::pair<const char*, const char*>, 9> jobs{{
      {"generate_pika_video", "pika"},
      {"gemini_video_generation", "veo-3.1"},
      {"gemini_omni_video_generation", "gemini-omni-1.1-flash"},
      {"grok_video_generation", "grok"},
      {"kling", "kling-v3"},
      {"kling_img2video", "kling-v2-6"},
      {"seedance_2_0_video_generation", "seedance-2.0"},
      {"seedance_2_5_video_generation", "seedance-2.5"},
      {"minimax_h3_max_video_generation", "minimax-h3-max"},
  }};
  for (const auto& [name, model] : jobs) {
    if (word != name) continue;
    Kind kind = Kind::text;
    if (json_member(data, "images") != nullptr) kind = Kind::ingredients;
    if (json_member(data, "image") != nullptr) kind = Kind::image;
    return JobType{kind, model};
  }
  return {};
}

JsonNodePtr data_of_job(JsonObject* job) {
  JsonNode* node = json_member(job, "data");
  if (node == nullptr) return parse_json_object("{}");
  if (json_is_string(node)) return parse_json_object(json_text(node));
  if (json_object_in(node) == nullptr) throw validation_error("data of a job must be an object.");
  return JsonNodePtr(json_node_copy(node));
}

JsonNodePtr render_request() {
  return seed_body(Kind::render, parse_json_object("{}"));
}

JsonNodePtr from_vidsheet(JsonObject* body, const FindResource& find) {
  JsonNode* type_node = json_member(body, "generation_type");
  const std::string word = json_is_string(type_node) ? json_text(type_node) : "";
  JsonObject* given = json_object_in(json_member(body, "data"));
  if (given == nullptr) throw validation_error("data must be an object that holds the settings.");
  const auto type = job_type_named(word, given);
  if (!type || type->kind == Kind::render) {
    throw validation_error(
        "generation_type must be video_from_ingredients, video_from_text, video_from_image, "
        "lipsync "
        "or remove_background, or the type of a job that the service knows.");
  }
  refuse(given, "asset_resource_ids", "data.", "Send images, or speak the dialect seed.");
  JsonNodePtr data = parse_json_object("{}");
  JsonObject* fields = json_node_get_object(data.get());
  if (!type->model.empty()) {
    json_object_set_string_member(fields, "model", type->model.c_str());
  }
  for (const char* name :
       {"prompt", "model", "aspect_ratio", "duration", "resolution", "native_audio"}) {
    copy(given, name, fields, name);
  }
  const auto add_resources = [fields](const std::vector<std::int64_t>& ids) {
    JsonArray* array = json_array_new();
    for (const auto id : ids) json_array_add_int_element(array, id);
    json_object_set_array_member(fields, "asset_resource_ids", array);
  };
  switch (type->kind) {
    case Kind::ingredients: {
      const auto images = json_elements(json_member(given, "images"));
      if (!images || images->empty()) {
        throw validation_error(
            "data.images must be a non-empty array, such as [{\"value\": \"https://…\"}].");
      }
      // Each is looked for among all resources.
      if (images->size() > max_ingredients) {
        throw validation_error("data.images holds more than " + std::to_string(max_ingredients) +
                               " images.");
      }
      std::vector<std::int64_t> ids;
      for (JsonNode* image : *images) ids.push_back(resource_at(image, "data.images[]", find));
      add_resources(ids);
      break;
    }
    case Kind::image:
      add_frame(given, "image_resource_id", "image", find, fields);
      add_frame(given, "image_tail_resource_id", "image_tail", find, fields);
      break;
    case Kind::lipsync: {
      refuse(given, "voice_generation_data", "data.", "The emulator has no voices; send audio.");
      JsonObject* pair = json_object_in(json_member(given, "talking_avatar_video_data"));
      if (pair == nullptr) {
        throw validation_error(
            "data.talking_avatar_video_data must be an object with video and audio.");
      }
      const std::string shown = "data.talking_avatar_video_data.";
      add_resources({resource_at(json_member(pair, "video"), shown + "video", find),
                     resource_at(json_member(pair, "audio"), shown + "audio", find)});
      copy(given, "lip_sync_model", fields, "model");
      break;
    }
    case Kind::remove_background:
      if (json_member(given, "model") == nullptr) {
        throw validation_error("data.model must be \"transparent\".");
      }
      add_resources({resource_at(json_member(given, "video"), "data.video", find)});
      break;
    default:
      break;
  }
  return seed_body(type->kind, std::move(data));
}

namespace {

glong utf16_units(const std::string& text) {
  glong units = 0;
  for (const char* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    units += g_utf8_get_char(at) > 0xffff ? 2 : 1;
  }
  return units;
}

// "4, 6, 8", of words with a space in between.
std::string list_of(std::string_view words) {
  std::string text(words);
  for (auto at = text.find(' '); at != std::string::npos; at = text.find(' ', at + 2)) {
    text.replace(at, 1, ", ");
  }
  return text;
}

// What of a request does not go together: the field, by the seed's name for it, and why.
struct Misfit {
  std::string field;
  std::string what;
};

// `is_action`: fewer models have these fields.
std::optional<Misfit> find_misfit(const Card& card, const GenerationSettings& settings,
                                  bool is_action) {
  const auto* model = catalogue::find_model(settings.model, false);
  // The other kinds have no table.
  if (model == nullptr) return {};
  const bool is_image = settings.kind == Kind::image;
  const bool is_ingredients = settings.kind == Kind::ingredients;
  const auto one_of = [&](std::string_view words) {
    return words.empty() ? "is no field of " + settings.model + "."
                         : "must be one of " + list_of(words) + " for " + settings.model + ".";
  };
  if (utf16_units(settings.prompt) > static_cast<glong>(model->prompt_limit())) {
    return Misfit{"prompt", "is longer than the " + std::to_string(model->prompt_limit()) +
                                " UTF-16 units that " + settings.model + " takes."};
  }
  const char type = letter_of(settings.kind);
  const std::string_view seconds = model->seconds_for(type);
  if (!seconds.empty() &&
      !catalogue::has_seconds(seconds, static_cast<unsigned>(settings.duration))) {
    return Misfit{"duration", one_of(seconds)};
  }
  if (is_action && seconds.empty() && card.duration) return Misfit{"duration", one_of(seconds)};
  // Jobs have these fields also for models whose cards have none.
  const auto has_field = [&](std::string_view words) { return is_action || !words.empty(); };
  const std::string_view ratios = model->ratios_for(type);
  if (card.aspect_ratio && has_field(ratios) && !catalogue::has_word(ratios, *card.aspect_ratio)) {
    return Misfit{"aspect_ratio", one_of(ratios)};
  }
  if (!settings.resolution.empty() && has_field(model->resolutions) &&
      !catalogue::has_word(model->resolutions, settings.resolution)) {
    return Misfit{"resolution", one_of(model->resolutions)};
  }
  if (is_ingredients && model->images > 0 && settings.asset_ids.size() > model->images) {
    return Misfit{"images", "holds more than the " + std::to_string(model->images) + " that " +
                                settings.model + " takes."};
  }
  if (is_image && settings.asset_ids.size() > 1 && !model->has_last_frame) {
    return Misfit{"image_tail_resource_id", "is no field of " + settings.model + "."};
  }
  if (is_action && settings.audio && settings.model != "kling-v3") {
    return Misfit{"native_audio", "is no field of " + settings.model + "."};
  }
  return {};
}

}  // namespace

void check_vidsheet(const Card& card, const GenerationSettings& settings) {
  const auto misfit = find_misfit(card, settings, false);
  if (misfit) throw validation_error("data." + misfit->field + " " + misfit->what);
}

ApiError of_action(const ApiError& error) {
  const std::string_view text = error.what();
  const std::string_view prefix = "data.";
  const std::size_t space = text.find(' ');
  if (error.code() != "validation_error" || !text.starts_with(prefix) || space == text.npos) {
    return error;
  }
  return invalid_input(std::string(text.substr(prefix.size(), space - prefix.size())),
                       std::string(text.substr(space + 1)));
}

void check_action(const Card& card, const GenerationSettings& settings) {
  const auto misfit = find_misfit(card, settings, true);
  if (misfit) throw invalid_input(misfit->field, misfit->what);
}

namespace {

// The kind of an action's card, and what of its inputs are resources.
void read_resources(JsonObject* inputs, const std::string& path, Kind kind, JsonObject* fields) {
  JsonArray* ids = json_array_new();
  json_object_set_array_member(fields, "asset_resource_ids", ids);
  JsonArray* variables = json_array_new();
  json_object_set_array_member(fields, "content_resource_vars", variables);
  const auto add = [&](const char* name, bool is_required) {
    JsonNode* node = json_member(inputs, name);
    if (node != nullptr) return add_reference(node, path + "." + name, ids, variables);
    if (is_required) throw invalid_action(path + "." + name, "is required.");
  };
  if (kind == Kind::ingredients) {
    const auto images = json_elements(json_member(inputs, "images"));
    if (!images || images->empty()) {
      throw invalid_action(path + ".images", "must be a non-empty array of references.");
    }
    for (std::size_t i = 0; i < images->size(); ++i) {
      add_reference((*images)[i], path + ".images[" + std::to_string(i) + "]", ids, variables);
    }
  } else if (kind == Kind::image) {
    add("image", true);
    add("imageTail", false);
  } else if (kind == Kind::lipsync) {
    add("video", true);
    add("audio", true);
  }
}

Kind kind_of_card(const std::string& card, const std::string& path) {
  if (card == "video-from-ingredients") return Kind::ingredients;
  if (card == "video-from-text") return Kind::text;
  if (card == "video-from-image") return Kind::image;
  if (card == "lip-sync") return Kind::lipsync;
  throw invalid_action(path,
                       "must be video-from-ingredients, video-from-text, video-from-image or "
                       "lip-sync.");
}

}  // namespace

Action read_action(JsonObject* body) {
  const auto actions = json_elements(json_member(body, "actions"));
  if (!actions || actions->size() != 1) {
    throw invalid_action("actions", "must be an array with the one action generate.");
  }
  const std::string path = "actions[0]";
  JsonObject* action = json_object_in(actions->front());
  if (action == nullptr) throw invalid_action(path, "must be an object.");
  if (text_at(action, "action", path) != "generate") {
    throw invalid_action(path + ".action", "the emulator knows generate alone.");
  }
  JsonObject* target = object_at(action, "target", path);
  const std::string target_kind = text_at(target, "kind", path + ".target");
  if (target_kind != "cell" && target_kind != "layer") {
    throw invalid_action(path + ".target.kind", "the emulator generates in a cell or layer alone.");
  }
  Action result;
  result.sheet = id_at(target, "vidsheet_id", path + ".target");
  const std::string id = id_at(target, "id", path + ".target");
  if (target_kind == "cell") {
    result.cell = id;
  } else {
    result.layer = parse_digits(id).value_or(-1);
  }
  JsonObject* card = object_at(action, "card", path);
  result.card_type = text_at(card, "type", path + ".card");
  const std::string inputs_path = path + ".card.inputs";
  Kind kind = kind_of_card(result.card_type, path + ".card.type");
  JsonObject* inputs = object_at(card, "inputs", path + ".card");
  const std::string model =
      kind == Kind::lipsync ? std::string() : text_at(inputs, "model", inputs_path);
  const auto* known = catalogue::find_model(model, false);
  const bool needs_image = known == nullptr || !known->images_are_optional;
  const char* images = kind == Kind::image         ? "image"
                       : kind == Kind::ingredients ? "images"
                                                   : nullptr;
  if (!needs_image && images != nullptr && json_member(inputs, images) == nullptr) {
    if (json_member(inputs, "imageTail") != nullptr) {
      throw invalid_action(inputs_path + ".imageTail", "is the last frame to an image: send both.");
    }
    kind = Kind::text;
  }
  JsonNodePtr data = parse_json_object("{}");
  JsonObject* fields = json_node_get_object(data.get());
  read_resources(inputs, inputs_path, kind, fields);
  if (kind == Kind::lipsync) {
    copy(inputs, "lipSyncModel", fields, "model");
  } else {
    json_object_set_string_member(fields, "model", model.c_str());
    add_prompt(inputs, inputs_path, fields);
    copy(inputs, "ratio", fields, "aspect_ratio");
    copy(inputs, "duration", fields, "duration");
    copy(inputs, "outputResolution", fields, "resolution");
    copy(inputs, "nativeAudio", fields, "native_audio");
  }
  result.request = seed_body(kind, std::move(data));
  return result;
}

}  // namespace genpro::emulator
