// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/ledger_schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

namespace genpro::job {

namespace {

// In the file's header, so that another program's database is not taken for a ledger: "GPLg".
constexpr std::int64_t application_id = 0x47504c67;

// What leads from each version of the schema to the next; `PRAGMA user_version` counts them. A
// migration that has been released is never changed.
constexpr std::array migrations = {
    // 1. Times are milliseconds since 1970, 0: it has not happened. `jobs_before` is a JSON array.
    R"(CREATE TABLE generations (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         fingerprint TEXT NOT NULL,
         base_url TEXT NOT NULL,
         cell_path TEXT NOT NULL,
         agent_id TEXT NOT NULL,
         model TEXT NOT NULL,
         request TEXT NOT NULL,
         idempotency_key TEXT NOT NULL,
         generation_id TEXT NOT NULL DEFAULT '',
         status TEXT NOT NULL,
         stop_wanted INTEGER NOT NULL DEFAULT 0,
         cost REAL,
         reason TEXT NOT NULL DEFAULT '',
         bytes_delivered INTEGER NOT NULL DEFAULT 0,
         created_at INTEGER NOT NULL,
         posted_at INTEGER NOT NULL,
         ended_at INTEGER NOT NULL DEFAULT 0,
         delivered_at INTEGER NOT NULL DEFAULT 0,
         delivered_by TEXT NOT NULL DEFAULT '',
         jobs_before TEXT);
       CREATE INDEX by_request ON generations (fingerprint);
       CREATE INDEX by_cell ON generations (base_url, cell_path, posted_at);
       CREATE INDEX by_agent ON generations (agent_id, created_at);
       CREATE INDEX by_stop ON generations (base_url) WHERE stop_wanted;)",
    // 2. How long generations take is known by when they were last seen unfinished, and by the end.
    // `length` is the clip's, in seconds; null: the cell decides, or an older version wrote the
    // row.
    R"(ALTER TABLE generations ADD COLUMN unfinished_at INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN length REAL;
       CREATE INDEX by_model ON generations (base_url, model)
         WHERE status IN ('completed', 'stopped');)",
};

[[noreturn]] void raise_errno() {
  throw std::system_error(errno, std::generic_category());
}

void create_parents(const std::string& path) {
  const GCharPtr folder(g_path_get_dirname(path.c_str()));
  if (g_mkdir_with_parents(folder.get(), 0700) != 0) raise_errno();
}

// Two names of one file have to lead to one file of locks.
std::string resolve(const std::string& path) {
  const std::string absolute = take_string(g_canonicalize_filename(path.c_str(), nullptr));
  const std::unique_ptr<char, Releaser<std::free>> whole(realpath(absolute.c_str(), nullptr));
  if (whole) return whole.get();
  const GCharPtr folder(g_path_get_dirname(absolute.c_str()));
  const std::unique_ptr<char, Releaser<std::free>> real(realpath(folder.get(), nullptr));
  if (!real) raise_errno();
  const GCharPtr name(g_path_get_basename(absolute.c_str()));
  return take_string(g_build_filename(real.get(), name.get(), nullptr));
}

// One at a time sets the file up: the change to WAL does not wait for a lock.
LifeLock take_setup_lock(LockFile& locks, int timeout_ms) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    if (auto lock = locks.take(0)) return std::move(*lock);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw SqliteFailure(SQLITE_BUSY, "another process is setting it up");
    }
    std::this_thread::sleep_for(5ms);
  }
}

// A file that is there is never opened here: closing it again would take away the locks that an
// SQLite connection of this process has on it.
void create_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    ::close(descriptor);
    return;
  }
  if (errno != EEXIST) raise_errno();
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) raise_errno();
  if (!S_ISREG(info.st_mode)) {
    throw std::system_error(EINVAL, std::generic_category(), "it is not a regular file");
  }
}

// Prompts are nobody else's business. Fails for files that another user owns, and then that user
// can see to it.
void make_private(const std::string& path) {
  for (const char* part : {"", "-wal", "-shm"}) {
    const std::string name = path + part;
    struct stat info {};
    if (stat(name.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
      (void)chmod(name.c_str(), 0600);
    }
  }
}

// With a write-ahead log, SQLite may find page 1 there and never look at the file's own head.
void check_head(Database& database) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return;
  constexpr char magic[] = "SQLite format 3";
  char head[sizeof magic] = {};
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size == 0) return;
  if (file->pMethods->xRead(file, head, sizeof head, 0) != SQLITE_OK ||
      std::memcmp(head, magic, sizeof magic) != 0) {
    throw SqliteFailure(SQLITE_NOTADB, "file is not a database");
  }
}

std::int64_t check_version(Database& database) {
  const std::int64_t version = database.integer("PRAGMA user_version");
  const std::int64_t owner = database.integer("PRAGMA application_id");
  const bool is_empty = database.integer("SELECT count(*) FROM sqlite_master") == 0;
  if (is_empty && version == 0 && owner == 0) return 0;
  if (owner != application_id) throw ForeignLedger("it is a database of another program");
  if (version > static_cast<std::int64_t>(migrations.size())) {
    throw ForeignLedger("it was written by a newer version of gst-genpro (schema " +
                        std::to_string(version) + ", this one knows " +
                        std::to_string(migrations.size()) + ")");
  }
  return version;
}

void migrate(Database& database, std::int64_t version) {
  if (version == static_cast<std::int64_t>(migrations.size())) return;
  Transaction transaction(database);
  for (auto next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
    database.execute(migrations[next]);
  }
  database.execute(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
  database.execute(("PRAGMA user_version=" + std::to_string(migrations.size())).c_str());
  transaction.commit();
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

const char* const entry_columns =
    "id, fingerprint, base_url, cell_path, agent_id, model, request, idempotency_key, "
    "generation_id, status, stop_wanted, cost, reason, bytes_delivered, created_at, posted_at, "
    "ended_at, delivered_at, unfinished_at, delivered_by, jobs_before";

LedgerFile open_ledger_file(const std::string& path, int busy_timeout_ms) {
  create_parents(path);
  const std::string resolved = resolve(path);
  const std::shared_ptr<LockFile> locks = LockFile::open(resolved + ".lock");
  const LifeLock setup = take_setup_lock(*locks, busy_timeout_ms);
  create_private(resolved);

  Database database(resolved, SQLITE_OPEN_READWRITE);
  sqlite3_busy_timeout(database.handle(), busy_timeout_ms);
  // Until the file is known to be ours nothing may be written to it, the log's content included.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  check_head(database);
  const std::int64_t version = check_version(database);
  if (sqlite3_db_readonly(database.handle(), "main") == 1) {
    throw SqliteFailure(SQLITE_READONLY, "it is read-only");
  }
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  {
    Statement mode(database, "PRAGMA journal_mode=WAL");
    if (!mode.step() || mode.text(0) != "wal") {
      throw SqliteFailure(SQLITE_CANTOPEN, "its folder cannot hold a write-ahead log");
    }
  }
  database.execute("PRAGMA synchronous=FULL");
  database.execute("PRAGMA cache_size=-256");
  // Not before the file is known to be ours; the log's files take their mode from it.
  make_private(resolved);
  migrate(database, version);
  return {resolved, locks, std::move(database)};
}

}  // namespace genpro::job
