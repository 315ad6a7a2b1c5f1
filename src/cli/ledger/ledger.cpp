// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "cli/commands.h"

namespace genpro::cli {

namespace {

constexpr std::array commands = {
    Command{"list", "A table of generations, the newest first", run_ledger_list},
    Command{"show", "All that is known of one generation, and what happens to it next",
            run_ledger_show},
    Command{"spend", "What was asked for and what it cost, by day and model", run_ledger_spend},
    Command{"settle", "Ask the service how the open ones stand, and stop what has to be stopped",
            run_ledger_settle},
    Command{"check", "Look for damage and for doubts, and say what to do", run_ledger_check},
    Command{"prune", "Remove what has ended long ago, or single rows", run_ledger_prune},
    Command{"copy", "Move all of it into another file, or to or from a server", run_ledger_copy},
};

constexpr Group group = {
    .summary =
        "The ledger is the account of the generations that were asked for on this machine. It is\n"
        "shared by all pipelines, and may be looked at while they run. Only settle needs an API "
        "key.",
    .commands = commands,
};

}  // namespace

int run_ledger(int argc, char** argv, const Globals& globals) {
  return dispatch(group, argc, argv, globals);
}

}  // namespace genpro::cli
