// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The store's tables as their first version had them, for files that are older than the program.
// Never to be changed: such files are not changed either.
#pragma once

#include <filesystem>
#include <string>

#include "emulator/store/database.h"

namespace genpro::emulator::test {

inline constexpr const char* first_store = R"SQL(
CREATE TABLE counters(name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES
  ('resource', 501), ('generation', 9040), ('output', 1900), ('sheet', 102), ('column', 200),
  ('row', 500), ('cell', 3301), ('layer', 4000), ('variables', 600);

-- One row, written when the store is filled.
CREATE TABLE account(id INTEGER PRIMARY KEY CHECK(id = 1), credit INTEGER NOT NULL);
-- Each change of the credit. The credit is what the store was filled with and their sum.
CREATE TABLE bookings(
  id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, amount INTEGER NOT NULL,
  reason TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX bookings_of_generation ON bookings(generation);

CREATE TABLE agents(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, polling_enabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL);
CREATE TABLE hooks(
  agent TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, cursor INTEGER NOT NULL,
  PRIMARY KEY(agent, kind)) WITHOUT ROWID;

CREATE TABLE sheets(
  id TEXT PRIMARY KEY, title TEXT NOT NULL, uuid TEXT NOT NULL, is_default INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE columns(
  id INTEGER PRIMARY KEY, sheet TEXT NOT NULL, title TEXT NOT NULL, type TEXT NOT NULL,
  position INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX columns_of_sheet ON columns(sheet, position);
CREATE TABLE rows(
  id INTEGER PRIMARY KEY, sheet TEXT NOT NULL, position INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX rows_of_sheet ON rows(sheet, position);
CREATE TABLE cells(
  sheet TEXT NOT NULL, id TEXT NOT NULL, row INTEGER NOT NULL, "column" INTEGER NOT NULL,
  value TEXT, attributes TEXT NOT NULL, card TEXT NOT NULL, default_job INTEGER,
  -- Has autoGenerate and a card.
  watches INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY(sheet, id));
CREATE INDEX cells_of_row ON cells(sheet, row, "column");
CREATE INDEX cells_that_watch ON cells(sheet) WHERE watches;
CREATE TABLE layers(
  id INTEGER PRIMARY KEY, sheet TEXT NOT NULL, cell TEXT NOT NULL, name TEXT NOT NULL,
  type TEXT NOT NULL, position INTEGER NOT NULL, attributes TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX layers_of_cell ON layers(sheet, cell, position);

CREATE TABLE variable_sheets(sheet TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE variables(
  sheet TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY(sheet, key)) WITHOUT ROWID;

CREATE TABLE resources(
  id INTEGER PRIMARY KEY, file_name TEXT NOT NULL, stored_name TEXT NOT NULL UNIQUE,
  content_type TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE blobs(
  number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, signed_id TEXT NOT NULL UNIQUE,
  file_name TEXT NOT NULL, byte_size INTEGER NOT NULL, checksum TEXT NOT NULL,
  content_type TEXT NOT NULL, arrived INTEGER NOT NULL);

CREATE TABLE generations(
  id INTEGER PRIMARY KEY, agent TEXT NOT NULL, sheet TEXT NOT NULL, cell TEXT NOT NULL,
  layer INTEGER, request TEXT NOT NULL, prompt TEXT NOT NULL, assets TEXT NOT NULL,
  model TEXT NOT NULL, aspect_ratio TEXT NOT NULL, duration INTEGER NOT NULL,
  status INTEGER NOT NULL, failed_reason TEXT NOT NULL, output_id INTEGER, output_name TEXT,
  charged INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX generations_of_cell ON generations(sheet, cell);
CREATE INDEX generations_of_layer ON generations(layer) WHERE layer IS NOT NULL;
CREATE INDEX generations_that_run ON generations(id) WHERE status < 2;
CREATE INDEX generations_by_output ON generations(output_name) WHERE output_name IS NOT NULL;
CREATE TABLE events(
  id INTEGER PRIMARY KEY AUTOINCREMENT, generation INTEGER NOT NULL, agent TEXT NOT NULL,
  sheet TEXT NOT NULL, cell TEXT NOT NULL, status INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX events_of_generation ON events(generation);
CREATE INDEX events_of_agent ON events(agent, id);

CREATE TABLE answers(
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
  at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers(at);
PRAGMA application_id = 1735419185;
PRAGMA user_version = 1;
)SQL";

// A data folder with such a store and what `content`, statements in SQL, puts into it.
inline void write_first_store(const std::string& folder, const char* content) {
  std::filesystem::create_directories(folder);
  Database database(folder + "/store.db");
  database.execute(first_store);
  database.execute(content);
}

}  // namespace genpro::emulator::test
