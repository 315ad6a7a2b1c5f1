// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/schema.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/callback.h"
#include "base/glib_ptr.h"
#include "ledger/identity/identity.h"

namespace genpro::ledger {

namespace {

// In the file's header, so that another program's database is not taken for a ledger: "GPLg".
constexpr std::int64_t application_id = 0x47504c67;

constexpr int longest_value = 64 << 20;  // bytes

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
    // 3. A row holds a payment::State, and has a history. `place` and `fingerprint` say what is the
    // same however it is written. `made_*` is when the key was first used, `posted_*` with
    // `posted_at` when the latest request left, `looked_*` when `jobs_before` was asked for; an
    // older
    // row knows the wall clock's times alone.
    R"(ALTER TABLE generations ADD COLUMN place TEXT NOT NULL DEFAULT '';
       ALTER TABLE generations ADD COLUMN data TEXT NOT NULL DEFAULT '';
       ALTER TABLE generations ADD COLUMN evidence TEXT NOT NULL DEFAULT 'proven';
       ALTER TABLE generations ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN is_absent INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN made_boot TEXT NOT NULL DEFAULT '';
       ALTER TABLE generations ADD COLUMN made_up INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN posted_boot TEXT NOT NULL DEFAULT '';
       ALTER TABLE generations ADD COLUMN posted_up INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN looked_boot TEXT NOT NULL DEFAULT '';
       ALTER TABLE generations ADD COLUMN looked_up INTEGER NOT NULL DEFAULT 0;
       ALTER TABLE generations ADD COLUMN looked_at INTEGER NOT NULL DEFAULT 0;
       DROP INDEX by_request;
       DROP INDEX by_cell;
       DROP INDEX by_agent;
       DROP INDEX by_stop;
       UPDATE generations SET place = genpro_place(base_url, cell_path), made_at = created_at,
         fingerprint =
           genpro_fingerprint(genpro_place(base_url, cell_path), agent_id, request),
         doubtful = (status = 'unknown');
       CREATE INDEX by_request ON generations (fingerprint,
         CASE status WHEN 'completed' THEN 1 + (delivered_at <> 0)
           WHEN 'processing' THEN 3 WHEN 'pending' THEN 3
           WHEN 'submitting' THEN 4 WHEN 'unknown' THEN 4 WHEN 'prepared' THEN 4
           WHEN 'gone' THEN 5 WHEN 'failed' THEN 6 WHEN 'stopped' THEN 6 WHEN 'refused' THEN 6
           ELSE 0 END,
         delivered_at);
       CREATE INDEX by_agent ON generations (ltrim(agent_id, '0'), created_at)
         WHERE status NOT IN ('prepared', 'refused');
       CREATE INDEX by_time ON generations (created_at, status, model, cost);
       CREATE INDEX by_status ON generations (status, created_at);
       CREATE INDEX by_generation ON generations (generation_id) WHERE generation_id <> '';
       CREATE INDEX by_unsettled ON generations (place)
         WHERE status IN ('submitting', 'unknown');
       CREATE INDEX by_open ON generations (posted_at)
         WHERE status IN ('prepared', 'submitting', 'unknown', 'pending', 'processing');
       CREATE INDEX by_look ON generations (place) WHERE jobs_before IS NOT NULL;
       CREATE INDEX by_stop ON generations (posted_at) WHERE stop_wanted <> 0;
       CREATE INDEX by_missing_place ON generations (place) WHERE place = '';
       CREATE TABLE history (
         row INTEGER NOT NULL,
         number INTEGER NOT NULL,
         at INTEGER NOT NULL,
         came TEXT NOT NULL,
         decided TEXT NOT NULL,
         word TEXT NOT NULL,
         PRIMARY KEY (row, number)) WITHOUT ROWID;)",
    // 4. What ingredients are made of: of a request, of what was uploaded, and of files that were
    // read, whose times are in nanoseconds. `service` and `agent` are the same however they are
    // written.
    R"(ALTER TABLE generations ADD COLUMN contents TEXT NOT NULL DEFAULT '';
       CREATE TABLE assets (
         service TEXT NOT NULL,
         agent TEXT NOT NULL,
         id TEXT NOT NULL,
         sha256 TEXT NOT NULL,
         size INTEGER NOT NULL,
         content_type TEXT NOT NULL,
         file_name TEXT NOT NULL,
         uploaded_at INTEGER NOT NULL,
         is_gone INTEGER NOT NULL DEFAULT 0,
         PRIMARY KEY (service, agent, id)) WITHOUT ROWID;
       CREATE INDEX by_content ON assets (sha256, service, agent, uploaded_at);
       CREATE TABLE files (
         path TEXT PRIMARY KEY,
         device INTEGER NOT NULL,
         inode INTEGER NOT NULL,
         size INTEGER NOT NULL,
         modified_ns INTEGER NOT NULL,
         changed_ns INTEGER NOT NULL,
         sha256 TEXT NOT NULL,
         content_type TEXT NOT NULL);)",
    // 5. `estimate`: what it was expected to cost, in credits. `credit`: what the service says has
    // become of its credits; empty: nothing. That one was stopped proves no refund.
    R"(ALTER TABLE generations ADD COLUMN estimate REAL;
       ALTER TABLE generations ADD COLUMN credit TEXT NOT NULL DEFAULT '';
       DROP INDEX by_time;
       CREATE INDEX by_time ON generations (created_at, status, model, cost, credit, estimate);
       DROP INDEX by_agent;
       CREATE INDEX by_agent ON generations (ltrim(agent_id, '0'), created_at)
         WHERE status NOT IN ('refused');)",
    // 6. A row that was begun on another day and sent in this one counts in this one.
    R"(DROP INDEX by_agent;
       CREATE INDEX by_agent ON generations (ltrim(agent_id, '0'), max(created_at, posted_at))
         WHERE status NOT IN ('refused');)",
    // 7. What became of the rows of batches, which many processes share out.
    R"(CREATE TABLE batch_rows (
         batch TEXT NOT NULL,
         number INTEGER NOT NULL,
         status TEXT NOT NULL,
         request TEXT NOT NULL,
         generation_id TEXT NOT NULL,
         cost REAL,
         is_charged INTEGER NOT NULL,
         bytes INTEGER NOT NULL,
         host TEXT NOT NULL,
         output TEXT NOT NULL,
         receipt TEXT NOT NULL,
         note TEXT NOT NULL,
         exit_code INTEGER NOT NULL,
         changed_at INTEGER NOT NULL,
         PRIMARY KEY (batch, number)) WITHOUT ROWID;)",
    // 8. What has become of the whole, in one row: see store/transfer.h.
    R"(CREATE TABLE ledger (
         moved_to TEXT NOT NULL DEFAULT '',
         filled_from TEXT NOT NULL DEFAULT '',
         transfer TEXT NOT NULL DEFAULT '');
       INSERT INTO ledger DEFAULT VALUES;)",
};
static_assert(migrations.size() == schema_version);

