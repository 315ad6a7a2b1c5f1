// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger's move into another one, of whichever kind. Both are never open for spending at the same
// time, whatever ends the copy; see store/transfer.h. It may be called again until it succeeds.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/error.h"

namespace genpro::ledger {

struct Copied {
  bool was_done = false;  // by an earlier call, and nothing was left to be done: the rest is 0
  std::int64_t generations = 0;
  std::int64_t history = 0;  // lines
  std::int64_t assets = 0;
  std::int64_t files = 0;
  std::int64_t batch_rows = 0;
  double cost = 0;      // credits, what the service said
  double estimate = 0;  // credits, of those that it has not said it of
};

// Each is a file or a server's address. A file `to` is made when there is none; it has to be empty,
// or hold what such a copy of `from` left. All rows are there with their numbers when it succeeds,
// and `from` is marked as moved, with its rows as they are. Blocks, for minutes with a million
// rows. Threads: any.
//
// Fails without a change that matters, and leaves no file that it made, when a process uses either,
// when something in `from` is damaged, and when what was written is not what was read.
Result<Copied> copy_ledger(const std::string& from, const std::string& to);

// Takes back what copy_ledger() did to `from`: the ledger with its rows is marked as moved to
// `from` instead. Fails when that was used since. `is_lost`: it is not looked at.
Result<std::monostate> undo_copy(const std::string& from, bool is_lost);

}  // namespace genpro::ledger
