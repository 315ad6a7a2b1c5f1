// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SQLite for one connection and one thread: statements are compiled once and lent out, what is open
// is closed, what fails throws.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/glib_ptr.h"

namespace genpro::emulator {

// The store could not be read or written.
class StoreError : public std::runtime_error {
 public:
  StoreError(int code, const std::string& reason) : std::runtime_error(reason), code_(code) {}
  // Another program holds the database; asking again later helps.
  bool is_busy() const { return code_ == SQLITE_BUSY || code_ == SQLITE_LOCKED; }
  int code() const { return code_; }

 private:
  int code_;  // SQLite's primary result code
};

class Database;

// One use of a compiled statement: bind in order, then step through its rows. Goes back to where it
// came from when it is destroyed, so that a loop over its rows may use the same text once more.
class Query {
 public:
  Query(Database& database, const char* sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value);
  Query& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
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
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  std::optional<std::string> optional_text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

class Database {
 public:
  // Opens or creates the file. Throws StoreError.
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const char* sql);
  // Compiles on the first use of `sql` and binds what follows.
  template <typename... Values>
  void run(const char* sql, const Values&... values) {
    Query query(*this, sql);
    (query.bind(values), ...);
    query.run();
  }
  // The first column of the first row; nothing without a row.
  template <typename... Values>
  std::optional<std::int64_t> integer(const char* sql, const Values&... values) {
    Query query(*this, sql);
    (query.bind(values), ...);
    if (!query.step()) return {};
    return query.integer(0);
  }

 private:
  friend class Query;
  sqlite3_stmt* take(const char* sql);
  void give_back(sqlite3_stmt* statement);
  [[noreturn]] void raise();
  void check(int result) {
    if (result != SQLITE_OK) raise();
  }

  Owned<sqlite3, sqlite3_close_v2> handle_;
  // Idle statements by their text.
  std::unordered_multimap<std::string_view, Owned<sqlite3_stmt, sqlite3_finalize>> idle_;
};

}  // namespace genpro::emulator
