// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is written, and what a run asks besides. Who takes a row is in claim.cpp, what may be spent
// in spending.cpp, rows of batches in batches.cpp; the reports are in reports/, the reading of rows
// is in rows.cpp.
#include "ledger/ledger.h"

#include <algorithm>
#include <limits>

#include "base/glib_ptr.h"
#include "ledger/errors.h"
#include "ledger/rows.h"
#include "ledger/spending.h"
#include "ledger/store/transfer.h"
#include "ledger/this_process.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;
using sql::Transaction;

namespace {

// The changes made meanwhile are there for all processes at once, but not yet safe on the disk.
class PowerLossMayTakeIt {
 public:
  explicit PowerLossMayTakeIt(Store& store) : store_(store) { store_.allow_loss(true); }
  ~PowerLossMayTakeIt() { store_.allow_loss(false); }
  PowerLossMayTakeIt(const PowerLossMayTakeIt&) = delete;
  PowerLossMayTakeIt& operator=(const PowerLossMayTakeIt&) = delete;

 private:
  Store& store_;
};

Row must_read(Database& database, std::int64_t id) {
  auto row = read_row(database, id);
  if (!row) throw MissingRow(id);
  return std::move(*row);
}

bool is_posting(const payment::State& state) {
  return std::holds_alternative<payment::Posting>(state);
}

// What the cell held is worth keeping as long as a request to it is unsettled.
void drop_looks(Database& database, const std::string& place) {
  const std::string has_unsettled =
      "SELECT 1 FROM generations WHERE place = ? AND " + is_unsettled_sql() + " LIMIT 1";
  if (database.integer(has_unsettled, place)) return;
  database.run(
      "UPDATE generations SET jobs_before = NULL WHERE place = ? AND jobs_before IS NOT NULL AND "
      // It is in doubt again if its generation turns out to be somebody else's.
      "NOT ((evidence || '') = 'likely' AND (status || '') IN ('pending', 'processing'))",
      place);
}

// Whether the state may take the place of the other one that another process has written.
bool goes_further(const payment::State& now, const payment::State& after) {
  const std::string& known = payment::generation_id(now);
  return payment::is_behind(now, after) &&
         (known.empty() || known == payment::generation_id(after));
}

// The times that go with a state.
void set_times(Row& row, const payment::State& before, const Note& note, WallTime now) {
  Entry& entry = row.entry;
  if (note.cost) entry.cost = note.cost;
  const bool was_gone = std::holds_alternative<payment::Gone>(before);
  if (was_gone && !std::holds_alternative<payment::Gone>(entry.state)) entry.ended_at = 0;
  const bool has_ended = !payment::meaning(entry.state).is_unfinished;
  // Who hears of an end that is known knows no better when it was.
  if (entry.ended_at == 0 && !payment::generation_id(entry.state).empty()) {
    entry.unfinished_at = std::max(entry.unfinished_at, has_ended ? note.unfinished_at : now);
  }
  if (has_ended && entry.ended_at == 0) entry.ended_at = now;
  const bool is_delivered = std::holds_alternative<payment::Delivered>(entry.state);
  if (is_delivered && entry.delivered_at == 0) entry.delivered_at = now;
}

// Whether the request of `other` left after the one of `entry`.
bool is_later(const Entry& other, const payment::Moment& its_post, const Entry& entry,
              const payment::Moment& post) {
  const bool has_greater_id = other.id > entry.id;
  if (!post.boot.empty() && post.boot == its_post.boot) {
    return its_post.up != post.up ? its_post.up > post.up : has_greater_id;
  }
  return has_greater_id && its_post.wall >= post.wall;
}

}  // namespace

std::string default_ledger_path() {
  return take_string(g_build_filename(g_get_user_state_dir(), "genpro", "ledger.db", nullptr));
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
  return attempt_on<std::unique_ptr<Ledger>>(
      path, [&] { return std::make_unique<Ledger>(Opened(), open_store(path, busy_timeout_ms)); });
}

