// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/card.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "emulator/domain/pricing.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr int max_duration = 60;
constexpr std::size_t max_prompt = 1024 * 1024;

const std::vector<std::string>& aspect_ratios() {
  static const std::vector<std::string> ratios{"1:1", "9:16", "16:9"};
  return ratios;
}

const std::vector<std::string>& ratios_of_today() {
  static const std::vector<std::string> ratios{"1:1", "9:16", "16:9", "4:3", "3:4", "3:2", "2:3"};
  return ratios;
}

const std::vector<std::string>& resolutions() {
  static const std::vector<std::string> sides{"480p", "720p", "768p", "1080p"};
  return sides;
}

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

std::optional<std::string> one_of(JsonObject* object, const char* name, const std::string& shown,
                                  const std::vector<std::string>& allowed) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr) return {};
  const std::string text = json_is_string(node) ? json_text(node) : std::string();
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    throw validation_error(shown + " must be one of " + join(allowed) + ".");
  }
  return text;
}

std::vector<std::string> resource_vars(JsonObject* data) {
  std::vector<std::string> vars;
  JsonNode* node = json_member(data, "content_resource_vars");
  if (node == nullptr) return vars;
  const ApiError wrong =
      validation_error("data.content_resource_vars must be an array of variable names.");
  const auto names = json_elements(node);
  if (!names) throw ApiError(wrong);
  for (JsonNode* name : *names) {
    if (!json_is_string(name) || trim(json_text(name)).empty()) throw ApiError(wrong);
    vars.emplace_back(trim(json_text(name)));
  }
  return vars;
}

ApiError too_many_ids(const std::string& shown) {
  return validation_error(shown + " holds more than 100 ids.");
}

std::vector<std::int64_t> asset_ids(JsonObject* data, bool may_lack) {
  const ApiError wrong = validation_error(
      "data.asset_resource_ids must be a non-empty array of content resource ids, such as "
      "[501, 502]. It may be left out when content_resource_vars names variables.");
  std::vector<std::int64_t> ids;
  if (JsonNode* node = json_member(data, "asset_resource_ids")) {
    const auto elements = json_elements(node);
    if (!elements) throw ApiError(wrong);
    if (elements->size() > max_ingredients) throw too_many_ids("data.asset_resource_ids");
    for (JsonNode* element : *elements) {
      const auto id = json_whole_number(element);
      if (!id || *id < 0) throw ApiError(wrong);
      ids.push_back(*id);
    }
  }
  if (ids.empty() && !may_lack) throw ApiError(wrong);
  return ids;
}

// The content resource ids that a variable holds: "501", "501, 502" or "[501, 502]".
std::vector<std::int64_t> ids_in(const std::string& name, const std::string& value) {
  std::string_view text = trim(value);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  std::vector<std::int64_t> ids;
  for (const auto& part : split(text, ',')) {
    std::string_view word = trim(part);
    if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
      word = word.substr(1, word.size() - 2);
    }
    const auto id = parse_digits(word);
    if (!id) {
      throw validation_error("The variable \"" + clean_label(name) +
                             "\" of data.content_resource_vars holds \"" + clean_label(value) +
                             "\". It must hold content resource ids, such as 501 or 501, 502.");
    }
    ids.push_back(*id);
  }
  return ids;
}

// Calls `text` with what stands between the placeholders and `name` with each name, in order. Of
// `{{a {{b}}` the placeholder is {{b}}.
void split_placeholders(std::string_view source, const std::function<void(std::string_view)>& text,
                        const std::function<void(const std::string&)>& name) {
  while (true) {
    std::size_t open = source.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : source.find("}}", open + 2);
    if (close == std::string_view::npos) {
      text(source);
      return;
    }
    open = source.substr(0, close).rfind("{{");
    const std::string_view word = trim(source.substr(open + 2, close - open - 2));
    if (word.empty()) {
      text(source.substr(0, close + 2));
    } else {
      text(source.substr(0, open));
      name(std::string(word));
    }
    source.remove_prefix(close + 2);
  }
}

// The duration that a cell's attributes give, in whole seconds.
std::optional<int> attribute_duration(JsonObject* attributes) {
  JsonNode* node = json_member(attributes, "duration");
  if (node == nullptr) return {};
  const bool is_number =
      JSON_NODE_HOLDS_VALUE(node) && !json_is_string(node) && !json_is_boolean(node);
  const double seconds = is_number ? json_node_get_double(node) : 0;
  if (!(seconds >= 1 && seconds <= max_duration)) {
    throw validation_error("additional_attributes.duration must be a number from 1 to 60.");
  }
  return static_cast<int>(std::lround(seconds));
}

}  // namespace

