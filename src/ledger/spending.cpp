// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What may be spent: the limits of an agent's last 24 hours, looked at in the transaction that
// writes a new row, so that they hold for any number of processes.
#include "ledger/spending.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/rows.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

namespace {

constexpr WallTime day_ms = 24LL * 3600 * 1000;
// Sums of decimal fractions are not exact in binary.
constexpr double rounding = 1e-9;

std::string format_time(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_local(time / 1000));
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%d %H:%M:%S %Z"));
}

std::string format_utc(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_utc(time / 1000));
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%dT%H:%M:%SZ"));
}

// When what was asked for at that time does not count any more.
WallTime end_of_day_after(WallTime time) {
  return std::min(time, latest_time - day_ms) + day_ms;
}

std::string of_the_agent(const Database& database) {
  return std::string("ltrim(agent_id, '0') = ltrim(?, '0') AND ") + database.words().asked_at +
         " > ? AND id <> ? AND " + counts_sql();
}

// What limits count by of a row, or of many that are alike.
constexpr const char* counted_columns =
    "status, CASE WHEN status IN ('failed', 'stopped') THEN credit ELSE '' END AS its_credit, "
    "cost, estimate";
constexpr int behind_counted_columns = 4;

struct Counted {
  const payment::Meaning* meaning;
  std::optional<double> credits;  // unset: nobody knows
};

// Nothing: the row is damaged.
std::optional<Counted> read_counted(const Query& query) {
  const auto is_number = [&query](int column) {
    const sql::Type type = query.type(column);
    return type == sql::Type::null || type == sql::Type::integer ||
           (type == sql::Type::real && std::isfinite(query.real(column)));
  };
  const auto credits = [&query](int column) {
    return query.is_null(column) ? std::nullopt : std::optional(query.real(column));
  };
  const auto all = payment::meanings();
  const auto meaning = std::ranges::find(all, query.view(0), &payment::Meaning::word);
  const auto credit = credit_by_word(query.view(1));
  if (meaning == all.end() || !credit || !is_number(2) || !is_number(3)) return std::nullopt;
  return Counted{&*meaning, payment::expense(*meaning, *credit, credits(2), credits(3))};
}

struct Expense {
  WallTime at = 0;
  double credits = 0;
};
struct Spent {
  std::vector<Expense> expenses;  // the oldest first
  double sum = 0;
  double in_doubt = 0;
  std::int64_t unknown = 0;  // rows whose cost nobody knows
};

// Throws DamagedRow.
Spent read_spent(Database& database, const Identity& identity, WallTime since, std::int64_t but) {
  const std::string asked_at = database.words().asked_at;
  Query query(database,
              std::string("SELECT ") + counted_columns + ", id, " + asked_at +
                  ", base_url, model, length, place FROM generations WHERE " +
                  of_the_agent(database) + " ORDER BY " + asked_at,
              identity.agent_id, since, but);
  // By what read_past_cost() goes by.
  std::map<std::tuple<std::string, std::string, std::optional<double>, std::string>,
           std::optional<double>>
      past_costs;
  Spent spent;
  while (query.step()) {
    constexpr int next = behind_counted_columns;
    const auto counted = read_counted(query);
    if (!counted) {
      (void)read_row(database, query.integer(next));
      throw DamagedRow(query.integer(next), "what it cost cannot be");
    }
    auto credits = counted->credits;
    if (!credits) {
      Identity its;
      its.base_url = query.text(next + 2);
      its.model = query.text(next + 3);
      if (!query.is_null(next + 4)) its.length = query.real(next + 4);
      its.place = query.text(next + 5);
      const auto [known, is_new] =
          past_costs.try_emplace({its.base_url, its.model, its.length, its.place});
      if (is_new) known->second = read_past_cost(database, its);
      credits = known->second;
    }
    if (!credits) {
      ++spent.unknown;
      continue;
    }
    spent.expenses.push_back({query.integer(next + 1), *credits});
    spent.sum += *credits;
    if (counted->meaning->is_unsettled) spent.in_doubt += *credits;
  }
  return spent;
}

// The sum of the above by few rows, however much was asked for: those that are alike come as one.
// Nothing: it takes each of them to tell.
std::optional<double> read_sum(Database& database, const Identity& identity, WallTime since,
                               std::int64_t but) {
  Query query(database,
              std::string("SELECT ") + counted_columns + ", count(*) FROM generations WHERE " +
                  of_the_agent(database) + " GROUP BY status, its_credit, cost, estimate",
              identity.agent_id, since, but);
  double sum = 0;
  while (query.step()) {
    const auto counted = read_counted(query);
    if (!counted || !counted->credits) return std::nullopt;
    sum += *counted->credits * static_cast<double>(query.integer(behind_counted_columns));
  }
  return sum;
}

Error limit_reached(std::string code, std::string message) {
  Error error;
  error.kind = ErrorKind::limit;
  error.message = std::move(message);
  error.error_code = std::move(code);
  return error;
}

std::string generations_text(std::int64_t number) {
  return std::to_string(number) + (number == 1 ? " generation" : " generations");
}

}  // namespace

