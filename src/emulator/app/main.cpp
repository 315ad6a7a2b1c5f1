// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genpro-emulator: a local stand-in for the GEN service.
#include <clocale>
#include <cstdio>
#include <exception>
#include <string>

#include "emulator/app/commands.h"
#include "emulator/app/manual.h"
#include "emulator/app/options.h"
#include "emulator/media/render/render_main.h"

namespace {

constexpr const char* usage =
    "Usage:\n"
    "  genpro-emulator serve --port PORT [OPTION…]\n"
    "  genpro-emulator exec [OPTION…] -- COMMAND [ARGUMENT…]\n"
    "\n"
    "A local stand-in for the GEN service: the same HTTP interface, clips composed on\n"
    "this machine, no account and no cost. `serve` runs until it is stopped; `exec` runs\n"
    "a command with GEN_API_BASE_URL and GEN_API_KEY set to an emulator of its own.\n"
    "\n"
    "  genpro-emulator serve --help\n"
    "  genpro-emulator exec --help\n"
    "  genpro-emulator --version\n";

int run(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    std::fputs(usage, stdout);
    return 0;
  }
  if (word == "--version") {
    std::puts("genpro-emulator " GENPRO_VERSION);
    return 0;
  }
  if (word == "serve") return genpro::emulator::command_serve(argc - 1, argv + 1);
  if (word == "exec") return genpro::emulator::command_exec(argc - 1, argv + 1);
  // What the build makes the manual page with.
  if (word == "manual" && argc == 2) {
    std::fputs(genpro::emulator::manual_page().c_str(), stdout);
    return 0;
  }
  // What the server starts for each clip; not for people, so that the usage does not tell of it.
  if (word == "render" && argc == 3) return genpro::emulator::render::render_main(argv[2]);
  const std::string problem =
      word.empty() ? "Say what to do: serve or exec."
                   : "There is no subcommand \"" + word + "\". The subcommands are serve and exec.";
  throw genpro::emulator::UsageError(problem);
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  try {
    return run(argc, argv);
  } catch (const genpro::emulator::UsageError& error) {
    std::fprintf(stderr, "genpro-emulator: %s\nTry genpro-emulator --help.\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "genpro-emulator: %s\n", error.what());
    return 1;
  }
}
