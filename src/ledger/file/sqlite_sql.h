// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/sqlite.h"
#include "ledger/store/sql.h"

namespace genpro::ledger {

// SQLite behind the ledger's SQL. Throws sqlite::Failure.
class SqliteDatabase : public sql::Database {
 public:
  // `flags`: those of sqlite3_open_v2().
  SqliteDatabase(const std::string& path, int flags) : connection_(path, flags) {}

  sqlite::Database& connection() { return connection_; }
  std::unique_ptr<sql::Cursor> prepare(std::string_view sql) override;
  const sql::Words& words() const override;
  void begin() override { transaction_.emplace(connection_); }
  void commit() override;
  void roll_back() noexcept override { transaction_.reset(); }
  std::int64_t changes() const override { return connection_.changes(); }

 private:
  sqlite::Database connection_;
  std::optional<sqlite::Transaction> transaction_;
};

}  // namespace genpro::ledger
