// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Layers, agents and where they want to hear of changes.
#include "emulator/store/store.h"

namespace genpro::emulator {

namespace {

#define LAYER_COLUMNS "id, sheet, cell, name, type, position, attributes, created_at, updated_at"

Layer read_layer(const Query& row) {
  return {row.integer(0), row.text(1), row.text(2),    row.text(3),   row.text(4),
          row.integer(5), row.text(6), row.integer(7), row.integer(8)};
}

#define AGENT_COLUMNS "id, name, polling_enabled, created_at, description, time_zone"

Agent read_agent(const Query& row) {
  return {row.text(0),    row.text(1),          row.integer(2) != 0,
          row.integer(3), row.optional_text(4), row.optional_text(5)};
}

Hook read_hook(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.integer(3)};
}

}  // namespace

void Store::save(const Layer& layer) {
  database_.run("INSERT OR REPLACE INTO layers(" LAYER_COLUMNS
                ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                layer.id, layer.sheet, layer.cell, layer.name, layer.type, layer.position,
                layer.attributes, layer.created_at, layer.updated_at);
}

std::optional<Layer> Store::layer(std::int64_t id) {
  return database_.row(read_layer, "SELECT " LAYER_COLUMNS " FROM layers WHERE id = ?", id);
}

std::vector<Layer> Store::layers(const std::string& sheet, const std::string& cell) {
  return database_.rows(read_layer,
                        "SELECT " LAYER_COLUMNS
                        " FROM layers WHERE sheet = ? AND cell = ? ORDER BY position, id",
                        sheet, cell);
}

void Store::save(const Agent& agent) {
  database_.run("INSERT OR REPLACE INTO agents(" AGENT_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?)",
                agent.id, agent.name, agent.polling_enabled, agent.created_at, agent.description,
                agent.time_zone);
}

std::optional<Agent> Store::agent(const std::string& id) {
  return database_.row(read_agent, "SELECT " AGENT_COLUMNS " FROM agents WHERE id = ?", id);
}

std::vector<Agent> Store::agents() {
  return database_.rows(read_agent, "SELECT " AGENT_COLUMNS " FROM agents ORDER BY created_at, id");
}

std::string Store::next_agent_id() {
  for (;;) {
    const std::string id = std::to_string(next_id(Sequence::agent));
    const auto taken = database_.integer(
        "SELECT 1 FROM agents WHERE id = ?1 UNION ALL SELECT 1 FROM events WHERE agent = ?1 LIMIT "
        "1",
        id);
    if (!taken) return id;
  }
}

void Store::remove_agent(const std::string& id) {
  Change change(*this);
  database_.run("DELETE FROM hooks WHERE agent = ?", id);
  database_.run("DELETE FROM agents WHERE id = ?", id);
  change.commit();
}

std::optional<std::int64_t> Store::open_generation_of(const std::string& agent) {
  // `status < 2`, as the index has it: only those that run are looked at.
  return database_.integer(
      "SELECT id FROM generations WHERE status < 2 AND agent = ? ORDER BY id LIMIT 1", agent);
}

std::vector<Hook> Store::hooks() {
  return database_.rows(read_hook, "SELECT agent, kind, url, cursor FROM hooks");
}

std::optional<Hook> Store::hook(const std::string& agent, const std::string& kind) {
  return database_.row(read_hook,
                       "SELECT agent, kind, url, cursor FROM hooks WHERE agent = ? AND kind = ?",
                       agent, kind);
}

void Store::set_hook(const std::string& agent, const std::string& kind, const std::string& url) {
  if (url.empty()) {
    database_.run("DELETE FROM hooks WHERE agent = ? AND kind = ?", agent, kind);
    return;
  }
  database_.run(
      "INSERT INTO hooks(agent, kind, url, cursor)"
      " VALUES(?, ?, ?, (SELECT coalesce(max(id), 0) FROM events))"
      " ON CONFLICT(agent, kind) DO UPDATE SET url = excluded.url",
      agent, kind, url);
}

void Store::advance_hook(const std::string& agent, const std::string& kind, std::int64_t cursor) {
  database_.run("UPDATE hooks SET cursor = ? WHERE agent = ? AND kind = ?", cursor, agent, kind);
}

}  // namespace genpro::emulator
