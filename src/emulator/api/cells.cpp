// SPDX-License-Identifier: LGPL-2.1-or-later
#include <vector>

#include "emulator/api/fields.h"
#include "emulator/api/services.h"
#include "emulator/domain/sheets.h"

namespace genpro::emulator {

namespace {

Reply get_cell(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200, views_of(services, exchange).cell(cell));
}

Reply update_cell(Services& services, Exchange& exchange) {
  Cell cell = cell_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "spreadsheet_cell");
  SheetChange change(services.store, services.generations, cell.sheet, agent);
  if (!patch_cell(cell, fields)) {
    throw validation_error(
        "spreadsheet_cell has neither value nor additional_attributes. Send what is to change.");
  }
  services.store.save(cell);
  change.commit();
  return Reply::json(200, views_of(services, exchange).cell(cell));
}

// {"cells": [{"id", "value", "additional_attributes"}, …]}, also without the outer object.
Reply update_cells(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const JsonNodePtr body = parse_json(exchange.json_text());
  const auto entries = entries_of(body.get(), "cells");
  SheetChange change(services.store, services.generations, sheet.id, agent);
  for (const auto& entry : entries) {
    Cell cell = found(services.store.cell(sheet.id, entry.id), "cell", entry.id,
                      "sheet " + clean_label(sheet.id), nothing_changed);
    patch_cell(cell, entry.fields);
    services.store.save(cell);
  }
  change.commit();
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(entries, [&](const Entry& entry) {
                       return views.cell(*services.store.cell(sheet.id, entry.id));
                     }));
}

Reply set_default_job(Services& services, Exchange& exchange) {
  Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "default_user_job");
  const auto id = optional_number(fields, "user_job_id", "user_job_id");
  if (!id) throw validation_error("user_job_id must be the id of one of the cell's user_jobs.");
  const Generation job = services.generations.get(*id);
  if (job.sheet != cell.sheet || job.cell != cell.id || job.layer) {
    throw validation_error("Generation " + std::to_string(*id) + " does not belong to cell " +
                           clean_label(cell.id) + ". Choose one of its user_jobs.");
  }
  cell.default_job = *id;
  cell.updated_at = now_milliseconds();
  services.store.save(cell);
  return Reply::json(200, views_of(services, exchange).cell(cell));
}

Layer layer_in(Services& services, const Cell& cell, const std::string& id, const char* advice) {
  const auto number = parse_digits(id);
  auto layer = number ? services.store.layer(*number) : std::nullopt;
  if (layer && (layer->sheet != cell.sheet || layer->cell != cell.id)) layer.reset();
  return found(layer, "layer", id, "cell " + clean_label(cell.id), advice);
}

Reply add_layer(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "video_layer");
  const std::string name = required_text(fields, "name", "video_layer.name");
  const std::string type = required_text(fields, "type", "video_layer.type");
  const auto position = optional_number(fields, "position", "video_layer.position");
  const std::string attributes =
      merged_card_attributes("{}", json_member(fields, "additional_attributes"));
  const Layer layer = create_layer(services.store, cell, name, type, position, attributes);
  return Reply::json(201, views_of(services, exchange).layer(layer));
}

Reply get_layer(Services& services, Exchange& exchange) {
  const Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200, views_of(services, exchange).layer(layer));
}

Reply update_layer(Services& services, Exchange& exchange) {
  Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "video_layer");
  if (json_member(fields, "name") != nullptr) {
    layer.name = required_text(fields, "name", "video_layer.name");
  }
  if (json_member(fields, "type") != nullptr) {
    layer.type = required_text(fields, "type", "video_layer.type");
  }
  layer.attributes =
      merged_card_attributes(layer.attributes, json_member(fields, "additional_attributes"));
  const auto position = optional_number(fields, "position", "video_layer.position");
  layer.updated_at = now_milliseconds();
  Store::Change change(services.store);
  services.store.save(layer);
  if (position) {
    arrange_layers(services.store, cell_of(services, exchange.request), {{layer.id, *position}});
  }
  change.commit();
  layer = services.store.layer(layer.id).value();
  return Reply::json(200, views_of(services, exchange).layer(layer));
}

Reply delete_layer(Services& services, Exchange& exchange) {
  const Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange);
  Store::Change change(services.store);
  services.store.remove_layer(layer.id);
  arrange_layers(services.store, cell_of(services, exchange.request), {});
  change.commit();
  return Reply::json(204, {});
}

Reply copy_layer(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  const Layer layer = layer_of(services, exchange.request);
  agent_of(services, exchange);
  const Layer copy = duplicate_layer(services.store, cell, layer);
  return Reply::json(201, views_of(services, exchange).layer(copy));
}

Reply move_layers(Services& services, Exchange& exchange) {
  const Cell cell = cell_of(services, exchange.request);
  agent_of(services, exchange);
  arrange_layers(services.store, cell, wanted_places(exchange, "layers", [&](const Entry& entry) {
                   layer_in(services, cell, entry.id, nothing_changed);
                 }));
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(services.store.layers(cell.sheet, cell.id),
                                     [&views](const Layer& layer) { return views.layer(layer); }));
}

}  // namespace

Layer layer_of(Services& services, const Request& request) {
  return layer_in(services, cell_of(services, request), request.parameters.at(2),
                  "GET the cell to see its video_layers.");
}

std::vector<Route> cell_routes() {
  return {
      // Before what takes its last word for the id of a cell.
      {"PUT PATCH", "v1/{sheet_route}/{}/cells/mass_update", BodyKind::json, &update_cells},
      {"GET", "v1/{sheet_route}/{}/cells/{}", BodyKind::ignored, &get_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}", BodyKind::json, &update_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}/set_default_user_job", BodyKind::json,
       &set_default_job},
      {"POST", "v1/{sheet_route}/{}/cells/{}/layers", BodyKind::json, &add_layer},
      // Before what takes its last word for the id of a layer.
      {"PUT PATCH", "v1/{sheet_route}/{}/cells/{}/layers/update_positions", BodyKind::json,
       &move_layers},
      {"GET", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::ignored, &get_layer},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::json, &update_layer},
      {"DELETE", "v1/{sheet_route}/{}/cells/{}/layers/{}", BodyKind::json, &delete_layer},
      {"POST", "v1/{sheet_route}/{}/cells/{}/layers/{}/duplicate", BodyKind::json, &copy_layer},
  };
}

}  // namespace genpro::emulator
