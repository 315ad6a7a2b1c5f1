// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The composition as a GES timeline: from the top layer down the caption, the logos, the visuals
// with their cross-fades, the audio.
#pragma once

#include <ges/ges.h>

#include <optional>
#include <string>
#include <vector>

#include "emulator/media/render/audio_track.h"
#include "emulator/media/render/prepare.h"

namespace genpro::emulator::render {

struct Composition {
  const RenderSpec& spec;
  const std::vector<Slot>& slots;  // one for each visual
  const Prepared& prepared;
  std::optional<MemoryFile> caption;
  Size caption_size;
  std::vector<AudioPart> audio;
};

using TimelinePtr = ObjectPtr<GESTimeline>;

// The composition must outlive what plays the timeline: it holds the media. Throws RenderError.
TimelinePtr make_timeline(const Composition& composition, Reporter& reporter);

// What each file says of how it was made.
TagListPtr make_tags(const RenderSpec& spec);

struct EncodedClip {
  std::int64_t frames = 0;
  Raster still;  // the composed image at a third of the clip
};

// Renders the timeline into an MP4 file at `path`. Throws RenderError.
EncodedClip encode_timeline(GESTimeline* timeline, const RenderSpec& spec, const std::string& path,
                            Reporter& reporter);

}  // namespace genpro::emulator::render
