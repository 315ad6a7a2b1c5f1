// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/tables.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "base/glib_ptr.h"
#include "base/no_destructor.h"
#include "base/sqlite.h"
#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/rows.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;
using sql::Type;

namespace {

constexpr std::int64_t page_size = 100;  // rows

const char* const generations_table = "generations";
const char* const batches_table = "batch_rows";

bool holds_generations(const Table& table) {
  return table.name == generations_table;
}

// A word of SQL that is no column of a file's.
bool has_time_of_request(const Database& database) {
  return std::string_view(database.words().asked_at) == "asked_at";
}

std::string names_of(std::span<const Column> columns) {
  std::string list;
  for (const Column& column : columns)
    list += (list.empty() ? "" : ", ") + std::string(column.name);
  return list;
}

std::string marks(std::size_t number) {
  std::string list;
  for (std::size_t at = 0; at < number; ++at) list += at == 0 ? "?" : ", ?";
  return "(" + list + ")";
}

void bind_value(Query& query, const Value& value, Type type) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    query.bind(*number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    query.bind(*real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    query.bind(*text);
  } else if (type == Type::integer) {
    query.bind(std::optional<std::int64_t>());
  } else if (type == Type::real) {
    query.bind(std::optional<double>());
  } else {
    query.bind(std::optional<std::string>());
  }
}

// False: it is none that the column can hold.
bool read_value(const Query& query, int at, const Column& column, Value& value) {
  const Type type = query.type(at);
  if (type == Type::null) {
    value = std::monostate();
    return column.can_be_null;
  }
  if (column.type == Type::real && (type == Type::real || type == Type::integer)) {
    // A zero has no sign in a file.
    const double real = query.real(at) + 0.0;
    value = real;
    return std::isfinite(real);
  }
  if (type != column.type) return false;
  if (type == Type::integer) {
    value = query.integer(at);
    return true;
  }
  const std::string_view text = query.view(at);
  value = std::string(text);
  return is_utf8(text);
}

class Digest {
 public:
  void add(const Value& value) {
    const char kind = static_cast<char>(value.index());
    add(&kind, 1);
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      add(number, sizeof *number);
    } else if (const auto* real = std::get_if<double>(&value)) {
      add(real, sizeof *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      const std::uint64_t size = text->size();
      add(&size, sizeof size);
      add(text->data(), text->size());
    }
  }
  std::string text() { return g_checksum_get_string(checksum_.get()); }

 private:
  void add(const void* bytes, std::size_t size) {
    g_checksum_update(checksum_.get(), static_cast<const guchar*>(bytes),
                      static_cast<gssize>(size));
  }
  const Owned<GChecksum, g_checksum_free> checksum_{g_checksum_new(G_CHECKSUM_SHA256)};
};

std::string number_text(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::to_string(*number) : "?";
}

[[noreturn]] void name_damage(const Table& table, const Values& row, const char* column) {
  if (table.name == std::string_view("assets")) {
    const auto* id = std::get_if<std::string>(&row[2]);
    throw DamagedAsset(id != nullptr ? one_line(*id, 80) : "without an id");
  }
  if (table.name == batches_table) {
    const auto* number = std::get_if<std::int64_t>(&row[1]);
    throw DamagedBatch(number != nullptr ? *number : 0);
  }
  const auto* id = std::get_if<std::int64_t>(&row.front());
  const std::string reason = std::string(column) + " is none";
  throw DamagedRow(id != nullptr ? *id : 0,
                   holds_generations(table)
                       ? "its " + reason
                       : "line " + number_text(row[1]) + " of its history: its " + reason);
}

// Reads a table page by page, each one behind the last row of the one before it.
class Pages {
 public:
  Pages(Store& store, const Table& table)
      : store_(store), table_(table), key_(table.columns.data(), table.key_size) {
    for (const Column& column : key_) {
      last_.push_back(column.type == Type::integer ? Value(std::numeric_limits<std::int64_t>::min())
                                                   : Value(std::string()));
    }
    std::string columns = names_of(table.columns);
    if (holds_generations(table)) columns += std::string(", ") + words().asked_at;
    const std::string key = "(" + names_of(key_) + ")";
    sql_ = "SELECT " + columns + " FROM " + table.name + " WHERE " + key + " > " +
           marks(key_.size()) + " ORDER BY " + names_of(key_) + " LIMIT ?";
  }

  // Empty at the end. `is_last` is set with the last ones.
  std::vector<Values> next(bool& is_last) {
    store_.begin_call(true);
    if (holds_generations(table_)) check();
    std::vector<Values> rows;
    Query query(store_.database(), sql_);
    for (std::size_t at = 0; at < key_.size(); ++at) bind_value(query, last_[at], key_[at].type);
    query.bind(page_size);
    std::int64_t number = 0;
    for (; query.step(); ++number) {
      Values row(table_.columns.size());
      const char* wrong = nullptr;
      for (std::size_t at = 0; at < row.size(); ++at) {
        const Column& column = table_.columns[at];
        if (!read_value(query, static_cast<int>(at), column, row[at])) wrong = column.name;
      }
      if (wrong != nullptr && !is_forgettable()) name_damage(table_, row, wrong);
      go_on(row);
      if (wrong != nullptr) continue;
      if (holds_generations(table_)) {
        row.emplace_back(query.integer(static_cast<int>(table_.columns.size())));
      }
      rows.push_back(std::move(row));
    }
    is_last = number < page_size;
    return rows;
  }

