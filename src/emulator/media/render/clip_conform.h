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
  MemoryFile media;  // with dense key frames, a little longer than asked for
  double cycle = 0;  // seconds after which the clip was begun anew; 0: it was long enough
};

// What a clip is brought to.
struct ClipShape {
  Size raster;
  int fps = 24;
  int frames = 0;
  // As ProRes 4444 in QuickTime: of the formats with alpha that the muxers of GStreamer 1.22 write
  // it is the one that editors take, and a tenth of a PNG for each frame. Else as H.264 in MP4.
  bool has_alpha = false;
};

// What is too long is cut, what is too short is repeated. `announced` is the length that the
// container claims, in seconds, 0 when it does not. With alpha the clip is shown whole, with
// nothing around it; without, it fills the raster. `folder`: on whose disk the clip is kept.
ConformedClip conform_clip(const std::string& path, const ClipShape& shape, double announced,
                           const std::string& folder, const Touch& touch);

// A file of a clip's own.
struct ClipFile {
  std::string path;
  std::string wav;  // a file with its audio; empty: none
  TagListPtr tags;
  std::function<void(int, Raster&)> edit;  // of each frame, by its number; BGRA
  bool is_finished = false;                // others read it: the index comes first
};
// Writes the clip's frames once, at most shape.frames of them. Returns how many.
int write_matte(const std::string& path, const ClipShape& shape, double announced,
                const ClipFile& out, const Touch& touch);

// The clip's audio for the same time, repeated together with its frames.
std::vector<float> conform_audio(const std::string& path, std::size_t frames, double cycle,
                                 const Touch& touch);

}  // namespace genpro::emulator::render
