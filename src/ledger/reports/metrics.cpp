// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/reports/metrics.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/ledger.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

namespace {

constexpr std::size_t longest_model = 100;

// A clock that was set in the meantime tells no duration.
std::string has_duration() {
  return "status = 'completed' AND posted_at > 0 AND ended_at > posted_at AND ended_at <= " +
         std::to_string(latest_time);
}

// The index in Metrics::durations; -1: none.
std::string bucket_sql() {
  std::string sql = "CASE WHEN NOT (" + has_duration() + ") THEN -1";
  int index = 0;
  for (const int bound : Metrics::duration_bounds) {
    sql += " WHEN ended_at - posted_at <= " + std::to_string(bound) + "000 THEN " +
           std::to_string(index++);
  }
  return sql + " ELSE " + std::to_string(index) + " END";
}

// Rows that are alike in what decides about their credits, together or one by one.
std::string sums_sql(const sql::Words& words) {
  const std::string sum = "CAST(sum(CASE WHEN ";
  return "SELECT status, model, credit, cost, estimate, " + bucket_sql() +
         " AS bucket, count(*), " + sum + has_duration() +
         " THEN ended_at - posted_at ELSE 0 END) AS bigint), CAST(sum(bytes_delivered) AS "
         "bigint), " +
         // A row of an older version does not tell.
         sum +
         "made_boot <> '' AND posted_at <> made_at THEN 1 ELSE 0 END) AS bigint), "
         "min(made_at), min(id) FROM generations GROUP BY " +
         (words.groups_by_hash ? "status, model, credit, cost, estimate, bucket" : "id");
}

std::optional<double> credits_of(const Query& query, int column) {
  if (query.is_null(column)) return std::nullopt;
  const double credits = query.real(column);
  if (!std::isfinite(credits)) throw DamagedRow(query.integer(11), "its cost is no number");
  return credits;
}

void add(Credits& sum, const Query& query, bool is_completed, std::int64_t number) {
  const auto estimate = credits_of(query, 4);
  if (const auto told = payment::told_cost(is_completed, credits_of(query, 3), estimate)) {
    sum.told += *told * static_cast<double>(number);
  } else if (estimate.value_or(0) > 0) {
    sum.estimated += *estimate * static_cast<double>(number);
  } else {
    sum.unknown += number;
  }
}

}  // namespace

Result<Metrics> Ledger::metrics() {
  return attempt<Metrics>(true, [&](Database& database) {
    Metrics metrics;
    WallTime oldest_doubt = latest_time;
    std::unordered_map<std::string, Metrics::OfModel*> models;  // as rows have them
    Query query(database, sums_sql(database.words()));
    while (query.step()) {
      const payment::Meaning* meaning = meaning_of(query.view(0));
      if (meaning == nullptr) {
        throw DamagedRow(query.integer(11), "its status is none that there is");
      }
      const std::int64_t number = query.integer(6);
      Metrics::OfModel*& known = models[query.text(1)];
      if (known == nullptr) known = &metrics.models[one_line(query.view(1), longest_model)];
      Metrics::OfModel& model = *known;
      model.generations[std::string(meaning->word)] += number;
      if (const auto charge = charge_of(*meaning, query.view(2))) {
        add(model.credits[static_cast<std::size_t>(*charge)], query, meaning->word == "completed",
            number);
      }
      const std::int64_t bucket = query.integer(5);
      if (bucket >= 0) model.durations[static_cast<std::size_t>(bucket)] += number;
      model.duration_sum += static_cast<double>(query.integer(7)) / 1000;
      model.bytes_delivered += static_cast<std::uint64_t>(query.integer(8));
      model.sent_again += query.integer(9);
      if (!meaning->is_unsettled) continue;
      metrics.in_doubt += number;
      oldest_doubt = std::min(oldest_doubt, query.integer(10));
    }
    if (metrics.in_doubt > 0) {
      const WallTime age = std::max<WallTime>(store_->now() - oldest_doubt, 0);
      metrics.oldest_doubt = static_cast<double>(age) / 1000;
    }
    return metrics;
  });
}

}  // namespace genpro::ledger
