// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/sqlite.h"

#include <time.h>

namespace genpro::sqlite {

namespace {

// Of SQLite's virtual machine, between two looks at the clock: well under a millisecond.
constexpr int steps_between_looks = 10'000;

std::chrono::nanoseconds computing_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Query::Query(Database& database, std::string_view sql)
    : database_(database), statement_(database.take(sql)) {}

Query::~Query() {
  database_.give_back(statement_);
}

Query& Query::bind(std::int64_t value) {
  database_.check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(double value) {
  database_.check(sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(std::string_view text) {
  // A text without characters has no address of its own; null would be stored for it.
  database_.check(sqlite3_bind_text64(statement_, ++bound_, text.empty() ? "" : text.data(),
                                      text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Query& Query::bind_null() {
  database_.check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

bool Query::step() {
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) database_.raise();
  return result == SQLITE_ROW;
}

std::string_view Query::view(int column) const {
  const auto* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::string> Query::optional_text(int column) const {
  if (is_null(column)) return {};
  return text(column);
}

std::optional<std::int64_t> Query::optional_integer(int column) const {
  if (is_null(column)) return {};
  return integer(column);
}

Database::Database(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (handle == nullptr) throw Failure(result, sqlite3_errstr(result));
  check(result);
}

void Database::raise() {
  throw Failure(sqlite3_errcode(handle_.get()), sqlite3_errmsg(handle_.get()));
}

void Database::execute(const std::string& sql) {
  check(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

void Database::limit_work(std::chrono::milliseconds limit) {
  work_ends_at_ = computing_time() + limit;
  sqlite3_progress_handler(handle_.get(), steps_between_looks, on_progress, this);
}

int Database::on_progress(void* self) {
  return computing_time() > static_cast<Database*>(self)->work_ends_at_ ? 1 : 0;
}

void Database::abandon() noexcept {
  for (auto& [sql, statement] : idle_) (void)statement.release();
  idle_.clear();
  (void)handle_.release();
}

sqlite3_stmt* Database::take(std::string_view sql) {
  const auto found = idle_.find(sql);
  if (found != idle_.end()) {
    sqlite3_stmt* statement = found->second.release();
    idle_.erase(found);
    return statement;
  }
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  return statement;
}

void Database::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  // The statement keeps its own copy of the text, which lives as long as it does.
  idle_.emplace(sqlite3_sql(statement), Owned<sqlite3_stmt, sqlite3_finalize>(statement));
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (is_open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  is_open_ = false;
}

}  // namespace genpro::sqlite
