// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include "emulator/store/store.h"

namespace genpro::emulator {

namespace {

#define GENERATION_COLUMNS                                                                  \
  "id, agent, sheet, cell, layer, request, prompt, assets, model, aspect_ratio, duration, " \
  "status, failed_reason, output_id, output_name, charged, created_at, updated_at, kind, "  \
  "resolution, audio, credit_outcome"

#define EVENT_COLUMNS "id, generation, sheet, cell, status, at"

std::vector<std::int64_t> ids_of(const std::string& text) {
  std::vector<std::int64_t> ids;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const std::int64_t id = g_ascii_strtoll(at, &end, 10);
    // Something else has written there.
    if (end == at) break;
    ids.push_back(id);
    at = *end == ',' ? end + 1 : end;
  }
  return ids;
}

Generation read_generation(const Query& row) {
  Generation generation;
  generation.id = row.integer(0);
  generation.agent = row.text(1);
  generation.sheet = row.text(2);
  generation.cell = row.text(3);
  generation.layer = row.optional_integer(4);
  generation.request = row.text(5);
  generation.settings.prompt = row.text(6);
  generation.settings.asset_ids = ids_of(row.text(7));
  generation.settings.model = row.text(8);
  generation.settings.aspect_ratio = row.text(9);
  generation.settings.duration = static_cast<int>(row.integer(10));
  generation.status = static_cast<Status>(row.integer(11));
  generation.failed_reason = row.text(12);
  if (!row.is_null(13)) generation.output = Output{row.integer(13), row.text(14)};
  generation.charged = row.integer(15);
  generation.created_at = row.integer(16);
  generation.updated_at = row.integer(17);
  generation.settings.kind = kind_named(row.text(18)).value_or(Kind::ingredients);
  generation.settings.resolution = row.text(19);
  if (const auto audio = row.optional_integer(20)) generation.settings.audio = *audio != 0;
  generation.credit_outcome = row.text(21);
  return generation;
}

Event read_event(const Query& row) {
  return {
      row.integer(0), row.integer(1), row.text(2), row.text(3), static_cast<Status>(row.integer(4)),
      row.integer(5)};
}

}  // namespace

void Store::save(const Generation& generation) {
  Change change(*this);
  const GenerationSettings& settings = generation.settings;
  const auto& output = generation.output;
  database_.run(
      "INSERT OR REPLACE INTO generations(" GENERATION_COLUMNS
      ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      generation.id, generation.agent, generation.sheet, generation.cell, generation.layer,
      generation.request, settings.prompt, ids_text(settings.asset_ids), settings.model,
      settings.aspect_ratio, settings.duration, static_cast<int>(generation.status),
      generation.failed_reason, output ? std::optional(output->id) : std::nullopt,
      output ? std::optional(output->name) : std::nullopt, generation.charged,
      generation.created_at, generation.updated_at, kind_word(settings.kind), settings.resolution,
      settings.audio ? std::optional<std::int64_t>(*settings.audio) : std::nullopt,
      generation.credit_outcome);
  database_.run(
      "INSERT INTO events(generation, agent, sheet, cell, status, at)"
      " VALUES(?, ?, ?, ?, ?, ?)",
      generation.id, generation.agent, generation.sheet, generation.cell,
      static_cast<int>(generation.status), generation.updated_at);
  after_commit([this, generation] {
    for (const auto& observer : observers_) observer(generation);
  });
  change.commit();
}

std::optional<Generation> Store::generation(std::int64_t id) {
  return database_.row(read_generation,
                       "SELECT " GENERATION_COLUMNS " FROM generations WHERE id = ?", id);
}

std::vector<Generation> Store::generations(const std::string& sheet, const std::string& cell) {
  return database_.rows(read_generation,
                        "SELECT " GENERATION_COLUMNS
                        " FROM generations WHERE sheet = ? AND cell = ? AND layer IS NULL"
                        " ORDER BY id",
                        sheet, cell);
}

std::vector<Generation> Store::generations_of_layer(std::int64_t layer) {
  return database_.rows(
      read_generation, "SELECT " GENERATION_COLUMNS " FROM generations WHERE layer = ? ORDER BY id",
      layer);
}

std::vector<Generation> Store::generations_of_sheet(const std::string& sheet) {
  return database_.rows(
      read_generation,
      "SELECT " GENERATION_COLUMNS " FROM generations WHERE sheet = ? ORDER BY id DESC", sheet);
}

std::vector<Generation> Store::generations_before(std::int64_t id, std::int64_t limit) {
  return database_.rows(read_generation,
                        "SELECT " GENERATION_COLUMNS
                        " FROM generations WHERE id < ? ORDER BY id DESC LIMIT ?",
                        id, limit);
}

std::vector<std::int64_t> Store::open_generations() {
  return database_.rows([](const Query& row) { return row.integer(0); },
                        "SELECT id FROM generations WHERE status < 2 ORDER BY id");
}

bool Store::knows_output(const std::string& name) {
  return database_.integer("SELECT 1 FROM generations WHERE output_name = ?", name).has_value();
}

std::vector<Event> Store::history(std::int64_t generation) {
  return database_.rows(read_event,
                        "SELECT " EVENT_COLUMNS " FROM events WHERE generation = ? ORDER BY id",
                        generation);
}

std::optional<Event> Store::next_event(const std::string& agent, std::int64_t cursor,
                                       bool ends_only) {
  return database_.row(read_event,
                       "SELECT " EVENT_COLUMNS
                       " FROM events"
                       " WHERE agent = ? AND id > ? AND status >= ? ORDER BY id LIMIT 1",
                       agent, cursor, ends_only ? 2 : 0);
}

}  // namespace genpro::emulator
