// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genpro: the command line.
#include <array>
#include <clocale>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace {

constexpr std::array commands = {
    genpro::cli::Command{"ledger", "Look at what was asked for and paid", genpro::cli::run_ledger},
};

constexpr genpro::cli::Group genpro_group = {
    .summary = "Looks after generations of the GEN service, and what they cost.",
    .commands = commands,
    .tells_version = true,
};

int run(int argc, char** argv) {
  std::string name = "genpro";
  std::vector<char*> words(argv, argv + argc);
  if (words.empty()) words.push_back(nullptr);
  words.front() = name.data();
  words.push_back(nullptr);
  return dispatch(genpro_group, static_cast<int>(words.size()) - 1, words.data(), {});
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  genpro::cli::prepare_output();
  try {
    return run(argc, argv);
  } catch (const genpro::cli::UsageError& error) {
    genpro::cli::tell(std::string(error.what()) + " Try: " + error.program() + " --help");
    return genpro::cli::exit_usage;
  } catch (const std::exception& error) {
    genpro::cli::tell(error.what());
    return genpro::cli::exit_failed;
  }
}
