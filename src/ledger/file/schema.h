// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file: where it is, whether it is one, and how it gets from one version to the next.
#pragma once

#include <chrono>
#include <string>

#include "ledger/file/file_store.h"

namespace genpro::ledger {

// The one that this program writes.
inline constexpr int schema_version = 8;

// Creates what is missing, and brings an older file up to date. Throws sqlite::Failure,
// std::system_error, ForeignLedger or LostLedger.
FileStore::Opened open_ledger_file(const std::string& path, int busy_timeout_ms);

// What a call may compute at most. One that reads the whole file has more time for a large one.
std::chrono::milliseconds work_limit(sqlite::Database& database, bool is_report);

// Rows that a process of an older version has written meanwhile get what it did not know of.
void complete_older_rows(sqlite::Database& database);

}  // namespace genpro::ledger
