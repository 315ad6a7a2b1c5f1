// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/request.h"

#include <algorithm>
#include <array>
#include <climits>
#include <optional>

#include "api/catalogue_warnings.h"
#include "api/dialect.h"
#include "api/json.h"
#include "api/variables.h"
#include "base/text.h"
#include "catalogue/catalogue.h"

namespace genpro::api {

namespace {

constexpr std::array<std::pair<const char*, GenerationType>, 6> types = {{
    {"video_from_ingredients", GenerationType::video_from_ingredients},
    {"video_from_text", GenerationType::video_from_text},
    {"video_from_image", GenerationType::video_from_image},
    {"lipsync", GenerationType::lipsync},
    {"render", GenerationType::render},
    {"remove_background", GenerationType::remove_background},
}};

std::optional<Error> check_id(const char* name, const std::string& value) {
  if (!is_id(value)) {
    return settings_error(std::string(name) + " is \"" + one_line(value, 80) +
                          "\", which is no id. Ids have letters, digits, _ and - only.");
  }
  return std::nullopt;
}

std::optional<Error> check_texts(const RequestSettings& settings) {
  const std::pair<const char*, const std::string&> texts[] = {
      {"prompt", settings.prompt},
      {"negative-prompt", settings.negative_prompt},
      {"model", settings.model},
      {"aspect-ratio", settings.aspect_ratio},
      {"resolution", settings.resolution},
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

// Whether extra-data has one of these fields; where it cannot be read, that is told later.
bool has_field(const Result<JsonObjectPtr>& extra, std::string_view fields) {
  if (!extra) return true;
  const auto names = split(fields, ' ');
  return std::ranges::any_of(names, [&](std::string_view name) {
    return member(extra->get(), std::string(name).c_str()) != nullptr;
  });
}

std::optional<Error> check_words(const RequestSettings& settings) {
  if (find_dialect(settings.dialect) == nullptr) {
    std::vector<std::string> words;
    for (const Dialect* dialect : dialects()) words.emplace_back(dialect->word);
    return settings_error("dialect is \"" + one_line(settings.dialect, 80) + "\". Set it to " +
                          join(words, ", ", " or ") + ".");
  }
  if (!find_type(settings.generation_type)) {
    std::vector<std::string> words;
    for (const auto& type : types) words.emplace_back(type.first);
    return settings_error("generation-type is \"" + one_line(settings.generation_type, 80) +
                          "\". Set it to " + join(words, ", ", " or ") + ".");
  }
  return std::nullopt;
}

// The dialects for whose requests of this type `is_right` holds.
template <typename IsRight>
std::string dialects_where(GenerationType type, IsRight is_right) {
  std::vector<std::string> words;
  for (const Dialect* dialect : dialects()) {
    const Form* form = dialect->form_of(type);
    if (form != nullptr && is_right(*form)) words.emplace_back(dialect->word);
  }
  return join(words, ", ", " or ");
}

// What is set and has no field is not left out in silence.
std::optional<Error> check_fields(const RequestSettings& settings, const Dialect& dialect,
                                  GenerationType type) {
  const Form* form = dialect.form_of(type);
  const std::string where = "In dialect " + std::string(dialect.word) + ", ";
  if (form == nullptr) {
    return settings_error(where + "there is no generation-type " + type_word(type) +
                          ". Set dialect to " +
                          dialects_where(type, [](const Form&) { return true; }) + ".");
  }
  const auto variables = parse_variables(settings.variables);
  const std::pair<const char*, bool> given[] = {
      {"prompt", !trim(settings.prompt).empty()},
      {"variables", !variables || !variables->empty()},
      {"negative-prompt", !settings.negative_prompt.empty()},
      {"ingredients", !split_list(settings.asset_ids).empty()},
      {"model", !settings.model.empty()},
      {"aspect-ratio", !settings.aspect_ratio.empty()},
      {"resolution", !settings.resolution.empty()},
      {"duration", settings.duration != 0},
      {"native-audio", settings.native_audio.has_value()},
      {"prompt-var", !settings.prompt_var.empty()},
      {"content-resource-vars", !split_list(settings.content_resource_vars).empty()},
      {"layer-id", !settings.layer_id.empty()},
  };
  for (const auto& [name, is_given] : given) {
    if (!is_given || form->has(name)) continue;
    const std::string others =
        dialects_where(type, [&name = name](const Form& other) { return other.has(name); });
    return settings_error(where + type_word(type) + " has no field for " + name +
                          ", which is set. Leave it out" +
                          (others.empty() ? "" : ", or set dialect to " + others) + ".");
  }
  return std::nullopt;
}

// That of extra-data takes the place of the setting's.
std::string model_of(const RequestSettings& settings, const Result<JsonObjectPtr>& extra) {
  JsonNode* own = extra ? member(extra->get(), "model") : nullptr;
  return as_string(own).value_or(settings.model);
}

// Likewise where it depends on the model, as far as that is known.
std::optional<Error> check_native_audio(const RequestSettings& settings, const Dialect& dialect,
                                        const Result<JsonObjectPtr>& extra) {
  const std::string model = model_of(settings, extra);
  const bool is_open = !settings.native_audio || dialect.audio_models.empty() ||
                       catalogue::has_word(dialect.audio_models, model) ||
                       catalogue::find_model(model, false) == nullptr;
  if (is_open) return std::nullopt;
  return settings_error("In dialect " + std::string(dialect.word) + ", model " + model +
                        " has no field for native-audio, which is set. Leave it out, or set model "
                        "to " +
                        list_of(dialect.audio_models) + ".");
}

// Fewer for a model that is known to need no images, where the dialect lets it have none.
unsigned least_assets(const RequestSettings& settings, const Dialect& dialect, const Form& form,
                      const Result<JsonObjectPtr>& extra) {
  if (!dialect.leaves_out_images || form.type == GenerationType::lipsync) return form.least_assets;
  const auto* model = catalogue::find_model(model_of(settings, extra), false);
  return model != nullptr && model->images_are_optional ? 0 : form.least_assets;
}

// What the ingredients are by their places.
std::string places_of(const Form& form) {
  if (form.type == GenerationType::video_from_image) {
    return form.most_assets > 1 ? ": the first frame, and the last one where it is to be given"
                                : ": the first frame";
  }
  if (form.type == GenerationType::lipsync) return ": the video, and the audio";
  return form.type == GenerationType::remove_background ? ": the video" : "";
}

std::optional<Error> check_number_of_assets(const Form& form, unsigned least, std::size_t number) {
  if (number >= least && number <= form.most_assets) return std::nullopt;
  const auto text = [](unsigned count) { return std::to_string(count); };
  std::string wanted = text(least);
  if (form.most_assets == UINT_MAX) {
    wanted = "at least " + wanted;
  } else if (form.most_assets != least) {
    wanted += " to " + text(form.most_assets);
  }
  return settings_error("ingredients are " + std::to_string(number) + ", and " +
                        type_word(form.type) + " takes " + wanted + places_of(form) + ".");
}

std::optional<Error> check_kinds(const Form& form, const std::vector<std::string>& kinds) {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> names = {
      {{"image", "an image"}, {"video", "a video"}, {"audio", "audio"}}};
  const auto name_of = [&names](std::string_view kind) -> const char* {
    const auto found = std::ranges::find(names, kind, &decltype(names)::value_type::first);
    return found != names.end() ? found->second : nullptr;
  };
  if (form.kinds.empty()) return std::nullopt;
  const auto wanted = split(form.kinds, ' ');
  for (std::size_t i = 0; i < wanted.size() && i < kinds.size(); ++i) {
    // A container that is one of videos may hold audio alone.
    const bool may_be_audio = wanted[i] == "audio" && kinds[i] == "video";
    const char* name = name_of(kinds[i]);
    if (name == nullptr || kinds[i] == wanted[i] || may_be_audio) continue;
    return settings_error("Number " + std::to_string(i + 1) + " of the ingredients is " + name +
                          ", where " + type_word(form.type) + " takes " + name_of(wanted[i]) +
                          places_of(form) + ".");
  }
  return std::nullopt;
}

}  // namespace

const char* type_word(GenerationType type) {
  return std::ranges::find(types, type, &decltype(types)::value_type::second)->first;
}

std::optional<GenerationType> find_type(std::string_view word) {
  for (const auto& [known, type] : types) {
    if (known == word) return type;
  }
  return std::nullopt;
}

bool GenerationRequest::uses_addresses() const {
  const Form* form = dialect->form_of(type);
  return form != nullptr && form->uses_addresses;
}

std::vector<std::string> missing_settings(const RequestSettings& settings) {
  std::vector<std::string> missing;
  for (const auto& [name, id] : {std::pair{"sheet-id", &settings.sheet_id},
                                 {"cell-id", &settings.cell_id},
                                 {"agent-id", &settings.agent_id}}) {
    if (id->empty()) missing.emplace_back(name);
  }
  const Dialect* dialect = find_dialect(settings.dialect);
  const auto type = find_type(settings.generation_type);
  const Form* form = dialect != nullptr && type ? dialect->form_of(*type) : nullptr;
  // That is told when the request is made, as is what is wrong with one of these two.
  if (form == nullptr) return missing;
  const auto variables = parse_variables(settings.variables);
  const auto extra = parse_extra(settings.extra_data);
  const std::string prompt =
      variables ? fill_variables(settings.prompt, *variables) : settings.prompt;
  if (form->has("prompt") && trim(prompt).empty() && settings.prompt_var.empty() &&
      !has_field(extra, dialect->prompt_fields)) {
    missing.emplace_back("prompt");
  }
  if (form->has("ingredients") && least_assets(settings, *dialect, *form, extra) > 0 &&
      split_list(settings.asset_ids).empty() &&
      split_list(settings.content_resource_vars).empty() &&
      !has_field(extra, dialect->asset_fields)) {
    missing.emplace_back("ingredients");
  }
  if (form->requires_setting("model") && settings.model.empty() && !has_field(extra, "model")) {
    missing.emplace_back("model");
  }
  return missing;
}

Error missing_error(const std::vector<std::string>& names) {
  const auto has = [&names](const char* name) {
    return std::ranges::find(names, name) != names.end();
  };
  Error error = settings_error(join(names, ", ", " and ") +
                               (names.size() == 1 ? " is not set." : " are not set."));
  if (has("sheet-id") || has("cell-id") || has("agent-id")) {
    append(error,
           "Run genpro init, which lists the ids and remembers them, or set them as properties, or "
           "in GEN_SHEET_ID, GEN_CELL_ID and GEN_AGENT_ID.");
  }
  if (has("api-key")) {
    append(error, "Put the API key into a file that api-key-file names, or into GEN_API_KEY.");
  }
  if (has("model")) {
    append(error, "In this dialect each request names its model: genpro models lists them.");
  }
  if (has("prompt")) {
    append(error,
           "Set prompt to a description of the video, or prompt-var to the name of a variable that "
           "holds one.");
  }
  if (has("ingredients")) {
    append(
        error,
        "Set ingredients to files and ids of content resources, such as photo.jpg,502, asset-ids "
        "to ids alone, or content-resource-vars to the names of variables that hold them.");
  }
  error.details.emplace_back("missing", join(names, ","));
  return error;
}

std::string prompt_in(const std::string& body) {
  const auto request = parse_json_object(body);
  if (!request) return "";
  const auto inner = [](JsonObject* object, const char* name) {
    return as_object(member(object, name));
  };
  const auto actions = elements(as_array(member(request->get(), "actions")));
  if (actions.empty()) {
    JsonObject* data = inner(request->get(), "data");
    return as_string(member(data, "prompt")).value_or("");
  }
  JsonObject* inputs = inner(inner(as_object(actions.front()), "card"), "inputs");
  JsonObject* manual = inner(inner(inputs, "prompt"), "manual");
  return as_string(member(manual, "text")).value_or("");
}

Result<GenerationRequest> make_request(const RequestSettings& settings) {
  if (auto error = check_words(settings)) return *error;
  const Dialect& dialect = *find_dialect(settings.dialect);
  const GenerationType type = *find_type(settings.generation_type);
  const std::string route = settings.sheet_route.value_or(dialect.sheet_route);
  if (!is_id(route)) {
    return settings_error("sheet-route is \"" + one_line(route, 80) +
                          "\", which is no single path word. Use autocontentengine or vidsheet.");
  }
  if (auto error = check_fields(settings, dialect, type)) return *error;
  auto extra = parse_extra(settings.extra_data);
  if (auto error = check_native_audio(settings, dialect, extra)) return *error;
  if (const auto missing = missing_settings(settings); !missing.empty()) {
    return missing_error(missing);
  }
  if (auto error = check_id("sheet-id", settings.sheet_id)) return *error;
  if (auto error = check_id("cell-id", settings.cell_id)) return *error;
  if (!settings.layer_id.empty()) {
    if (auto error = check_id("layer-id", settings.layer_id)) return *error;
  }
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
  if (!extra) return extra.error();
  if (settings.duration > max_duration) {
    return settings_error("duration is " + std::to_string(settings.duration) +
                          " s. Set it to at most " + std::to_string(max_duration) +
                          ", or to 0 to leave it to the cell.");
  }
  const bool has_own_assets = has_field(extra, dialect.asset_fields);
  const Form& form = *dialect.form_of(type);
  if (!has_own_assets) {
    const std::size_t number = asset_ids->size() + resource_vars->size();
    const unsigned least = least_assets(settings, dialect, form, extra);
    if (auto error = check_number_of_assets(form, least, number)) return *error;
  }
  if (auto error = check_kinds(form, settings.asset_kinds)) return *error;

  // Where each has a meaning of its own, their order counts, and two settings have none.
  if (form.most_assets != UINT_MAX && !asset_ids->empty() && !resource_vars->empty()) {
    return settings_error(
        "content-resource-vars and ingredients are both set, and " + std::string(type_word(type)) +
        " takes them by their places. Give all of them by content-resource-vars, or none.");
  }

  GenerationRequest request;
  request.dialect = &dialect;
  request.type = type;
  request.cell_path = route + "/" + std::string(plain_id(settings.sheet_id)) + "/cells/" +
                      std::string(plain_id(settings.cell_id));
  if (!settings.layer_id.empty()) {
    request.cell_path += "/layers/" + std::string(plain_id(settings.layer_id));
  }
  request.agent_id = plain_id(settings.agent_id);
  request.prompt = fill_variables(settings.prompt, *variables);
  request.warnings =
      catalogue_warnings(settings, type, request.prompt, asset_ids->size() + resource_vars->size());

  Draft draft;
  draft.type = type;
  draft.sheet_id = plain_id(settings.sheet_id);
  draft.cell_id = plain_id(settings.cell_id);
  draft.layer_id = plain_id(settings.layer_id);
  draft.agent_id = request.agent_id;
  // An empty prompt would be one; with prompt_var it has to be absent.
  if (!trim(request.prompt).empty()) draft.prompt = request.prompt;
  draft.negative_prompt = settings.negative_prompt;
  draft.model = settings.model;
  draft.aspect_ratio = settings.aspect_ratio;
  draft.resolution = settings.resolution;
  draft.duration = settings.duration;
  draft.native_audio = settings.native_audio;
  for (std::size_t i = 0; i < asset_ids->size(); ++i) {
    const auto& addresses = settings.asset_addresses;
    draft.assets.push_back({(*asset_ids)[i], i < addresses.size() ? addresses[i] : ""});
  }
  if (type == GenerationType::video_from_image && !has_own_assets) request.frames = *asset_ids;
  draft.prompt_var = settings.prompt_var;
  draft.resource_vars = *resource_vars;
  draft.extra = std::move(*extra);
  dialect.write(std::move(draft), request);
  return request;
}

}  // namespace genpro::api
