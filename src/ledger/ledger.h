// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The account of paid generations, on disk and shared by every process that uses the same file.
//
// This room: rows, locks, history and reports, on SQLite. It includes payment, polling (for
// PastDurations alone) and base; no network, and JSON only as text.
//
// One row a wish for a generation. It holds a payment::State, which is written before what it
// speaks of is done, so that whatever dies afterwards, the next run knows what may have been
// charged. Each change leaves a line in the row's history, in the same transaction. Rows say what
// happened; who is at it right now is told by locks that die with their process (store/places.h):
//   - a place for each row, shared by all that follow the generation, taken to stop it,
//   - a place for each cell, taken from the look at its jobs until the service's answer to a
//     request is on disk. With one request under way a cell, a job that is new there is that
//     request's,
//   - a place for each file's content, taken while it is uploaded,
//   - places of a batch: for each row, taken while it is made, and more (lock_batch()).
//
// Threads: a Ledger belongs to one thread at a time; the order of locks is its caller's, the
// table of Places, the table of open lock files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "ledger/asset.h"
#include "ledger/batch.h"
#include "ledger/identity/identity.h"
#include "ledger/store/clock.h"
#include "ledger/store/store.h"
#include "ledger/this_process.h"
#include "payment/payment.h"
#include "polling/duration_model.h"

namespace genpro::ledger {

// `genpro/ledger.db` in the user's XDG state folder.
std::string default_ledger_path();

struct Metrics;
struct Row;

struct Entry {
  std::int64_t id = 0;  // of the row; never used again; 0: there is no row
  Identity identity;
  payment::State state;
  std::optional<double> cost;  // what the service said
  // What it was expected to cost, in credits, when it was asked for.
  std::optional<double> estimate;
  std::uint64_t bytes_delivered = 0;
  WallTime created_at = 0;
  WallTime posted_at = 0;     // the latest request left
  WallTime ended_at = 0;      // as far as was seen
  WallTime delivered_at = 0;  // pushed whole
  // The latest that is known of it before its end. Not written at each poll: what is noted with the
  // end is exact, and without an end it is when its state changed last.
  WallTime unfinished_at = 0;
  std::string delivered_by;  // the first process that has, see this_process.h
};

// What does not serve a request, though it is one of the same request.
struct PassedOver {
  std::set<std::int64_t> rows;
  std::set<std::string> generations;  // ids
};

// Who asks for what another one may be about to have.
struct Waiting {
  WallTime since = asking_since();   // when the request was first wanted
  std::set<std::int64_t> rows = {};  // that were waited for
};

// What to do about a request.
struct Claim {
  enum class Kind {
    take,    // `entry` serves it; `cell` is held when it is not known whether that was taken
    create,  // there is none: ask for one; `cell` is held
    busy,    // another one is at it: claim again in a moment
    wait,    // `entry`, another request to the cell, has to settle first: claim after `wait_ms`
  } kind = Kind::busy;
  // For `busy`: it is this process's, and the waiter will be woken.
  bool is_in_line = false;
  // For `take` with `cell`: so long nothing is to be done about it: its request may yet leave, or
  // one listing of the cell could not tell it from another one that is in doubt.
  payment::Millis wait_ms = 0;
  // For `take`: a stop is wanted and nobody else follows the generation; `presence` is exclusive.
  bool is_alone = false;
  // For `take`: whether the service's own data is still the same could not be told.
  bool data_unreadable = false;
  Entry entry;
  LifeLock presence;  // the row's place
  LifeLock cell;      // the cell's place
};

// What is written with a state. The texts are cut to one line of 300 bytes, and must not hold the
// API key.
struct Note {
  std::string came;  // a line of the row's history; without both there is none
  std::string decided;
  std::optional<double> cost;
  WallTime unfinished_at = 0;  // an end's: when the generation was last seen unfinished; 0: never
};

// What may be spent in 24 hours by this ledger and agent, and what a request is expected to cost.
struct Limits {
  unsigned daily_generations = 0;  // 0: no limit
  double daily_cost = 0;           // credits; 0: no limit
  std::optional<double> estimate;  // credits; unset: nobody has said
  std::int64_t row = 0;            // the request's own, which does not count; 0: it has none yet
};

// One connection. Blocks: on the disk, and on other processes for at most busy_timeout. Threads:
// one at a time.
//
// Each function fails with ErrorKind::ledger, ledger_busy or ledger_full; the message names the
// file, the row if it is about one, and what to do. A damaged file ends in such an error after a
// few seconds of computing at most.
class Ledger {
 public:
  static constexpr int busy_timeout_ms = 5000;