std::optional<double> read_past_cost(Database& database, const Identity& identity) {
  const bool is_left_to_cell = identity.model.empty() || !identity.length.has_value();
  // Of a model that there are thousands of, no more are read.
  constexpr const char* sql =
      "SELECT max(cost) FROM (SELECT cost FROM (SELECT cost, status, length, place FROM "
      "generations "
      "WHERE base_url = ? AND model = ? AND status IN ('completed', 'stopped') ORDER BY id DESC "
      "LIMIT 64) AS latest WHERE status = 'completed' AND length IS NOT DISTINCT FROM ? AND "
      "(? <> 0 OR place = ?) AND typeof(cost) IN ('real', 'integer') AND cost > 0 LIMIT 10) AS "
      "paid";
  Query query(database, sql, identity.base_url, identity.model, identity.length, !is_left_to_cell,
              identity.place);
  if (!query.step() || query.is_null(0)) return std::nullopt;
  return query.real(0);
}

Result<std::optional<double>> Ledger::past_cost(const Identity& identity) {
  return attempt<std::optional<double>>(
      false, [&](Database& database) { return read_past_cost(database, identity); });
}

std::optional<Error> Ledger::limit_error(const Identity& identity, const Limits& limits) {
  auto error = count_error(identity, limits);
  if (!error) error = cost_error(identity, limits);
  if (error) error->debug = "counted in " + store_->name();
  return error;
}

// One more than the limit allows is looked for, and counting begins only if there is one.
std::optional<Error> Ledger::count_error(const Identity& identity, const Limits& limits) {
  const unsigned limit = limits.daily_generations;
  if (limit == 0) return std::nullopt;
  Database& database = store_->database();
  const std::string asked_at = database.words().asked_at;
  const std::string find = "SELECT " + asked_at + " FROM generations WHERE " +
                           of_the_agent(database) + " ORDER BY " + asked_at +
                           " DESC LIMIT 1 OFFSET ?";
  const std::string count = "SELECT count(*) FROM generations WHERE " + of_the_agent(database);
  const WallTime since = store_->now() - day_ms;
  const auto oldest = database.integer(find, identity.agent_id, since, limits.row,
                                       static_cast<std::int64_t>(limit) - 1);
  if (!oldest) return std::nullopt;
  const std::int64_t number =
      database.integer(count, identity.agent_id, since, limits.row).value_or(0);
  const WallTime next = end_of_day_after(*oldest);
  Error error =
      limit_reached("daily_generation_limit_reached",
                    "The daily-generation-limit of " + std::to_string(limit) +
                        " is reached: " + std::to_string(number) +
                        " generations were asked for in the last 24 hours by agent " +
                        identity.agent_id + ". The next one is allowed at " + format_time(next) +
                        ". Wait until then, or raise the limit. Nothing was sent.");
  error.details = {{"generation-count", std::to_string(number)},
                   {"generation-limit", std::to_string(limit)},
                   {"next-allowed", format_utc(next)}};
  return error;
}

std::optional<Error> Ledger::cost_error(const Identity& identity, const Limits& limits) {
  if (limits.daily_cost <= 0) return std::nullopt;
  const std::string limit =
      "The daily-cost-limit of " + number_text(limits.daily_cost) + " credits ";
  if (!limits.estimate) {
    return limit_reached("cost_unknown", limit +
                                             "cannot be checked: what this generation would cost "
                                             "is not known. No generation was asked for.");
  }
  const WallTime since = store_->now() - day_ms;
  const double most = limits.daily_cost + rounding * std::max(limits.daily_cost, 1.0);
  const auto sum = read_sum(store_->database(), identity, since, limits.row);
  if (sum && *sum + *limits.estimate <= most) return std::nullopt;
  const Spent spent = read_spent(store_->database(), identity, since, limits.row);
  if (spent.unknown > 0) {
    return limit_reached(
        "cost_unknown",
        limit + "cannot be checked: what " + generations_text(spent.unknown) + " of agent " +
            identity.agent_id + " of the last 24 hours cost is not known, besides " +
            number_text(spent.sum) +
            " credits. Look at them with genpro ledger list, and remove their rows with genpro "
            "ledger prune, wait until they are a day old, or set daily-cost-limit to 0. No "
            "generation was asked for.");
  }
  if (spent.sum + *limits.estimate <= most) return std::nullopt;

  Error error =
      limit_reached("daily_cost_limit_reached",
                    limit + "is too low for this generation, which is estimated at " +
                        number_text(*limits.estimate) + " credits: " + number_text(spent.sum) +
                        " were spent in the last 24 hours by agent " + identity.agent_id + ", " +
                        number_text(spent.in_doubt) + " of them in doubt. ");
  error.details = {{"estimate", number_text(*limits.estimate)},
                   {"cost-limit", number_text(limits.daily_cost)},
                   {"spent", number_text(spent.sum)},
                   {"in-doubt", number_text(spent.in_doubt)}};
  double left = spent.sum;
  const auto next = std::ranges::find_if(spent.expenses, [&](const Expense& expense) {
    left -= expense.credits;
    return left + *limits.estimate <= most;
  });
  if (next != spent.expenses.end()) {
    const WallTime at = end_of_day_after(next->at);
    error.message +=
        "It is allowed at " + format_time(at) + ". Wait until then, or raise the limit.";
    error.details.emplace_back("next-allowed", format_utc(at));
  } else {
    error.message += "Raise the limit, or ask for a cheaper one.";
  }
  append(error, "No generation was asked for.");
  return error;
}

Result<std::monostate> Ledger::check_limits(const Identity& identity, const Limits& limits) {
  std::optional<Error> limit;
  auto result = attempt<std::monostate>(false, [&](Database&) {
    limit = limit_error(identity, limits);
    return std::monostate();
  });
  if (limit) return std::move(*limit);
  return result;
}

}  // namespace genpro::ledger
