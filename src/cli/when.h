// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Times as people write and read them.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "ledger/ledger.h"

namespace genpro::cli {

void add_since(Options& options);
// Of the option; nothing when it was not given. Throws UsageError.
std::optional<ledger::WallTime> read_since(const Options& options);

std::string local_time(ledger::WallTime time);  // "2026-05-01 08:30:00"
std::string time_text(ledger::WallTime time);   // the same, "-" for 0
std::string utc_time(ledger::WallTime time);    // ISO 8601, with milliseconds

}  // namespace genpro::cli
