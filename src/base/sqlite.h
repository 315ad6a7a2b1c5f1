// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SQLite as a C++ library would be: statements are compiled once and lent out, what is open is
// closed, what fails throws. One connection belongs to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/glib_ptr.h"

namespace genpro::sqlite {

// `code` is SQLite's primary result code, such as SQLITE_BUSY.
class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string& reason) : std::runtime_error(reason), code_(code) {}
  int code() const { return code_; }
  // Another program holds the file; asking again later helps.
  bool is_busy() const { return code_ == SQLITE_BUSY || code_ == SQLITE_LOCKED; }

 private:
  int code_;
};

class Database;

// One use of a compiled statement: bind in order, then step through its rows. The statement goes
// back to its connection at the end, so that a loop over the rows may use the same text once more.
class Query {
 public:
  template <typename... Values>
  Query(Database& database, std::string_view sql, const Values&... values) : Query(database, sql) {
    (bind(values), ...);
  }
  Query(Database& database, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(std::integral auto value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(double value);
  Query& bind(std::string_view text);
  Query& bind(const std::string& text) { return bind(std::string_view(text)); }
  Query& bind(const char* text) { return bind(std::string_view(text)); }
  Query& bind_null();
  template <typename T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  // True while there is a row to look at.
  bool step();
  // For statements without rows.
  void run() {
    while (step()) {
    }
  }

  // Columns count from 0.
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string text(int column) const { return std::string(view(column)); }
  // Until the next step.
  std::string_view view(int column) const;
  // Such as SQLITE_TEXT; before anything else is read of the column.
  int type(int column) const { return sqlite3_column_type(statement_, column); }
  bool is_null(int column) const { return type(column) == SQLITE_NULL; }
  std::optional<std::string> optional_text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

class Database {
 public:
  // `flags`: those of sqlite3_open_v2().
  Database(const std::string& path, int flags);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or more statements without parameters.
  void execute(const std::string& sql);
  // Compiles on the first use of `sql` and binds what follows.
  template <typename... Values>
  void run(std::string_view sql, const Values&... values) {
    Query(*this, sql, values...).run();
  }
  // The first column of the first row; nothing without a row.
  template <typename... Values>
  std::optional<std::int64_t> integer(std::string_view sql, const Values&... values) {
    Query query(*this, sql, values...);
    if (!query.step()) return {};
    return query.integer(0);
  }

  // From now on no statement computes for longer; it fails with SQLITE_INTERRUPT. A damaged file
  // may lead in circles. Time that is spent waiting for a lock or the disk does not count.
  void limit_work(std::chrono::milliseconds limit);

  std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  sqlite3* handle() const { return handle_.get(); }

  // Forgets the connection and leaves it as it is: for a forked child, which must not touch what
  // its parent opened.
  void abandon() noexcept;

 private:
  friend class Query;
  static int on_progress(void* self);
  sqlite3_stmt* take(std::string_view sql);
  void give_back(sqlite3_stmt* statement);
  [[noreturn]] void raise();
  void check(int result) {
    if (result != SQLITE_OK) raise();
  }

  Owned<sqlite3, sqlite3_close_v2> handle_;
  std::chrono::nanoseconds work_ends_at_ = std::chrono::nanoseconds::max();  // of the thread's time
  // Idle statements by their text.
  std::unordered_multimap<std::string_view, Owned<sqlite3_stmt, sqlite3_finalize>> idle_;
};

// Takes the write lock at once, so that what is read inside stays true until commit(). Rolls back
// when it is left without one.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool is_open_ = true;
};

}  // namespace genpro::sqlite
