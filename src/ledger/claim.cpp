// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who asks, who follows, who stops.
#include <algorithm>
#include <limits>

#include "ledger/errors.h"
#include "ledger/rows.h"
#include "ledger/store/transfer.h"
#include "ledger/this_process.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

namespace {

// Somebody else who asked together with this process has pushed it.
bool was_together(const Entry& entry, const Waiting& waiting) {
  if (waiting.rows.contains(entry.id)) return true;
  return entry.delivered_at > waiting.since && entry.delivered_by != process_name() &&
         entry.delivered_by.starts_with(launcher_name());
}

bool can_serve(const Entry& entry, const Identity& identity, payment::Reuse reuse,
               const Waiting& waiting) {
  return entry.identity.fingerprint == identity.fingerprint &&
         payment::can_serve(entry.state, reuse, compare_data(entry.identity.data, identity.data),
                            was_together(entry, waiting));
}

// The answer to its request is not on disk, or it has not left: whoever goes on with it needs the
// cell.
bool needs_cell(const Entry& entry) {
  return payment::generation_id(entry.state).empty() && !payment::is_closed(entry.state);
}

bool owes_stop(const Entry& entry) {
  return payment::stop_wanted(entry.state) && payment::meaning(entry.state).is_unfinished;
}

// A part of the rows of one rank, the newest first, so that many rows of one request cost no more
// than those that are looked at.
class Candidates {
 public:
  struct Place {
    WallTime delivered_at = std::numeric_limits<WallTime>::max();
    std::int64_t id = std::numeric_limits<std::int64_t>::max();
  };
  Candidates(Database& database, const std::string& fingerprint)
      : database_(database), fingerprint_(fingerprint) {}

  // The best rank from this one on that there are rows of; nothing: there are no more that may
  // serve.
  std::optional<Rank> next_rank(int from) {
    const std::string rank = database_.words().rank;
    const std::string sql = "SELECT " + rank + " FROM generations WHERE fingerprint = ? AND " +
                            rank + " BETWEEN ? AND ? ORDER BY " + rank + " LIMIT 1";
    const auto found = database_.integer(sql, fingerprint_, from, static_cast<int>(rank_gone));
    return found ? std::optional(static_cast<Rank>(*found)) : std::nullopt;
  }

  std::vector<std::int64_t> next(Rank rank, WallTime delivered_after, Place& place) {
    const std::string sql =
        std::string("SELECT id, delivered_at FROM generations WHERE fingerprint = ? AND ") +
        database_.words().rank +
        " = ? AND delivered_at > ? AND (delivered_at, id) < (?, ?) "
        "ORDER BY delivered_at DESC, id DESC LIMIT 50";
    Query query(database_, sql, fingerprint_, static_cast<std::int64_t>(rank), delivered_after,
                place.delivered_at, place.id);
    std::vector<std::int64_t> ids;
    while (query.step()) {
      ids.push_back(query.integer(0));
      place = {query.integer(1), ids.back()};
    }
    return ids;
  }

 private:
  Database& database_;
  const std::string& fingerprint_;
};

// Somebody who knew that it is gone has asked anew since: it has been told.
bool is_superseded(Database& database, const Entry& entry) {
  const std::string sql =
      "SELECT 1 FROM generations WHERE fingerprint = ? AND id > ? AND created_at > ? AND " +
      counts_sql() + " LIMIT 1";
  return database.integer(sql, entry.identity.fingerprint, entry.id, entry.ended_at).has_value();
}

}  // namespace

// Nothing when the row is none to take after all.
std::optional<Claim> Ledger::claim_row(std::int64_t id, const Identity& identity,
                                       payment::Reuse reuse, const payment::Now& now,
                                       const Places::Waiter& waiter, const Waiting& waiting) {
  Database& database = store_->database();
  Places& locks = *store_->places();
  Claim claim;
  auto presence = locks.share(id);
  if (!presence) return claim;  // it is being stopped

  std::optional<Entry> entry;
  std::optional<Row> row;
  const auto read = [&] {
    row = read_row(database, id);
    entry = row ? std::optional(row->entry) : std::nullopt;
    return entry && can_serve(*entry, identity, reuse, waiting);
  };
  // Only now nobody stops it, and what is read stays true.
  if (!read()) return std::nullopt;
  if (std::holds_alternative<payment::Gone>(entry->state) && is_superseded(database, *entry)) {
    return std::nullopt;
  }
  if (needs_cell(*entry)) {
    auto cell = locks.take_or_wait(lock_of_cell(entry->identity.place), waiter, &claim.is_in_line);
    // Whoever was at it may have learned more until it gave the cell back.
    if (cell && !read()) return std::nullopt;
    if (!cell) {
      claim.entry = std::move(*entry);
      claim.presence = std::move(*presence);
      return claim;
    }
    if (needs_cell(*entry)) {
      const Unsettled unsettled = longest_wait(entry->identity.place, id, now);
      claim.wait_ms = std::max(unsettled.wait, time_to_depart(*entry, now));
      // It has not left, and waits like a new one.
      if (std::holds_alternative<payment::Prepared>(entry->state) && unsettled.wait > 0) {
        return wait_for(unsettled);
      }
      claim.cell = std::move(*cell);
    }
  }
  if (owes_stop(*entry)) {
    presence->release();
    auto exclusive = locks.take(id);
    claim.is_alone = exclusive.has_value();
    presence = claim.is_alone ? std::move(exclusive) : locks.share(id);
    if (!presence) return Claim();
    // While nothing was held, another one may have sent the stop.
    if (!read()) return std::nullopt;
    if (claim.is_alone && !owes_stop(*entry)) return Claim();
    if (claim.cell && !needs_cell(*entry)) claim.cell.release();
  }
  claim.kind = Claim::Kind::take;
  claim.data_unreadable =
      compare_data(entry->identity.data, identity.data) == payment::ServiceData::unreadable;
  claim.presence = std::move(*presence);
  claim.entry = std::move(*entry);
  if (!remember(*row)) {
    throw LostLedger("its row " + std::to_string(id) +
                     " is another one's since its server was replaced");
  }
  return claim;
}

