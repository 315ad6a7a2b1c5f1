// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip without its background, which is told by the colour at the clip's edges: by its chroma
// where it has one, as a green screen does, else by how bright it is.
#pragma once

#include <string>

#include "emulator/media/render/prepare.h"
#include "emulator/media/render/timeline.h"

namespace genpro::emulator::render {

// Takes the background out of frames of a clip, of which the first one that is seen says what it
// is. BGRA.
class Matte {
 public:
  void apply(Raster& frame);

 private:
  struct Colour {
    int y = 0, cb = 0, cr = 0;
  };
  static Colour colour_of(const std::uint8_t* bgra);
  static Colour colour_at_edges(Raster& frame);

  std::optional<Colour> key_;
};

// Writes the first ingredient, in its size and length, into a QuickTime file at `path`. Throws
// RenderError.
EncodedClip render_matte(const RenderSpec& spec, const std::string& path, Reporter& reporter);

}  // namespace genpro::emulator::render
