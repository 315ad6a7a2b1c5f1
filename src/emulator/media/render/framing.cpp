// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/framing.h"

#include <algorithm>
#include <cmath>

namespace genpro::emulator::render {
namespace {

// The share of a picture that must stay visible for it to be cut to the raster. A square in 16:9
// is still cut; a portrait picture in 16:9 is not.
constexpr double kLeastVisible = 0.55;
constexpr int kBackgroundSide = 64;
constexpr int kBackgroundBlur = 3;
constexpr double kBackgroundLight = 0.62;

// The part of a picture that has the given shape, in the middle.
Rect cut_to(Size size, double picture_aspect, double aspect) {
  Rect rect = whole(size);
  if (picture_aspect > aspect) {
    rect.width = std::max(1, static_cast<int>(std::lround(size.width * aspect / picture_aspect)));
    rect.x = (size.width - rect.width) / 2;
  } else {
    rect.height = std::max(1, static_cast<int>(std::lround(size.height * picture_aspect / aspect)));
    // What a portrait picture shows is more often above its middle than below.
    rect.y = (size.height - rect.height) * 2 / 5;
  }
  return rect;
}

double aspect_of(Size size) {
  return static_cast<double>(size.width) / size.height;
}

}  // namespace

bool Framer::fill(const Raster& source, Raster& target) {
  const Size size = target.size();
  const double picture = aspect_of(source.display_size());
  const double raster = aspect_of(size);
  const double visible = std::min(picture / raster, raster / picture);
  if (visible >= kLeastVisible) {
    main_.place(source, cut_to(source.size(), picture, raster), target);
    return false;
  }
  // The background is blurred while it is small: that is cheap, and enlarging it blurs it further.
  const double shrink = static_cast<double>(kBackgroundSide) / std::max(size.width, size.height);
  Raster small(GST_VIDEO_FORMAT_BGRA, {std::max(2, static_cast<int>(size.width * shrink)),
                                       std::max(2, static_cast<int>(size.height * shrink))});
  shrink_.place(source, cut_to(source.size(), picture, raster), small);
  blur(small, kBackgroundBlur);
  darken(small, kBackgroundLight);
  grow_.place(small, whole(small.size()), target);

  Rect to = whole(size);
  // Even edges, so that 4:2:0 colour ends where the picture ends.
  if (picture > raster) {
    to.height = std::max(2, static_cast<int>(size.width / picture) / 2 * 2);
    to.y = (size.height - to.height) / 4 * 2;
  } else {
    to.width = std::max(2, static_cast<int>(size.height * picture) / 2 * 2);
    to.x = (size.width - to.width) / 4 * 2;
  }
  Raster inner(GST_VIDEO_INFO_FORMAT(&target.info()), {to.width, to.height});
  main_.place(source, whole(source.size()), inner);
  paste(inner, target, to.x, to.y);
  return true;
}

}  // namespace genpro::emulator::render
