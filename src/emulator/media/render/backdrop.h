// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The designed background, for clips without a picture of their own: soft lights on a dark ground.
// Its colours follow from the prompt, so that the same request looks the same again.
#pragma once

#include <string>

#include "emulator/media/render/raster.h"

namespace genpro::emulator::render {

Raster make_backdrop(const std::string& seed, Size size);

}  // namespace genpro::emulator::render