std::optional<Error> Ledger::run(bool is_report, const std::function<void(sql::Database&)>& work) {
  return run_on(store_->name(), [&] {
    constexpr int most_tries = 3;
    for (int tries = 1;; ++tries) {
      store_->begin_call(is_report);
      try {
        return work(store_->database());
      } catch (const std::exception& failure) {
        if (tries == most_tries || !store_->can_retry(failure)) throw;
      }
    }
  });
}

Ledger::Ledger(Opened, std::unique_ptr<Store> store) : store_(std::move(store)) {}
Ledger::~Ledger() = default;

void Ledger::when_given_back(std::function<void()> wake) {
  store_->places()->when_given_back(std::move(wake));
}

Result<std::monostate> Ledger::give_back() {
  return attempt<std::monostate>(false, [](Database& /*database*/) { return std::monostate(); });
}

void Ledger::check_cell_is_held(const std::string& place) {
  if (store_->places()->is_lost(lock_of_cell(place))) {
    throw LostPlace("before the request left");
  }
}

// Whether a row was begun although its commit had no answer. Its request has not left, and will
// not.
bool Ledger::withdraw_begun(Database& database, const Identity& identity,
                            const payment::State& state, const payment::Now& now) {
  const payment::Attempt* attempt = payment::attempt(state);
  if (attempt == nullptr) return false;
  Transaction transaction(database);
  const auto id =
      database.integer("SELECT id FROM generations WHERE idempotency_key = ? AND fingerprint = ?",
                       attempt->key, identity.fingerprint);
  if (!id) return false;
  // Who has been taken for gone may have been followed by another one, which knows better.
  const auto alone = store_->places()->take(*id);
  auto row = read_for_update(database, *id);
  if (!alone || !row || !payment::same_on_disk(row->entry.state, as_stored(state))) return true;
  set_state(*row, payment::Refused{"the connection to the ledger was lost before it left"});
  set_times(*row, state, {}, now.wall);
  write_row(database, *row);
  add_history(database, *id, now.wall, "the commit of the intention had no answer",
              "the request never left: nothing was charged", row->word);
  transaction.commit();
  return true;
}

Result<Ledger::Begun> Ledger::begin(const Identity& identity, const payment::State& state,
                                    const Note& note, const Limits& limits,
                                    const payment::Now& now) {
  std::optional<Error> limit;
  bool is_again = false;
  auto result = attempt<Begun>(false, [&](Database& database) {
    if (std::exchange(is_again, true) && withdraw_begun(database, identity, state, now)) {
      throw LostPlace("before the request left");
    }
    store_->check_is_same();
    check_cell_is_held(identity.place);
    Begun begun;
    {
      Transaction transaction(database);
      store_->lock_agent(identity.agent_id);
      store_->check_is_open();
      limit = limit_error(identity, limits);
      if (limit) return Begun();
      Row row;
      row.entry.identity = identity;
      row.entry.estimate = limits.estimate ? limits.estimate : read_past_cost(database, identity);
      row.entry.created_at = now.wall;
      set_state(row, state);
      set_times(row, row.entry.state, note, now.wall);
      std::int64_t id = insert_row(database, row);
      // A server that has lost rows gives their numbers out once more.
      while (own_.contains(id)) {
        database.run("DELETE FROM generations WHERE id = ?", id);
        store_->keep_number(own_.rbegin()->first);
        id = insert_row(database, row);
      }
      add_history(database, id, now.wall, note.came, note.decided, row.word);
      row = must_read(database, id);
      // Before anybody can see the row.
      if (auto presence = store_->places()->share(id)) begun.presence = std::move(*presence);
      transaction.commit();
      remember(row);
      begun.entry = std::move(row.entry);
    }
    store_->check_is_same();
    return begun;
  });
  if (limit) return std::move(*limit);
  return result;
}

