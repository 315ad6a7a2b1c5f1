// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Rows of the ledger as C++ values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/store/sql.h"

namespace genpro::ledger {

// What a row holds, and what is needed to write it once more: columns that its state has no use for
// stay as they are.
struct Row {
  Entry entry;
  payment::Attempt attempt;  // `stop_wanted`: of the state, whether or not that has an attempt
  std::string generation_id;
  std::string reason;
  payment::Evidence evidence = payment::Evidence::proven;
  payment::Credit credit = payment::Credit::unknown;
  std::string word;
};

// In the order in which they are read.
extern const char* const row_columns;
// The statement that reads rows. `condition` begins with WHERE; `beside` is what is read as well,
// an expression whose column is beside_column.
std::string select_rows(const sql::Database& database, const std::string& condition,
                        const std::string& beside = "");
inline constexpr int beside_column = 39;
// Throw DamagedRow.
std::vector<Entry> read_entries(sql::Query& query);
template <typename... Values>
std::vector<Entry> read_entries(sql::Database& database, const std::string& condition,
                                const Values&... values) {
  sql::Query query(database, select_rows(database, condition), values...);
  return read_entries(query);
}
// Each row, and why it cannot be read.
void read_each(sql::Query& query,
               const std::function<void(std::int64_t, const Row*, const std::string&)>& then);
std::optional<Row> read_row(sql::Query& query);
std::optional<Row> read_row(sql::Database& database, std::int64_t id);
std::optional<Row> read_for_update(sql::Database& database, std::int64_t id);

// As it is on disk: texts of one line, and nothing that belongs to a run.
payment::State as_stored(const payment::State& state);
// Puts the state into the row, for write_row() and insert_row().
void set_state(Row& row, const payment::State& state);
void write_row(sql::Database& database, const Row& row);
std::int64_t insert_row(sql::Database& database, const Row& row);
// Of a line without both texts there is none.
void add_history(sql::Database& database, std::int64_t row, WallTime at, const std::string& came,
                 const std::string& decided, std::string_view word);

// Parts of SQL that say what payment::meanings() says: `status IN (...)`.
std::string is_unsettled_sql();   // by_unsettled
std::string is_unfinished_sql();  // by_open
std::string counts_sql();         // by_agent
std::string is_closed_sql();
// How well a row of a fingerprint serves, as sql::Words::rank has it, the best with 1. 6: not at
// all; 0: it cannot be told. by_request
enum Rank { rank_damaged, rank_completed, rank_delivered, rank_known, rank_unsettled, rank_gone };

// Nothing: the column never holds that.
std::optional<payment::Credit> credit_by_word(std::string_view word);

// A JSON array of ids.
std::string ids_text(const std::vector<std::string>& ids);
// Nothing when it is none.
std::optional<std::vector<std::string>> parse_ids(std::string_view text);

// One line, at most 300 bytes.
std::string short_text(const std::string& text);

// Ids of content resources of which what is known cannot be. Of all users of the file.
std::vector<std::string> damaged_assets(sql::Database& database);

}  // namespace genpro::ledger
