// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sheets, columns and rows.
#include "emulator/api_error.h"
#include "emulator/json.h"
#include "emulator/services.h"
#include "emulator/sheets.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

bool wants_cost(const Request& request) {
  return request.query_value("with_execution_cost") == "true";
}

// The body's object, or an empty one where a body may be left out.
JsonNodePtr optional_body(const Exchange& exchange) {
  const std::string text = exchange.json_text();
  return parse_json_object(trim(text).empty() ? "{}" : text);
}

Row row_of(Services& services, const Request& request) {
  const Sheet sheet = sheet_of(services, request);
  const auto id = parse_digits(request.parameters.at(1));
  const auto row = id ? services.store.row(sheet.id, *id) : std::nullopt;
  if (!row) {
    throw not_found("There is no row \"" + clean_label(request.parameters[1]) + "\" in sheet " +
                    clean_label(sheet.id) + ". GET the sheet to see its rows.");
  }
  return *row;
}

Reply add_sheet(Services& services, Exchange& exchange) {
  agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "spreadsheet");
  const std::string title = required_text(fields, "title", "spreadsheet.title");
  const bool is_default = json_is_true(json_member(fields, "is_default"));
  Store::Change change(services.store);
  const Sheet sheet = create_sheet(services.store, {}, title, is_default);
  change.commit();
  return Reply::json(201, views_of(services, exchange.request).sheet(sheet, false));
}

Reply list_sheets(Services& services, Exchange& exchange) {
  agent_of(services, exchange.request);
  const Views views = views_of(services, exchange.request);
  JsonWriter json;
  json.begin_array();
  for (const auto& sheet : services.store.sheets()) json.raw(views.sheet_head(sheet));
  return Reply::json(200, json.end_array().text());
}

Reply get_sheet(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(
      200, views_of(services, exchange.request).sheet(sheet, wants_cost(exchange.request)));
}

Reply list_rows(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  const Views views = views_of(services, exchange.request);
  JsonWriter json;
  json.begin_array();
  for (const auto& row : services.store.rows(sheet.id)) {
    json.raw(views.row(row, wants_cost(exchange.request)));
  }
  return Reply::json(200, json.end_array().text());
}

Reply add_row(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  const JsonNodePtr body = optional_body(exchange);
  const auto position = optional_number(wrapped_object(body.get(), "spreadsheet_row"), "position",
                                        "spreadsheet_row.position");
  const Row row = create_row(services.store, sheet.id, position);
  return Reply::json(201, views_of(services, exchange.request).row(row, false));
}

Reply get_row(Services& services, Exchange& exchange) {
  const Row row = row_of(services, exchange.request);
  agent_of(services, exchange.request);
  return Reply::json(200,
                     views_of(services, exchange.request).row(row, wants_cost(exchange.request)));
}

Reply copy_row(Services& services, Exchange& exchange) {
  const Row row = row_of(services, exchange.request);
  agent_of(services, exchange.request);
  const Row copy = duplicate_row(services.store, row);
  return Reply::json(201, views_of(services, exchange.request).row(copy, false));
}

Reply list_columns(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  const Views views = views_of(services, exchange.request);
  JsonWriter json;
  json.begin_array();
  for (const auto& column : services.store.columns(sheet.id)) json.raw(views.column(column));
  return Reply::json(200, json.end_array().text());
}

Reply add_column(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "spreadsheet_column");
  const std::string title = required_text(fields, "title", "spreadsheet_column.title");
  const std::string type = required_text(fields, "type", "spreadsheet_column.type");
  const auto position = optional_number(fields, "position", "spreadsheet_column.position");
  const Column column = create_column(services.store, sheet.id, title, type, position);
  return Reply::json(201, views_of(services, exchange.request).column(column));
}

}  // namespace

std::vector<Route> sheet_routes() {
  return {
      {"POST", "v1/{sheet_route}", BodyKind::json, &add_sheet},
      {"GET", "v1/{sheet_route}", BodyKind::ignored, &list_sheets},
      {"GET", "v1/{sheet_route}/{}", BodyKind::ignored, &get_sheet},
      {"GET", "v1/{sheet_route}/{}/rows", BodyKind::ignored, &list_rows},
      {"POST", "v1/{sheet_route}/{}/rows", BodyKind::json, &add_row},
      {"GET", "v1/{sheet_route}/{}/rows/{}", BodyKind::ignored, &get_row},
      {"POST", "v1/{sheet_route}/{}/rows/{}/duplicate", BodyKind::ignored, &copy_row},
      {"GET", "v1/{sheet_route}/{}/columns", BodyKind::ignored, &list_columns},
      {"POST", "v1/{sheet_route}/{}/columns", BodyKind::json, &add_column},
  };
}

}  // namespace genpro::emulator
