// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An emulator with the fake renderer in a process of its own, to be killed: DATA-DIR LATENCY.
#include <glib.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "emulator/app/emulator.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  genpro::emulator::EmulatorSettings settings;
  settings.data_dir = argv[1];
  settings.latency = std::atof(argv[2]);
  settings.credit = 1'000'000;
  settings.renderer.command = {FAKE_RENDERER};
  try {
    const genpro::MainLoopPtr loop(g_main_loop_new(nullptr, FALSE));
    const genpro::emulator::Emulator emulator(settings);
    std::printf("Listening on %s\n", emulator.base_url().c_str());
    std::fflush(stdout);
    g_main_loop_run(loop.get());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
  return 0;
}
