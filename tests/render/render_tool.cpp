// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The rendering process by itself, without the server.
#include <cstdio>

#include "emulator/media/render/render_main.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s SPEC.json\n", argv[0]);
    return 2;
  }
  return genpro::emulator::render::render_main(argv[1]);
}
