// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>

#include "cli/commands.h"

namespace genpro::cli {

namespace {

constexpr std::array commands = {
    Command{"list", "A table of the clips that are kept, the newest first", run_archive_list},
    Command{"verify", "Read clips, and name those that are damaged or missing", run_archive_verify},
    Command{"export", "Copy a clip to a file", run_archive_export},
    Command{"prune", "Remove clips, to make room", run_archive_prune},
};

constexpr Group group = {
    .summary =
        "The archive is the folder that keeps clips which were paid for. It may be looked "
        "at while\npipelines use it. None of the commands asks the service.",
    .commands = commands,
};

}  // namespace

int run_archive(int argc, char** argv, const Globals& globals) {
  return dispatch(group, argc, argv, globals);
}

}  // namespace genpro::cli
