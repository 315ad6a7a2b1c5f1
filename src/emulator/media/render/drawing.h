// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the renderer draws by itself: a background for clips without an image of their own, and the
// prompt as a caption.
#pragma once

#include <optional>
#include <string>

#include "emulator/media/render/raster.h"

namespace genpro::emulator::render {

// Soft lights on a dark ground. The colours follow from the seed, so that the same request looks
// the same again.
Raster make_backdrop(const std::string& seed, Size size);

// One paragraph of valid text: control characters dropped, runs of white space reduced, line
// breaks kept as U+2028, cut to a length that a caption may have at most.
std::string caption_text(const std::string& prompt);

// A BGRA strip as wide as the raster, to stand on its lower edge; none when there is nothing to
// say. What does not fit into the lower third ends in an ellipsis.
std::optional<Raster> make_caption(const std::string& prompt, Size raster);

}  // namespace genpro::emulator::render
