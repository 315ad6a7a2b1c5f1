// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/sqlite_sql.h"

namespace genpro::ledger {

namespace {

class SqliteCursor : public sql::Cursor {
 public:
  SqliteCursor(sqlite::Database& database, std::string_view sql) : query_(database, sql) {}

  void bind(std::int64_t value) override { query_.bind(value); }
  void bind(double value) override { query_.bind(value); }
  void bind(std::string_view text) override { query_.bind(text); }
  void bind_null(sql::Type /*type*/) override { query_.bind_null(); }
  bool step() override { return query_.step(); }
  sql::Type type(int column) const override {
    switch (query_.type(column)) {
      case SQLITE_NULL:
        return sql::Type::null;
      case SQLITE_INTEGER:
        return sql::Type::integer;
      case SQLITE_FLOAT:
        return sql::Type::real;
      case SQLITE_TEXT:
        return sql::Type::text;
      default:
        return sql::Type::other;
    }
  }
  std::int64_t integer(int column) const override { return query_.integer(column); }
  double real(int column) const override { return query_.real(column); }
  std::string_view view(int column) const override { return query_.view(column); }

 private:
  sqlite::Query query_;
};

}  // namespace

std::unique_ptr<sql::Cursor> SqliteDatabase::prepare(std::string_view sql) {
  return std::make_unique<SqliteCursor>(connection_, sql);
}

const sql::Words& SqliteDatabase::words() const {
  static constexpr sql::Words words = {
      // By the letter as by_request has it.
      "CASE status WHEN 'completed' THEN 1 + (delivered_at <> 0) "
      "WHEN 'processing' THEN 3 WHEN 'pending' THEN 3 "
      "WHEN 'submitting' THEN 4 WHEN 'unknown' THEN 4 WHEN 'prepared' THEN 4 "
      "WHEN 'gone' THEN 5 WHEN 'failed' THEN 6 WHEN 'stopped' THEN 6 WHEN 'refused' THEN 6 "
      "ELSE 0 END",
      "INDEXED BY by_time",
      "",
      "max(created_at, posted_at)",
      "-1",
      false};
  return words;
}

void SqliteDatabase::commit() {
  transaction_->commit();
  transaction_.reset();
}

}  // namespace genpro::ledger
