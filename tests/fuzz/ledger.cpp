// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line for each column of a ledger's row, as another program may have written it: `i5` is
// an integer, `r0.5` a real, `tword` a text, `bword` a blob, anything else NULL.
#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "fuzz.h"
#include "ledger/file/sqlite_sql.h"
#include "ledger/rows.h"

namespace genpro::fuzz {

namespace {

using ledger::Row;
using ledger::SqliteDatabase;
using sqlite::Query;

const std::size_t columns = 1 + std::ranges::count(std::string_view(ledger::row_columns), ',');

struct BadRow {
  std::vector<std::string> cells;

  void bind_to(Query& query, std::size_t column) const {
    const std::string& cell = cells[column];
    const std::string value = cell.empty() ? "" : cell.substr(1);
    switch (cell.empty() ? 'n' : cell.front()) {
      case 'i':
        query.bind(static_cast<std::int64_t>(g_ascii_strtoll(value.c_str(), nullptr, 10)));
        break;
      case 'r':
        query.bind(g_ascii_strtod(value.c_str(), nullptr));
        break;
      case 't':
      case 'b':
        query.bind(value);
        break;
      default:
        query.bind_null();
    }
  }
};

SqliteDatabase& database() {
  static SqliteDatabase database(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  static const bool created = [] {
    // Without types, so that each column takes any.
    database.connection().execute(std::string("CREATE TABLE generations (") + ledger::row_columns +
                                  ")");
    return true;
  }();
  (void)created;
  return database;
}

bool is_key(const std::string& key) {
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// What a reader may rely on.
void check_sound(const Row& row) {
  const std::string& generation = payment::generation_id(row.entry.state);
  FUZZ_CHECK(generation.empty() || is_id(generation));
  FUZZ_CHECK(row.entry.id > 0);
  FUZZ_CHECK(payment::meaning(row.entry.state).word == row.word);
  FUZZ_CHECK(is_one_line(payment::reason(row.entry.state)));
  FUZZ_CHECK(row.entry.identity.cell_path.find("..") == std::string::npos);
  for (const std::string* text :
       {&row.entry.identity.request, &row.entry.identity.model, &row.entry.delivered_by}) {
    FUZZ_CHECK(is_utf8(*text));
  }
  const payment::Attempt* attempt = payment::attempt(row.entry.state);
  if (attempt == nullptr) return;
  FUZZ_CHECK(generation.empty() && is_key(attempt->key));
  for (const std::string& job : attempt->before.value_or(std::vector<std::string>())) {
    FUZZ_CHECK(is_id(job));
  }
}

void check_row(const BadRow& bad) {
  SqliteDatabase& rows = database();
  rows.connection().execute("DELETE FROM generations");
  // One text for all inputs, since a connection keeps what it has compiled.
  static const std::string insert = [] {
    std::string places;
    for (std::size_t column = 0; column < columns; ++column) {
      places += column == 0 ? "" : ", ";
      places += "CASE WHEN ? THEN CAST(?" + std::to_string(2 * column + 2) + " AS BLOB) ELSE ?" +
                std::to_string(2 * column + 2) + " END";
    }
    return "INSERT INTO generations VALUES (" + places + ")";
  }();
  {
    Query query(rows.connection(), insert);
    for (std::size_t column = 0; column < columns; ++column) {
      query.bind(bad.cells[column].starts_with('b'));
      bad.bind_to(query, column);
    }
    query.run();
  }

  int seen = 0;
  std::optional<Row> sound;
  ledger::sql::Query all(rows, ledger::select_rows(rows, ""));
  ledger::read_each(all, [&](std::int64_t /*id*/, const Row* row, const std::string& reason) {
    ++seen;
    FUZZ_CHECK((row == nullptr) == !reason.empty());
    FUZZ_CHECK(is_one_line(reason));
    if (row != nullptr) sound = *row;
  });
  FUZZ_CHECK(seen == 1);
  if (!sound) return;
  check_sound(*sound);
  // What was read can be written, and says the same then.
  Row again = *sound;
  ledger::set_state(again, sound->entry.state);
  ledger::write_row(rows, again);
  const auto written = ledger::read_row(rows, sound->entry.id);
  FUZZ_CHECK(written && written->entry.state == sound->entry.state);
}

// Ids go into a cell and come out of it, in their order.
void check_ids(std::vector<std::string> ids) {
  std::erase_if(ids, [](const std::string& id) { return !is_id(id); });
  FUZZ_CHECK(ledger::parse_ids(ledger::ids_text(ids)) == ids);
}

}  // namespace

void test_one(std::string_view input) {
  const BadRow row{split(input, '\n', columns)};
  check_row(row);
  check_ids(row.cells);
  for (const std::string& cell : row.cells) {
    const auto ids = ledger::parse_ids(cell);
    for (const std::string& id : ids.value_or(std::vector<std::string>())) FUZZ_CHECK(is_id(id));
    const std::string line = ledger::short_text(cell);
    FUZZ_CHECK(is_one_line(line) && line.size() <= 300);
  }
}

}  // namespace genpro::fuzz
