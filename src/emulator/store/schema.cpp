// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tables of the store and their version.
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/store/store.h"

namespace genpro::emulator {

namespace {

constexpr std::int64_t application_id = 0x67706531;  // "gpe1"

// Version 1. What is new goes into the steps below: a new file takes them as well, so that it is
// the same as one that was there before.
constexpr const char* tables = R"SQL(
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
)SQL";

// What leads from each version to the next, beginning with 1. A store keeps what is in it.
const std::vector<std::vector<const char*>>& steps() {
  static const std::vector<std::vector<const char*>> all{
      {
          // To 2: agents are made, and tell more of themselves; the organization has a name; global
          // variables have ids of their own; columns and rows have attributes.
          "INSERT INTO counters VALUES('agent', 43)",
          "ALTER TABLE agents ADD COLUMN description TEXT",
          "ALTER TABLE agents ADD COLUMN time_zone TEXT",
          "ALTER TABLE account ADD COLUMN organization TEXT",
          "ALTER TABLE variables ADD COLUMN id INTEGER NOT NULL DEFAULT 0",
          "UPDATE variables SET id = numbered.id FROM"
          " (SELECT sheet, key, 699 + row_number() OVER (ORDER BY sheet, position, key) AS id"
          "  FROM variables) AS numbered"
          " WHERE variables.sheet = numbered.sheet AND variables.key = numbered.key",
          "CREATE UNIQUE INDEX variables_by_id ON variables(id)",
          "INSERT INTO counters SELECT 'variable', 700 + count(*) FROM variables",
          "ALTER TABLE columns ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}'",
          "ALTER TABLE rows ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}'",
      },
      {
          // To 3: other kinds of clips, and what became of the credits.
          "ALTER TABLE generations ADD COLUMN kind TEXT NOT NULL DEFAULT 'video_from_ingredients'",
          "ALTER TABLE generations ADD COLUMN resolution TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE generations ADD COLUMN audio INTEGER",
          "ALTER TABLE generations ADD COLUMN credit_outcome TEXT NOT NULL DEFAULT ''",
      },
  };
  return all;
}

}  // namespace

void Store::prepare_schema() {
  // Whatever is thrown on the way: the end of the connection takes back what was begun.
  database_.execute("BEGIN IMMEDIATE");
  const auto application = database_.integer("PRAGMA application_id").value_or(0);
  const auto objects = database_.integer("SELECT count(*) FROM sqlite_schema").value_or(0);
  const auto newest = static_cast<std::int64_t>(steps().size()) + 1;
  std::int64_t version = 1;
  if (objects == 0) {
    database_.execute(tables);
    database_.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
  } else {
    if (application != application_id) {
      throw std::runtime_error("it is the database of another program");
    }
    version = database_.integer("PRAGMA user_version").value_or(0);
    if (version > newest) throw std::runtime_error("it was written by a newer genpro-emulator");
    if (version < 1) throw std::runtime_error("its version is missing");
  }
  for (; version < newest; ++version) {
    for (const char* statement : steps().at(static_cast<std::size_t>(version - 1))) {
      database_.execute(statement);
    }
  }
  database_.execute(("PRAGMA user_version = " + std::to_string(newest)).c_str());
  database_.execute("COMMIT");
}

}  // namespace genpro::emulator
