// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a picture of any shape fills the clip's raster: cut to it when little is lost, else shown
// whole in front of a blurred, darker enlargement of itself.
#pragma once

#include "emulator/media/render/raster.h"

namespace genpro::emulator::render {

class Framer {
 public:
  // Fills the whole of `target`, which may be of any format. True when the picture is shown whole.
  bool fill(const Raster& source, Raster& target);

 private:
  Placer main_;
  Placer shrink_;
  Placer grow_;
};

}  // namespace genpro::emulator::render
