// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>

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

// The resource whose url it is, on this emulator.
FindResource finder(Services& services, const Exchange& exchange) {
  return [&services, prefix = exchange.request.origin + "/uploads/"](
             const std::string& address) -> std::optional<std::int64_t> {
    if (!address.starts_with(prefix)) return {};
    ResourceFilter filter;
    filter.limit = SIZE_MAX / 2;
    for (const Resource& resource : services.store.resources(filter)) {
      if (address == prefix + resource.stored_name) return resource.id;
    }
    return {};
  };
}

// Whether the body speaks the dialect vidsheet; what the emulator is not to speak is read as the
// other one, and refused as such.
bool speaks_vidsheet(const Services& services, const Request& request, JsonObject* body) {
  if (request.path.at(1) == "autocontentengine" || services.dialect == Dialect::seed) return false;
  return services.dialect == Dialect::today || is_of_today(body);
}

Reply created(const Generation& generation) {
  JsonWriter json;
  json.begin_object().key("generation_id").integer(generation.id);
  return Reply::json(201, json.key("status").string("pending").end_object().text());
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
  JsonObject* fields = json_node_get_object(body.get());
  const std::string what = who_and_where(order) + canonical_json(body.get());
  return answer_once(services, exchange.request, what, [&] {
    const bool from_layer = layer != nullptr && asks_for_nothing(fields);
    const bool is_vidsheet = !from_layer && speaks_vidsheet(services, exchange.request, fields);
    const JsonNodePtr own = from_layer    ? request_of(*layer)
                            : is_vidsheet ? from_vidsheet(fields, finder(services, exchange))
                                          : nullptr;
    JsonNode* request = own ? own.get() : body.get();
    order.request = canonical_json(is_vidsheet ? body.get() : request);
    const Card card = read_card(json_node_get_object(request), is_vidsheet);
    Variables variables(services.store, cell);
    order.settings =
        resolve_settings(card, layer != nullptr ? layer->attributes : cell.attributes, variables);
    if (is_vidsheet) check_vidsheet(card, order.settings);
    const Generation generation = services.generations.create(order);
    // A cell generates anew by itself in the seed's dialect alone.
    if (!order.layer && !is_vidsheet && cell.card != order.request) {
      cell.card = order.request;
      services.store.save(cell);
    }
    return created(generation);
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

// Composites the layers of a cell. The body is empty, or says so.
Reply render_cell(Services& services, Exchange& exchange) {
  if (services.dialect == Dialect::seed || exchange.request.path.at(1) == "autocontentengine") {
    throw not_found("The seed's dialect renders no cells. Use /v1/vidsheet of today's dialects.");
  }
  const Cell cell = cell_of(services, exchange.request);
  Order order;
  order.agent = agent_of(services, exchange);
  order.sheet = cell.sheet;
  order.cell = cell.id;
  const std::string text = exchange.json_text();
  const JsonNodePtr body = parse_json_object(trim(text).empty() ? "{}" : text);
  JsonNode* type = json_member(json_node_get_object(body.get()), "generation_type");
  if (type != nullptr && (!json_is_string(type) || json_text(type) != "render")) {
    throw validation_error("generation_type must be \"render\", or be left out.");
  }
  const std::string what = "render\n" + who_and_where(order) + canonical_json(body.get());
  return answer_once(services, exchange.request, what, [&] {
    order.request = canonical_json(body.get());
    Variables variables(services.store, cell);
    const JsonNodePtr request = render_request();
    order.settings = resolve_settings(read_card(json_node_get_object(request.get()), true),
                                      cell.attributes, variables);
    return created(services.generations.create(order));
  });
}

// A job of no sheet: nothing but its data decides.
Reply create_job(Services& services, Exchange& exchange) {
  if (services.dialect == Dialect::seed) {
    throw not_found(
        "This emulator speaks the seed's dialect alone, which has no jobs by themselves.");
  }
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* job = json_node_get_object(body.get());
  Order order;
  order.agent = agent_of(services, exchange);
  order.request = canonical_json(body.get());
  return answer_once(services, exchange.request, "job\n" + order.request, [&] {
    const std::string type = required_text(job, "user_job_type", "user_job_type");
    const JsonNodePtr request = parse_json_object("{}");
    JsonObject* fields = json_node_get_object(request.get());
    json_object_set_string_member(fields, "generation_type", type.c_str());
    json_object_set_member(fields, "data", data_of_job(job).release());
    const JsonNodePtr own = from_vidsheet(fields, finder(services, exchange));
    const Card card = read_card(json_node_get_object(own.get()), true);
    Variables variables(services.store, Cell());
    order.settings = resolve_settings(card, "{}", variables);
    check_vidsheet(card, order.settings);
    JsonWriter json;
    json.begin_object().key("user_job_id").integer(services.generations.create(order).id);
    return Reply::json(201, json.end_object().text());
  });
}

Generation generation_of(Services& services, const Request& request) {
  const auto id = parse_digits(request.parameters.at(0));
  if (!id) {
    throw not_found("There is no generation \"" + clean_label(request.parameters[0]) +
                    "\". Use the generation_id of the answer to the generate call.");
  }
  return services.generations.get(*id);
}

// Those that run, as the live service's documents call the list.
Reply list_of_sheet(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  JsonWriter json;
  json.begin_object().key("generations").begin_array();
  for (const auto& generation : services.store.generations_of_sheet(sheet.id)) {
    if (has_ended(generation.status)) continue;
    json.begin_object().key("generation_id").integer(generation.id);
    json.key("status").string(status_word(generation.status));
    json.key("user_job_type").string("video_generation");
    json.key("container_type").string(container_of(generation));
    json.key("container_id");
    generation.layer ? json.integer(*generation.layer) : json.id(generation.cell);
    const auto cell = services.store.cell(sheet.id, generation.cell);
    json.key("row_id").integer_or_null(cell ? std::optional(cell->row) : std::nullopt);
    json.key("created_at").string(iso_time(generation.created_at)).end_object();
  }
  return Reply::json(200, json.end_array().end_object().text());
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

// The agent may be left out, stand in the query or in the body; one that is not there is refused.
void check_given_agent(Services& services, const Exchange& exchange) {
  std::string agent = exchange.request.query_value("agent_id").value_or("");
  if (const JsonNodePtr body = find_json_object(exchange.json_text()); body && agent.empty()) {
    agent = optional_id(json_node_get_object(body.get()), "agent_id", "agent_id").value_or("");
  }
  if (!agent.empty()) check_agent(services, agent);
}

Reply stop_generation(Services& services, Exchange& exchange) {
  const auto id = generation_of(services, exchange.request).id;
  check_given_agent(services, exchange);
  return changed(services, exchange, services.generations.stop(id));
}

Reply continue_generation(Services& services, Exchange& exchange) {
  const Generation generation = generation_of(services, exchange.request);
  const auto id = generation.id;
  check_given_agent(services, exchange);
  const bool is_today = services.dialect == Dialect::today;
  if (is_today) check_idempotency_key(exchange.request, "continue");
  return answer_once(services, exchange.request, "continue\n" + std::to_string(id), [&] {
    if (is_today && generation.status == Status::failed) {
      throw validation_error("Generation " + std::to_string(id) +
                             " is failed. Only a stopped generation can be continued.");
    }
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
      {"POST", "v1/{sheet_route}/{}/cells/{}/render", BodyKind::json, &render_cell, Endpoint::post},
      {"POST", "v1/user_jobs", BodyKind::json, &create_job, Endpoint::post},
      {"GET", "v1/{sheet_route}/{}/generations", BodyKind::ignored, &list_of_sheet},
      {"GET", "v1/generations/{}", BodyKind::ignored, &get_generation, Endpoint::poll},
      {"POST", "v1/generations/{}/stop", BodyKind::json, &stop_generation},
      {"POST", "v1/generations/{}/continue", BodyKind::json, &continue_generation, Endpoint::post},
      {"GET", "_emulator/generations/{}", BodyKind::ignored, &inspect_generation},
  };
}

}  // namespace genpro::emulator
