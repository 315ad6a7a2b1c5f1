// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "ledger/identity/identity.h"
#include "ledger/store/sql.h"

namespace genpro::ledger {

// See Ledger::past_cost().
std::optional<double> read_past_cost(sql::Database& database, const Identity& identity);

}  // namespace genpro::ledger
