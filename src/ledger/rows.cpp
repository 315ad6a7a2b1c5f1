// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/ledger_rows.h"

#include <array>
#include <utility>

#include "api/json.h"
#include "job/ledger_schema.h"

namespace genpro::job {

namespace {

constexpr std::array<std::pair<EntryStatus, const char*>, 8> words = {{
    {EntryStatus::submitting, "submitting"},
    {EntryStatus::unknown, "unknown"},
    {EntryStatus::pending, "pending"},
    {EntryStatus::processing, "processing"},
    {EntryStatus::completed, "completed"},
    {EntryStatus::failed, "failed"},
    {EntryStatus::stopped, "stopped"},
    {EntryStatus::refused, "refused"},
}};

Entry entry_from(const Statement& row) {
  Entry entry;
  int column = 0;
  entry.id = row.integer(column++);
  for (std::string* text :
       {&entry.fingerprint, &entry.base_url, &entry.cell_path, &entry.agent_id, &entry.model,
        &entry.request, &entry.idempotency_key, &entry.generation_id}) {
    *text = row.text(column++);
  }
  entry.status = entry_status_from_word(row.text(column++)).value_or(EntryStatus::unknown);
  entry.stop_wanted = row.integer(column++) != 0;
  if (!row.is_null(column)) entry.cost = row.real(column);
  ++column;
  entry.reason = row.text(column++);
  entry.bytes_delivered = static_cast<std::uint64_t>(row.integer(column++));
  for (WallTime* time : {&entry.created_at, &entry.posted_at, &entry.ended_at, &entry.delivered_at,
                         &entry.unfinished_at}) {
    *time = row.integer(column++);
  }
  entry.delivered_by = row.text(column++);
  if (!row.is_null(column)) entry.jobs_before = parse_jobs(row.text(column));
  return entry;
}

}  // namespace

const char* to_word(EntryStatus status) {
  for (const auto& [known, word] : words) {
    if (known == status) return word;
  }
  return "unknown";
}

std::optional<EntryStatus> entry_status_from_word(std::string_view word) {
  for (const auto& [status, known] : words) {
    if (word == known) return status;
  }
  return std::nullopt;
}

std::vector<Entry> read_entries(Database& database, const std::string& condition,
                                const std::function<void(Statement&)>& bind) {
  Statement statement(database,
                      std::string("SELECT ") + entry_columns + " FROM generations " + condition);
  if (bind) bind(statement);
  std::vector<Entry> entries;
  while (statement.step()) entries.push_back(entry_from(statement));
  return entries;
}

std::optional<Entry> read_entry(Database& database, std::int64_t id) {
  auto entries =
      read_entries(database, "WHERE id = ?", [id](Statement& statement) { statement.bind(id); });
  if (entries.empty()) return std::nullopt;
  return std::move(entries.front());
}

std::optional<std::string> jobs_text(const std::optional<std::vector<std::string>>& jobs) {
  if (!jobs) return std::nullopt;
  api::JsonNodePtr node(json_node_new(JSON_NODE_ARRAY));
  json_node_take_array(node.get(), json_array_new());
  for (const std::string& job : *jobs) {
    json_array_add_string_element(json_node_get_array(node.get()), job.c_str());
  }
  return take_string(json_to_string(node.get(), FALSE));
}

std::vector<std::string> parse_jobs(const std::string& text) {
  std::vector<std::string> jobs;
  const auto node = api::parse_json(text);
  JsonArray* array = node ? api::as_array(node->get()) : nullptr;
  for (guint index = 0; array != nullptr && index < json_array_get_length(array); ++index) {
    if (auto job = api::as_string(json_array_get_element(array, index))) {
      jobs.push_back(std::move(*job));
    }
  }
  return jobs;
}

}  // namespace genpro::job
