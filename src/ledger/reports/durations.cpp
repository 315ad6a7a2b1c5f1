// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ledger knows of how long generations take.
#include <string>

#include "ledger/ledger.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

using polling::PastDurations;
using polling::SeenDuration;
using sql::Database;
using sql::Query;

namespace {

// More would change little: recent ones count most.
constexpr std::int64_t most_of_the_model = 64;
// Other models are looked for among the latest rows of all, so that a ledger with a single model is
// not read from end to end; and where there are so many of the same kind, they say nothing more.
constexpr std::int64_t latest_rows = 200;
constexpr std::int64_t most_others = 32;
constexpr std::size_t enough_of_the_kind = 10;

struct Past {
  explicit Past(const Query& query)
      : is_completed(query.text(0) == "completed"),
        place(query.text(1)),
        posted_at(query.integer(2)),
        unfinished_at(query.integer(3)),
        ended_at(query.integer(4)) {
    if (!query.is_null(5)) length = query.real(5);
  }

  bool is_completed;
  std::string place;
  WallTime posted_at;
  WallTime unfinished_at;
  WallTime ended_at;
  std::optional<double> length;
};
constexpr const char* of_model_sql =
    "SELECT status, place, posted_at, unfinished_at, ended_at, length FROM generations "
    "WHERE base_url = ? AND model = ? AND status IN ('completed', 'stopped') "
    "ORDER BY id DESC LIMIT ?";
// What is not just a column keeps the engine from an index by which it would read and sort every
// row there is.
constexpr const char* others_sql =
    "SELECT status, place, posted_at, unfinished_at, ended_at, length FROM generations "
    "WHERE id > (SELECT max(id) FROM generations) - ? AND (base_url || '') = ? AND (model || '') "
    "<> ? "
    "AND (status || '') IN ('completed', 'stopped') ORDER BY id DESC LIMIT ?";

double in_seconds(WallTime milliseconds) {
  return static_cast<double>(milliseconds) / 1000;
}

// Nothing when the row says nothing, or the clock was set in the meantime and it cannot be true.
std::optional<SeenDuration> duration_of(const Past& row) {
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

Result<PastDurations> Ledger::past_durations(const Entry& entry) {
  return attempt<PastDurations>(false, [&](Database& database) {
    const Identity& identity = entry.identity;
    // What is left to the cell differs from cell to cell.
    const bool is_left_to_cell = identity.model.empty() || !identity.length.has_value();
    PastDurations past;
    Query of_model(database, of_model_sql, identity.base_url, identity.model, most_of_the_model);
    while (of_model.step()) {
      const Past row(of_model);
      const auto seen = duration_of(row);
      if (!seen) continue;
      const bool is_same_kind =
          row.length == identity.length && (!is_left_to_cell || row.place == identity.place);
      (is_same_kind ? past.same_kind : past.same_model).push_back(*seen);
    }
    if (past.same_kind.size() >= enough_of_the_kind) return past;
    Query others(database, others_sql, latest_rows, identity.base_url, identity.model, most_others);
    while (others.step()) {
      if (const auto seen = duration_of(Past(others))) past.others.push_back(*seen);
    }
    return past;
  });
}

}  // namespace genpro::ledger