std::optional<Claim> Ledger::claim_earlier(const Identity& identity, payment::Reuse reuse,
                                           const PassedOver& passed_over, const payment::Now& now,
                                           const Places::Waiter& waiter, const Waiting& waiting) {
  if (reuse == payment::Reuse::never) return std::nullopt;
  constexpr WallTime always = std::numeric_limits<WallTime>::min();
  Candidates candidates(store_->database(), identity.fingerprint);
  // The one whose clip is there first, then the one that is furthest. One that cannot be told comes
  // before all: it may be the one that is paid, and nobody must pay past it.
  for (auto rank = candidates.next_rank(rank_damaged); rank;
       rank = candidates.next_rank(*rank + 1)) {
    const bool is_for_company = *rank == rank_delivered && reuse != payment::Reuse::completed;
    const WallTime since = is_for_company ? waiting.since : always;
    Candidates::Place place;
    while (true) {
      const auto ids = candidates.next(*rank, since, place);
      if (ids.empty()) break;
      for (const std::int64_t id : ids) {
        if (passed_over.rows.contains(id)) continue;
        auto claim = claim_row(id, identity, reuse, now, waiter, waiting);
        if (!claim) continue;
        const std::string& generation = payment::generation_id(claim->entry.state);
        if (generation.empty() || !passed_over.generations.contains(generation)) return claim;
      }
    }
  }
  return std::nullopt;
}

Result<std::optional<Entry>> Ledger::delivered_unreadable(const Identity& identity) {
  return attempt<std::optional<Entry>>(false, [&](Database& database) -> std::optional<Entry> {
    Candidates candidates(database, identity.fingerprint);
    Candidates::Place place;
    while (true) {
      const auto ids = candidates.next(rank_delivered, std::numeric_limits<WallTime>::min(), place);
      if (ids.empty()) return std::nullopt;
      for (const std::int64_t id : ids) {
        auto row = read_row(database, id);
        if (row && compare_data(row->entry.identity.data, identity.data) ==
                       payment::ServiceData::unreadable) {
          return std::move(row->entry);
        }
      }
    }
  });
}

// How long a request may yet leave whose host was cut off, and that is to be waited for: what is
// written of it before then would not say when it left.
payment::Millis Ledger::time_to_depart(const Entry& entry, const payment::Now& now) const {
  const auto* posting = std::get_if<payment::Posting>(&entry.state);
  if (posting == nullptr || !store_->is_shared()) return 0;
  const payment::Millis age = payment::least_age(posting->attempt.posted, now);
  return std::max<payment::Millis>(payment::latest_departure - age, 0);
}

// Of the requests to the cell of which it is not known whether they were taken.
Ledger::Unsettled Ledger::longest_wait(const std::string& place, std::int64_t but,
                                       const payment::Now& now) {
  Unsettled longest;
  const auto entries = read_entries(
      store_->database(), "WHERE place = ? AND id <> ? AND " + is_unsettled_sql(), place, but);
  for (const Entry& entry : entries) {
    const payment::State state =
        store_->is_shared() ? payment::with_latest_departure(entry.state) : entry.state;
    payment::Millis wait = payment::wait_for_others(state, now);
    const payment::Attempt* attempt = payment::attempt(entry.state);
    // Of an older row only the wall clock tells how old it is at all.
    if (attempt != nullptr && attempt->posted.boot.empty()) {
      const payment::Millis age = payment::most_age(attempt->posted, now);
      wait = std::min(wait, std::max<payment::Millis>(payment::settling_time - age, 0));
    }
    if (wait > longest.wait) longest = {wait, entry.id};
  }
  return longest;
}

Claim Ledger::wait_for(const Unsettled& unsettled) {
  Claim claim;
  claim.kind = Claim::Kind::wait;
  claim.wait_ms = unsettled.wait;
  if (auto row = read_row(store_->database(), unsettled.row)) claim.entry = std::move(row->entry);
  return claim;
}

