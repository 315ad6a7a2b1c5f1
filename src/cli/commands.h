// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The subcommands, see Command::run.
#pragma once

#include "cli/command.h"

namespace genpro::cli {

// All of them.
const Group& program_group();

int run_archive(int argc, char** argv, const Globals& globals);
int run_archive_export(int argc, char** argv, const Globals& globals);
int run_archive_list(int argc, char** argv, const Globals& globals);
int run_archive_prune(int argc, char** argv, const Globals& globals);
int run_archive_verify(int argc, char** argv, const Globals& globals);
int run_assets(int argc, char** argv, const Globals& globals);
int run_assets_delete(int argc, char** argv, const Globals& globals);
int run_assets_list(int argc, char** argv, const Globals& globals);
int run_balance(int argc, char** argv, const Globals& globals);
int run_batch(int argc, char** argv, const Globals& globals);
int run_estimate(int argc, char** argv, const Globals& globals);
int run_generate(int argc, char** argv, const Globals& globals);
int run_generations(int argc, char** argv, const Globals& globals);
int run_generations_continue(int argc, char** argv, const Globals& globals);
int run_generations_list(int argc, char** argv, const Globals& globals);
int run_generations_show(int argc, char** argv, const Globals& globals);
int run_generations_stop(int argc, char** argv, const Globals& globals);
int run_help(int argc, char** argv, const Globals& globals);
int run_init(int argc, char** argv, const Globals& globals);
int run_metrics(int argc, char** argv, const Globals& globals);
int run_models(int argc, char** argv, const Globals& globals);
int run_whoami(int argc, char** argv, const Globals& globals);
int run_ledger(int argc, char** argv, const Globals& globals);
int run_ledger_list(int argc, char** argv, const Globals& globals);
int run_ledger_show(int argc, char** argv, const Globals& globals);
int run_ledger_spend(int argc, char** argv, const Globals& globals);
int run_ledger_settle(int argc, char** argv, const Globals& globals);
int run_ledger_check(int argc, char** argv, const Globals& globals);
int run_ledger_prune(int argc, char** argv, const Globals& globals);
int run_ledger_copy(int argc, char** argv, const Globals& globals);
int run_serve(int argc, char** argv, const Globals& globals);
int run_upload(int argc, char** argv, const Globals& globals);

}  // namespace genpro::cli
