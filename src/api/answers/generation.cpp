// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/answers/generation.h"

#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

std::string word(JsonObject* object, const char* name) {
  const std::string text = as_string(member(object, name)).value_or("");
  return take_string(g_ascii_strdown(text.c_str(), -1));
}

std::string text_of(JsonObject* object, const char* name) {
  return std::string(trim(as_text(member(object, name)).value_or("")));
}

Phase parse_phase(const std::string& status) {
  if (status == "pending") return Phase::pending;
  if (status == "processing") return Phase::processing;
  if (status == "completed") return Phase::completed;
  if (status == "failed") return Phase::failed;
  if (status == "stopped") return Phase::stopped;
  return Phase::unknown;
}

std::optional<std::string> find_video(JsonObject* generation) {
  for (JsonNode* element : elements(as_array(member(generation, "output_resources")))) {
    JsonObject* resource = as_object(element);
    // `type` may be missing; what the service names an input is an ingredient, not the clip.
    if (word(resource, "object_type") != "video" || word(resource, "type") == "input") continue;
    return std::string(trim(as_string(member(resource, "url")).value_or("")));
  }
  return std::nullopt;
}

}  // namespace

Result<Generation, std::string> parse_generation(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return object.error();

  Generation generation;
  std::optional<std::string> id = as_id(member(object->get(), "generation_id"));
  if (!id) id = as_id(member(object->get(), "id"));
  if (id && !is_id(*id)) return "its generation id is no id: " + *id;
  generation.id = id.value_or("");

  generation.status = word(object->get(), "status");
  generation.phase = parse_phase(generation.status);
  generation.failed_reason = text_of(object->get(), "failed_reason");
  // Of one that has not failed, it is no reason: "Your video is ready."
  if (generation.failed_reason.empty() && generation.phase == Phase::failed) {
    generation.failed_reason = text_of(object->get(), "user_message");
  }
  generation.cost = as_number(member(object->get(), "execution_cost"));
  // A cost below 0 would make room under a limit.
  if (generation.cost && *generation.cost < 0) generation.cost.reset();
  generation.credit_outcome = word(object->get(), "credit_outcome");
  generation.video_url = find_video(object->get());
  return generation;
}

}  // namespace genpro::api