Result<Claim> Ledger::claim(const Identity& identity, payment::Reuse reuse,
                            const PassedOver& passed_over, const payment::Now& now,
                            const Places::Waiter& waiter, const Waiting& waiting) {
  return attempt<Claim>(false, [&](Database& database) -> Claim {
    check_is_open(database);
    store_->complete_older_rows();
    // The second look is under the cell's lock, without which nobody adds a row.
    LifeLock cell;
    for (int look = 0; look < 2; ++look) {
      if (auto claim = claim_earlier(identity, reuse, passed_over, now, waiter, waiting)) {
        return std::move(*claim);
      }
      if (cell) break;
      Claim busy;
      auto taken =
          store_->places()->take_or_wait(lock_of_cell(identity.place), waiter, &busy.is_in_line);
      if (!taken) return busy;
      cell = std::move(*taken);
    }
    const Unsettled unsettled = longest_wait(identity.place, 0, now);
    if (unsettled.wait > 0) return wait_for(unsettled);
    Claim claim;
    claim.kind = Claim::Kind::create;
    claim.cell = std::move(cell);
    return claim;
  });
}

// ---- What this process follows on a server that may lose rows, and give their numbers out again

// False: the number stands for another row in this process.
bool Ledger::remember(const Row& row) {
  constexpr std::size_t most_rows = 1000;
  if (!store_->is_shared()) return true;
  const auto known = own_.find(row.entry.id);
  if (known != own_.end() && known->second.key != row.attempt.key) return false;
  if (known == own_.end() && own_.size() >= most_rows) own_.erase(own_.begin());
  Own& own = own_[row.entry.id];
  own.entry = row.entry;
  own.key = row.attempt.key;
  own.number = row.entry.id;
  return true;
}

void Ledger::keep_in_mind(std::int64_t id, const Entry& entry) {
  const auto own = own_.find(id);
  if (own == own_.end()) return;
  own->second.entry = entry;
  if (payment::is_closed(entry.state)) own->second.presence.release();
}

void Ledger::renumber(std::int64_t id, std::int64_t number) {
  Own& own = own_.at(id);
  own.number = number;
  own.presence.release();
  if (number == id) return;
  if (auto presence = store_->places()->share(number)) own.presence = std::move(*presence);
}

// The row's number now; 0: the server has lost it.
std::int64_t Ledger::locate(Database& database, std::int64_t id) {
  const auto found = own_.find(id);
  if (found == own_.end()) return id;
  const Own& own = found->second;
  if (database.integer("SELECT 1 FROM generations WHERE id = ? AND idempotency_key = ?", own.number,
                       own.key)) {
    return own.number;
  }
  // Another process that follows it may have written it anew.
  const auto number =
      database.integer("SELECT id FROM generations WHERE idempotency_key = ? AND fingerprint = ?",
                       own.key, own.entry.identity.fingerprint);
  if (number) renumber(id, *number);
  return number.value_or(0);
}

std::optional<Row> Ledger::find_own(Database& database, std::int64_t id) {
  const auto own = own_.find(id);
  if (own == own_.end()) return read_for_update(database, id);
  auto row = read_for_update(database, own->second.number);
  if (row && row->attempt.key == own->second.key) return row;
  const std::int64_t number = locate(database, id);
  return number != 0 ? read_for_update(database, number) : std::nullopt;
}

// Who follows a row holds its place, so that nobody has removed it: the server has lost it.
Row Ledger::restore(Database& database, std::int64_t id, const payment::State& before,
                    const payment::Now& now) {
  const auto found = own_.find(id);
  if (found == own_.end()) throw MissingRow(id);
  const Own& own = found->second;
  Row row;
  row.entry = own.entry;
  row.attempt.key = own.key;
  set_state(row, before);
  std::int64_t number = insert_row(database, row);
  if (number != id && !database.integer("SELECT 1 FROM generations WHERE id = ?", id)) {
    database.run("UPDATE generations SET id = ? WHERE id = ?", id, number);
    store_->keep_number(id);
    number = id;
  }
  renumber(id, number);
  add_history(database, number, now.wall, "the ledger's server has lost the row",
              "it is written anew, as this process knows it", row.word);
  row.entry.id = number;
  return row;
}

Result<std::optional<LifeLock>> Ledger::take_own(std::int64_t id) {
  using Taken = std::optional<LifeLock>;
  return attempt<Taken>(false, [&](Database& database) -> Taken {
    check_is_open(database);
    const std::int64_t number = locate(database, id);
    if (!database.integer("SELECT 1 FROM generations WHERE id = ?", number)) return {};
    const auto own = own_.find(id);
    if (own != own_.end()) own->second.presence.release();
    auto lock = store_->places()->take(number);
    if (!lock && own != own_.end()) renumber(id, number);
    return lock;
  });
}

Result<bool> Ledger::has_kept(std::int64_t id) {
  return attempt<bool>(false, [&](Database& database) {
    // Only who asks learns of a connection that was lost.
    const std::int64_t number = locate(database, id);
    database.integer("SELECT 1");
    return number != 0 && !store_->places()->is_lost(number);
  });
}

}  // namespace genpro::ledger
