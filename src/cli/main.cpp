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
    genpro::cli::Command{"generate", "Ask for a video, and write its clip to a file",
                         genpro::cli::run_generate},
    genpro::cli::Command{"estimate", "What a video would cost", genpro::cli::run_estimate},
    genpro::cli::Command{"batch", "Make a clip for each row of a table", genpro::cli::run_batch},
    genpro::cli::Command{"serve", "Serve clips over HTTP to players on this machine",
                         genpro::cli::run_serve},
    genpro::cli::Command{"generations", "List, stop and continue those that the service has",
                         genpro::cli::run_generations},
    genpro::cli::Command{"upload", "Upload files as ingredients", genpro::cli::run_upload},
    genpro::cli::Command{"assets", "List and delete ingredients", genpro::cli::run_assets},
    genpro::cli::Command{"balance", "The credits that are left", genpro::cli::run_balance},
    genpro::cli::Command{"models", "The models that are known", genpro::cli::run_models},
    genpro::cli::Command{"init", "Write down who asks", genpro::cli::run_init},
    genpro::cli::Command{"whoami", "Show who asks, and what the key reaches",
                         genpro::cli::run_whoami},
    genpro::cli::Command{"ledger", "Look at what was asked for and paid", genpro::cli::run_ledger},
    genpro::cli::Command{"archive", "Look after the clips that are kept", genpro::cli::run_archive},
    genpro::cli::Command{"metrics", "What the ledger holds, for Prometheus",
                         genpro::cli::run_metrics},
    genpro::cli::Command{"help", "What a command does", genpro::cli::run_help},
};

constexpr genpro::cli::Group genpro_group = {
    .summary = "Makes videos with the GEN service, and looks after what they cost.",
    .commands = commands,
    .tells_version = true,
};

int run(int argc, char** argv) {
  std::string name = "genpro";
  std::vector<char*> words(argv, argv + argc);
  if (words.empty()) words.push_back(nullptr);
  words.front() = name.data();
  words.push_back(nullptr);
  return dispatch(genpro::cli::program_group(), static_cast<int>(words.size()) - 1, words.data(),
                  {});
}

}  // namespace

const genpro::cli::Group& genpro::cli::program_group() {
  return genpro_group;
}

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  genpro::cli::prepare_output();
  try {
    return run(argc, argv);
  } catch (const genpro::cli::UsageError& error) {
    genpro::cli::tell(std::string(error.what()) + " Try: " + error.program() + " --help");
    return genpro::cli::exit_usage;
  } catch (const genpro::cli::CommandError& error) {
    genpro::cli::tell(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    genpro::cli::tell(error.what());
    return genpro::cli::exit_failed;
  }
}
