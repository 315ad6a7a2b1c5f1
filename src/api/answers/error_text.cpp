// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/answers/error_text.h"

#include "base/text.h"

namespace genpro::api {

namespace {

// "actions[0].card.inputs.model: no such model"
std::string places_of(JsonArray* errors) {
  std::string text;
  for (JsonNode* error : elements(errors)) {
    JsonObject* one = as_object(error);
    const std::string path = first_text(one, {"path"});
    if (path.empty()) continue;
    const std::string message = first_text(one, {"message", "code"});
    text += (text.empty() ? "" : "; ") + path + (message.empty() ? "" : ": ") + message;
  }
  return text;
}

}  // namespace

std::string first_text(JsonObject* object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::string text(trim(as_string(member(object, name)).value_or("")));
    if (!text.empty()) return text;
  }
  return {};
}

std::string error_text(JsonObject* object) {
  JsonNode* error = member(object, "error");
  std::string text = first_text(object, {"error", "message"});
  if (text.empty()) text = as_text(error).value_or("");
  if (text.empty()) text = first_text(as_object(error), {"message", "code"});
  JsonNode* errors = member(object, "errors");
  const std::string places = places_of(as_array(errors));
  if (!places.empty()) return text + (text.empty() ? "" : "; ") + places;
  return errors != nullptr && text.empty() ? canonical_json(errors) : text;
}

}  // namespace genpro::api
