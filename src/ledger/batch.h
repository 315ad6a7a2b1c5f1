// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What became of the rows of a batch, which many processes share out among each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledger/store/clock.h"

namespace genpro::ledger {

struct BatchRow {
  enum class Status {
    begun,  // whether a process is at it is told by its place, see Ledger::lock_batch()
    done,   // its clip is in a file
    failed,
  };

  std::string batch;        // a digest
  std::int64_t number = 0;  // of the row, from 1
  Status status = Status::begun;
  std::string request;        // a digest of what was asked for; empty: it is not known
  std::string generation_id;  // empty: none is known
  std::optional<double> cost;
  bool is_charged = false;  // as far as is known, or it is not known
  std::uint64_t bytes = 0;  // of the clip
  // Where: for people.
  std::string host;
  std::string output;   // absolute path
  std::string receipt;  // of what stands beside the clip there; empty: it has no id
  std::string note;     // what went wrong; one line
  int exit_code = 0;
  WallTime changed_at = 0;  // by the ledger's clock, which sets it
};

}  // namespace genpro::ledger
