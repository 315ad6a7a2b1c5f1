// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A look at the whole ledger, by somebody who would rather know.
#include <algorithm>

#include "base/sqlite.h"
#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/rows.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

namespace {

constexpr std::size_t most_findings = 200;
// Read together with its row: another process may write both between two questions.
constexpr const char* last_word_sql =
    "(SELECT word FROM history WHERE row = generations.id ORDER BY number DESC LIMIT 1)";

std::string age_text(payment::Millis age) {
  if (age == payment::unlimited) return "for a time that the clocks do not tell";
  const payment::Millis minutes = age / 60'000;
  if (minutes < 120) return "for " + std::to_string(minutes) + " min";
  const payment::Millis hours = minutes / 60;
  if (hours < 48) return "for " + std::to_string(hours) + " h";
  return "for " + std::to_string(hours / 24) + " days";
}

void check_row(const Row& row, const std::string& last_word, const payment::Now& now,
               std::vector<Ledger::Finding>& findings) {
  const Entry& entry = row.entry;
  const Identity& identity = entry.identity;
  const auto damage = [&](std::string text) {
    findings.push_back({entry.id, std::move(text), advice_for_row(entry.id), true});
  };
  const std::string place = place_of(identity.base_url, identity.cell_path);
  if (identity.place != place) {
    damage("its place is \"" + one_line(identity.place, 120) + "\", and its cell says \"" +
           one_line(place, 120) + "\"");
  }
  const std::string& contents = identity.contents.empty() ? identity.request : identity.contents;
  if (identity.fingerprint != fingerprint_of(place, identity.agent_id, contents)) {
    damage("its fingerprint is not that of its request");
  }
  if (!last_word.empty() && last_word != row.word) {
    damage("its status is \"" + row.word + "\", and its history ends with \"" +
           one_line(last_word, 40) + "\"");
  }
  if (!payment::meaning(entry.state).is_unsettled) return;
  const payment::Attempt* attempt = payment::attempt(entry.state);
  const payment::Millis age = payment::most_age(attempt->posted, now);
  std::string reason = payment::reason(entry.state);
  if (!reason.empty()) reason = " (" + reason + ")";
  std::string advice =
      "Run the same request again, which looks at the cell first, or have `genpro ledger settle` "
      "find out. Look at the jobs of the cell " +
      identity.cell_path;
  if (payment::most_age(attempt->made, now) > payment::key_lifetime) {
    advice += ": the service has forgotten the request's key, so that it is not sent again";
  }
  findings.push_back(
      {entry.id,
       "whether its request was taken and charged has not been known " + age_text(age) + reason,
       std::move(advice), false});
}

}  // namespace

Result<std::vector<Ledger::Finding>> Ledger::check(const payment::Now& now) {
  return attempt<std::vector<Finding>>(true, [&](Database& database) {
    std::vector<Finding> findings;
    const auto guarded = [&](auto look) {
      try {
        look();
      } catch (const sqlite::Failure& failure) {
        if (failure.is_busy()) throw;
        findings.push_back({0,
                            storage_error(store_->name(), failure.code(), failure.what()).message,
                            advice_for_file(), true});
      }
    };
    try {
      store_->check_is_same();
    } catch (const LostLedger& lost) {
      findings.push_back({0, lost.what(), "Put the file back, or start what uses it anew", true});
    }
    guarded([&] {
      for (const std::string& line : store_->damages()) {
        findings.push_back({0, one_line(line), advice_for_file(), true});
      }
    });
    guarded([&] {
      store_->begin_call(true);
      std::int64_t last = 0;
      for (bool is_over = false; !is_over && findings.size() < most_findings;) {
        is_over = true;
        Query rows(database,
                   select_rows(database, "WHERE id > ? ORDER BY id LIMIT 1000", last_word_sql),
                   last);
        read_each(rows, [&](std::int64_t id, const Row* row, const std::string& reason) {
          if (id <= last) throw sqlite::Failure(SQLITE_CORRUPT, "its rows are out of order");
          last = id;
          is_over = false;
          if (findings.size() >= most_findings) return;
          if (row == nullptr) {
            findings.push_back({id, reason, advice_for_row(id), true});
          } else {
            check_row(*row, rows.text(beside_column), now, findings);
          }
        });
      }
    });
    guarded([&] {
      for (const std::string& id : damaged_assets(database)) {
        if (findings.size() >= most_findings) break;
        findings.push_back({0, DamagedAsset(one_line(id, 80)).what(), advice_for_asset(), true});
      }
    });
    if (findings.size() >= most_findings) {
      findings.push_back({0, "there may be more", "See to these first", false});
    }
    return findings;
  });
}

}  // namespace genpro::ledger
