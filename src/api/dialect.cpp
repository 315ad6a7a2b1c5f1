// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/dialect.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace genpro::api {

namespace {

constexpr std::array<const Dialect*, 3> all = {&seed_dialect, &vidsheet_dialect, &actions_dialect};

// Of the requests of all dialects, case-folded, as far as they are no words of every day.
constexpr std::string_view fields =
    "asset_resource_ids content_resource_vars prompt_var aspect_ratio duration generation_type "
    "images image_tail image_resource_id image_tail_resource_id images_list video_files "
    "audio_files negative_prompt resolution native_audio lip_sync_model talking_avatar_video_data "
    "voice_generation_data imagetail ratio outputresolution nativeaudio lipsyncmodel "
    "auto_regenerate";

// Whether one of them stands there by itself.
bool names_field(std::string_view text) {
  const auto is_part = [](char c) { return g_ascii_isalnum(c) || c == '_'; };
  while (!text.empty()) {
    const auto end = std::ranges::find_if_not(text, is_part);
    const auto length = static_cast<std::size_t>(end - text.begin());
    if (length > 0 && catalogue::has_word(fields, text.substr(0, length))) return true;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return false;
}

bool smells_of_dialect(const Failure& failure) {
  const Error& error = failure.error;
  if (error.http_status == 404 || error.http_status == 405) {
    return error.error_code != "content_resource_not_found" &&
           error.error_code != "agent_not_found";
  }
  if (error.kind == ErrorKind::not_authorized) return false;
  if (error.http_status != 400 && error.http_status != 422) return false;
  if (error.error_code == "invalid_action") return true;
  if (error.kind != ErrorKind::settings) return false;
  const std::string text = take_string(g_utf8_casefold(error.message.c_str(), -1));
  constexpr std::array<std::string_view, 11> words = {
      "field",         "model",       "type",        "parameter",         "action",    "data.",
      "not permitted", "unpermitted", "unknown key", "unknown attribute", "unexpected"};
  return names_field(text) || std::ranges::any_of(words, [&](std::string_view word) {
           return text.find(word) != text.npos;
         });
}

// "vidsheet or actions"
std::string other_dialects(const Dialect& dialect) {
  std::vector<std::string> words;
  for (const Dialect* other : all) {
    if (other != &dialect) words.emplace_back(other->word);
  }
  return join(words, ", ", " or ");
}

}  // namespace

std::string list_of(std::string_view words) {
  std::vector<std::string> parts;
  for (const std::string_view word : split(words, ' ')) parts.emplace_back(word);
  return join(parts, ", ", " or ");
}

const Form* Dialect::form_of(GenerationType type) const {
  const auto found = std::ranges::find(forms, type, &Form::type);
  return found != forms.end() ? &*found : nullptr;
}

std::span<const Dialect* const> dialects() {
  return all;
}

const Dialect* find_dialect(std::string_view word) {
  const auto found = std::ranges::find_if(all, [&](const Dialect* d) { return d->word == word; });
  return found != all.end() ? *found : nullptr;
}

void tell_dialect(const Dialect& dialect, Failure& failure) {
  if (!smells_of_dialect(failure)) return;
  append(failure.error, std::string("The request was made in dialect ") + dialect.word +
                            ". If this service speaks another one, set dialect to " +
                            other_dialects(dialect) + "; it is not tried by itself.");
}

JsonObjectPtr data_of(JsonObject* body) {
  JsonObjectPtr data(json_object_new());
  if (JsonObject* own = as_object(member(body, "data"))) merge(data.get(), own);
  return data;
}

void set_text(JsonObject* object, const char* name, const std::string& value) {
  if (!value.empty()) json_object_set_string_member(object, name, value.c_str());
}

void merge(JsonObject* object, JsonObject* extra) {
  for (const auto& [name, node] : members(extra)) {
    json_object_set_member(object, name, json_node_copy(node));
  }
}

void note_left(JsonObject* object, const char* ratio_field, GenerationRequest& request) {
  request.model = as_string(member(object, "model")).value_or("");
  request.length = as_number(member(object, "duration"));
  // What a request leaves out comes from these attributes of the cell. The contract's card has no
  // others; a cell's value may change with each clip, and decides nothing.
  const std::pair<const char*, const char*> attributes[] = {
      {"model", "model"}, {ratio_field, "ratio"}, {"duration", "duration"}};
  for (const auto& [field, attribute] : attributes) {
    if (member(object, field) == nullptr) request.left.defaults.emplace_back(attribute);
  }
}

void note_variables(const std::string& prompt, GenerationRequest& request) {
  std::vector<std::string>& names = request.left.variables;
  for (std::size_t open = prompt.find("{{"); open != std::string::npos;) {
    const std::size_t close = prompt.find("}}", open + 2);
    if (close == std::string::npos) return;
    std::string name(trim(std::string_view(prompt).substr(open + 2, close - open - 2)));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    open = prompt.find("{{", close + 2);
  }
}

}  // namespace genpro::api