 private:
  const sql::Words& words() { return store_.database().words(); }
  bool is_forgettable() const { return table_.name == std::string_view("files"); }

  // What a row means has to be what a row can mean.
  void check() {
    Database& database = store_.database();
    Query query(database, select_rows(database, "WHERE id > ? ORDER BY id LIMIT ?"),
                std::get<std::int64_t>(last_.front()), page_size);
    read_entries(query);
  }

  // A damaged file may lead in circles.
  void go_on(const Values& row) {
    Values key(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(key_.size()));
    if (key <= last_) throw sqlite::Failure(SQLITE_CORRUPT, "its rows are out of order");
    last_ = std::move(key);
  }

  Store& store_;
  const Table& table_;
  const std::span<const Column> key_;
  std::string sql_;
  Values last_;
};

void count_credits(const Table& table, const Values& row, Tally& tally) {
  const auto amount = [&](const char* name) -> const double* {
    for (std::size_t at = 0; at < table.columns.size(); ++at) {
      if (table.columns[at].name == std::string_view(name)) return std::get_if<double>(&row[at]);
    }
    return nullptr;
  };
  if (const double* cost = amount("cost")) {
    tally.cost += *cost;
  } else if (const double* estimate = amount("estimate")) {
    tally.estimate += *estimate;
  }
}

// Rows of generations first.
std::span<const Table> all_tables() {
  constexpr auto number = Type::integer;
  constexpr auto real = Type::real;
  constexpr auto text = Type::text;
  static NoDestructor<const std::vector<Table>> tables(std::vector<Table>{
      {generations_table,
       1,
       {{"id", number},
        {"fingerprint"},
        {"base_url"},
        {"cell_path"},
        {"agent_id"},
        {"model"},
        {"request"},
        {"idempotency_key"},
        {"generation_id"},
        {"status"},
        {"stop_wanted", number},
        {"cost", real, true},
        {"reason"},
        {"bytes_delivered", number},
        {"created_at", number},
        {"posted_at", number},
        {"ended_at", number},
        {"delivered_at", number},
        {"delivered_by"},
        {"jobs_before", text, true},
        {"unfinished_at", number},
        {"length", real, true},
        {"place"},
        {"data"},
        {"evidence"},
        {"doubtful", number},
        {"is_absent", number},
        {"made_at", number},
        {"made_boot"},
        {"made_up", number},
        {"posted_boot"},
        {"posted_up", number},
        {"looked_boot"},
        {"looked_up", number},
        {"looked_at", number},
        {"contents"},
        {"estimate", real, true},
        {"credit"}}},
      {"history",
       2,
       {{"row", number}, {"number", number}, {"at", number}, {"came"}, {"decided"}, {"word"}}},
      {"assets",
       3,
       {{"service"},
        {"agent"},
        {"id"},
        {"sha256"},
        {"size", number},
        {"content_type"},
        {"file_name"},
        {"uploaded_at", number},
        {"is_gone", number}}},
      {"files",
       1,
       {{"rowid", number},
        {"path"},
        {"device", number},
        {"inode", number},
        {"size", number},
        {"modified_ns", number},
        {"changed_ns", number},
        {"sha256"},
        {"content_type"}}},
      {batches_table,
       2,
       {{"batch"},
        {"number", number},
        {"status"},
        {"request"},
        {"generation_id"},
        {"cost", real, true},
        {"is_charged", number},
        {"bytes", number},
        {"host"},
        {"output"},
        {"receipt"},
        {"note"},
        {"exit_code", number},
        {"changed_at", number}}},
  });
  return *tables;
}

}  // namespace

bool is_empty(Database& database) {
  for (const Table& table : all_tables()) {
    if (database.integer(std::string("SELECT 1 FROM ") + table.name + " LIMIT 1")) return false;
  }
  return true;
}

void remove_all(Database& database) {
  for (const Table& table : all_tables()) {
    database.run(std::string("DELETE FROM ") + table.name);
  }
}

Tally read_all(Store& store,
               const std::function<void(const Table&, const std::vector<Values>&)>& then) {
  Tally tally;
  Digest digest;
  for (const Table& table : all_tables()) {
    std::int64_t& number = tally.rows.emplace_back(0);
    Pages pages(store, table);
    for (bool is_last = false; !is_last;) {
      const std::vector<Values> rows = pages.next(is_last);
      for (const Values& row : rows) {
        for (std::size_t at = 0; at < table.columns.size(); ++at) digest.add(row[at]);
        if (holds_generations(table)) count_credits(table, row, tally);
      }
      number += static_cast<std::int64_t>(rows.size());
      if (then && !rows.empty()) then(table, rows);
    }
    digest.add(number);
  }
  tally.digest = digest.text();
  tally.last_number = store.last_number();
  return tally;
}

void insert_rows(Database& database, const Table& table, const std::vector<Values>& rows) {
  const bool has_time = holds_generations(table) && has_time_of_request(database);
  const std::size_t width = table.columns.size();
  std::string sql = std::string("INSERT INTO ") + table.name + " (" + names_of(table.columns) +
                    (has_time ? ", asked_at" : "") + ") VALUES ";
  for (std::size_t at = 0; at < rows.size(); ++at) {
    sql += (at == 0 ? "" : ", ") + marks(width + (has_time ? 1 : 0));
  }
  Query query(database, sql);
  for (const Values& row : rows) {
    for (std::size_t at = 0; at < width; ++at) bind_value(query, row[at], table.columns[at].type);
    if (has_time) bind_value(query, row[width], Type::integer);
  }
  query.run();
}

}  // namespace genpro::ledger
