// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is heard: the clips' own sound in their slots, and below it the sound ingredients, or where
// nothing else is heard a quiet bed of low tones.
#pragma once

#include <vector>

#include "emulator/media/render/prepare.h"

namespace genpro::emulator::render {

struct SoundPart {
  MemoryFile wav;
  int start = 0;   // video frames
  int frames = 0;  // video frames
};

// Parts that follow each other overlap by the cross-fade, the fades are in the samples.
// `soundtrack` is as long as the video, or empty.
std::vector<SoundPart> make_sound(const RenderSpec& spec, const std::vector<Slot>& slots,
                                  const Prepared& prepared, std::vector<float> soundtrack);

}  // namespace genpro::emulator::render
