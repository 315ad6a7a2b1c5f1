// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Cells and their layers.
#include <vector>

#include "emulator/api_error.h"
#include "emulator/card.h"
#include "emulator/json.h"
#include "emulator/services.h"
#include "emulator/sheets.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

constexpr guint max_cells_at_once = 1000;
constexpr std::size_t max_attributes = 64 * 1024;

// Members of `patch` take the place of those in `attributes`; null takes one away.
std::string merged_attributes(const std::string& attributes, JsonNode* patch) {
  if (!JSON_NODE_HOLDS_OBJECT(patch)) {
    throw validation_error("additional_attributes must be an object.");
  }
  const JsonNodePtr merged = parse_json_object(attributes);
  JsonObject* target = json_node_get_object(merged.get());
  JsonObjectIter iterator;
  json_object_iter_init(&iterator, json_node_get_object(patch));
  const char* name = nullptr;
  JsonNode* value = nullptr;
  while (json_object_iter_next(&iterator, &name, &value)) {
    if (JSON_NODE_HOLDS_NULL(value)) {
      json_object_remove_member(target, name);
    } else {
      json_object_set_member(target, name, json_node_copy(value));
    }
  }
  check_attributes(target);
  std::string text = canonical_json(merged.get());
  if (text.size() > max_attributes) {
    throw validation_error("additional_attributes would be larger than 64 kB. Leave some out.");
  }
  return text;
}

// A cell's value as text; nothing for null, which empties the cell.
std::optional<std::string> value_of(JsonNode* node) {
  if (JSON_NODE_HOLDS_NULL(node)) return {};
  if (!JSON_NODE_HOLDS_VALUE(node)) {
    throw validation_error("value must be a string, a number, a boolean or null.");
  }
  return json_is_string(node) ? json_text(node) : canonical_json(node);
}

// Whether the fields say something that a cell has.
bool patch_cell(Cell& cell, JsonObject* fields) {
  JsonNode* value = json_object_get_member(fields, "value");
  JsonNode* attributes = json_member(fields, "additional_attributes");
  if (value != nullptr) cell.value = value_of(value);
  if (attributes != nullptr) cell.attributes = merged_attributes(cell.attributes, attributes);
  cell.updated_at = now_milliseconds();
  return value != nullptr || attributes != nullptr;
}

Reply get_cell(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(200, views_of(services, exchange.request).cell(cell));
}

Reply update_cell(Services& services, Exchange& exchange) {
  Cell cell = cell_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  Store::Change change(services.store);
  Dependents dependents(services.store, cell.sheet);
  if (!patch_cell(cell, wrapped_object(body.get(), "spreadsheet_cell"))) {
    throw validation_error(
        "spreadsheet_cell has neither value nor additional_attributes. Send what is to change.");
  }
  services.store.save(cell);
  dependents.generate_changed(services.generations, agent);
  change.commit();
  return Reply::json(200, views_of(services, exchange.request).cell(cell));
}

// {"cells": [{"id", "value", "additional_attributes"}, …]}, also without the outer object.
Reply update_cells(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json(exchange.json_text());
  JsonNode* list = body.get();
  if (JSON_NODE_HOLDS_OBJECT(list)) {
    JsonObject* outer = json_node_get_object(list);
    list = json_member(outer, "cells");
    if (list == nullptr) list = json_member(outer, "spreadsheet_cells");
  }
  if (list == nullptr || !JSON_NODE_HOLDS_ARRAY(list)) {
    throw validation_error("The body must be {\"cells\": [{\"id\": …, \"value\": …}, …]}.");
  }
  JsonArray* array = json_node_get_array(list);
  if (json_array_get_length(array) > max_cells_at_once) {
    throw validation_error("cells holds more than 1000 cells. Send them in several requests.");
  }
  Store::Change change(services.store);
  Dependents dependents(services.store, sheet.id);
  std::vector<std::string> changed;
  for (guint i = 0; i < json_array_get_length(array); ++i) {
    JsonNode* element = json_array_get_element(array, i);
    if (!JSON_NODE_HOLDS_OBJECT(element)) throw validation_error("cells must hold objects.");
    JsonObject* fields = json_node_get_object(element);
    JsonNode* id = json_member(fields, "id");
    if (id == nullptr || (!json_is_string(id) && !json_is_integer(id))) {
      throw validation_error("Each of cells needs the id of a cell.");
    }
    const std::string name =
        json_is_string(id) ? json_text(id) : std::to_string(json_node_get_int(id));
    auto cell = services.store.cell(sheet.id, name);
    if (!cell) {
      throw not_found("There is no cell \"" + clean_label(name) + "\" in sheet " +
                      clean_label(sheet.id) + ". Nothing was changed.");
    }
    patch_cell(*cell, fields);
    services.store.save(*cell);
    changed.push_back(name);
  }
  dependents.generate_changed(services.generations, agent);
  change.commit();
  JsonWriter json;
  json.begin_array();
  const Views views = views_of(services, exchange.request);
  for (const auto& id : changed) json.raw(views.cell(*services.store.cell(sheet.id, id)));
  return Reply::json(200, json.end_array().text());
}

