// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: the texts that a user sets, in the order in which RequestSettings has them, separated by
// NUL, which is the one character that no property can hold.
#include "api/request.h"

#include <algorithm>
#include <array>

#include "api/json.h"
#include "api/variables.h"
#include "base/text.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

using api::RequestSettings;
using Variables = std::map<std::string, std::string>;

RequestSettings settings_from(std::string_view input) {
  constexpr std::array models = {"", "pika", "kling_1_6", "veo_3_1"};
  constexpr std::array ratios = {"", "1:1", "16:9"};
  const auto texts = split(input, '\0', 10);
  RequestSettings settings;
  const std::string choice = texts[0].empty() ? std::string(1, '\0') : texts[0];
  settings.model = models[static_cast<unsigned char>(choice.front()) % models.size()];
  settings.aspect_ratio = ratios[static_cast<unsigned char>(choice.front()) / 4 % ratios.size()];
  settings.duration = static_cast<unsigned char>(choice.back()) * 20U;
  settings.sheet_id = texts[1];
  settings.cell_id = texts[2];
  settings.agent_id = texts[3];
  settings.prompt = texts[4];
  settings.asset_ids = texts[5];
  settings.prompt_var = texts[6];
  settings.content_resource_vars = texts[7];
  settings.variables = texts[8];
  settings.extra_data = texts[9].substr(0, texts[9].find('\0'));
  return settings;
}

// Each `{{` in turn, from the left, with the nearest `}}` behind it.
std::string naively_filled(const std::string& prompt, const Variables& variables) {
  std::string filled;
  std::size_t at = 0;
  while (at < prompt.size()) {
    const std::size_t close = prompt.find("}}", at + 2);
    if (prompt.compare(at, 2, "{{") == 0 && close != std::string::npos) {
      const std::string name(trim(prompt.substr(at + 2, close - at - 2)));
      if (const auto found = variables.find(name); found != variables.end()) {
        filled += found->second;
        at = close + 2;
        continue;
      }
      // The name may be that of a later pair; these two braces are none any more.
      filled += "{{";
      at += 2;
      continue;
    }
    filled += prompt[at++];
  }
  return filled;
}

std::optional<std::string> text_of(JsonObject* object, const char* name) {
  return api::as_string(api::member(object, name));
}

// The number of one id may be written in several ways, and is sent in one.
std::string plain(const std::string& id) {
  if (id.find_first_not_of("0123456789") != std::string::npos) return id;
  const std::size_t first = id.find_first_not_of('0');
  return first == std::string::npos ? "0" : id.substr(first);
}

std::vector<std::string> plain(std::vector<std::string> ids) {
  for (std::string& id : ids) id = plain(id);
  return ids;
}

// Whether the array holds these texts, as ids or as they are.
bool holds(JsonNode* node, const std::vector<std::string>& texts) {
  JsonArray* array = api::as_array(node);
  if (array == nullptr || json_array_get_length(array) != texts.size()) return false;
  for (guint index = 0; index < texts.size(); ++index) {
    if (api::as_id(json_array_get_element(array, index)) != texts[index]) return false;
  }
  return true;
}

void check_data(JsonObject* data, const RequestSettings& settings, const std::string& prompt,
                JsonObject* extra) {
  const auto is_ours = [&](const char* name) { return !json_object_has_member(extra, name); };
  const std::pair<const char*, std::string> texts[] = {
      {"prompt", trim(prompt).empty() ? "" : prompt},
      {"model", settings.model},
      {"aspect_ratio", settings.aspect_ratio},
      {"prompt_var", settings.prompt_var},
  };
  for (const auto& [name, text] : texts) {
    if (!is_ours(name)) continue;
    FUZZ_CHECK(static_cast<bool>(json_object_has_member(data, name)) == !text.empty());
    FUZZ_CHECK(text_of(data, name).value_or("") == text);
  }
  if (is_ours("duration")) {
    FUZZ_CHECK(static_cast<bool>(json_object_has_member(data, "duration")) ==
               (settings.duration != 0));
    FUZZ_CHECK(settings.duration == 0 ||
               json_object_get_int_member(data, "duration") == settings.duration);
  }
  if (is_ours("asset_resource_ids")) {
    FUZZ_CHECK(
        holds(api::member(data, "asset_resource_ids"), plain(split_list(settings.asset_ids))));
  }
  const auto names = split_list(settings.content_resource_vars);
  if (is_ours("content_resource_vars") && !names.empty()) {
    FUZZ_CHECK(holds(api::member(data, "content_resource_vars"), names));
  }

  JsonObjectIter iterator;
  json_object_iter_init(&iterator, extra);
  const char* name = nullptr;
  JsonNode* node = nullptr;
  while (json_object_iter_next(&iterator, &name, &node)) {
    JsonNode* sent = json_object_get_member(data, name);
    FUZZ_CHECK(sent != nullptr && json_node_equal(sent, node));
  }
}

void check_request(const RequestSettings& settings) {
  const auto request = api::make_request(settings);
  if (!request) {
    FUZZ_CHECK(request.error().kind == ErrorKind::settings);
    FUZZ_CHECK(is_one_line(request.error().message) && length(request.error().message) <= 700);
    return;
  }
  FUZZ_CHECK(is_id(settings.sheet_id) && is_id(settings.cell_id) && is_id(settings.agent_id));
  FUZZ_CHECK(request->agent_id == plain(settings.agent_id));
  FUZZ_CHECK(request->cell_path == settings.sheet_route.value_or("autocontentengine") + "/" +
                                       plain(settings.sheet_id) + "/cells/" +
                                       plain(settings.cell_id));

  const auto variables = api::parse_variables(settings.variables);
  FUZZ_CHECK(variables && naively_filled(settings.prompt, *variables) == request->prompt);

  const auto body = api::parse_json_object(request->body);
  FUZZ_CHECK(body && json_object_get_size(body->get()) == 2);
  FUZZ_CHECK(text_of(body->get(), "generation_type") == "video_from_ingredients");
  JsonObject* data = api::as_object(api::member(body->get(), "data"));
  FUZZ_CHECK(data != nullptr);
  const bool has_extra = !trim(settings.extra_data).empty();
  const auto extra = api::parse_json_object(has_extra ? settings.extra_data : "{}");
  FUZZ_CHECK(extra);
  check_data(data, settings, request->prompt, extra->get());
  FUZZ_CHECK(api::as_string(api::member(data, "model")).value_or("") == request->model);
  FUZZ_CHECK(!api::canonical_json(request->body).empty());
}

}  // namespace

void test_one(std::string_view input) {
  const RequestSettings settings = settings_from(input);
  if (const auto variables = api::parse_variables(settings.variables)) {
    FUZZ_CHECK(api::fill_variables(settings.prompt, *variables) ==
               naively_filled(settings.prompt, *variables));
    FUZZ_CHECK(api::fill_variables(settings.prompt, {}) == settings.prompt);
    for (const auto& [name, value] : *variables) {
      FUZZ_CHECK(trim(name) == name);
      const bool can_be_named =
          name.find("}}") == std::string::npos && !name.starts_with('}') && !name.ends_with('}');
      if (can_be_named) {
        FUZZ_CHECK(api::fill_variables("{{ " + name + " }}", *variables) == value);
      }
    }
  } else {
    FUZZ_CHECK(is_one_line(variables.error()) && !variables.error().empty());
  }
  check_request(settings);
}

}  // namespace genpro::fuzz
