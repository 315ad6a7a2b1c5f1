// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The account of paid generations, on disk and shared by every process that uses the same file.
//
// One row a generation that was asked for. A row is written before the request leaves, so that
// whatever dies afterwards, the next run knows what may have been charged. Rows say what happened;
// who is at it right now is told by locks that die with their process (life_lock.h):
//   - a place for each row, shared by all that follow the generation, taken to stop it,
//   - a place for each cell, taken from the look at its jobs until the service's answer to a
//     request is on disk. With one request under way a cell, a job that is new there is that
//     request's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "api/client.h"
#include "base/error.h"
#include "job/duration_model.h"
#include "job/life_lock.h"
#include "job/sqlite.h"

namespace genpro::job {

// Milliseconds since 1970 by the wall clock; 0: it has not happened.
using WallTime = std::int64_t;
WallTime wall_clock_now();

// `genpro/ledger.db` in the user's XDG state folder.
std::string default_ledger_path();

enum class EntryStatus {
  submitting,  // the request is on its way, or its process died over it
  unknown,     // the request may have been taken, and nobody is at it
  pending,
  processing,
  completed,
  failed,   // by the service, refunded
  stopped,  // refunded
  refused,  // the request was not taken: nothing was charged
};
const char* to_word(EntryStatus status);
std::optional<EntryStatus> entry_status_from_word(std::string_view word);

struct Entry {
  std::int64_t id = 0;  // of the row; never used again
  std::string fingerprint;
  std::string base_url;
  std::string cell_path;  // route/sheet/cells/cell
  std::string agent_id;
  std::string model;    // empty: the cell decided
  std::string request;  // canonical JSON
  std::string idempotency_key;
  std::string generation_id;  // empty: not known
  EntryStatus status = EntryStatus::submitting;
  bool stop_wanted = false;    // a stop request has still to be sent
  std::optional<double> cost;  // what the service said
  std::string reason;          // why it failed or was refused, one line
  std::uint64_t bytes_delivered = 0;
  WallTime created_at = 0;
  WallTime posted_at = 0;     // the latest request left
  WallTime ended_at = 0;      // completed, failed, stopped or refused, as far as was seen
  WallTime delivered_at = 0;  // handed on whole
  std::string delivered_by;   // the first process that has, see this_process.h
  // The latest that is known of it before its end. Not written at each poll: what is noted with the
  // end is exact, and without an end it is when its status changed last.
  WallTime unfinished_at = 0;
  // The cell's jobs before the request; unset when they could not be read or are no longer needed.
  std::optional<std::vector<std::string>> jobs_before;
};

// A request as the ledger knows it. Never holds the key.
struct RequestIdentity {
  std::string fingerprint;  // SHA-256 over all that follows but the model, hexadecimal
  std::string base_url;
  std::string cell_path;
  std::string agent_id;
  std::string model;
  std::string request;  // canonical JSON: members sorted, no white space
};
RequestIdentity identify(const api::Access& access, const api::GenerationRequest& request);

// Which earlier generation of the same request may serve a new one. One that another process
// has delivered only after this one was started, by the same shell or supervisor, counts as in
// flight: the two have asked together.
enum class Reuse { never, in_flight, completed };

// What does not serve a request, though it is one of the same request.
struct PassedOver {
  std::set<std::int64_t> rows;
  std::set<std::string> generations;  // ids
};

// What to do about a request.
struct Claim {
  enum class Kind {
    follow,  // `entry` is its generation
    stop,    // the same, but a stop request has to be sent first; `presence` is exclusive
    settle,  // whether `entry` was taken has to be found out; `cell` is held
    create,  // there is none: ask for one; `cell` is held
    busy,    // another one is at it: claim again in a moment
  } kind = Kind::busy;
  // For `busy`: it is this process's, and the waiter will be woken.
  bool is_in_line = false;
  Entry entry;
  LifeLock presence;  // the row's place
  LifeLock cell;      // the cell's place
};

// One connection. Blocks: on the disk, and on other processes for at most busy_timeout. Threads:
// one at a time.
//
// Each function fails with ErrorKind::ledger, ledger_busy or ledger_full; the message names the
// file and what to do.
class Ledger {
 public:
  static constexpr int busy_timeout_ms = 5000;
  // How long the service keeps an idempotency key, less a margin for clocks that differ.
  static constexpr WallTime key_lifetime_ms = 23LL * 3600 * 1000;

  // Creates folders and file, mode 0700 and 0600. A file of a newer version is left as it is.
  static Result<std::unique_ptr<Ledger>> open(const std::string& path);
  const std::string& path() const { return path_; }