Result<payment::State> Ledger::store(std::int64_t id, const payment::State& before,
                                     const payment::State& after, const Note& note,
                                     const payment::Now& now, Limits limits) {
  std::optional<Error> limit;
  auto result = attempt<payment::State>(false, [&](Database& database) -> payment::State {
    if (is_posting(after)) store_->check_is_same();
    Transaction transaction(database);
    if (is_posting(after)) {
      const std::int64_t number = locate(database, id);
      if (number == 0) throw MissingRow(id);
      const Identity identity = must_read(database, number).entry.identity;
      check_cell_is_held(identity.place);
      store_->lock_agent(identity.agent_id);
      store_->check_is_open();
    }
    auto found = find_own(database, id);
    Row row = found ? std::move(*found) : restore(database, id, before, now);
    const std::int64_t number = row.entry.id;
    const payment::State held = row.entry.state;
    const payment::State wanted = as_stored(after);
    const bool is_stop = payment::stop_wanted(wanted) && !payment::stop_wanted(held);
    if (is_stop && store_->places()->is_lost(number)) throw LostPlace("before the stop was noted");
    const bool is_same = payment::same_on_disk(held, wanted);
    const bool is_expected = payment::same_on_disk(held, as_stored(before));
    // What was pushed whole stays so, whatever a later run hears of it.
    const bool is_delivered = std::holds_alternative<payment::Delivered>(held);
    if (!is_same && !(is_expected && !is_delivered) && !goes_further(held, wanted)) return held;
    if (is_posting(after) && std::holds_alternative<payment::Prepared>(held)) {
      limits.row = number;
      limit = limit_error(row.entry.identity, limits);
      if (limit) return held;
      // What it was estimated at before, if at all, was not about today.
      if (limits.estimate) {
        database.run("UPDATE generations SET estimate = ? WHERE id = ?", *limits.estimate, number);
      }
    }
    if (!is_same) set_state(row, wanted);
    set_times(row, held, note, now.wall);
    write_row(database, row);
    // What another process has written already is in the history.
    if (is_expected || !is_same) {
      add_history(database, number, now.wall, note.came, note.decided, row.word);
    }
    const bool was_unsettled = payment::meaning(held).is_unsettled;
    if ((was_unsettled || row.attempt.before) && !payment::meaning(row.entry.state).is_unsettled) {
      drop_looks(database, row.entry.identity.place);
    }
    transaction.commit();
    keep_in_mind(id, row.entry);
    if (is_posting(after)) store_->check_is_same();
    return after;
  });
  if (limit) return std::move(*limit);
  return result;
}

Result<Ledger::Others> Ledger::others(const Entry& entry, const std::vector<std::string>& jobs) {
  return attempt<Others>(false, [&](Database& database) {
    Others others;
    const std::int64_t id = locate(database, entry.id);
    const std::string service = service_of(entry.identity.base_url);
    for (const std::string& job : jobs) {
      Query query(database,
                  "SELECT place FROM generations WHERE generation_id = ? AND generation_id <> '' "
                  "AND id <> ?",
                  job, id);
      bool is_claimed = false;
      while (!is_claimed && query.step()) is_claimed = is_at(query.text(0), service);
      if (is_claimed) others.claimed.push_back(job);
    }
    const payment::Moment* post = payment::posted_at(entry.state);
    if (post == nullptr) return others;
    struct Later {
      std::int64_t id;
      payment::Listed::Look look;
    };
    std::vector<Later> found;
    std::vector<payment::Listed::Look> looks;
    const std::string& place = entry.identity.place;
    Query looked(database, select_rows(database, "WHERE place = ? AND jobs_before IS NOT NULL"),
                 place);
    read_each(looked, [&](std::int64_t other, const Row* row, const std::string& damage) {
      if (row == nullptr) throw DamagedRow(other, damage);
      looks.push_back({row->attempt.looked, *row->attempt.before});
      if (other == id || !is_later(row->entry, row->attempt.posted, entry, *post)) return;
      found.push_back({other, looks.back()});
    });
    const auto in_doubt =
        read_entries(database, "WHERE place = ? AND id <> ? AND " + is_unsettled_sql(), place, id);
    for (const std::string& job : jobs) {
      const bool is_contested = std::ranges::any_of(in_doubt, [&](const Entry& other) {
        const payment::Attempt* request = payment::attempt(other.state);
        return request != nullptr && payment::may_be_of(*request, job, looks);
      });
      if (is_contested) others.contested.push_back(job);
    }
    std::ranges::sort(found, [](const Later& one, const Later& other) {
      const payment::Moment& a = one.look.at;
      const payment::Moment& b = other.look.at;
      if (a.boot == b.boot && !a.boot.empty() && a.up != b.up) return a.up < b.up;
      return one.id < other.id;
    });
    for (Later& later : found) others.later.push_back(std::move(later.look));
    return others;
  });
}

