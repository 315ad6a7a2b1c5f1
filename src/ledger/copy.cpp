// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/file/file_store.h"
#include "ledger/ledger.h"
#include "ledger/postgresql/server_store.h"
#include "ledger/rows.h"
#include "ledger/store/address.h"
#include "ledger/store/transfer.h"
#include "ledger/tables.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;
using sql::Transaction;

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_named = 10;
// What a process that was about to ask for something needs to see that it must not.
constexpr auto patience = 30s;
// Longer than what payment::settling_time is for, with clocks that differ.
constexpr std::int64_t settled_after_ms = 2 * payment::settling_time;

class CopyFailure : public std::exception {
 public:
  explicit CopyFailure(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  const Error error_;
};

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  throw CopyFailure(Error{.kind = ErrorKind::ledger, .message = message, .debug = one_line(path)});
}

std::string named(const std::string& path) {
  return "the ledger " + one_line(without_password(path), 200);
}

// One of both, so that what fails is told of the right one.
class Side {
 public:
  explicit Side(const std::string& path)
      : store_(on<std::unique_ptr<Store>>(
            path, [&] { return open_store(path, Ledger::busy_timeout_ms); })) {}

  Store& store() { return *store_; }
  Database& database() { return store_->database(); }
  const std::string& name() const { return store_->name(); }
  bool is_file() const { return !is_server_address(name()); }

  template <typename T, typename Work>
  T ask(Work work) {
    return on<T>(name(), std::move(work));
  }
  template <typename Work>
  void run(Work work) {
    on<std::monostate>(name(), [&] {
      work();
      return std::monostate();
    });
  }
  // Until commit(), or the end of the object, nobody else writes.
  Transfer hold() {
    return ask<Transfer>([&] {
      store_->begin_call(true);
      store_->check_is_same();
      transaction_.emplace(database());
      store_->hold_still();
      return read_transfer(database());
    });
  }
  void commit(const Transfer& transfer) {
    run([&] {
      store_->begin_call(true);
      write_transfer(database(), transfer);
      transaction_->commit();
      transaction_.reset();
      store_->check_is_same();
    });
  }
  void let_go() { transaction_.reset(); }
  std::vector<std::int64_t> held() {
    constexpr std::size_t most = 1000;
    return ask<std::vector<std::int64_t>>([&] { return store_->places()->held_by_others(most); });
  }

 private:
  template <typename T, typename Work>
  static T on(const std::string& path, Work work) {
    auto result = attempt_on<T>(path, std::move(work));
    if (!result) throw CopyFailure(std::move(result.error()));
    return std::move(*result);
  }

  const std::unique_ptr<Store> store_;
  std::optional<Transaction> transaction_;
};

template <typename T, typename Work>
Result<T> guarded(Work work) {
  try {
    return work();
  } catch (const CopyFailure& failed) {
    return failed.error();
  }
}

// A row that is followed may change at any moment, and whoever follows it goes on with the ledger
// that it has.
void check_is_unused(Side& side) {
  const auto held = side.held();
  if (held.empty()) return;
  constexpr std::int64_t rows_end = std::int64_t{1} << 60;
  std::vector<std::string> rows;
  for (const std::int64_t place : held) {
    if (place < rows_end) rows.push_back(std::to_string(place));
  }
  std::string text = "Programs use " + named(side.name());
  if (!rows.empty()) {
    const std::size_t more = rows.size() > most_named ? rows.size() - most_named : 0;
    rows.resize(rows.size() - more);
    text += rows.size() + more == 1 ? ": row " : ": rows ";
    text += join(rows, ", ", more == 0 ? " and " : ", ");
    if (more > 0) text += " and " + std::to_string(more) + " more";
    text += rows.size() + more == 1 ? " is followed" : " are followed";
  }
  refuse(side.name(), text + ". Let them end, then run this again. Nothing was copied.");
}

void check_is_sound(Side& side) {
  const auto damages = side.ask<std::vector<std::string>>([&] {
    side.store().begin_call(true);
    return side.store().damages();
  });
  if (damages.empty()) return;
  refuse(side.name(), "The file of " + named(side.name()) + " is damaged (" +
                          one_line(damages.front()) + "). " + advice_for_file() +
                          ". Nothing was copied.");
}

