// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/store/transfer.h"

#include "ledger/store/store.h"

namespace genpro::ledger {

Transfer read_transfer(sql::Database& database) {
  sql::Query query(database, "SELECT moved_to, filled_from, transfer FROM ledger");
  if (!query.step()) throw ForeignLedger("its table of the whole is empty");
  return {query.text(0), query.text(1), query.text(2)};
}

void write_transfer(sql::Database& database, const Transfer& transfer) {
  database.run("UPDATE ledger SET moved_to = ?, filled_from = ?, transfer = ?", transfer.moved_to,
               transfer.filled_from, transfer.number);
}

std::string closed_reason(const Transfer& transfer) {
  if (!transfer.moved_to.empty()) {
    return "its rows were moved to " + transfer.moved_to + ". Set ledger to that one";
  }
  if (!transfer.filled_from.empty()) {
    return "the rows of " + transfer.filled_from +
           " are being copied into it. Wait for `genpro ledger copy` to end, or run it once more "
           "if it was cut off";
  }
  return "";
}

void check_is_open(sql::Database& database) {
  const std::string reason = closed_reason(read_transfer(database));
  if (!reason.empty()) throw MovedLedger(reason);
}

}  // namespace genpro::ledger