Result<std::monostate> Ledger::note_bytes(std::int64_t id, std::uint64_t bytes) {
  return attempt<std::monostate>(false, [&](Database& database) {
    const PowerLossMayTakeIt unsynced(*store_);
    const std::int64_t number = locate(database, id);
    database.run("UPDATE generations SET bytes_delivered = max(bytes_delivered, ?) WHERE id = ?",
                 static_cast<std::int64_t>(bytes), number);
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_delivery(std::int64_t id, std::uint64_t bytes, WallTime at) {
  return attempt<std::monostate>(false, [&](Database& database) {
    const PowerLossMayTakeIt unsynced(*store_);
    Transaction transaction(database);
    auto row = find_own(database, id);
    if (const auto own = own_.find(id); !row && own != own_.end()) {
      row = restore(database, id, payment::State(own->second.entry.state), clock_now());
    }
    if (!row) return std::monostate();
    const std::int64_t number = row->entry.id;
    const bool can_be = std::holds_alternative<payment::Completed>(row->entry.state) ||
                        std::holds_alternative<payment::Known>(row->entry.state) ||
                        std::holds_alternative<payment::Gone>(row->entry.state);
    if (can_be) {
      payment::Generation generation;
      generation.id = row->generation_id;
      generation.evidence = row->evidence;
      generation.posted = row->attempt.posted;
      const payment::State before = row->entry.state;
      set_state(*row, payment::Delivered{std::move(generation)});
      row->entry.delivered_at = at;
      set_times(*row, before, {}, at);
      write_row(database, *row);
      add_history(database, number, at, "every byte of the clip and its end were pushed",
                  "delivered", row->word);
      database.run("UPDATE generations SET delivered_by = ? WHERE id = ?", process_name(), number);
    }
    database.run("UPDATE generations SET bytes_delivered = max(bytes_delivered, ?) WHERE id = ?",
                 static_cast<std::int64_t>(bytes), number);
    transaction.commit();
    keep_in_mind(id, row->entry);
    return std::monostate();
  });
}

Result<std::string> Ledger::moved() {
  return attempt<std::string>(
      false, [](Database& database) { return closed_reason(read_transfer(database)); });
}

Result<std::monostate> Ledger::prepare_to_exit() {
  return attempt_on<std::monostate>(store_->name(), [&] {
    store_->prepare_to_exit();
    return std::monostate();
  });
}

Result<std::optional<Ledger::Held>> Ledger::attach(const std::string& base_url,
                                                   const std::string& generation_id) {
  return attempt<std::optional<Held>>(false, [&](Database& database) -> std::optional<Held> {
    check_is_open(database);
    const std::string service = service_of(base_url);
    std::int64_t id = 0;
    {
      Query query(database,
                  "SELECT id, place FROM generations WHERE generation_id = ? AND "
                  "generation_id <> '' ORDER BY id DESC",
                  generation_id);
      while (id == 0 && query.step()) {
        if (is_at(query.text(1), service)) id = query.integer(0);
      }
    }
    if (id == 0) return std::nullopt;
    auto row = read_row(database, id);
    if (!row || !remember(*row)) return std::nullopt;
    Held held{std::move(row->entry), {}};
    if (auto presence = store_->places()->share(id)) held.lock = std::move(*presence);
    return held;
  });
}

Result<std::vector<Entry>> Ledger::owed_stops(const std::string& base_url, WallTime since,
                                              std::size_t limit) {
  return attempt<std::vector<Entry>>(false, [&](Database& database) {
    const std::string service = service_of(base_url);
    std::vector<std::int64_t> ids;
    {
      // Those of a row that is damaged are nobody's to send.
      Query query(database,
                  "SELECT id, place FROM generations WHERE stop_wanted <> 0 AND posted_at > ? AND "
                  "(status || '') IN ('submitting', 'unknown', 'pending', 'processing')",
                  since);
      while (query.step()) {
        if (is_at(query.text(1), service)) ids.push_back(query.integer(0));
      }
    }
    std::sort(ids.rbegin(), ids.rend());
    if (ids.size() > limit) ids.resize(limit);
    std::vector<Entry> entries;
    for (const std::int64_t id : ids) {
      auto row = read_row(database, id);
      if (row && payment::stop_wanted(row->entry.state)) entries.push_back(std::move(row->entry));
    }
    return entries;
  });
}

Result<std::optional<Ledger::Held>> Ledger::take(std::int64_t id) {
  return attempt<std::optional<Held>>(false, [&](Database& database) -> std::optional<Held> {
    check_is_open(database);
    auto lock = store_->places()->take(id);
    if (!lock) return std::nullopt;
    auto row = read_row(database, id);
    if (!row || !remember(*row)) return std::nullopt;
    return Held{std::move(row->entry), std::move(*lock)};
  });
}

Result<std::optional<Ledger::HeldCell>> Ledger::take_with_cell(std::int64_t id) {
  using Taken = std::optional<HeldCell>;
  return attempt<Taken>(false, [&](Database& database) -> Taken {
    check_is_open(database);
    auto lock = store_->places()->take(id);
    if (!lock) return std::nullopt;
    auto row = read_row(database, id);
    if (!row || !remember(*row)) return std::nullopt;
    auto cell = store_->places()->take(lock_of_cell(row->entry.identity.place));
    if (!cell) return std::nullopt;
    const payment::Millis wait = time_to_depart(row->entry, clock_now());
    return HeldCell{std::move(row->entry), std::move(*lock), std::move(*cell), wait};
  });
}

bool Ledger::is_followed(std::int64_t id) {
  const auto is_held =
      attempt<bool>(false, [&](Database& /*database*/) { return store_->places()->is_held(id); });
  // What cannot be asked is not taken for free.
  return !is_held || *is_held;
}

Result<std::set<std::int64_t>> Ledger::followed() {
  return attempt<std::set<std::int64_t>>(true, [&](Database& /*database*/) {
    const auto held = store_->places()->held_by_others(std::numeric_limits<std::size_t>::max());
    return std::set<std::int64_t>(held.begin(), held.end());
  });
}

// The row itself is not needed, only its place.
Result<Ledger::Removal> Ledger::remove(std::int64_t id) {
  return attempt<Removal>(false, [&](Database& database) {
    const auto lock = store_->places()->take(id);
    if (!lock) return Removal::in_use;
    Transaction transaction(database);
    check_is_open(database);
    database.run("DELETE FROM history WHERE row = ?", id);
    const bool is_removed = database.run("DELETE FROM generations WHERE id = ?", id) > 0;
    transaction.commit();
    return is_removed ? Removal::removed : Removal::missing;
  });
}

// A process that follows a closed row has its clip; it needs the row no more.
Result<std::int64_t> Ledger::prune(WallTime before) {
  return attempt<std::int64_t>(true, [&](Database& database) {
    const std::string rows =
        "generations WHERE created_at < ? AND " + is_closed_sql() +
        " AND NOT EXISTS (SELECT 1 FROM generations AS other WHERE other.place = "
        "generations.place AND other." +
        is_unsettled_sql() + ")";
    const std::string delete_history =
        "DELETE FROM history WHERE row IN (SELECT id FROM " + rows + ")";
    const std::string delete_rows = "DELETE FROM " + rows;
    Transaction transaction(database);
    check_is_open(database);
    database.run(delete_history, before);
    const std::int64_t removed = database.run(delete_rows, before);
    database.run(
        "DELETE FROM batch_rows WHERE batch NOT IN (SELECT batch FROM batch_rows WHERE changed_at "
        ">= ?)",
        before);
    transaction.commit();
    return removed;
  });
}

}  // namespace genpro::ledger
