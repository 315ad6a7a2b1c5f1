// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The subcommands, see Command::run.
#pragma once

#include "cli/command.h"

namespace genpro::cli {

int run_ledger(int argc, char** argv, const Globals& globals);
int run_ledger_list(int argc, char** argv, const Globals& globals);
int run_ledger_show(int argc, char** argv, const Globals& globals);
int run_ledger_spend(int argc, char** argv, const Globals& globals);
int run_ledger_settle(int argc, char** argv, const Globals& globals);
int run_ledger_check(int argc, char** argv, const Globals& globals);
int run_ledger_prune(int argc, char** argv, const Globals& globals);

}  // namespace genpro::cli
