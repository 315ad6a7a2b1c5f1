// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What people ask of the ledger, and its errors.
#include "base/text.h"
#include "job/ledger_attempt.h"
#include "job/ledger_rows.h"

namespace genpro::job {

Error ledger_error(const std::string& path, int sqlite_code, const std::string& reason) {
  const std::string shown = one_line(path, 200);
  Error error;
  error.kind = ErrorKind::ledger;
  error.debug = shown + ": SQLite code " + std::to_string(sqlite_code) + ", " + one_line(reason);
  switch (sqlite_code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.message = "The ledger " + shown + " is damaged (" + one_line(reason) +
                      "). Restore it, or move it away for a new one: what it knew of paid "
                      "generations is lost then.";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.kind = ErrorKind::ledger_busy;
      error.message = "The ledger " + shown + " has been locked by another program for " +
                      std::to_string(Ledger::busy_timeout_ms / 1000) +
                      " s. End that program, or set ledger to another file.";
      break;
    case SQLITE_FULL:
      error.kind = ErrorKind::ledger_full;
      error.message = "There is no space left for the ledger " + shown +
                      ". Free some, or set ledger to a file on another disk.";
      break;
    default:
      error.message = "The ledger " + shown + " cannot be written (" + one_line(reason) +
                      "). Make it and its folder writable, or set ledger to another file.";
      break;
  }
  return error;
}

Error foreign_ledger_error(const std::string& path, const std::string& reason) {
  Error error;
  error.kind = ErrorKind::ledger;
  error.message = "The ledger " + one_line(path, 200) + " cannot be used: " + one_line(reason) +
                  ". It is left as it is. Upgrade gst-genpro, or set ledger to another file.";
  error.debug = one_line(path, 200);
  return error;
}

Result<std::vector<Entry>> Ledger::list(const Filter& filter) {
  return attempt_on<std::vector<Entry>>(path_, [&] {
    return read_entries(
        database_,
        "WHERE created_at >= ? AND (?2 = '' OR status = ?2) "
        "ORDER BY id DESC LIMIT ?3",
        [&](Statement& statement) {
          statement.bind(filter.since)
              .bind(std::string_view(filter.status ? to_word(*filter.status) : ""))
              .bind(filter.limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(filter.limit));
        });
  });
}

Result<std::vector<Entry>> Ledger::open_rows() {
  return attempt_on<std::vector<Entry>>(path_, [&] {
    return read_entries(database_,
                        "WHERE status IN ('submitting', 'unknown', 'pending', 'processing') "
                        "ORDER BY posted_at DESC, id DESC",
                        nullptr);
  });
}

Result<std::optional<Entry>> Ledger::find(std::int64_t id) {
  return attempt_on<std::optional<Entry>>(path_, [&] { return read_entry(database_, id); });
}

Result<std::vector<Entry>> Ledger::find_generation(const std::string& generation_id) {
  return attempt_on<std::vector<Entry>>(path_, [&] {
    return read_entries(database_, "WHERE generation_id = ? ORDER BY id DESC",
                        [&](Statement& statement) { statement.bind(generation_id); });
  });
}

bool Ledger::is_closed(const Entry& entry) {
  switch (entry.status) {
    case EntryStatus::completed:
      return entry.delivered_at != 0;
    case EntryStatus::failed:
    case EntryStatus::stopped:
    case EntryStatus::refused:
      return true;
    default:
      return false;
  }
}

// A process that follows a closed row has its clip; it needs the row no more.
Result<std::int64_t> Ledger::prune(WallTime before) {
  return attempt_on<std::int64_t>(path_, [&] {
    Transaction transaction(database_);
    Statement(database_,
              "DELETE FROM generations WHERE created_at < ? AND (status IN ('failed', 'stopped', "
              "'refused') OR (status = 'completed' AND delivered_at <> 0))")
        .bind(before)
        .run();
    const std::int64_t removed = database_.changes();
    transaction.commit();
    return removed;
  });
}

}  // namespace genpro::job
