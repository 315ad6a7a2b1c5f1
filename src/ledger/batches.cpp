// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <string>

#include "ledger/errors.h"
#include "ledger/rows.h"
#include "ledger/store/transfer.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;
using sql::Transaction;

namespace {

constexpr std::array status_words = {std::pair{BatchRow::Status::begun, "begun"},
                                     std::pair{BatchRow::Status::done, "done"},
                                     std::pair{BatchRow::Status::failed, "failed"}};

const char* to_word(BatchRow::Status status) {
  return std::ranges::find(status_words, status, &std::pair<BatchRow::Status, const char*>::first)
      ->second;
}

// What cannot be told is not taken for a row that is still to be made.
BatchRow::Status parse_status(std::string_view word, std::int64_t number) {
  for (const auto& [status, its_word] : status_words) {
    if (word == its_word) return status;
  }
  throw DamagedBatch(number);
}

}  // namespace

Result<std::vector<BatchRow>> Ledger::batch_rows(const std::string& batch) {
  return attempt<std::vector<BatchRow>>(false, [&](Database& database) {
    Query query(database,
                "SELECT number, status, request, generation_id, cost, is_charged, bytes, host, "
                "output, receipt, note, exit_code, changed_at FROM batch_rows WHERE batch = ? "
                "ORDER BY number",
                batch);
    std::vector<BatchRow> rows;
    while (query.step()) {
      BatchRow row;
      row.batch = batch;
      row.number = query.integer(0);
      row.status = parse_status(query.view(1), row.number);
      row.request = query.text(2);
      row.generation_id = query.text(3);
      if (!query.is_null(4)) row.cost = query.real(4);
      row.is_charged = query.integer(5) != 0;
      row.bytes = static_cast<std::uint64_t>(query.integer(6));
      row.host = query.text(7);
      row.output = query.text(8);
      row.receipt = query.text(9);
      row.note = query.text(10);
      row.exit_code = static_cast<int>(query.integer(11));
      row.changed_at = query.integer(12);
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

Result<bool> Ledger::note_batch_row(const BatchRow& row, bool may_share) {
  return attempt<bool>(false, [&](Database& database) {
    Transaction transaction(database);
    check_is_open(database);
    store_->lock_agent(row.batch);
    if (!may_share && !row.generation_id.empty() &&
        database.integer("SELECT 1 FROM batch_rows WHERE batch = ? AND generation_id = ? AND "
                         "number <> ? LIMIT 1",
                         row.batch, row.generation_id, row.number)) {
      return false;
    }
    // Who was cut off while another one took the row over comes late with less.
    const char* is_done =
        "SELECT 1 FROM batch_rows WHERE batch = ? AND number = ? AND status = 'done' AND "
        "generation_id = ?";
    if (row.status != BatchRow::Status::done &&
        database.integer(is_done, row.batch, row.number, row.generation_id)) {
      return true;
    }
    database.run(
        "INSERT INTO batch_rows (batch, number, status, request, generation_id, cost, is_charged, "
        "bytes, host, output, receipt, note, exit_code, changed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (batch, number) DO UPDATE "
        "SET "
        "status = excluded.status, request = excluded.request, generation_id = "
        "excluded.generation_id, cost = excluded.cost, is_charged = excluded.is_charged, bytes = "
        "excluded.bytes, host = excluded.host, output = excluded.output, receipt = "
        "excluded.receipt, note = excluded.note, "
        "exit_code = excluded.exit_code, changed_at = excluded.changed_at",
        row.batch, row.number, to_word(row.status), row.request, row.generation_id, row.cost,
        row.is_charged ? 1 : 0, row.bytes, row.host, row.output, row.receipt, short_text(row.note),
        row.exit_code, store_->now());
    transaction.commit();
    return true;
  });
}

Result<std::optional<LifeLock>> Ledger::lock_batch(const std::string& batch,
                                                   const std::string& part) {
  return attempt<std::optional<LifeLock>>(false, [&](Database& /*database*/) {
    return store_->places()->take(lock_of_batch(batch, part));
  });
}

Result<bool> Ledger::is_batch_held(const std::string& batch, const std::string& part) {
  return attempt<bool>(false, [&](Database& /*database*/) {
    return store_->places()->is_held(lock_of_batch(batch, part));
  });
}

Result<WallTime> Ledger::now() {
  return attempt<WallTime>(false, [&](Database& /*database*/) { return store_->now(); });
}

}  // namespace genpro::ledger
