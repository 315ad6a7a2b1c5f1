// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/services.h"
#include "emulator/domain/card.h"

namespace genpro::emulator {

namespace {

std::string who_and_where(const Order& order) {
  return order.sheet + "\n" + order.cell + "\n" +
         (order.layer ? std::to_string(*order.layer) + "\n" : std::string()) + order.agent + "\n";
}

// Whether a body says nothing but who asks.
bool asks_for_nothing(JsonObject* body) {
  return json_member(body, "generation_type") == nullptr && json_member(body, "data") == nullptr;
}

// The request that the attributes of a layer are. Throws ApiError 422.
JsonNodePtr request_of(const Layer& layer) {
  JsonNodePtr request = request_in(layer.attributes);
  try {
    read_card(json_node_get_object(request.get()));
  } catch (const ApiError& problem) {
    throw ApiError(problem.status(), problem.code(),
                   "The request is empty and the additional_attributes of layer " +
                       std::to_string(layer.id) + " cannot take its place: " + problem.what());
  }
  return request;
}

// Starts what the body asks for. `layer`: whose attributes are asked for when the body says
// nothing; null for the cell itself.
Reply start(Services& services, Exchange& exchange, Cell cell, const Layer* layer) {
  Order order;
  order.agent = agent_of(services, exchange);
  order.sheet = cell.sheet;
  order.cell = cell.id;
  if (layer != nullptr) order.layer = layer->id;
  const std::string text = exchange.json_text();
  const JsonNodePtr body = parse_json_object(layer != nullptr && trim(text).empty() ? "{}" : text);
  const std::string what = who_and_where(order) + canonical_json(body.get());
  return answer_once(services, exchange.request, what, [&] {
    const bool from_layer = layer != nullptr && asks_for_nothing(json_node_get_object(body.get()));
    const JsonNodePtr own = from_layer ? request_of(*layer) : nullptr;
    JsonNode* request = from_layer ? own.get() : body.get();
    order.request = canonical_json(request);
    const Card card = read_card(json_node_get_object(request));
    Variables variables(services.store, cell);
    order.settings =
        settle(card, layer != nullptr ? layer->attributes : cell.attributes, variables);
    const Generation generation = services.generations.create(order);
    if (!order.layer && cell.card != order.request) {
      cell.card = order.request;
      services.store.save(cell);
    }
    JsonWriter json;
    json.begin_object().key("generation_id").integer(generation.id);
    json.key("status").string("pending").end_object();
    return Reply::json(201, json.text());
  });
}

Reply generate(Services& services, Exchange& exchange) {
  return start(services, exchange, cell_of(services, exchange.request), nullptr);
}

Reply generate_layer(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  const Layer layer = layer_of(services, exchange.request);
  return start(services, exchange, cell, &layer);
}

Generation generation_of(Services& services, const Request& request) {
  const auto id = parse_digits(request.parameters.at(0));
  if (!id) {
    throw not_found("There is no generation \"" + clean_label(request.parameters[0]) +
                    "\". Use the generation_id of the answer to the generate call.");
  }
  return services.generations.get(*id);
}

Reply get_generation(Services& services, Exchange& exchange) {
  const Generation generation = generation_of(services, exchange.request);
  return Reply::json(200, views_of(services, exchange).generation(generation));
}

// The whole generation, and its id under the name that the documents of these two calls use.
Reply changed(Services& services, const Exchange& exchange, const Generation& generation) {
  JsonWriter json;
  json.begin_object().key("generation_id").integer(generation.id);
  views_of(services, exchange).write(json, generation);
  return Reply::json(200, json.end_object().text());
}

Reply stop_generation(Services& services, Exchange& exchange) {
  const auto id = generation_of(services, exchange.request).id;
  return changed(services, exchange, services.generations.stop(id));
}

Reply continue_generation(Services& services, Exchange& exchange) {
  const Generation generation = generation_of(services, exchange.request);
  const auto id = generation.id;
  return answer_once(services, exchange.request, "continue\n" + std::to_string(id), [&] {
    if (!services.store.agent(generation.agent)) {
      throw ApiError(422, "agent_not_found",
                     "The agent \"" + clean_label(generation.agent) + "\" of generation " +
                         std::to_string(id) + " was deleted. Generate again with another agent.");
    }
    return changed(services, exchange, services.generations.resume(id));
  });
}

// What the service itself does not tell: who asked for what, and when it changed.
Reply inspect_generation(Services& services, Exchange& exchange) {
  const Generation generation = generation_of(services, exchange.request);
  JsonWriter json;
  json.begin_object().key("generation");
  json.raw(views_of(services, exchange).generation(generation));
  Views::write_request(json, generation);
  json.key("request").raw(generation.request);
  json.key("settings").begin_object();
  Views::write_settings(json, generation.settings);
  json.end_object();
  json.key("charged").number(credits(generation.charged));
  json.key("history").begin_array();
  for (const auto& event : services.store.history(generation.id)) {
    json.begin_object().key("event_id").integer(event.id);
    json.key("status").string(status_word(event.status)).key("at_ts").integer(event.at);
    json.end_object();
  }
  return Reply::json(200, json.end_array().end_object().text());
}

}  // namespace

std::vector<Route> generation_routes() {
  return {
      {"POST", "v1/{sheet_route}/{}/cells/{}/generate", BodyKind::json, &generate, Endpoint::post},
      {"POST", "v1/{sheet_route}/{}/cells/{}/layers/{}/generate", BodyKind::json, &generate_layer,
       Endpoint::post},
      {"GET", "v1/generations/{}", BodyKind::ignored, &get_generation, Endpoint::poll},
      {"POST", "v1/generations/{}/stop", BodyKind::ignored, &stop_generation},
      {"POST", "v1/generations/{}/continue", BodyKind::ignored, &continue_generation,
       Endpoint::post},
      {"GET", "_emulator/generations/{}", BodyKind::ignored, &inspect_generation},
  };
}

}  // namespace genpro::emulator