// In a file, whatever is of another boot was before this machine's. Where the service may not show
// a request yet, that would be believed too early.
void check_has_settled(Side& from, bool is_for_file) {
  if (from.is_file() || !is_for_file) return;
  const auto row = from.ask<std::optional<std::int64_t>>([&] {
    const std::string sql = "SELECT id FROM generations WHERE " + is_unfinished_sql() +
                            " AND posted_boot <> '' AND posted_boot <> ? AND " +
                            from.database().words().unchanged_ms + " < ? ORDER BY id LIMIT 1";
    return from.database().integer(sql, clock_now().boot, settled_after_ms);
  });
  if (!row) return;
  refuse(from.name(), "Row " + std::to_string(*row) + " of " + named(from.name()) +
                          " was changed by another machine less than a minute ago, and is not "
                          "settled. Run this again in a minute. Nothing was copied.");
}

bool is_remainder(const Transfer& transfer, const Side& from) {
  return transfer.filled_from == from.name();
}

void check_has_room(Side& to, const Transfer& transfer, const Side& from) {
  if (is_remainder(transfer, from)) return;
  if (!transfer.filled_from.empty()) {
    refuse(to.name(), "In " + named(to.name()) + " is an unfinished copy of " +
                          named(transfer.filled_from) + ". Finish that, or name another one.");
  }
  if (!transfer.moved_to.empty()) {
    refuse(to.name(), "The rows of " + named(to.name()) + " were moved to " +
                          named(transfer.moved_to) + " before. Name another one.");
  }
  if (to.ask<bool>([&] { return is_empty(to.database()); })) return;
  refuse(to.name(), "There are rows in " + named(to.name()) +
                        " already, and two ledgers cannot become one. Name one that is empty, or "
                        "a file that is not there yet. Nothing was copied.");
}

// What is left of a copy that was cut off was never open for spending. With its mark, nothing could
// be written.
void remove_remainder(Side& to) {
  to.run([&] {
    write_transfer(to.database(), {});
    remove_all(to.database());
  });
}

Tally copy_rows(Side& from, Side& to) {
  const Tally tally = from.ask<Tally>([&] {
    return read_all(from.store(), [&](const Table& table, const std::vector<Values>& rows) {
      to.run([&] {
        to.store().begin_call(true);
        insert_rows(to.database(), table, rows);
      });
    });
  });
  const Tally copy = to.ask<Tally>([&] {
    to.store().go_on_behind(tally.last_number);
    // A server takes who has been silent for long for gone.
    return read_all(to.store(), [&](const Table&, const std::vector<Values>&) {
      from.run([&] { from.database().integer("SELECT 1"); });
    });
  });
  if (copy == tally) return tally;
  refuse(to.name(), "What " + named(to.name()) + " holds of " + named(from.name()) +
                        " is not the same when it is read again. Look at the disk and the server. "
                        "Nothing was copied.");
}

// Whoever was about to ask for something before the rows came has to see that it must not.
void open_for_spending(Side& to, const std::string& number) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!to.held().empty()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      refuse(to.name(), "All is copied, but programs use " + named(to.name()) +
                            ". Let them end, then run this again to have it finished.");
    }
    std::this_thread::sleep_for(50ms);
  }
  to.hold();
  to.commit({.number = number});
}

bool is_there(const std::string& path) {
  if (!is_server_address(path)) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && info.st_size > 0;
  }
  const auto result = attempt_on<bool>(path, [&] { return has_ledger(path); });
  if (!result) throw CopyFailure(result.error());
  return *result;
}

void check_is_there(const std::string& path) {
  if (is_there(path)) return;
  refuse(path, "There is no ledger " + one_line(without_password(path), 200) + ".");
}

// What a copy into a file that is not there yet makes: it goes again with a copy that is refused.
class NewFile {
 public:
  explicit NewFile(const std::string& path) {
    if (is_server_address(path) || file_id(path)) return;
    is_new_ = true;
    had_locks_ = file_id(path + ".lock").has_value();
    std::filesystem::path folder = take_string(g_canonicalize_filename(path.c_str(), nullptr));
    std::error_code ignored;
    while (!std::filesystem::exists(folder = folder.parent_path(), ignored)) {
      folders_.push_back(folder);
    }
  }

  // Only when nobody has written to it. Who has it open finds that it is not the same any more
  // before anything is paid for.
  void remove(std::optional<Side>& file) const {
    if (!is_new_ || !file) return;
    const std::string path = file->name();
    file->let_go();
    // Until the end nobody opens it.
    const auto setup = file->store().places()->take(LockFile::setup_place);
    if (!setup) return;
    const Transfer transfer = file->hold();
    const bool is_used = !transfer.number.empty() || !file->held().empty() ||
                         !file->ask<bool>([&] { return is_empty(file->database()); });
    if (is_used) return;
    // A log without its file would be taken for one that is in use.
    for (const char* part : {"-wal", "-shm", ""}) unlink((path + part).c_str());
    file.reset();
    if (!had_locks_) unlink((path + ".lock").c_str());
    for (const auto& folder : folders_) rmdir(folder.c_str());
  }

