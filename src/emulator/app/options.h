// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The command line that `serve` and `exec` have in common.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/app/emulator.h"

namespace genpro::emulator {

// A command line that makes no sense; exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Subcommand { serve, exec };

struct Options {
  EmulatorSettings settings;  // data_dir is empty when none was given
  std::vector<std::string> ingredients;
  std::vector<std::string> command;  // of exec
};

// Reads what follows the subcommand. Throws UsageError, or std::runtime_error for a key file that
// cannot be read. `--help` prints and ends the program.
//
// The value of --api-key is wiped from `argv` itself, where any user of the machine could read it.
Options read_options(Subcommand subcommand, int argc, char** argv);

// What an option is to a reader.
struct OptionText {
  std::string name;
  char letter = 0;          // of the short form; 0: there is none
  std::string placeholder;  // of the value; empty: it takes none
  std::string help;
};
std::vector<OptionText> option_texts(Subcommand subcommand);

// A new folder under $TMPDIR that only this user can enter. Throws std::runtime_error.
std::string make_temporary_folder();

}  // namespace genpro::emulator
