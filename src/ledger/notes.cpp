// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of a row.
#include "base/text.h"
#include "job/ledger_attempt.h"
#include "job/ledger_rows.h"
#include "job/this_process.h"

namespace genpro::job {

namespace {

// The changes made meanwhile are there for all processes at once, but not yet safe on the disk.
class PowerLossMayTakeIt {
 public:
  explicit PowerLossMayTakeIt(Database& database) : database_(database) {
    database_.execute("PRAGMA synchronous=NORMAL");
  }
  ~PowerLossMayTakeIt() {
    sqlite3_exec(database_.handle(), "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
  }
  PowerLossMayTakeIt(const PowerLossMayTakeIt&) = delete;
  PowerLossMayTakeIt& operator=(const PowerLossMayTakeIt&) = delete;

 private:
  Database& database_;
};

bool is_unsettled(const Entry& entry) {
  return entry.status == EntryStatus::submitting || entry.status == EntryStatus::unknown;
}

EntryStatus status_of(api::Phase phase) {
  switch (phase) {
    case api::Phase::processing:
      return EntryStatus::processing;
    case api::Phase::completed:
      return EntryStatus::completed;
    case api::Phase::failed:
      return EntryStatus::failed;
    case api::Phase::stopped:
      return EntryStatus::stopped;
    case api::Phase::pending:
    case api::Phase::unknown:
      break;
  }
  return EntryStatus::pending;
}

bool is_end(EntryStatus status) {
  return status == EntryStatus::completed || status == EntryStatus::failed ||
         status == EntryStatus::stopped;
}

}  // namespace

// The look at a cell's jobs is worth keeping as long as a request on that cell is open.
void Ledger::drop_jobs_before(const Entry& entry) {
  Statement(database_,
            "UPDATE generations SET jobs_before = NULL WHERE base_url = ?1 AND cell_path = ?2 "
            "AND jobs_before IS NOT NULL AND NOT EXISTS (SELECT 1 FROM generations WHERE "
            "base_url = ?1 AND cell_path = ?2 AND status IN ('submitting', 'unknown'))")
      .bind(entry.base_url)
      .bind(entry.cell_path)
      .run();
}

Result<std::monostate> Ledger::note_generation(std::int64_t id, const api::Generation& generation,
                                               WallTime unfinished_at) {
  return attempt_on<std::monostate>(path_, [&] {
    Transaction transaction(database_);
    const std::optional<Entry> before = read_entry(database_, id);
    EntryStatus status = status_of(generation.phase);
    // Of two that follow a generation, one may be behind with what it heard.
    if (before && !is_end(status) && is_end(before->status)) status = before->status;
    const bool has_ended = is_end(status);
    const WallTime now = wall_clock_now();
    Statement(database_,
              "UPDATE generations SET generation_id = CASE WHEN ?1 = '' THEN generation_id ELSE "
              "?1 END, status = ?2, cost = coalesce(?3, cost), reason = ?4, "
              "stop_wanted = CASE WHEN ?5 THEN 0 ELSE stop_wanted END, "
              "ended_at = CASE WHEN ?5 AND ended_at = 0 THEN ?6 ELSE ended_at END, "
              // Who hears of an end that is known knows no better when it was.
              "unfinished_at = CASE WHEN ended_at = 0 THEN max(unfinished_at, ?7) ELSE "
              "unfinished_at END WHERE id = ?8")
        .bind(generation.id)
        .bind(std::string_view(to_word(status)))
        .bind(generation.cost)
        .bind(generation.failed_reason)
        .bind(std::int64_t{has_ended ? 1 : 0})
        .bind(now)
        .bind(has_ended ? unfinished_at : now)
        .bind(id)
        .run();
    if (before && (before->jobs_before || is_unsettled(*before))) drop_jobs_before(*before);
    transaction.commit();
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_unknown(std::int64_t id, bool stop_wanted) {
  return attempt_on<std::monostate>(path_, [&] {
    Statement(database_,
              "UPDATE generations SET status = 'unknown', stop_wanted = ? WHERE id = ? "
              "AND generation_id = ''")
        .bind(std::int64_t{stop_wanted ? 1 : 0})
        .bind(id)
        .run();
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_refused(std::int64_t id, const std::string& reason) {
  return attempt_on<std::monostate>(path_, [&] {
    Transaction transaction(database_);
    Statement(database_,
              "UPDATE generations SET status = 'refused', stop_wanted = 0, reason = ?, "
              "ended_at = ? WHERE id = ? AND generation_id = ''")
        .bind(one_line(reason))
        .bind(wall_clock_now())
        .bind(id)
        .run();
    if (const auto entry = read_entry(database_, id)) drop_jobs_before(*entry);
    transaction.commit();
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_stop_wanted(std::int64_t id, bool wanted) {
  return attempt_on<std::monostate>(path_, [&] {
    Statement(database_,
              "UPDATE generations SET stop_wanted = ? WHERE id = ? AND status IN "
              "('submitting', 'unknown', 'pending', 'processing')")
        .bind(std::int64_t{wanted ? 1 : 0})
        .bind(id)
        .run();
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_delivery(std::int64_t id, std::uint64_t bytes, bool whole,
                                             WallTime at) {
  return attempt_on<std::monostate>(path_, [&] {
    // Without a wait for the disk: after a power cut that takes it away, the clip is fetched once
    // more, which costs nothing.
    const PowerLossMayTakeIt unsynced(database_);
    Statement(database_,
              "UPDATE generations SET bytes_delivered = max(bytes_delivered, ?1), "
              "delivered_by = CASE WHEN ?2 AND delivered_at = 0 THEN ?5 ELSE delivered_by END, "
              "delivered_at = CASE WHEN ?2 AND delivered_at = 0 THEN ?3 ELSE delivered_at END "
              "WHERE id = ?4")
        .bind(static_cast<std::int64_t>(bytes))
        .bind(std::int64_t{whole ? 1 : 0})
        .bind(at)
        .bind(id)
        .bind(process_name())
        .run();
    return std::monostate();
  });
}

Result<std::monostate> Ledger::prepare_to_exit() {
  return attempt_on<std::monostate>(path_, [&] {
    // Without waiting for a process that reads: the exit must not hang on it.
    sqlite3_busy_timeout(database_.handle(), 0);
    database_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_busy_timeout(database_.handle(), busy_timeout_ms);
    sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    return std::monostate();
  });
}

}  // namespace genpro::job
