// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Cells.
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

}  // namespace

std::vector<Route> cell_routes() {
  return {
      // Before what takes its last word for the id of a cell.
      {"PUT PATCH", "v1/{sheet_route}/{}/cells/mass_update", BodyKind::json, &update_cells},
      {"GET", "v1/{sheet_route}/{}/cells/{}", BodyKind::ignored, &get_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}", BodyKind::json, &update_cell},
      {"PATCH", "v1/{sheet_route}/{}/cells/{}/set_default_user_job", BodyKind::json,
       &set_default_job},
  };
}

}  // namespace genpro::emulator
