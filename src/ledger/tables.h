// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tables of a ledger as they are kept, value by value, for who copies all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ledger/store/store.h"

namespace genpro::ledger {

using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Values = std::vector<Value>;

struct Column {
  const char* name;
  sql::Type type = sql::Type::text;
  bool can_be_null = false;
};

// Its first columns are its key, by which it is in order.
struct Table {
  const char* name;
  std::size_t key_size;
  std::vector<Column> columns;
};

// What two ledgers that hold the same have in common.
struct Tally {
  std::vector<std::int64_t> rows;  // by table
  double cost = 0;                 // credits, what the service said
  double estimate = 0;             // credits, of those that it has not said it of
  std::string digest;              // SHA-256 of each value; hexadecimal
  std::int64_t last_number = 0;
  bool operator==(const Tally&) const = default;
};

bool is_empty(sql::Database& database);
void remove_all(sql::Database& database);
// Reads all of it, some rows at a time, which are `then`'s, with when each one counts as asked for
// behind the columns of a generation. Throws DamagedRow and DamagedAsset. What it knew of a file
// that cannot be is left out: such a file is read once more.
Tally read_all(Store& store,
               const std::function<void(const Table&, const std::vector<Values>&)>& then = {});
// Rows as read_all() gives them.
void insert_rows(sql::Database& database, const Table& table, const std::vector<Values>& rows);

}  // namespace genpro::ledger