namespace {

Kind kind_in(JsonObject* body, bool is_of_today) {
  JsonNode* type = json_member(body, "generation_type");
  const auto kind = json_is_string(type) ? kind_named(json_text(type)) : std::nullopt;
  constexpr std::array kinds{Kind::ingredients, Kind::text,   Kind::image,
                             Kind::lipsync,     Kind::render, Kind::remove_background};
  const std::size_t count = is_of_today ? kinds.size() : 3;
  if (kind && static_cast<std::size_t>(*kind) < count) return *kind;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) words.emplace_back(kind_word(kinds.at(i)));
  throw validation_error("generation_type must be one of " + join(words) + ".");
}

bool is_video(Kind kind) {
  return kind == Kind::ingredients || kind == Kind::text || kind == Kind::image;
}

std::vector<std::int64_t> frame_ids(JsonObject* data) {
  std::vector<std::int64_t> ids;
  for (const char* name : {"image_resource_id", "image_tail_resource_id"}) {
    JsonNode* node = json_member(data, name);
    if (node == nullptr && !ids.empty()) break;
    const auto id = node != nullptr ? json_whole_number(node) : std::nullopt;
    if (!id || *id < 0) {
      throw validation_error(std::string("data.") + name +
                             " must be the id of a content resource.");
    }
    ids.push_back(*id);
  }
  return ids;
}

void read_prompt(JsonObject* data, Card& card) {
  card.prompt_var = trim(optional_text(data, "prompt_var").value_or(""));
  card.prompt = optional_text(data, "prompt").value_or("");
  if (card.prompt.empty() && card.prompt_var.empty()) {
    throw validation_error(
        "data.prompt is missing. Describe the video in a string, or name a variable in "
        "data.prompt_var.");
  }
}

}  // namespace

Card read_card(JsonObject* body, bool is_of_today) {
  Card card;
  card.kind = kind_in(body, is_of_today);
  card.is_of_today = is_of_today;
  JsonObject* data = json_object_in(json_member(body, "data"));
  if (data == nullptr) {
    throw validation_error(
        "data must be an object that holds the settings: prompt, asset_resource_ids and so on.");
  }
  if (is_video(card.kind)) read_prompt(data, card);
  card.resource_vars = resource_vars(data);
  if (card.kind == Kind::image && json_member(data, "asset_resource_ids") == nullptr) {
    card.asset_ids = frame_ids(data);
  } else if (card.kind != Kind::text && card.kind != Kind::render) {
    card.asset_ids = asset_ids(data, !card.resource_vars.empty());
  }
  card.model = one_of(data, "model", "data.model", model_names_of(card.kind, is_of_today));
  card.aspect_ratio = one_of(data, "aspect_ratio", "data.aspect_ratio",
                             is_of_today ? ratios_of_today() : aspect_ratios());
  if (JsonNode* duration = json_member(data, "duration")) {
    const std::int64_t seconds = json_is_integer(duration) ? json_node_get_int(duration) : 0;
    if (seconds < 1 || seconds > max_duration) {
      throw validation_error(
          "data.duration must be a whole number of seconds from 1 to 60 without a fraction.");
    }
    card.duration = static_cast<int>(seconds);
  }
  // The seed has neither field.
  if (!is_of_today) return card;
  card.resolution = one_of(data, "resolution", "data.resolution", resolutions()).value_or("");
  if (JsonNode* audio = json_member(data, "native_audio")) {
    if (!json_is_boolean(audio)) throw validation_error("data.native_audio must be true or false.");
    card.audio = json_is_true(audio);
  }
  return card;
}

JsonNodePtr request_in(const std::string& attributes) {
  const JsonNodePtr node = parse_json_object(attributes);
  JsonObject* source = json_node_get_object(node.get());
  JsonNodePtr request = parse_json_object(R"({"generation_type":"video_from_ingredients"})");
  JsonObject* target = json_node_get_object(request.get());
  if (JsonNode* type = json_member(source, "generation_type")) {
    json_object_set_member(target, "generation_type", json_node_copy(type));
  }
  JsonNode* inner = json_member(source, "data");
  JsonNodePtr data(inner != nullptr ? json_node_copy(inner) : parse_json_object("{}").release());
  if (JsonObject* fields = json_object_in(data.get())) {
    // The model and the duration beside it are defaults like those of a cell, and have their rules.
    for (const char* name : {"prompt", "asset_resource_ids", "image_resource_id", "aspect_ratio",
                             "prompt_var", "content_resource_vars"}) {
      JsonNode* beside = json_member(source, name);
      if (beside == nullptr || json_member(fields, name) != nullptr) continue;
      json_object_set_member(fields, name, json_node_copy(beside));
    }
  }
  json_object_set_member(target, "data", data.release());
  return request;
}

