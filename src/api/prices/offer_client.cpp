// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/prices/offer_client.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "api/client_call.h"
#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

// The parser has a limit of depth.
void visit_objects(JsonNode* node, const std::function<void(JsonObject*)>& visit) {
  for (JsonNode* element : elements(as_array(node))) visit_objects(element, visit);
  JsonObject* object = as_object(node);
  if (object == nullptr) return;
  visit(object);
  const Owned<GList, g_list_free> values(json_object_get_values(object));
  for (const GList* at = values.get(); at != nullptr; at = at->next) {
    visit_objects(static_cast<JsonNode*>(at->data), visit);
  }
}

std::optional<std::string> word_in(JsonObject* object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto text = as_string(member(object, name));
    if (text && !trim(*text).empty()) return std::string(trim(*text));
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::string>, std::string> parse_models(std::string_view body) {
  const auto root = parse_json(body);
  if (!root) return root.error();
  std::vector<std::string> models;
  const auto add = [&models](std::optional<std::string> name) {
    if (name && std::ranges::find(models, *name) == models.end()) models.push_back(*name);
  };
  visit_objects(root->get(), [&](JsonObject* object) {
    for (JsonNode* node : elements(as_array(member(object, "models")))) {
      JsonObject* one = as_object(node);
      add(one != nullptr ? word_in(one, {"model", "value", "key", "name", "id"}) : as_string(node));
    }
  });
  if (models.empty()) return std::string("it names no models");
  return models;
}

Result<std::vector<Price>, std::string> parse_prices(std::string_view body) {
  const auto root = parse_json(body);
  if (!root) return root.error();
  std::vector<Price> prices;
  visit_objects(root->get(), [&](JsonObject* object) {
    const auto model = word_in(object, {"model", "model_name"});
    if (!model) return;
    for (const char* name : {"credits", "cost", "price", "estimated_credits"}) {
      const auto credits = as_number(member(object, name));
      if (!credits) continue;
      prices.push_back({*model, *credits, word_in(object, {"unit", "per"}).value_or("")});
      return;
    }
  });
  return prices;
}

void OfferClient::get_models(const std::string& card, const std::string& agent_id,
                             std::function<void(Result<std::vector<std::string>, Failure>)> done) {
  auto call = make_call("GET", {"the models", "the list of models",
                                "It may speak the dialect seed alone, which has no such list."});
  call->query = "&card_type=" + card;
  call->done = reading(std::move(done), parse_models);
  begin(call, "vidsheet/action_schema", agent_id);
}

void OfferClient::get_prices(std::function<void(Result<std::vector<Price>, Failure>)> done) {
  auto call = make_call("GET", {"the prices", "the list of prices", "It may not publish them."});
  call->done = reading(std::move(done), parse_prices);
  begin(call, "pricing_configs", {});
}

}  // namespace genpro::api