// ---- What SQL does not know ----

std::string text_of(sqlite3_value* value) {
  const auto* text = sqlite3_value_text(value);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void return_text(sqlite3_context* context, const std::string& text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void sql_place(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  guard_c_callback("naming a cell",
                   [&] { return_text(context, place_of(text_of(values[0]), text_of(values[1]))); });
}

void sql_fingerprint(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  guard_c_callback("comparing requests", [&] {
    return_text(context,
                fingerprint_of(text_of(values[0]), text_of(values[1]), text_of(values[2])));
  });
}

void add_functions(sqlite::Database& database) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  sqlite3_create_function_v2(database.handle(), "genpro_place", 2, flags, nullptr, sql_place,
                             nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(database.handle(), "genpro_fingerprint", 3, flags, nullptr,
                             sql_fingerprint, nullptr, nullptr, nullptr);
}

// ---- The file ----

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
    if (auto lock = locks.take(LockFile::setup_place)) return std::move(*lock);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw sqlite::Failure(SQLITE_BUSY, "another process is setting it up");
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

// A log without its file: who still has that open goes on in it, and a new file beside it would be
// a second account.
void check_was_not_removed(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 || errno != ENOENT) return;
  const std::string log = path + "-wal";
  if (stat(log.c_str(), &info) != 0 || info.st_size == 0) return;
  throw LostLedger("it was removed while a program had it open, whose log " + log +
                   " is still there. End that program, then restore the file or remove the log");
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
void check_head(sqlite::Database& database) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return;
  constexpr char magic[] = "SQLite format 3";
  char head[sizeof magic] = {};
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size == 0) return;
  if (file->pMethods->xRead(file, head, sizeof head, 0) != SQLITE_OK ||
      std::memcmp(head, magic, sizeof magic) != 0) {
    throw sqlite::Failure(SQLITE_NOTADB, "file is not a database");
  }
}

std::int64_t check_version(sqlite::Database& database) {
  const std::int64_t version = database.integer("PRAGMA user_version").value_or(0);
  const std::int64_t owner = database.integer("PRAGMA application_id").value_or(0);
  const bool is_empty = database.integer("SELECT count(*) FROM sqlite_master").value_or(0) == 0;
  if (is_empty && version == 0 && owner == 0) return 0;
  if (owner != application_id) throw ForeignLedger("it is a database of another program");
  if (version > schema_version) {
    throw ForeignLedger("it was written by a newer version of gst-genpro (schema " +
                        std::to_string(version) + ", this one knows " +
                        std::to_string(schema_version) + ")");
  }
  if (version < 1) throw sqlite::Failure(SQLITE_CORRUPT, "its version is missing");
  return version;
}