void check_attributes(JsonObject* attributes) {
  one_of(attributes, "model", "additional_attributes.model", model_names());
  one_of(attributes, "ratio", "additional_attributes.ratio", aspect_ratios());
  attribute_duration(attributes);
  JsonNode* automatic = json_member(attributes, "autoGenerate");
  if (automatic != nullptr && !json_is_boolean(automatic)) {
    throw validation_error("additional_attributes.autoGenerate must be true or false.");
  }
}

Variables::Variables(Store& store, const Cell& cell) : store_(store), sheet_(cell.sheet) {
  std::map<std::int64_t, std::string> values;
  for (auto& other : store.cells_of_row(cell.sheet, cell.row)) {
    if (other.value) values[other.column] = std::move(*other.value);
  }
  // Of two columns with one title the first one that holds something counts.
  for (const auto& column : store.columns(cell.sheet)) {
    const auto value = values.find(column.id);
    if (value != values.end()) of_row_.emplace(trim(column.title), value->second);
  }
}

std::optional<std::string> Variables::find(const std::string& name) {
  const auto found = of_row_.find(name);
  if (found != of_row_.end()) return found->second;
  return store_.variable(sheet_, name);
}

std::string Variables::get(const std::string& name) {
  const auto value = find(name);
  if (!value) {
    throw validation_error("The variable \"" + clean_label(name) +
                           "\" has no value: no column of that title holds one in this cell's "
                           "row, and the sheet has no global variable of that name.");
  }
  return *value;
}

std::string Variables::get_by_id(const std::string& id) {
  const auto number = parse_digits(id);
  const auto variable = number ? store_.variable(sheet_, *number) : std::nullopt;
  if (variable) return variable->value;
  throw validation_error("The sheet has no global variable with the id \"" + clean_label(id) +
                         "\".");
}

std::set<std::string> names_in(const Card& card, Variables& variables) {
  std::set<std::string> names(card.resource_vars.begin(), card.resource_vars.end());
  std::string prompt = card.prompt;
  // A prompt_var takes the prompt's place.
  if (!card.prompt_var.empty()) {
    names.insert(card.prompt_var);
    prompt = variables.find(card.prompt_var).value_or("");
  }
  split_placeholders(
      prompt, [](std::string_view) {}, [&names](const std::string& name) { names.insert(name); });
  return names;
}

std::string resolve(std::string_view text, Variables& variables) {
  std::string resolved;
  const auto append = [&resolved](std::string_view part) {
    // A short text may name a long value many times.
    if (resolved.size() + part.size() > max_prompt) {
      throw validation_error(
          "The prompt is larger than 1 MB once its variables are filled in. Use shorter values.");
    }
    resolved.append(part);
  };
  split_placeholders(text, append, [&](const std::string& name) { append(variables.get(name)); });
  return resolved;
}

namespace {

std::string resolved_prompt(const Card& card, Variables& variables) {
  std::string prompt =
      resolve(card.prompt_var.empty() ? card.prompt : variables.get(card.prompt_var), variables);
  if (!trim(prompt).empty()) return prompt;
  throw validation_error(card.prompt_var.empty()
                             ? "data.prompt is empty once its variables are filled in."
                             : "The variable \"" + clean_label(card.prompt_var) +
                                   "\" of data.prompt_var is empty, or what it names is. Put a "
                                   "prompt into it.");
}

}  // namespace

GenerationSettings resolve_settings(const Card& card, const std::string& attributes,
                                    Variables& variables) {
  const JsonNodePtr node = parse_json_object(attributes);
  JsonObject* defaults = json_node_get_object(node.get());
  GenerationSettings settings;
  settings.kind = card.kind;
  settings.resolution = card.resolution;
  settings.audio = card.audio;
  if (is_video(card.kind)) settings.prompt = resolved_prompt(card, variables);
  settings.asset_ids = card.asset_ids;
  for (const auto& name : card.resource_vars) {
    const auto ids =
        ids_in(name, card.is_of_today ? variables.get_by_id(name) : variables.get(name));
    settings.asset_ids.insert(settings.asset_ids.end(), ids.begin(), ids.end());
  }
  if (settings.asset_ids.size() > max_ingredients) {
    throw too_many_ids("data.asset_resource_ids, together with data.content_resource_vars,");
  }
  const auto ratio = one_of(defaults, "ratio", "additional_attributes.ratio", aspect_ratios());
  settings.aspect_ratio = card.aspect_ratio.value_or(ratio.value_or(settings.aspect_ratio));
  settings.model = card.model.value_or(default_model(card.kind, card.is_of_today));
  std::optional<int> duration = attribute_duration(defaults);
  if (!card.is_of_today) {
    const auto model = one_of(defaults, "model", "additional_attributes.model", model_names());
    settings.model = card.model.value_or(model.value_or(settings.model));
  } else if (!duration) {
    duration = default_duration(settings.model);
  }
  settings.duration = card.duration.value_or(duration.value_or(settings.duration));
  return settings;
}

}  // namespace genpro::emulator
