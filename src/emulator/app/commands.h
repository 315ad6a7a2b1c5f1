// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The subcommands. Each takes its own name as argv[0] and returns the program's exit code; they
// throw UsageError and std::runtime_error.
#pragma once

namespace genpro::emulator {

int command_serve(int argc, char** argv);
int command_exec(int argc, char** argv);

}  // namespace genpro::emulator
