// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A video filter, for this process only, that shows a moving part of a larger image. GES can
// animate position and size of a source too, but in whole pixels: a slow movement then trembles.
// This one samples between the pixels.
//
// Properties: width, height (ints, of what comes out); zoom (1 to 10: 1 shows the largest part that
// has the shape asked for); pan-x, pan-y (0 to 1: where in the room that the zoom leaves).
#pragma once

#include <gst/gst.h>

namespace genpro::emulator::render {

inline constexpr const char* kPanZoomElement = "genpropanzoom";

// Makes the element known to GStreamer in this process. False when GStreamer refuses.
bool register_pan_zoom();

}  // namespace genpro::emulator::render
