// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger that a subcommand is about.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/options.h"
#include "ledger/ledger.h"

namespace genpro::cli {

// Null when there is no such file; none is created. Throws std::runtime_error.
std::unique_ptr<ledger::Ledger> open_ledger(const std::string& path);
// As above; that there is none is told, and that its rows were moved.
std::unique_ptr<ledger::Ledger> open_or_tell(const std::string& path);
// One sentence.
std::string no_ledger_text(const std::string& path);

}  // namespace genpro::cli