  // What is in `passed_over` is none to follow.
  Result<Claim> claim(const RequestIdentity& request, Reuse reuse, const PassedOver& passed_over,
                      const LockFile::Waiter& waiter = {});
  struct Begun {
    Entry entry;
    LifeLock presence;
  };
  // The intention, on disk when this returns: the request may leave. `daily_limit` rows of this
  // agent's in 24 hours are enough (0: no limit); fails with ErrorKind::limit then.
  Result<Begun> begin(const RequestIdentity& request,
                      std::optional<std::vector<std::string>> jobs_before, unsigned daily_limit);
  // Nothing, or the error that begin() would fail with.
  Result<std::monostate> check_limit(const RequestIdentity& request, unsigned daily_limit);
  // The request leaves once more, with the same idempotency key or, if that has expired, a new one.
  Result<Entry> begin_again(std::int64_t id, std::optional<std::vector<std::string>> jobs);
  // Those of the cell's `jobs` that may be the entry's: not there before its request, there before
  // the cell's next one, and not of another row.
  Result<std::vector<std::string>> new_jobs(const Entry& entry,
                                            const std::vector<std::string>& jobs);

  // What the service says of it. The id stays when the generation has none. `unfinished_at`: when a
  // generation that has ended was last seen unfinished; 0: it was not seen before.
  Result<std::monostate> note_generation(std::int64_t id, const api::Generation& generation,
                                         WallTime unfinished_at = 0);
  Result<std::monostate> note_unknown(std::int64_t id, bool stop_wanted);
  Result<std::monostate> note_refused(std::int64_t id, const std::string& reason);
  Result<std::monostate> note_stop_wanted(std::int64_t id, bool wanted);
  // `at`: when the end was handed on.
  Result<std::monostate> note_delivery(std::int64_t id, std::uint64_t bytes, bool whole,
                                       WallTime at = wall_clock_now());
  // For a process that is about to exit: what it writes after this takes as little time as can be,
  // and so does closing the ledger.
  Result<std::monostate> prepare_to_exit();

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
  // Nothing when somebody is at it, or the row is gone.
  Result<std::optional<Held>> take(std::int64_t id);
  struct HeldCell {
    Entry entry;
    LifeLock presence;
    LifeLock cell;
  };
  // As above, with the cell's place.
  Result<std::optional<HeldCell>> take_with_cell(std::int64_t id);

  // How long others took that have ended, as far as that says something about this one. Those of
  // other services say nothing.
  Result<PastDurations> past_durations(const Entry& entry);

  // ---- For reports ----
  struct Filter {
    std::optional<EntryStatus> status;
    WallTime since = 0;     // of created_at
    std::size_t limit = 0;  // 0: all
  };
  // The newest first.
  Result<std::vector<Entry>> list(const Filter& filter);
  Result<std::optional<Entry>> find(std::int64_t id);
  Result<std::vector<Entry>> find_generation(const std::string& generation_id);
  // All that are not closed and not merely waiting to be picked up, the newest first.
  Result<std::vector<Entry>> open_rows();
  // Whether a process is at it now.
  bool is_followed(std::int64_t id);
  // Whether it has ended, and nothing is left to be done or picked up.
  static bool is_closed(const Entry& entry);
  // Removes closed rows created before `before`; returns how many.
  Result<std::int64_t> prune(WallTime before);
  enum class Removal { removed, in_use, missing };
  Result<Removal> remove(std::int64_t id);

 private:
  // So that only open() can make one.
  struct Opened {
    explicit Opened() = default;
  };

 public:
  Ledger(Opened, std::string path, Database database, std::shared_ptr<LockFile> locks)
      : path_(std::move(path)), database_(std::move(database)), locks_(std::move(locks)) {}

 private:
  template <typename T>
  Result<T> attempt(const std::function<T()>& work);
  std::vector<std::int64_t> candidates(const RequestIdentity& request, Reuse reuse);
  std::optional<Claim> claim_row(std::int64_t id, Reuse reuse, const LockFile::Waiter& waiter);
  std::optional<Error> limit_error(const RequestIdentity& request, unsigned daily_limit);
  void drop_jobs_before(const Entry& entry);

  std::string path_;
  Database database_;
  std::shared_ptr<LockFile> locks_;
};

// For the errors of opening and of use alike. `reason` as the library has it.
Error ledger_error(const std::string& path, int sqlite_code, const std::string& reason);
Error foreign_ledger_error(const std::string& path, const std::string& reason);

}  // namespace genpro::job
