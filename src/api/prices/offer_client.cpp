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
  for (const auto& [name, value] : members(object)) visit_objects(value, visit);
}

std::optional<std::string> word_in(JsonObject* object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto text = as_string(member(object, name));
    if (text && !trim(*text).empty()) return std::string(trim(*text));
  }
  return std::nullopt;
}

void add_once(std::string word, std::vector<std::string>& words) {
  if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
}

void add_models(JsonNode* node, std::vector<std::string>& models) {
  JsonObject* by_name = as_object(node);
  JsonNode* listed = by_name != nullptr ? member(by_name, "enum") : node;
  for (JsonNode* element : elements(as_array(listed))) {
    JsonObject* one = as_object(element);
    auto name =
        one != nullptr ? word_in(one, {"model", "value", "key", "name", "id"}) : as_string(element);
    if (name) add_once(std::move(*name), models);
  }
  if (by_name == nullptr || listed != nullptr) return;
  for (const auto& [name, value] : members(by_name)) add_once(name, models);
}

// At any depth: the values may stand in an `anyOf`.
void add_allowed(JsonNode* schema, Allowed& allowed) {
  visit_objects(schema, [&](JsonObject* object) {
    for (JsonNode* node : elements(as_array(member(object, "enum")))) {
      if (auto word = as_text(node)) add_once(std::move(*word), allowed.words);
    }
    if (auto word = as_text(member(object, "const"))) add_once(std::move(*word), allowed.words);
    const auto least = as_number(member(object, "minimum"));
    const auto most = as_number(member(object, "maximum"));
    if (least) allowed.least = std::min(*least, allowed.least.value_or(*least));
    if (most) allowed.most = std::max(*most, allowed.most.value_or(*most));
  });
}

}  // namespace

Result<CardOffer, std::string> parse_card_offer(std::string_view body) {
  const auto root = parse_json(body);
  if (!root) return root.error();
  CardOffer offer;
  visit_objects(root->get(), [&](JsonObject* object) {
    add_models(member(object, "models"), offer.models);
    visit_objects(member(object, "generation_schema"), [&](JsonObject* schema) {
      JsonObject* properties = as_object(member(schema, "properties"));
      Allowed models;
      add_allowed(member(properties, "model"), models);
      for (const std::string& name : models.words) add_once(name, offer.models);
      add_allowed(member(properties, "ratio"), offer.ratio);
      add_allowed(member(properties, "outputResolution"), offer.resolution);
      add_allowed(member(properties, "duration"), offer.duration);
    });
  });
  if (offer.models.empty()) return std::string("it names no models");
  return offer;
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

void OfferClient::get_card(const std::string& card, const std::string& agent_id,
                           std::function<void(Result<CardOffer, Failure>)> done) {
  auto call = make_call("GET", {"the models", "the list of models",
                                "It may speak the dialect seed alone, which has no such list."});
  call->query = "&card_type=" + card;
  call->done = reading(std::move(done), parse_card_offer);
  begin(call, "vidsheet/action_schema", agent_id);
}

void OfferClient::get_prices(std::function<void(Result<std::vector<Price>, Failure>)> done) {
  auto call = make_call("GET", {"the prices", "the list of prices", "It may not publish them."});
  call->done = reading(std::move(done), parse_prices);
  begin(call, "pricing_configs", {});
}

}  // namespace genpro::api
