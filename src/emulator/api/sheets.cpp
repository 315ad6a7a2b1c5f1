// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sheets, rows and columns. Titles of columns are names of variables: what changes them may make
// cells generate.
#include "emulator/domain/sheets.h"
#include "emulator/api/fields.h"
#include "emulator/api/services.h"
#include "emulator/domain/variables_import.h"

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
  return found_in_sheet(&Store::row, services, sheet_of(services, request), "row",
                        request.parameters.at(1), "GET the sheet to see its rows.");
}

Row listed_row(Services& services, const Sheet& sheet, const Entry& entry) {
  return found_in_sheet(&Store::row, services, sheet, "row", entry.id, nothing_changed);
}

Reply add_sheet(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "spreadsheet");
  const std::string title = required_text(fields, "title", "spreadsheet.title");
  const bool is_default = json_is_true(json_member(fields, "is_default"));
  const Sheet sheet = create_sheet(services.store, {}, title, is_default);
  return Reply::json(201, views_of(services, exchange).sheet(sheet, false));
}

Reply list_sheets(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(services.store.sheets(), [&views](const Sheet& sheet) {
                       return views.sheet_head(sheet);
                     }));
}

Reply get_sheet(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200, views_of(services, exchange).sheet(sheet, wants_cost(exchange.request)));
}

Reply copy_sheet(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  const JsonNodePtr body = optional_body(exchange);
  const auto target =
      optional_id(json_node_get_object(body.get()), "target_agent_id", "target_agent_id");
  if (target) check_agent(services, *target);
  const Sheet copy = clone_sheet(services.store, sheet);
  return Reply::json(201, views_of(services, exchange).sheet(copy, false));
}

Reply list_rows(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200,
                     views_of(services, exchange).rows(sheet.id, wants_cost(exchange.request)));
}

Reply add_row(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  const JsonNodePtr body = optional_body(exchange);
  JsonObject* fields = wrapped_object(body.get(), "spreadsheet_row");
  const auto position = optional_number(fields, "position", "spreadsheet_row.position");
  const std::string attributes =
      merged_attributes("{}", json_member(fields, "additional_attributes"));
  const Row row = create_row(services.store, sheet.id, position, 0, {}, attributes);
  return Reply::json(201, views_of(services, exchange).row(row, false));
}

Reply get_row(Services& services, Exchange& exchange) {
  const Row row = row_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200, views_of(services, exchange).row(row, wants_cost(exchange.request)));
}

Reply copy_row(Services& services, Exchange& exchange) {
  const Row row = row_of(services, exchange.request);
  agent_of(services, exchange);
  const Row copy = duplicate_row(services.store, row);
  return Reply::json(201, views_of(services, exchange).row(copy, false));
}

// What of a row's fields is to change; nothing for its position.
void patch_row(Services& services, Row& row, const Entry& entry) {
  JsonNode* attributes = json_member(entry.fields, "additional_attributes");
  const auto cells = optional_entries(entry.fields, "cells", "rows.cells");
  if (attributes == nullptr && !cells && json_member(entry.fields, "position") == nullptr) {
    throw validation_error("The row " + clean_label(entry.id) +
                           " of rows has neither position nor additional_attributes nor cells. "
                           "Send what is to change.");
  }
  row.attributes = merged_attributes(row.attributes, attributes);
  row.updated_at = now_milliseconds();
  services.store.save(row);
  if (!cells) return;
  for (const auto& wanted : *cells) {
    auto cell = services.store.cell(row.sheet, wanted.id);
    if (cell && cell->row != row.id) cell.reset();
    Cell changed = found(cell, "cell", wanted.id, "row " + std::to_string(row.id), nothing_changed);
    patch_cell(changed, wanted.fields);
    services.store.save(changed);
  }
}

// Answers with all rows: those that were not named move as well.
Reply move_rows(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  arrange_rows(services.store, sheet.id, wanted_places(exchange, "rows", [&](const Entry& entry) {
                 listed_row(services, sheet, entry);
               }));
  return Reply::json(200,
                     views_of(services, exchange).rows(sheet.id, wants_cost(exchange.request)));
}

