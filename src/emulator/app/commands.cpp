// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/commands.h"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>

#include "emulator/app/cleanup_process.h"
#include "emulator/app/options.h"
#include "emulator/app/signals.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr int not_found_code = 127;
constexpr int not_executable_code = 126;

// Lets this process have as many open files as it is allowed to ask for. The usual limit of 1024
// is within the reach of a few slow clients, who would then keep all others out.
void raise_open_file_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Without it there is less room, which is no reason to stop.
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

// The exit code; says what has gone wrong.
int conclude(const CommandEnd& end, const std::string& command) {
  switch (end.kind) {
    case CommandEnd::Kind::none:
      break;
    case CommandEnd::Kind::exited:
      return end.value;
    case CommandEnd::Kind::not_started:
      std::fprintf(stderr, "genpro-emulator: %s cannot be run: %s\n", command.c_str(),
                   g_strerror(end.value));
      return end.value == ENOENT || end.value == ENOTDIR ? not_found_code : not_executable_code;
    case CommandEnd::Kind::cleanup_lost:
      std::fprintf(stderr,
                   "genpro-emulator: the process that runs the command was killed, and the command "
                   "with it\n");
      return 128 + SIGKILL;
  }
  return 1;
}

}  // namespace

int command_serve(int argc, char** argv) {
  Options options = read_options(Subcommand::serve, argc, argv);
  check_address(options.settings);
  for (const auto& path : options.ingredients) check_local_ingredient(path);
  std::optional<CleanupProcess> cleanup;
  if (options.settings.data_dir.empty()) {
    options.settings.data_dir = make_temporary_folder();
    cleanup.emplace(options.settings.data_dir, std::vector<std::string>());
  }
  raise_open_file_limit();
  const MainLoopPtr loop(g_main_loop_new(nullptr, FALSE));
  const SignalWatch signals([&](int, bool) { g_main_loop_quit(loop.get()); });
  Emulator emulator(options.settings);
  if (emulator.left_seed_out()) {
    std::fprintf(stderr,
                 "genpro-emulator: The store in %s is filled already: --seed is left out.\n",
                 options.settings.data_dir.c_str());
  }
  std::vector<Resource> ingredients;
  for (const auto& path : options.ingredients) {
    ingredients.push_back(emulator.add_ingredient(path));
  }
  std::printf("Listening on %s\n", emulator.base_url().c_str());
  for (const auto& resource : ingredients) {
    std::printf("Ingredient %lld: %s (%s)\n", static_cast<long long>(resource.id),
                resource.file_name.c_str(), resource.content_type.c_str());
  }
  std::fflush(stdout);
  g_main_loop_run(loop.get());
  return 0;
}

int command_exec(int argc, char** argv) {
  Options options = read_options(Subcommand::exec, argc, argv);
  for (const auto& path : options.ingredients) check_local_ingredient(path);
  EmulatorSettings& settings = options.settings;
  if (settings.api_key.empty()) settings.api_key = "emulator_" + random_token();
  std::string temporary;
  if (settings.data_dir.empty()) temporary = settings.data_dir = make_temporary_folder();
  CleanupProcess cleanup(temporary, options.command);
  // After the clean-up process, whose command keeps the limits it was started with.
  raise_open_file_limit();
  const MainLoopPtr loop(g_main_loop_new(nullptr, FALSE));
  CommandEnd end;
  const AttachedSourcePtr news = watch_descriptor(cleanup.socket(), [&] {
    end = cleanup.read_end();
    if (end.kind == CommandEnd::Kind::none) return true;
    g_main_loop_quit(loop.get());
    return false;
  });
  const SignalWatch signals([&](int number, bool from_terminal) {
    // The command is in the same group: the terminal has told it already.
    if (!from_terminal) cleanup.signal_command(number);
  });
  Emulator emulator(settings);
  for (const auto& path : options.ingredients) emulator.add_ingredient(path);
  cleanup.run_command(
      {{"GEN_API_BASE_URL", emulator.base_url()}, {"GEN_API_KEY", settings.api_key}});
  g_main_loop_run(loop.get());
  return conclude(end, options.command[0]);
}

}  // namespace genpro::emulator
