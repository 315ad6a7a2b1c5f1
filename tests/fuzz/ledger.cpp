// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a line for each column of a ledger's row, as another program may have written it: `i5` is
// an integer, `r0.5` a real, `tword` a text, `bword` a blob, anything else NULL.
#include <algorithm>
#include <iterator>

#include "api/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "job/ledger_rows.h"
#include "job/ledger_schema.h"

namespace genpro::fuzz {

namespace {

using job::Database;
using job::Entry;
using job::EntryStatus;
using job::Statement;

constexpr std::size_t status_column = 9;
constexpr std::size_t jobs_column = 20;
constexpr std::size_t columns = 21;

struct BadRow {
  std::vector<std::string> cells;

  void bind_to(Statement& statement, std::size_t column) const {
    const std::string& cell = cells[column];
    const std::string value = cell.empty() ? "" : cell.substr(1);
    switch (cell.empty() ? 'n' : cell.front()) {
      case 'i':
        statement.bind(static_cast<std::int64_t>(g_ascii_strtoll(value.c_str(), nullptr, 10)));
        break;
      case 'r':
        statement.bind(g_ascii_strtod(value.c_str(), nullptr));
        break;
      case 't':
      case 'b':
        statement.bind(std::string_view(value));
        break;
      default:
        statement.bind_null();
    }
  }
};

Database& database() {
  static Database database(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  static const bool created = [] {
    // Without types, so that each column takes any.
    database.execute(
        (std::string("CREATE TABLE generations (") + job::entry_columns + ")").c_str());
    return true;
  }();
  (void)created;
  return database;
}

void check_row(const BadRow& row) {
  Database& rows = database();
  rows.execute("DELETE FROM generations");
  std::string places;
  for (std::size_t column = 0; column < columns; ++column) {
    const bool is_blob = row.cells[column].starts_with('b');
    places += std::string(column == 0 ? "" : ", ") + (is_blob ? "CAST(? AS BLOB)" : "?");
  }
  Statement insert(rows, "INSERT INTO generations VALUES (" + places + ")");
  for (std::size_t column = 0; column < columns; ++column) row.bind_to(insert, column);
  insert.run();

  const auto entries = job::read_entries(rows, "", nullptr);
  FUZZ_CHECK(entries.size() == 1);
  const Entry& entry = entries.front();
  // A word that is not known is no end: somebody has to look at it.
  const std::string& word = row.cells[status_column];
  const auto known = job::entry_status_from_word(word.empty() ? "" : word.substr(1));
  if (word.starts_with('t')) {
    FUZZ_CHECK(entry.status == known.value_or(EntryStatus::unknown));
    FUZZ_CHECK(!known || job::to_word(*known) == word.substr(1));
  } else if (!word.starts_with('b')) {
    FUZZ_CHECK(entry.status == EntryStatus::unknown);
  }
  if (row.cells[1].starts_with('t')) FUZZ_CHECK(entry.fingerprint == row.cells[1].substr(1));
  if (row.cells[0].starts_with('i')) {
    FUZZ_CHECK(job::read_entry(rows, entry.id));
  }
  FUZZ_CHECK(entry.jobs_before || !row.cells[jobs_column].starts_with('t'));
}

// Ids go into a cell and come out of it, in their order.
void check_jobs(std::vector<std::string> jobs) {
  std::erase_if(jobs, [](const std::string& job) {
    return !is_utf8(job) || job.find('\0') != std::string::npos;
  });
  FUZZ_CHECK(!job::jobs_text(std::nullopt));
  const auto text = job::jobs_text(jobs);
  FUZZ_CHECK(text && job::parse_jobs(*text) == jobs);
}

}  // namespace

void test_one(std::string_view input) {
  const BadRow row{split(input, '\n', columns)};
  check_row(row);
  check_jobs(row.cells);
  for (const std::string& cell : row.cells) {
    for (const std::string& job : job::parse_jobs(cell)) FUZZ_CHECK(is_utf8(job));
  }
}

}  // namespace genpro::fuzz