// {"rows": [{"id", "position", "additional_attributes", "cells": [{"id", "value",
// "additional_attributes"}]}, …]}, also without the outer object: all or nothing.
Reply update_rows(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const JsonNodePtr body = parse_json(exchange.json_text());
  const auto entries = distinct_entries_of(body.get(), "rows");
  SheetChange change(services.store, services.generations, sheet.id, agent);
  std::vector<Place> wanted;
  for (const auto& entry : entries) {
    Row row = listed_row(services, sheet, entry);
    patch_row(services, row, entry);
    if (const auto position = optional_number(entry.fields, "position", "rows.position")) {
      wanted.push_back({row.id, *position});
    }
  }
  if (!wanted.empty()) arrange_rows(services.store, sheet.id, wanted);
  change.commit();
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(entries, [&](const Entry& entry) {
                       return views.row(*services.store.row(sheet.id, entry.number),
                                        wants_cost(exchange.request));
                     }));
}

Column column_of(Services& services, const Request& request) {
  return found_in_sheet(&Store::column, services, sheet_of(services, request), "column",
                        request.parameters.at(1), "GET the sheet to see its columns.");
}

Column listed_column(Services& services, const Sheet& sheet, const Entry& entry) {
  return found_in_sheet(&Store::column, services, sheet, "column", entry.id, nothing_changed);
}

// A title is the name of a variable.
std::string title_in(JsonObject* fields, const std::string& shown) {
  std::string title = required_text(fields, "title", shown);
  if (has_braces(title)) {
    throw validation_error(shown + " \"" + clean_label(title) +
                           "\" holds braces, so that no {{name}} would find it. Leave them out.");
  }
  return title;
}

// Takes over and saves what the fields say; returns the position that is wanted. `shown`: what the
// fields are called in messages.
std::optional<std::int64_t> patch_column(Services& services, Column& column, JsonObject* fields,
                                         const std::string& shown) {
  const auto position = optional_number(fields, "position", shown + ".position");
  JsonNode* attributes = json_member(fields, "additional_attributes");
  const bool has_title = json_member(fields, "title") != nullptr;
  const bool has_type = json_member(fields, "type") != nullptr;
  if (!position && attributes == nullptr && !has_title && !has_type) {
    throw validation_error(shown +
                           " has none of title, type, position and additional_attributes. Send "
                           "what is to change.");
  }
  if (has_title) column.title = title_in(fields, shown + ".title");
  if (has_type) column.type = required_text(fields, "type", shown + ".type");
  column.attributes = merged_attributes(column.attributes, attributes);
  column.updated_at = now_milliseconds();
  services.store.save(column);
  return position;
}

Reply list_columns(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  return Reply::json(200, views_of(services, exchange).columns(sheet.id));
}

Reply add_column(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "spreadsheet_column");
  const std::string title = title_in(fields, "spreadsheet_column.title");
  const std::string type = required_text(fields, "type", "spreadsheet_column.type");
  const auto position = optional_number(fields, "position", "spreadsheet_column.position");
  const std::string attributes =
      merged_attributes("{}", json_member(fields, "additional_attributes"));
  const Column column =
      create_column(services.store, sheet.id, title, type, position, 0, attributes);
  return Reply::json(201, views_of(services, exchange).column(column));
}

Reply update_column(Services& services, Exchange& exchange) {
  Column column = column_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const auto [body, fields] = wrapped_body(exchange, "spreadsheet_column");
  SheetChange change(services.store, services.generations, column.sheet, agent);
  if (const auto position = patch_column(services, column, fields, "spreadsheet_column")) {
    arrange_columns(services.store, column.sheet, {{column.id, *position}});
  }
  change.commit();
  column = services.store.column(column.sheet, column.id).value();
  return Reply::json(200, views_of(services, exchange).column(column));
}

