// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is heard: the clips' own audio in their slots, and below it the audio ingredients, or where
// nothing else is heard a quiet bed of low tones, unless the kind of clip is to have given audio
// alone.
#pragma once

#include <vector>

#include "emulator/media/render/prepare.h"

namespace genpro::emulator::render {

struct AudioPart {
  MemoryFile wav;
  int start = 0;   // video frames
  int frames = 0;  // video frames
};

// A WAV file of interleaved stereo samples.
MemoryFile write_wav(const std::vector<float>& audio);

// Parts that follow each other overlap by the cross-fade, the fades are in the samples.
// `soundtrack` is as long as the video, or empty.
std::vector<AudioPart> make_audio(const RenderSpec& spec, const std::vector<Slot>& slots,
                                  const Prepared& prepared, std::vector<float> soundtrack);

}  // namespace genpro::emulator::render
