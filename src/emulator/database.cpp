// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/database.h"

namespace genpro::emulator {

namespace {

constexpr int busy_milliseconds = 2000;

}  // namespace

Database::Database(const std::string& path) {
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(handle);
  if (handle == nullptr) throw StoreError(result, sqlite3_errstr(result));
  check(result);
  check(sqlite3_busy_timeout(handle, busy_milliseconds));
}

Database::~Database() = default;

void Database::raise() {
  throw StoreError(sqlite3_errcode(handle_.get()), sqlite3_errmsg(handle_.get()));
}

void Database::execute(const char* sql) {
  check(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

sqlite3_stmt* Database::take(const char* sql) {
  const auto found = idle_.find(sql);
  if (found != idle_.end()) {
    sqlite3_stmt* statement = found->second.release();
    idle_.erase(found);
    return statement;
  }
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  return statement;
}

void Database::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  // The statement keeps its own copy of the text, which lives as long as it does.
  idle_.emplace(sqlite3_sql(statement), Owned<sqlite3_stmt, sqlite3_finalize>(statement));
}

Query::Query(Database& database, const char* sql)
    : database_(database), statement_(database.take(sql)) {}

Query::~Query() {
  database_.give_back(statement_);
}

Query& Query::bind(std::int64_t value) {
  database_.check(sqlite3_bind_int64(statement_, ++bound_, value));
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

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Query::text(int column) const {
  const auto* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::string> Query::optional_text(int column) const {
  if (is_null(column)) return {};
  return text(column);
}

std::optional<std::int64_t> Query::optional_integer(int column) const {
  if (is_null(column)) return {};
  return integer(column);
}

}  // namespace genpro::emulator
