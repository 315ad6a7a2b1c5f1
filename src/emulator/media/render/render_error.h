// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What ends a rendering. The text is one sentence for the person who asked for the video: what
// happened, to which ingredient, what to do. Thrown on the rendering thread only, never through a
// GLib or GStreamer callback.
#pragma once

#include <stdexcept>

namespace genpro::emulator::render {

class RenderError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace genpro::emulator::render