  // Creates folders and file, mode 0700 and 0600. A file of a newer version is left as it is.
  static Result<std::unique_ptr<Ledger>> open(const std::string& path);
  ~Ledger();
  const std::string& path() const { return store_->name(); }

  // What is in `passed_over` is none to take. Who has waited for the same is served with what
  // was delivered meanwhile.
  Result<Claim> claim(const Identity& identity, payment::Reuse reuse, const PassedOver& passed_over,
                      const payment::Now& now, const Places::Waiter& waiter = {},
                      const Waiting& waiting = {});
  struct Begun {
    Entry entry;
    LifeLock presence;
  };
  // The intention, on disk when this returns: what `state` speaks of may be done. Fails with
  // ErrorKind::limit when the row would exceed a limit, or one cannot be checked; fails, too, when
  // the file is no longer the one that was opened. Without an estimate the row has past_cost() for
  // one, which is none to check a limit by.
  Result<Begun> begin(const Identity& identity, const payment::State& state, const Note& note,
                      const Limits& limits, const payment::Now& now);
  // A generation whose clip was delivered, and of which it cannot be read whether another one for
  // the same request would differ.
  Result<std::optional<Entry>> delivered_unreadable(const Identity& identity);
  // Nothing, or the error that begin() would fail with.
  Result<std::monostate> check_limits(const Identity& identity, const Limits& limits);
  // What such a generation has cost: the dearest of the latest ten of the same model and length
  // that were completed, among the latest 64 of the model; where the cell decides one of these, of
  // the same cell.
  Result<std::optional<double>> past_cost(const Identity& identity);
  // Writes `after` when the row holds `before`, or is behind `after`. Returns what the row holds
  // then, which is another state when another process has gone further. Before a request leaves,
  // it fails when the file is no longer the one that was opened. Before the first one of a row that
  // was begun earlier leaves, `limits` are looked at as in begin().
  Result<payment::State> store(std::int64_t id, const payment::State& before,
                               const payment::State& after, const Note& note,
                               const payment::Now& now, Limits limits = {});
  struct Others {
    std::vector<std::string> claimed;
    std::vector<std::string> contested;
    std::vector<payment::Listed::Look> later;  // the earliest first
  };
  // For a listing of the entry's cell: which of `jobs` other rows have, or may have, and what the
  // cell held when later requests to it left.
  Result<Others> others(const Entry& entry, const std::vector<std::string>& jobs);

  Result<std::monostate> note_bytes(std::int64_t id, std::uint64_t bytes);
  // The clip was pushed whole at `at`. Does not wait for the disk: after a power cut that takes it
  // away, the clip is fetched once more, which costs nothing.
  Result<std::monostate> note_delivery(std::int64_t id, std::uint64_t bytes,
                                       WallTime at = wall_clock_now());
  // For who releases places on other threads: they are given back with the next call, such as
  // give_back(), and `wake`, which any thread calls, is to see to it.
  void when_given_back(std::function<void()> wake);
  Result<std::monostate> give_back();
  // For a process that is about to exit: what it writes after this takes as little time as can be,
  // and so does closing the ledger.
  Result<std::monostate> prepare_to_exit();

