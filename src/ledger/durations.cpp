// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ledger knows of how long generations take.
#include <string>

#include "api/json.h"
#include "job/ledger_attempt.h"
#include "job/ledger_rows.h"

namespace genpro::job {

namespace {

// More would change little: recent ones count most.
constexpr std::int64_t most_of_the_model = 64;
// Other models are looked for among the latest rows of all, so that a ledger with a single model is
// not read from end to end; and where there are so many of the same kind, they say nothing more.
constexpr std::int64_t latest_rows = 200;
constexpr std::int64_t most_others = 32;
constexpr std::size_t enough_of_the_kind = 10;

struct Row {
  explicit Row(const Statement& statement)
      : is_completed(statement.text(0) == "completed"),
        cell_path(statement.text(1)),
        posted_at(statement.integer(2)),
        unfinished_at(statement.integer(3)),
        ended_at(statement.integer(4)) {
    if (!statement.is_null(5)) length = statement.real(5);
  }

  bool is_completed;
  std::string cell_path;
  WallTime posted_at;
  WallTime unfinished_at;
  WallTime ended_at;
  std::optional<double> length;
};
constexpr const char* row_columns =
    "SELECT status, cell_path, posted_at, unfinished_at, ended_at, length FROM generations ";

double in_seconds(WallTime milliseconds) {
  return static_cast<double>(milliseconds) / 1000;
}

// Nothing when the row says nothing, or the clock was set in the meantime and it cannot be true.
std::optional<SeenDuration> duration_of(const Row& row) {
  SeenDuration seen;
  if (row.unfinished_at > row.posted_at) {
    seen.longer_than = in_seconds(row.unfinished_at - row.posted_at);
  }
  if (row.is_completed) {
    seen.at_most = in_seconds(row.ended_at - row.posted_at);
    if (seen.at_most <= seen.longer_than) return std::nullopt;
  } else if (seen.longer_than <= 0) {
    return std::nullopt;
  }
  return seen;
}

}  // namespace

std::optional<double> requested_length(const std::string& request) {
  const auto body = api::parse_json_object(request);
  JsonObject* data = body ? api::as_object(api::member(body->get(), "data")) : nullptr;
  return data != nullptr ? api::as_number(api::member(data, "duration")) : std::nullopt;
}

Result<PastDurations> Ledger::past_durations(const Entry& entry) {
  return attempt_on<PastDurations>(path_, [&] {
    const std::optional<double> length = requested_length(entry.request);
    // What is left to the cell differs from cell to cell.
    const bool is_left_to_cell = entry.model.empty() || !length.has_value();
    PastDurations past;
    Statement of_model(database_, std::string(row_columns) +
                                      "WHERE base_url = ? AND model = ? AND status IN "
                                      "('completed', 'stopped') ORDER BY id DESC LIMIT ?");
    of_model.bind(entry.base_url).bind(entry.model).bind(most_of_the_model);
    while (of_model.step()) {
      const Row row(of_model);
      const auto seen = duration_of(row);
      if (!seen) continue;
      const bool is_same_kind =
          row.length == length && (!is_left_to_cell || row.cell_path == entry.cell_path);
      (is_same_kind ? past.same_kind : past.same_model).push_back(*seen);
    }
    if (past.same_kind.size() >= enough_of_the_kind) return past;
    // The plus signs keep SQLite from an index by which it would read and sort every row there is.
    Statement others(database_, std::string(row_columns) +
                                    "WHERE id > (SELECT max(id) FROM generations) - ? AND "
                                    "+base_url = ? AND model <> ? AND +status IN "
                                    "('completed', 'stopped') ORDER BY id DESC LIMIT ?");
    others.bind(latest_rows).bind(entry.base_url).bind(entry.model).bind(most_others);
    while (others.step()) {
      if (const auto seen = duration_of(Row(others))) past.others.push_back(*seen);
    }
    return past;
  });
}

}  // namespace genpro::job
