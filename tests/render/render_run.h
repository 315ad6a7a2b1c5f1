// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One run of the rendering process, as the server sees it.
#pragma once

#include <string>
#include <vector>

#include "emulator/media/render/render_spec.h"
#include "media_fixture.h"

namespace genpro::emulator::render::test {

struct RenderRun {
  int exit_code = -1;                     // -1: killed by a signal
  std::vector<std::string> lines;         // of standard output
  std::string error;                      // of the last line
  bool done = false;                      // the last line says so
  int frames = 0, width = 0, height = 0;  // as the last line says
  double seconds = 0;                     // wall time of the whole process
};

// What the server writes into the file for the renderer.
std::string spec_json(const RenderSpec& spec);

// Every line must be one JSON object; that is checked here.
RenderRun run_render(const RenderSpec& spec, const TemporaryFolder& folder);
RenderRun run_render_json(const std::string& json, const TemporaryFolder& folder);

// A small, short clip: out.mp4 and out.jpg in the folder.
RenderSpec make_spec(const TemporaryFolder& folder);
void add_ingredient(RenderSpec& spec, const TemporaryFolder& folder, const std::string& name,
                    const std::string& content_type = "");

}  // namespace genpro::emulator::render::test
