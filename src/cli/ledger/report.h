// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Rows of the ledger as JSON for programs.
#pragma once

#include <vector>

#include "cli/ledger/describe.h"
#include "cli/members.h"

namespace genpro::cli {

// What a list tells of a row.
Members brief_report(const Seen& seen);
// All of it.
Members full_report(const Seen& seen, const std::vector<ledger::Ledger::HistoryLine>& history);

}  // namespace genpro::cli
