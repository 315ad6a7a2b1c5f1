// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file: where it is, whether it is one, and how it gets from one version to the next.
#pragma once

#include <string>

#include "job/life_lock.h"
#include "job/sqlite.h"

namespace genpro::job {

// The file is of a program that knows more than this one, or of another program altogether.
class ForeignLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LedgerFile {
  std::string path;  // absolute, without symbolic links
  std::shared_ptr<LockFile> locks;
  Database database;
};

// Creates what is missing, and brings an older file up to date. Throws SqliteFailure,
// std::system_error or ForeignLedger.
LedgerFile open_ledger_file(const std::string& path, int busy_timeout_ms);

// The columns of `generations` in the order in which rows are read.
extern const char* const entry_columns;

}  // namespace genpro::job
