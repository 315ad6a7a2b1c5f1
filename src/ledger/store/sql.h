// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SQL as the ledger uses it, whatever the engine: texts that SQLite and PostgreSQL both understand,
// with `?` for each value. Where they have no word in common, Words has the engine's own.
//
// Threads: one at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "payment/payment.h"

namespace genpro::ledger::sql {

enum class Type { null, integer, real, text, other };

// One use of a statement, bound in order, then read row by row.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual void bind(std::int64_t value) = 0;
  virtual void bind(double value) = 0;
  virtual void bind(std::string_view text) = 0;
  // `type`: what is bound there when there is a value.
  virtual void bind_null(Type type) = 0;
  virtual bool step() = 0;
  virtual Type type(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string_view view(int column) const = 0;
};

struct Words {
  const char* rank;        // an expression: the row's Rank, as an index has it
  const char* by_time;     // behind a table: how to have its index by time read
  const char* for_update;  // behind a SELECT of rows: nobody else changes them until the end
  const char* asked_at;  // an expression: when what the row is about was asked for, as limits count
  const char* unchanged_ms;  // an expression: since when a row has not been changed, by a clock
                             // that all machines share; -1: they are one machine's
  bool groups_by_hash;  // GROUP BY need not sort all rows, which takes longer than to read them
};

class Database {
 public:
  virtual ~Database() = default;
  virtual std::unique_ptr<Cursor> prepare(std::string_view sql) = 0;
  virtual const Words& words() const = 0;
  // A time that a row of this machine or another one holds, as one of this machine's, and not
  // earlier than it was: for how long ago it is at least. The same each time that it is read.
  virtual payment::Moment local(const payment::Moment& moment, std::int64_t /*unchanged_ms*/) {
    return moment;
  }
  virtual void begin() = 0;
  virtual void commit() = 0;
  virtual void roll_back() noexcept = 0;

  // Returns how many rows were changed.
  template <typename... Values>
  std::int64_t run(std::string_view sql, const Values&... values);
  // The first column of the first row; nothing without a row.
  template <typename... Values>
  std::optional<std::int64_t> integer(std::string_view sql, const Values&... values);

  // By the latest statement that was stepped to its end.
  virtual std::int64_t changes() const = 0;
};

class Query {
 public:
  template <typename... Values>
  Query(Database& database, std::string_view sql, const Values&... values)
      : database_(database), cursor_(database.prepare(sql)) {
    (bind(values), ...);
  }
  Database& database() const { return database_; }

  Query& bind(std::int64_t value) { return cursor_->bind(value), *this; }
  Query& bind(std::integral auto value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(double value) { return cursor_->bind(value), *this; }
  Query& bind(std::string_view text) { return cursor_->bind(text), *this; }
  Query& bind(const std::string& text) { return bind(std::string_view(text)); }
  Query& bind(const char* text) { return bind(std::string_view(text)); }
  template <typename T>
  Query& bind(const std::optional<T>& value) {
    if (value) return bind(*value);
    constexpr Type type = std::integral<T>         ? Type::integer
                          : std::floating_point<T> ? Type::real
                                                   : Type::text;
    return cursor_->bind_null(type), *this;
  }

  // True while there is a row to look at.
  bool step() { return cursor_->step(); }
  // For statements without rows.
  void run() {
    while (step()) {
    }
  }

  // Columns count from 0.
  std::int64_t integer(int column) const { return cursor_->integer(column); }
  double real(int column) const { return cursor_->real(column); }
  std::string text(int column) const { return std::string(view(column)); }
  // Until the next step.
  std::string_view view(int column) const { return cursor_->view(column); }
  // Before anything else is read of the column.
  Type type(int column) const { return cursor_->type(column); }
  bool is_null(int column) const { return type(column) == Type::null; }

 private:
  Database& database_;
  std::unique_ptr<Cursor> cursor_;
};

template <typename... Values>
std::int64_t Database::run(std::string_view sql, const Values&... values) {
  Query(*this, sql, values...).run();
  return changes();
}

template <typename... Values>
std::optional<std::int64_t> Database::integer(std::string_view sql, const Values&... values) {
  Query query(*this, sql, values...);
  if (!query.step()) return {};
  return query.integer(0);
}

// What is read inside stays true until commit(): of a file the whole of it, of a server the rows
// that are read for update and what Store::lock_agent() guards. Rolls back when it is left without
// a commit.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database.begin(); }
  ~Transaction() {
    if (is_open_) database_.roll_back();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    database_.commit();
    is_open_ = false;
  }

 private:
  Database& database_;
  bool is_open_ = true;
};

}  // namespace genpro::ledger::sql
