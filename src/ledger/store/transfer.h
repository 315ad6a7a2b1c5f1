// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What has become of a ledger as a whole. Of one that is copied into another, only one may be spent
// from at any time, whatever ends the copy, and whatever is lost with it:
//   1. the rows are at the new one, which is marked as being filled: neither that nor, while the
//      transaction lasts, the old one can be spent from,
//   2. the old one is marked as moved,
//   3. the mark of the new one goes.
#pragma once

#include <string>

#include "ledger/store/sql.h"

namespace genpro::ledger {

struct Transfer {
  std::string moved_to;     // the ledger that has its rows now
  std::string filled_from;  // the ledger of which it gets the rows
  std::string number;       // of the copy, the same on both sides
};

Transfer read_transfer(sql::Database& database);
void write_transfer(sql::Database& database, const Transfer& transfer);
// Sentences without a subject, and without the last full stop; empty when it is open.
std::string closed_reason(const Transfer& transfer);
// Throws MovedLedger.
void check_is_open(sql::Database& database);

}  // namespace genpro::ledger
