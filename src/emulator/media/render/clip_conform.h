// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Brings a foreign clip into the raster, frame rate and length that its slot needs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "emulator/media/render/media_reader.h"
#include "emulator/media/render/memory_file.h"

namespace genpro::emulator::render {

struct ConformedClip {
  MemoryFile media;  // H.264 with dense key frames, a little longer than asked for
  double cycle = 0;  // seconds after which the clip was begun anew; 0: it was long enough
};

// `frames` frames at `fps`: what is too long is cut, what is too short is repeated.
// `announced` is the length that the container claims, in seconds, 0 when it does not.
ConformedClip conform_clip(const std::string& path, Size raster, int fps, int frames,
                           double announced, const Touch& touch);

// The clip's sound for the same time, repeated together with its pictures.
std::vector<float> conform_sound(const std::string& path, std::size_t frames, double cycle,
                                 const Touch& touch);

}  // namespace genpro::emulator::render