 private:
  bool is_new_ = false;
  bool had_locks_ = false;
  std::vector<std::filesystem::path> folders_;  // that are missing, the innermost one first
};

void check_may_be_copied(Side& from, bool is_for_file) {
  from.run([&] { check_is_open(from.database()); });
  check_is_unused(from);
  check_is_sound(from);
  check_has_settled(from, is_for_file);
}

// `from` is held, and may be copied unless `state` says that it was moved.
Copied copy_held(Side& from, const Transfer& state, Side& to) {
  const auto other = to.ask<Transfer>([&] { return read_transfer(to.database()); });
  if (!state.moved_to.empty() && state.number == other.number) {
    from.let_go();
    if (!other.filled_from.empty()) open_for_spending(to, other.number);
    return {.was_done = true};
  }
  from.run([&] { check_is_open(from.database()); });
  // Before anything is waited for: it may be the same one by another name.
  check_has_room(to, other, from);

  const Transfer room = to.hold();
  check_has_room(to, room, from);
  check_is_unused(to);
  if (is_remainder(room, from)) remove_remainder(to);
  const Tally tally = copy_rows(from, to);
  const std::string number = take_string(g_uuid_string_random());
  to.commit({.filled_from = from.name(), .number = number});
  from.commit({.moved_to = to.name(), .number = number});
  open_for_spending(to, number);
  return {.generations = tally.rows[0],
          .history = tally.rows[1],
          .assets = tally.rows[2],
          .files = tally.rows[3],
          .batch_rows = tally.rows[4],
          .cost = tally.cost,
          .estimate = tally.estimate};
}

Copied copy(const std::string& from_path, const std::string& to_path) {
  check_is_there(from_path);
  Side from(from_path);
  if (from_path == to_path || (from.is_file() && file_id(from_path) == file_id(to_path))) {
    refuse(from.name(), "A ledger cannot be copied into itself: both are " + named(from.name()) +
                            ". Nothing was copied.");
  }
  const Transfer state = from.hold();
  // Where it was moved to, there may be something left to be done. Otherwise nothing is made before
  // it is known that it can be copied.
  if (state.moved_to.empty() || !is_there(to_path)) {
    check_may_be_copied(from, !is_server_address(to_path));
  }
  const NewFile made(to_path);
  std::optional<Side> to(to_path);
  try {
    return copy_held(from, state, *to);
  } catch (const CopyFailure&) {
    // Whatever comes of that, it is told why there is no copy.
    (void)guarded<std::monostate>([&] {
      made.remove(to);
      return std::monostate();
    });
    throw;
  }
}

void undo(const std::string& path, bool is_lost) {
  check_is_there(path);
  Side from(path);
  const Transfer state = from.hold();
  if (state.moved_to.empty()) {
    refuse(path, "The rows of " + named(path) + " were not moved, and there is nothing to undo.");
  }
  if (is_lost) return from.commit({});
  if (!is_there(state.moved_to)) {
    refuse(path, "There is no ledger " + one_line(state.moved_to, 200) + ", where the rows of " +
                     named(path) +
                     " are now. Put it back, or where it is lost for good, use --lost.");
  }
  Side to(state.moved_to);
  const Transfer copy = to.hold();
  const bool was_cut_off = copy.number == state.number && copy.moved_to == from.name();
  if (!was_cut_off) {
    check_is_unused(to);
    const Tally tally = from.ask<Tally>([&] { return read_all(from.store()); });
    const bool is_same = copy.number == state.number && copy.moved_to.empty() &&
                         to.ask<Tally>([&] { return read_all(to.store()); }) == tally;
    if (!is_same) {
      refuse(path, "More is known in " + named(to.name()) + " than in " + named(path) +
                       ": it was used since the rows were moved to it. Go on with it, or copy it "
                       "into a new one.");
    }
    to.commit({.moved_to = from.name(), .number = copy.number});
  }
  from.commit({});
}

}  // namespace

Result<Copied> copy_ledger(const std::string& from, const std::string& to) {
  return guarded<Copied>([&] { return copy(from, to); });
}

Result<std::monostate> undo_copy(const std::string& from, bool is_lost) {
  return guarded<std::monostate>([&] {
    undo(from, is_lost);
    return std::monostate();
  });
}

}  // namespace genpro::ledger
