// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people ask of the ledger.
#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/glib_ptr.h"
#include "ledger/errors.h"
#include "ledger/reports/charge.h"
#include "ledger/rows.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

namespace {

// The local day of a time, computed once for all times of that day.
class LocalDay {
 public:
  // Whether the time is of the same day.
  bool has(WallTime time) const { return begin_ <= time && time < end_; }
  void move_to(WallTime time) {
    const DateTimePtr moment(g_date_time_new_from_unix_local(time / 1000));
    if (!moment) return unknown(time);
    const DateTimePtr begin(g_date_time_new_local(
        g_date_time_get_year(moment.get()), g_date_time_get_month(moment.get()),
        g_date_time_get_day_of_month(moment.get()), 0, 0, 0));
    const DateTimePtr end(begin ? g_date_time_add_days(begin.get(), 1) : nullptr);
    if (!end) return unknown(time);
    name_ = take_string(g_date_time_format(moment.get(), "%Y-%m-%d"));
    begin_ = g_date_time_to_unix(begin.get()) * 1000;
    end_ = g_date_time_to_unix(end.get()) * 1000;
    // Where the clocks are changed at midnight, a day may seem to end before it begins.
    if (!has(time)) begin_ = time, end_ = time + 1;
  }
  const std::string& name() const { return name_; }

 private:
  // Further off than any calendar goes.
  void unknown(WallTime time) {
    name_ = "?";
    begin_ = time;
    end_ = time + 1;
  }

  WallTime begin_ = 0;
  WallTime end_ = 0;
  std::string name_;
};

}  // namespace

Result<std::vector<Entry>> Ledger::list(const Filter& filter) {
  return attempt<std::vector<Entry>>(true, [&](Database& database) {
    const std::int64_t limit = filter.limit == 0 ? std::numeric_limits<std::int64_t>::max()
                                                 : static_cast<std::int64_t>(filter.limit);
    if (filter.word) {
      return read_entries(
          database,
          "WHERE status = ? AND created_at >= ? ORDER BY created_at DESC, id DESC LIMIT ?",
          *filter.word, filter.since, limit);
    }
    if (filter.since != 0) {
      return read_entries(database,
                          "WHERE created_at >= ? ORDER BY created_at DESC, id DESC LIMIT ?",
                          filter.since, limit);
    }
    return read_entries(database, "WHERE id > 0 ORDER BY id DESC LIMIT ?", limit);
  });
}

Result<std::vector<Entry>> Ledger::open_rows() {
  return attempt<std::vector<Entry>>(true, [&](Database& database) {
    // One whose status is none may be open as well.
    std::string word;
    while (true) {
      Query next(database,
                 "SELECT status, id FROM generations WHERE status > ? ORDER BY status LIMIT 1",
                 word);
      if (!next.step()) break;
      word = next.text(0);
      if (meaning_of(word) == nullptr) (void)read_row(database, next.integer(1));
    }
    return read_entries(database, "WHERE " + is_unfinished_sql() +
                                      " AND posted_at >= 0 ORDER BY posted_at DESC, id DESC");
  });
}

Result<std::vector<Entry>> Ledger::unproven_refunds(WallTime since, std::size_t limit) {
  return attempt<std::vector<Entry>>(true, [&](Database& database) {
    return read_entries(
        database,
        "WHERE status = 'stopped' AND created_at >= ? AND credit IN ('', 'charged') "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        since, limit);
  });
}

Result<std::optional<Entry>> Ledger::find(std::int64_t id) {
  return attempt<std::optional<Entry>>(false, [&](Database& database) -> std::optional<Entry> {
    auto row = read_row(database, id);
    if (!row) return std::nullopt;
    return std::move(row->entry);
  });
}

Result<std::vector<Entry>> Ledger::find_generation(const std::string& generation_id) {
  return attempt<std::vector<Entry>>(true, [&](Database& database) {
    return read_entries(database,
                        "WHERE generation_id = ? AND generation_id <> '' ORDER BY id DESC",
                        generation_id);
  });
}

Result<std::vector<Ledger::HistoryLine>> Ledger::history(std::int64_t id) {
  return attempt<std::vector<HistoryLine>>(false, [&](Database& database) {
    Query query(database,
                "SELECT at, came, decided, word FROM history WHERE row = ? ORDER BY number", id);
    std::vector<HistoryLine> lines;
    while (query.step()) {
      lines.push_back({query.integer(0), short_text(query.text(1)), short_text(query.text(2)),
                       short_text(query.text(3))});
    }
    return lines;
  });
}

// Reads an index from its beginning to its end, and no row.
Result<std::vector<Ledger::Spend>> Ledger::spend(WallTime since) {
  return attempt<std::vector<Spend>>(true, [&](Database& database) {
    struct Word {
      std::string text;
      const payment::Meaning* meaning;
    };
    std::map<std::pair<std::string, std::string>, Spend> sums;
    std::unordered_map<std::string_view, Spend*> of_the_day;  // by model
    std::vector<Word> words;
    LocalDay day;
    Query query(database,
                std::string("SELECT created_at, status, model, cost, id, credit, estimate FROM "
                            "generations ") +
                    database.words().by_time + " WHERE created_at >= ? ORDER BY created_at",
                since);
    while (query.step()) {
      if (query.type(0) != sql::Type::integer || query.integer(0) > latest_time) {
        throw DamagedRow(query.integer(4), "its created_at is no time");
      }
      const WallTime time = query.integer(0);
      if (!day.has(time)) {
        day.move_to(time);
        of_the_day.clear();
      }
      const std::string_view word = query.view(1);
      auto known = std::ranges::find(words, word, &Word::text);
      if (known == words.end()) {
        const payment::Meaning* meaning = meaning_of(word);
        if (meaning == nullptr) {
          throw DamagedRow(query.integer(4), "its status is none that there is");
        }
        known = words.insert(words.end(), {std::string(word), meaning});
      }
      const payment::Meaning& meaning = *known->meaning;
      const auto charge = charge_of(meaning, query.view(5));
      if (!charge) continue;
      const auto found = of_the_day.find(query.view(2));
      Spend* spend = found != of_the_day.end() ? found->second : nullptr;
      if (spend == nullptr) {
        std::string model = query.text(2);
        spend = &sums[{day.name(), model}];
        if (spend->day.empty()) *spend = {.day = day.name(), .model = std::move(model)};
        of_the_day.emplace(spend->model, spend);
      }
      ++spend->generations;
      if (charge == Charge::in_doubt) ++spend->in_doubt;
      if (charge == Charge::refunded) {
        ++spend->refunded;
        continue;
      }
      if (charge == Charge::refund_unproven) ++spend->refund_unproven;
      const auto credits_of = [&](int column) {
        return query.is_null(column) ? std::nullopt : std::optional(query.real(column));
      };
      const auto estimate = credits_of(6);
      if (const auto told =
              payment::told_cost(meaning.word == "completed", credits_of(3), estimate)) {
        spend->cost += *told;
      } else {
        ++spend->cost_unknown;
        spend->estimate += std::max(estimate.value_or(0), 0.0);
      }
    }
    std::vector<Spend> result;
    result.reserve(sums.size());
    for (auto& [key, sum] : sums) result.push_back(std::move(sum));
    std::ranges::stable_sort(result, std::ranges::greater(), &Spend::day);
    return result;
  });
}

}  // namespace genpro::ledger