  // Uploaded files: assets.cpp. The newest resource of this content that is not known to be gone.
  Result<std::optional<Asset>> find_asset(const AssetScope& scope, const std::string& sha256);
  // What each of these resources was made of, also of one that is gone; nothing: it is not known.
  Result<std::vector<std::optional<Asset>>> assets_of(const AssetScope& scope,
                                                      const std::vector<std::string>& ids);
  Result<std::monostate> note_asset(const AssetScope& scope, const Asset& asset);
  Result<std::monostate> note_asset_gone(const AssetScope& scope, const std::string& id);
  // To be held while the content is uploaded. Nothing: another one is at it.
  Result<std::optional<LifeLock>> lock_asset(const AssetScope& scope, const std::string& sha256);
  // What files hold that have been read before and have not changed since.
  Result<std::vector<std::optional<FileDigest>>> digests_of(const std::vector<FileStamp>& files);
  Result<std::monostate> note_digests(const std::vector<std::pair<FileStamp, FileDigest>>& files);

  // Rows of batches: batches.cpp. All of a batch of which something is known, by number.
  Result<std::vector<BatchRow>> batch_rows(const std::string& batch);
  // In the place of what was known of the row; but a row that is done stays so as long as its
  // generation is the same. False: another row of the batch has the generation, and nothing is
  // written; with `may_share` that is in no way.
  Result<bool> note_batch_row(const BatchRow& row, bool may_share);
  // To be held by one at a time: a part of the batch, by a name of the caller's. Nothing: another
  // one holds it.
  Result<std::optional<LifeLock>> lock_batch(const std::string& batch, const std::string& part);
  Result<bool> is_batch_held(const std::string& batch, const std::string& part);
  // The clock of BatchRow::changed_at.
  Result<WallTime> now();
  // A text that no other ledger has.
  std::string identity() const { return store_->identity(); }

  struct Held {
    Entry entry;
    LifeLock lock;
  };
  // The row of a generation that is followed by its id, if there is one.
  Result<std::optional<Held>> attach(const std::string& base_url, const std::string& generation_id);
  // Rows of generations that have still to be stopped, the newest first. Those from before `since`
  // are left out.
  Result<std::vector<Entry>> owed_stops(const std::string& base_url, WallTime since,
                                        std::size_t limit);
  // With its place exclusively. Nothing when somebody is at it, or the row is gone.
  Result<std::optional<Held>> take(std::int64_t id);
  // The same of one that this process follows, and has given its place back for a moment.
  Result<std::optional<LifeLock>> take_own(std::int64_t id);
  // Whether nobody else can have been at a row since this process took its place.
  Result<bool> has_kept(std::int64_t id);
  struct HeldCell {
    Entry entry;
    LifeLock presence;
    LifeLock cell;
    // So long its request may yet leave, and nothing is to be found out about it: take it again.
    payment::Millis wait_ms = 0;
  };
  // As above, with the cell's place.
  Result<std::optional<HeldCell>> take_with_cell(std::int64_t id);

  // How long others took that have ended, as far as that says something about this one. Those of
  // other services say nothing.
  Result<polling::PastDurations> past_durations(const Entry& entry);

