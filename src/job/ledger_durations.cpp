// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ledger knows of how long generations take.
#include "api/json.h"
#include "job/ledger_attempt.h"
#include "job/ledger_rows.h"

namespace genpro::job {

namespace {

// More would change little: recent ones count most.
constexpr std::int64_t most_of_the_model = 64;
constexpr std::int64_t most_others = 32;
// Other models are looked for among so many rows, so that a ledger with a single model is not read
// from end to end.
constexpr std::int64_t latest_rows = 1000;

constexpr double milliseconds = 1e-3;  // in seconds

// In seconds; nothing when the cell decides.
std::optional<double> requested_length(const std::string& request) {
  const auto body = api::parse_json_object(request);
  JsonObject* data = body ? api::as_object(api::member(body->get(), "data")) : nullptr;
  return data != nullptr ? api::as_number(api::member(data, "duration")) : std::nullopt;
}

// What is left to the cell differs from cell to cell.
bool is_same_kind(const Entry& entry, const Entry& wanted, std::optional<double> length) {
  if (entry.model != wanted.model || requested_length(entry.request) != length) return false;
  const bool is_left_to_cell = wanted.model.empty() || !length.has_value();
  return !is_left_to_cell || entry.cell_path == wanted.cell_path;
}

// Nothing when the row says nothing, or the clock was set in the meantime and it cannot be true.
std::optional<SeenDuration> duration_of(const Entry& entry) {
  SeenDuration seen;
  if (entry.unfinished_at > entry.posted_at) {
    seen.longer_than = static_cast<double>(entry.unfinished_at - entry.posted_at) * milliseconds;
  }
  if (entry.status == EntryStatus::completed) {
    seen.at_most = static_cast<double>(entry.ended_at - entry.posted_at) * milliseconds;
    if (seen.at_most <= seen.longer_than) return std::nullopt;
  } else if (seen.longer_than <= 0) {
    return std::nullopt;
  }
  return seen;
}

}  // namespace

Result<PastDurations> Ledger::past_durations(const Entry& wanted) {
  return attempt_on<PastDurations>(path_, [&] {
    const std::optional<double> length = requested_length(wanted.request);
    PastDurations past;
    const auto of_model =
        read_entries(database_,
                     "WHERE base_url = ? AND model = ? AND status IN ('completed', 'stopped') "
                     "ORDER BY id DESC LIMIT ?",
                     [&](Statement& statement) {
                       statement.bind(wanted.base_url).bind(wanted.model).bind(most_of_the_model);
                     });
    for (const Entry& entry : of_model) {
      if (const auto seen = duration_of(entry)) {
        (is_same_kind(entry, wanted, length) ? past.same_kind : past.same_model).push_back(*seen);
      }
    }
    const auto others = read_entries(
        database_,
        "WHERE id > (SELECT max(id) FROM generations) - ? AND base_url = ? AND model <> ? "
        "AND status IN ('completed', 'stopped') ORDER BY id DESC LIMIT ?",
        [&](Statement& statement) {
          statement.bind(latest_rows).bind(wanted.base_url).bind(wanted.model).bind(most_others);
        });
    for (const Entry& entry : others) {
      if (const auto seen = duration_of(entry)) past.others.push_back(*seen);
    }
    return past;
  });
}

}  // namespace genpro::job