void migrate(sqlite::Database& database, std::int64_t version) {
  if (version == schema_version) return;
  database.limit_work(work_limit(database, true));
  database.execute("PRAGMA cache_size=-65536");
  sqlite::Transaction transaction(database);
  for (auto next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
    database.execute(migrations[next]);
  }
  database.execute("PRAGMA application_id=" + std::to_string(application_id));
  database.execute("PRAGMA user_version=" + std::to_string(schema_version));
  transaction.commit();
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

FileId must_be_there(const std::string& path) {
  if (const auto file = file_id(path)) return *file;
  throw LostLedger(path + " was removed while it was being opened");
}

}  // namespace

std::chrono::milliseconds work_limit(sqlite::Database& database, bool is_report) {
  using namespace std::chrono_literals;
  constexpr std::int64_t bytes_a_millisecond = 8000;
  std::chrono::milliseconds limit = 4s;
  if (!is_report) return limit;
  const char* name = sqlite3_db_filename(database.handle(), "main");
  for (const char* end : {"", "-wal"}) {
    struct stat info {};
    if (name != nullptr && stat((std::string(name) + end).c_str(), &info) == 0) {
      limit += std::chrono::milliseconds(info.st_size / bytes_a_millisecond);
    }
  }
  return limit;
}

void complete_older_rows(sqlite::Database& database) {
  constexpr const char* find = "SELECT id FROM generations WHERE place = '' LIMIT 1";
  if (!database.integer(find)) return;
  sqlite::Transaction transaction(database);
  database.run(
      "UPDATE generations SET fingerprint = genpro_fingerprint(genpro_place(base_url, cell_path), "
      "agent_id, request), made_at = created_at, doubtful = (status = 'unknown'), "
      "place = genpro_place(base_url, cell_path) WHERE place = ''");
  transaction.commit();
}

FileStore::Opened open_ledger_file(const std::string& path, int busy_timeout_ms) {
  create_parents(path);
  FileStore::Opened opened;
  opened.process = getpid();
  opened.asked = take_string(g_canonicalize_filename(path.c_str(), nullptr));
  opened.path = resolve(opened.asked);
  const GCharPtr folder(g_path_get_dirname(opened.path.c_str()));
  check_is_local(folder.get());
  check_is_local(opened.path);
  opened.locks = LockFile::open(opened.path + ".lock");
  if (LockDescriptor::is_inherited(opened.locks->file())) {
    throw LostLedger("the process that this one was forked from had it open");
  }
  const LifeLock setup = take_setup_lock(*opened.locks, busy_timeout_ms);
  check_was_not_removed(opened.path);
  create_private(opened.path);

  opened.database = std::make_unique<SqliteDatabase>(opened.path, SQLITE_OPEN_READWRITE);
  sqlite::Database& database = opened.database->connection();
  database.limit_work(work_limit(database, false));
  sqlite3_busy_timeout(database.handle(), busy_timeout_ms);
  // Until the file is known to be ours nothing may be written to it, the log's content included.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // Nothing in the file's schema may call what is not harmless, or do more than a schema does.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  database.execute("PRAGMA cell_size_check=ON");
  // A damaged length must not ask for all the memory there is.
  sqlite3_limit(database.handle(), SQLITE_LIMIT_LENGTH, longest_value);
  add_functions(database);
  check_head(database);
  const std::int64_t version = check_version(database);
  if (sqlite3_db_readonly(database.handle(), "main") == 1) {
    throw sqlite::Failure(SQLITE_READONLY, "it is read-only");
  }
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  {
    sqlite::Query mode(database, "PRAGMA journal_mode=WAL");
    if (!mode.step() || mode.text(0) != "wal") {
      throw sqlite::Failure(SQLITE_CANTOPEN, "its folder cannot hold a write-ahead log");
    }
  }
  database.execute("PRAGMA synchronous=FULL");
  // Not before the file is known to be ours; the log's files take their mode from it.
  make_private(opened.path);
  migrate(database, version);
  database.execute("PRAGMA cache_size=-2048");
  complete_older_rows(database);
  opened.file = must_be_there(opened.path);
  opened.log = must_be_there(opened.path + "-wal");
  opened.index = must_be_there(opened.path + "-shm");
  return opened;
}

}  // namespace genpro::ledger
