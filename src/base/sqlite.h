// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SQLite as a C++ library would be: what is open is closed, what fails throws. The exceptions do
// not leave src/job: the ledger's own functions turn them into an Error.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/glib_ptr.h"

namespace genpro::job {

// `code` is SQLite's primary result code, such as SQLITE_BUSY.
class SqliteFailure : public std::runtime_error {
 public:
  SqliteFailure(int code, const std::string& reason) : std::runtime_error(reason), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

class Database;

// One prepared statement, used once: bind in order, then step through its rows.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind(std::string_view text);
  Statement& bind_null();
  template <typename T>
  Statement& bind(const std::optional<T>& value) {
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
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3* database_;
  Owned<sqlite3_stmt, sqlite3_finalize> statement_;
  int bound_ = 0;
};

// One connection. Belongs to one thread at a time.
class Database {
 public:
  // `flags`: those of sqlite3_open_v2().
  Database(const std::string& path, int flags);

  void execute(const char* sql);
  // The first column of the only row.
  std::int64_t integer(const char* sql);
  std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  int changes() const { return sqlite3_changes(handle_.get()); }
  sqlite3* handle() const { return handle_.get(); }

 private:
  Owned<sqlite3, sqlite3_close_v2> handle_;
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
  bool open_ = true;
};

}  // namespace genpro::job