  // ---- For reports ----
  // Why nothing can be paid for with it, where its rows were moved to another one or are being
  // copied into it; else empty. Only what reads succeeds then.
  Result<std::string> moved();
  struct Filter {
    std::optional<std::string> word;  // as payment::meanings() has it
    WallTime since = 0;               // of created_at
    std::size_t limit = 0;            // 0: all
  };
  // The newest first.
  Result<std::vector<Entry>> list(const Filter& filter);
  Result<std::optional<Entry>> find(std::int64_t id);
  Result<std::vector<Entry>> find_generation(const std::string& generation_id);
  // All of which something may still come, the newest first.
  Result<std::vector<Entry>> open_rows();
  // Those that were stopped, and whose refund is not proven; the newest first.
  Result<std::vector<Entry>> unproven_refunds(WallTime since, std::size_t limit);
  struct HistoryLine {
    WallTime at = 0;
    std::string came;
    std::string decided;
    std::string word;  // of the state then
  };
  // The oldest first. Empty for a row of an older version.
  Result<std::vector<HistoryLine>> history(std::int64_t id);
  // What was or may have been asked for, by local day and model; the newest day first, the models
  // of a day by name.
  struct Spend {
    std::string day;  // YYYY-MM-DD
    std::string model;
    std::int64_t generations = 0;
    std::int64_t refunded = 0;         // or never charged
    std::int64_t refund_unproven = 0;  // of the others: stopped, and no refund is proven
    std::int64_t cost_unknown = 0;     // of those that are not refunded
    std::int64_t in_doubt = 0;         // of those, whether it was taken is not known
    double cost = 0;
    double estimate = 0;  // of those whose cost is unknown, as far as there is one
  };
  Result<std::vector<Spend>> spend(WallTime since);
  // Sums over all rows: reports/metrics.h.
  Result<Metrics> metrics();
  struct Finding {
    std::int64_t row = 0;  // 0: the file
    std::string text;
    std::string advice;
    bool is_damage = false;
  };
  // Looks the whole file over. Nothing found: nothing is wrong or in doubt.
  Result<std::vector<Finding>> check(const payment::Now& now);
  // Whether a process is at it now.
  bool is_followed(std::int64_t id);
  // The rows that other processes are at now.
  Result<std::set<std::int64_t>> followed();
  // Removes closed rows created before `before`, with their history; returns how many. Those that
  // tell whose a generation is while a request to their cell is in doubt are kept.
  Result<std::int64_t> prune(WallTime before);
  enum class Removal { removed, in_use, missing };
  // Whatever it holds, damaged or not.
  Result<Removal> remove(std::int64_t id);

 private:
  // So that only open() can make one.
  struct Opened {
    explicit Opened() = default;
  };

 public:
  Ledger(Opened, std::unique_ptr<Store> store);

 private:
  // Runs a part of the ledger with what it may compute at most. `is_report`: it reads all of it.
  template <typename T, typename Work>
  Result<T> attempt(bool is_report, Work work) {
    std::optional<T> value;
    auto error = run(is_report, [&](sql::Database& database) { value.emplace(work(database)); });
    if (error) return std::move(*error);
    return std::move(*value);
  }
  std::optional<Error> run(bool is_report, const std::function<void(sql::Database&)>& work);
  std::optional<Claim> claim_earlier(const Identity& identity, payment::Reuse reuse,
                                     const PassedOver& passed_over, const payment::Now& now,
                                     const Places::Waiter& waiter, const Waiting& waiting);
  std::optional<Claim> claim_row(std::int64_t id, const Identity& identity, payment::Reuse reuse,
                                 const payment::Now& now, const Places::Waiter& waiter,
                                 const Waiting& waiting);
  struct Unsettled {
    payment::Millis wait = 0;
    std::int64_t row = 0;
  };
  payment::Millis time_to_depart(const Entry& entry, const payment::Now& now) const;
  Unsettled longest_wait(const std::string& place, std::int64_t but, const payment::Now& now);
  Claim wait_for(const Unsettled& unsettled);
  std::optional<Error> limit_error(const Identity& identity, const Limits& limits);
  std::optional<Error> count_error(const Identity& identity, const Limits& limits);
  std::optional<Error> cost_error(const Identity& identity, const Limits& limits);

  // Throws LostPlace.
  void check_cell_is_held(const std::string& place);
  bool remember(const Row& row);
  void keep_in_mind(std::int64_t id, const Entry& entry);
  std::int64_t locate(sql::Database& database, std::int64_t id);
  std::optional<Row> find_own(sql::Database& database, std::int64_t id);
  Row restore(sql::Database& database, std::int64_t id, const payment::State& before,
              const payment::Now& now);
  bool withdraw_begun(sql::Database& database, const Identity& identity,
                      const payment::State& state, const payment::Now& now);

  // A row that this process follows on a server, and what is needed to write it anew.
  struct Own {
    Entry entry;
    std::string key;      // which no other row has
    std::int64_t number;  // under which it is now
    LifeLock presence;    // the place of that, where it is another one than the first
  };
  void renumber(std::int64_t id, std::int64_t number);

  std::unique_ptr<Store> store_;
  // By the number that a row had first, by which this process calls it. A fail-over may lose it,
  // and the number may be another row's then.
  std::map<std::int64_t, Own> own_;
};

}  // namespace genpro::ledger