Reply set_default_job(Services& services, Exchange& exchange) {
  Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  const auto id =
      optional_number(wrapped_object(body.get(), "default_user_job"), "user_job_id", "user_job_id");
  if (!id) throw validation_error("user_job_id must be the id of one of the cell's user_jobs.");
  const Generation job = services.generations.get(*id);
  if (job.sheet != cell.sheet || job.cell != cell.id || job.layer) {
    throw validation_error("Generation " + std::to_string(*id) + " does not belong to cell " +
                           clean_label(cell.id) + ". Choose one of its user_jobs.");
  }
  cell.default_job = *id;
  cell.updated_at = now_milliseconds();
  services.store.save(cell);
  return Reply::json(200, views_of(services, exchange.request).cell(cell));
}

Reply add_layer(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "video_layer");
  const std::string name = required_text(fields, "name", "video_layer.name");
  const std::string type = required_text(fields, "type", "video_layer.type");
  const auto position = optional_number(fields, "position", "video_layer.position");
  JsonNode* attributes = json_member(fields, "additional_attributes");
  Store::Change change(services.store);
  Layer layer = create_layer(services.store, cell, name, type, position);
  if (attributes != nullptr) {
    layer.attributes = merged_attributes(layer.attributes, attributes);
    services.store.save(layer);
  }
  change.commit();
  return Reply::json(201, views_of(services, exchange.request).layer(layer));
}

Reply get_layer(Services& services, Exchange& exchange) {
  const Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(200, views_of(services, exchange.request).layer(layer));
}

Reply update_layer(Services& services, Exchange& exchange) {
  Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "video_layer");
  if (json_member(fields, "name") != nullptr) {
    layer.name = required_text(fields, "name", "video_layer.name");
  }
  if (json_member(fields, "type") != nullptr) {
    layer.type = required_text(fields, "type", "video_layer.type");
  }
  if (JsonNode* attributes = json_member(fields, "additional_attributes")) {
    layer.attributes = merged_attributes(layer.attributes, attributes);
  }
  layer.updated_at = now_milliseconds();
  services.store.save(layer);
  return Reply::json(200, views_of(services, exchange.request).layer(layer));
}

Reply delete_layer(Services& services, Exchange& exchange) {
  const Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange.request);
  services.store.remove_layer(layer.id);
  return Reply::json(204, {});
}

}  // namespace

Layer layer_of(Services& services, const Request& request) {
  const Cell cell = cell_of(services, request);
  const auto id = parse_digits(request.parameters.at(2));
  const auto layer = id ? services.store.layer(*id) : std::nullopt;
  if (!layer || layer->sheet != cell.sheet || layer->cell != cell.id) {
    throw not_found("There is no layer \"" + clean_label(request.parameters[2]) + "\" in cell " +
                    clean_label(cell.id) + ". GET the cell to see its video_layers.");
  }
  return *layer;
}

std::vector<Route> cell_routes() {
  return {
      {"PUT", "v1/{sheet_route}/{}/cells/mass_update", BodyKind::json, &update_cells},
      {"GET", "v1/{sheet_route}/{}/cells/{}", BodyKind::ignored, &get_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}", BodyKind::json, &update_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}/set_default_user_job", BodyKind::json,
       &set_default_job},
      {"POST", "v1/{sheet_route}/{}/cells/{}/layers", BodyKind::json, &add_layer},
      {"GET", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::ignored, &get_layer},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::json, &update_layer},
      {"DELETE", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::ignored, &delete_layer},
  };
}

}  // namespace genpro::emulator
