// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Renders a timeline into an MP4 file.
#pragma once

#include <ges/ges.h>

#include <string>

#include "emulator/media/render/raster.h"
#include "emulator/media/render/render_spec.h"
#include "emulator/media/render/reporter.h"

namespace genpro::emulator::render {

struct EncodedClip {
  std::int64_t frames = 0;
  Raster still;  // the composed picture at a third of the clip
};

// Writes to `path`. Throws RenderError.
EncodedClip encode_timeline(GESTimeline* timeline, const RenderSpec& spec, const std::string& path,
                            Reporter& reporter);

}  // namespace genpro::emulator::render
