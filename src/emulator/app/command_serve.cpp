// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>

#include "emulator/app/cleanup_process.h"
#include "emulator/app/commands.h"
#include "emulator/app/options.h"
#include "emulator/app/process_limits.h"
#include "emulator/app/signals.h"

namespace genpro::emulator {

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

}  // namespace genpro::emulator
