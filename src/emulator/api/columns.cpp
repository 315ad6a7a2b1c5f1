// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Columns. Their titles are the names of variables: what changes them may make cells generate.
#include "emulator/api/fields.h"
#include "emulator/api/services.h"
#include "emulator/domain/sheets.h"
#include "emulator/domain/variables_import.h"

namespace genpro::emulator {

namespace {

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

std::vector<Route> column_routes() {
  return {
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
