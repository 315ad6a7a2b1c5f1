// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/sqlite.h"

namespace genpro::job {

namespace {

[[noreturn]] void raise(sqlite3* database) {
  throw SqliteFailure(sqlite3_errcode(database), sqlite3_errmsg(database));
}

void check(sqlite3* database, int result) {
  if (result != SQLITE_OK) raise(database);
}

}  // namespace

Statement::Statement(Database& database, std::string_view sql) : database_(database.handle()) {
  sqlite3_stmt* statement = nullptr;
  check(database_, sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr));
  statement_.reset(statement);
}

Statement& Statement::bind(std::int64_t value) {
  check(database_, sqlite3_bind_int64(statement_.get(), ++bound_, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(database_, sqlite3_bind_double(statement_.get(), ++bound_, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  // A text without characters has no address of its own; null would be stored for it.
  check(database_, sqlite3_bind_text64(statement_.get(), ++bound_, text.empty() ? "" : text.data(),
                                       text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_null() {
  check(database_, sqlite3_bind_null(statement_.get(), ++bound_));
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result != SQLITE_ROW && result != SQLITE_DONE) raise(database_);
  return result == SQLITE_ROW;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Database::Database(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (handle == nullptr) throw SqliteFailure(result, sqlite3_errstr(result));
  check(handle, result);
}

void Database::execute(const char* sql) {
  check(handle_.get(), sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

std::int64_t Database::integer(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace genpro::job
