// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "cli/commands.h"

namespace genpro::cli {

namespace {

constexpr std::array generation_commands = {
    Command{"list", "Those of a cell", run_generations_list},
    Command{"show", "How one stands", run_generations_show},
    Command{"stop", "Ask for the end of some", run_generations_stop},
    Command{"continue", "Let a stopped one go on, which is charged again",
            run_generations_continue},
};

constexpr Group generation_group = {
    .summary =
        "The generations that the service has, whoever asked for them. What was asked for on this\n"
        "machine, and what it cost, is in the ledger: genpro ledger list.",
    .commands = generation_commands,
};

}  // namespace

int run_generations(int argc, char** argv, const Globals& globals) {
  return dispatch(generation_group, argc, argv, globals);
}

}  // namespace genpro::cli