Reply delete_column(Services& services, Exchange& exchange) {
  const Column column = column_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  if (const auto running = services.store.open_generation_of(column)) {
    throw validation_error("The column \"" + clean_label(column.title) +
                           "\" cannot be deleted: generation " + std::to_string(*running) +
                           " in one of its cells has not ended. Wait for it, or stop it.");
  }
  SheetChange change(services.store, services.generations, column.sheet, agent);
  services.store.remove_column(column);
  arrange_columns(services.store, column.sheet, {});
  change.commit();
  return Reply::json(204, {});
}

Reply copy_column(Services& services, Exchange& exchange) {
  const Column column = column_of(services, exchange.request);
  agent_of(services, exchange);
  const Column copy = duplicate_column(services.store, column);
  return Reply::json(201, views_of(services, exchange).column(copy));
}

// Answers with all columns: those that were not named move as well.
Reply move_columns(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const auto wanted = wanted_places(
      exchange, "columns", [&](const Entry& entry) { listed_column(services, sheet, entry); });
  // Of two columns with one title the first counts: their order is a part of what they say.
  SheetChange change(services.store, services.generations, sheet.id, agent);
  arrange_columns(services.store, sheet.id, wanted);
  change.commit();
  return Reply::json(200, views_of(services, exchange).columns(sheet.id));
}

// {"columns": [{"id", "title", "type", "position", "additional_attributes"}, …]}, also without the
// outer object: all or nothing.
Reply update_columns(Services& services, Exchange& exchange) {
  const Sheet sheet = sheet_of(services, exchange.request);
  const std::string agent = agent_of(services, exchange);
  const JsonNodePtr body = parse_json(exchange.json_text());
  const auto entries = distinct_entries_of(body.get(), "columns");
  SheetChange change(services.store, services.generations, sheet.id, agent);
  std::vector<Place> wanted;
  for (const auto& entry : entries) {
    Column column = listed_column(services, sheet, entry);
    if (const auto position = patch_column(services, column, entry.fields, "columns")) {
      wanted.push_back({column.id, *position});
    }
  }
  if (!wanted.empty()) arrange_columns(services.store, sheet.id, wanted);
  change.commit();
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(entries, [&](const Entry& entry) {
                       return views.column(*services.store.column(sheet.id, entry.number));
                     }));
}

}  // namespace

std::vector<Route> sheet_routes() {
  return {
      {"POST", "v1/{sheet_route}", BodyKind::json, &add_sheet},
      {"GET", "v1/{sheet_route}", BodyKind::ignored, &list_sheets},
      {"GET", "v1/{sheet_route}/{}", BodyKind::ignored, &get_sheet},
      {"POST", "v1/{sheet_route}/{}/clone", BodyKind::json, &copy_sheet},
      {"GET", "v1/{sheet_route}/{}/rows", BodyKind::ignored, &list_rows},
      {"POST", "v1/{sheet_route}/{}/rows", BodyKind::json, &add_row},
      // Before what takes their last words for the id of a row.
      {"PUT PATCH", "v1/{sheet_route}/{}/rows/update_positions", BodyKind::json, &move_rows},
      {"PUT PATCH", "v1/{sheet_route}/{}/rows/mass_update", BodyKind::json, &update_rows},
      {"GET", "v1/{sheet_route}/{}/rows/{}", BodyKind::ignored, &get_row},
      {"POST", "v1/{sheet_route}/{}/rows/{}/duplicate", BodyKind::json, &copy_row},
      {"GET", "v1/{sheet_route}/{}/columns", BodyKind::ignored, &list_columns},
      {"POST", "v1/{sheet_route}/{}/columns", BodyKind::json, &add_column},
      // Before what takes their last words for the id of a column.
      {"PATCH PUT", "v1/{sheet_route}/{}/columns/update_positions", BodyKind::json, &move_columns},
      {"PUT PATCH", "v1/{sheet_route}/{}/columns/mass_update", BodyKind::json, &update_columns},
      {"PATCH", "v1/{sheet_route}/{}/columns/{}", BodyKind::json, &update_column},
      {"DELETE", "v1/{sheet_route}/{}/columns/{}", BodyKind::json, &delete_column},
      {"POST", "v1/{sheet_route}/{}/columns/{}/duplicate", BodyKind::json, &copy_column},
  };
}

}  // namespace genpro::emulator
