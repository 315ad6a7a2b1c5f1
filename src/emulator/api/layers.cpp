// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The layers of a cell.
#include "emulator/api/fields.h"
#include "emulator/api/services.h"
#include "emulator/domain/sheets.h"

namespace genpro::emulator {

namespace {

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

std::vector<Route> layer_routes() {
  return {
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
