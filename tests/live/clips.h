// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Clips whose every picture can be told from every other, and whose sound tells its place.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

namespace genpro::test {

// The bursts of a clip's sound begin that far apart, the first one with the first picture.
inline constexpr GstClockTime burst_period = 500 * GST_MSECOND;

struct ClipSpec {
  int tag = 1;  // 1 to 15, to tell one clip from another
  int frames = 30;
  int fps_n = 30;
  int fps_d = 1;
  int width = 192;
  int height = 108;
  bool video = true;
  bool audio = true;
  bool bursts = true;  // false: the tone only
  int loud_from = -1;  // ms, from which on the tone is at 0.9
  int rate = 48'000;
  int channels = 2;
  bool index_first = false;
};

// H.264 and lossless sound in MP4. A picture is its number and the clip's tag
// in black and white fields; the sound is a quiet tone of 440 Hz with a loud burst each half
// second. Throws std::runtime_error when an element is missing.
std::string make_clip(const ClipSpec& spec = {});

struct Mark {
  int tag = 0;
  int frame = 0;
  bool operator==(const Mark&) const = default;
};

struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

// What picture is in that part of a raw one of any format with 8 bits; nothing when there is none
// that can be read, which one that is blended with another cannot be.
std::optional<Mark> read_mark(const GstVideoFrame& frame, const Rect& part);

// A component (luma or red first, alpha last) of the pixel.
int component_at(const GstVideoFrame& frame, int component, int x, int y);

}  // namespace genpro::test
