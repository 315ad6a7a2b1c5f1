// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "cli/commands.h"

namespace genpro::cli {

namespace {

constexpr std::array asset_commands = {
    Command{"list", "Those that the service has, the newest first", run_assets_list},
    Command{"delete", "Remove some from the service", run_assets_delete},
};

constexpr Group asset_group = {
    .summary = "The ingredients that an agent has at the service. genpro upload adds to them.",
    .commands = asset_commands,
};

}  // namespace

int run_assets(int argc, char** argv, const Globals& globals) {
  return dispatch(asset_group, argc, argv, globals);
}

}  // namespace genpro::cli
