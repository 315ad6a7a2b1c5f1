// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The clips in tests/clips. Their pictures have a colour in each corner, red and green above, blue
// and yellow below, and their number in a band between them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "live/recorder.h"

namespace genpro::test {

inline constexpr const char* case_raster = "video/x-raw,format=RGBx,width=320,height=180";

std::string case_clip(const std::string& name);

// Of a picture that is upright in that part of one in RGBx; without a width, everywhere.
std::optional<int> number_in(const Shown& shown, Rect part = {});
// One after the other, a picture that stands once.
std::vector<int> numbers_in(const Pictures& pictures, Rect part = {});

// What `filesrc ! decodebin` makes of a clip.
struct Decoded {
  Pictures pictures;
  Sound sound;
};
Decoded decode(const std::string& clip, const std::string& video_caps = case_raster);

}  // namespace genpro::test
