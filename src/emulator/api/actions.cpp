// SPDX-License-Identifier: LGPL-2.1-or-later
//
// POST /vidsheet/actions, whose errors have a shape of their own.
#include <algorithm>
#include <array>

#include "emulator/api/services.h"
#include "emulator/domain/card.h"
#include "emulator/domain/card_schema.h"
#include "emulator/domain/pricing.h"

namespace genpro::emulator {

namespace {

// Of what the actions mean, which a client may compare.
std::string contract_version() {
  return sha256_hex("actions");
}

Reply accepted(const Action& action, const Generation& generation, JsonNode* change_set) {
  JsonWriter json;
  json.begin_object().key("results").begin_array().begin_object().key("index").integer(0);
  json.key("result").begin_object().key("user_job_id").integer(generation.id);
  json.key("status").string("pending").key("container_type").string(container_of(generation));
  json.key("container_id");
  generation.layer ? json.integer(*generation.layer) : json.id(generation.cell);
  json.key("card_type").string(action.card_type);
  json.key("reference_mapping").begin_object().end_object();
  json.end_object().end_object().end_array();
  json.key("change_set_id");
  json.string_or_null(json_is_string(change_set) ? std::optional(json_text(change_set))
                                                 : std::nullopt);
  json.key("contract_version").string(contract_version());
  return Reply::json(200, json.end_object().text());
}

// What is offered where the credits do not suffice.
constexpr std::uint64_t offered_credits = 500;

Reply refused(const ApiError& error) {
  if (error.code() == "insufficient_credits_for_job") {
    return payment_reply(error.what(), offered_credits);
  }
  const std::string text = error.what();
  const std::size_t colon = text.find(": ");
  JsonWriter json;
  json.begin_object().key("code").string(error.code());
  json.key("message").string(text).key("retryable").boolean(false);
  json.key("errors").begin_array();
  if (error.code() == "invalid_action" && colon != std::string::npos) {
    json.begin_object().key("path").string(text.substr(0, colon));
    json.key("code").string("invalid").key("message").string(text.substr(colon + 2)).end_object();
  }
  json.end_array();
  return Reply::json(error.status(), json.end_object().text());
}

Reply run(Services& services, Exchange& exchange) {
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = json_node_get_object(body.get());
  const auto agent = optional_id(fields, "agent_id", "agent_id");
  if (!agent) throw ApiError(422, "agent_not_found", "agent_id is missing in the body.");
  check_agent(services, *agent);
  check_idempotency_key(exchange.request, "generate");
  return answer_once(
      services, exchange.request, "actions\n" + canonical_json(body.get()),
      [&] {
        Action action = read_action(fields);
        const auto sheet = services.store.sheet(action.sheet);
        if (!sheet) throw ApiError(404, "spreadsheet_not_found", "There is no such vidsheet_id.");
        Order order;
        std::string attributes;
        if (action.layer) {
          const auto layer = services.store.layer(*action.layer);
          if (!layer || layer->sheet != sheet->id) {
            throw not_found("There is no such layer in sheet " + clean_label(sheet->id) + ".");
          }
          order.layer = layer->id;
          action.cell = layer->cell;
          attributes = layer->attributes;
        }
        const Cell cell =
            found(services.store.cell(sheet->id, action.cell), "cell", action.cell,
                  "sheet " + clean_label(sheet->id), "GET the sheet to see its cells.");
        if (!action.layer) attributes = cell.attributes;
        order.agent = *agent;
        order.sheet = sheet->id;
        order.cell = cell.id;
        order.request = canonical_json(body.get());
        Variables variables(services.store, cell);
        try {
          const Card card = read_card(json_node_get_object(action.request.get()), true);
          order.settings = resolve_settings(card, attributes, variables);
          check_action(card, order.settings);
        } catch (const ApiError& error) {
          throw of_action(error);
        }
        return accepted(action, services.generations.create(order),
                        json_member(fields, "change_set_id"));
      },
      /*is_action=*/true);
}

Reply run_actions(Services& services, Exchange& exchange) {
  if (services.dialect == Dialect::seed) {
    throw not_found("This emulator speaks the seed's dialect alone, which has no actions.");
  }
  try {
    return run(services, exchange);
  } catch (const ApiError& error) {
    return refused(error);
  }
}

constexpr std::array<std::pair<const char*, Kind>, 4> cards{{
    {"video-from-ingredients", Kind::ingredients},
    {"video-from-text", Kind::text},
    {"video-from-image", Kind::image},
    {"lip-sync", Kind::lipsync},
}};

// What can be asked for: of the card that is named and, of that, of one model, or the cards that
// there are.
Reply get_schema(Services& services, Exchange& exchange) {
  if (services.dialect == Dialect::seed) {
    throw not_found("This emulator speaks the seed's dialect alone, which has no actions.");
  }
  agent_of(services, exchange.request);
  const std::string wanted = exchange.request.query_value("card_type").value_or("");
  JsonWriter json;
  json.begin_object().key("contract_version").string(contract_version());
  if (wanted.empty()) {
    json.key("card_types").begin_array();
    for (const auto& [card, kind] : cards) json.string(card);
    return Reply::json(200, json.end_array().end_object().text());
  }
  for (const auto& [card, kind] : cards) {
    if (wanted != card) continue;
    json.key("card_type").string(card).key("generation_available").boolean(true);
    const auto models = model_names_of(kind, true);
    json.key("models").begin_array();
    for (const auto& name : models) json.string(name);
    json.end_array();
    const auto model = exchange.request.query_value("model");
    if (model && std::find(models.begin(), models.end(), *model) == models.end()) {
      throw validation_error("The card has no model \"" + clean_label(*model) + "\".");
    }
    write_card_schemas(json, kind, model ? std::vector{*model} : models);
    return Reply::json(200, json.end_object().text());
  }
  throw validation_error("There is no card_type \"" + clean_label(wanted) + "\".");
}

}  // namespace

std::vector<Route> action_routes() {
  return {{"GET", "v1/vidsheet/action_schema", BodyKind::ignored, &get_schema},
          {"POST", "v1/vidsheet/actions", BodyKind::json, &run_actions, Endpoint::post}};
}

}  // namespace genpro::emulator
