// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/matte.h"

#include <algorithm>
#include <cmath>

#include "emulator/media/render/audio_track.h"
#include "emulator/media/render/clip_conform.h"

namespace genpro::emulator::render {
namespace {

constexpr int kLeastChroma = 40;  // of a background that is told by it
// Distances from the background up to which all of a pixel is taken out, and from which all of it
// stays.
constexpr double kNear = 28;
constexpr double kFar = 60;
constexpr int kGround = 128;  // what a thumbnail shows where the clip is transparent

Raster over_ground(const Raster& frame) {
  Raster still = cropped(frame, whole(frame.size()));
  MappedRaster mapped(still, GST_MAP_READWRITE);
  for (int y = 0; y < still.size().height; ++y) {
    std::uint8_t* row = mapped.row(y);
    for (int x = 0; x < still.size().width * 4; x += 4) {
      const int alpha = row[x + 3];
      for (int channel = 0; channel < 3; ++channel) {
        row[x + channel] =
            static_cast<std::uint8_t>((row[x + channel] * alpha + kGround * (255 - alpha)) / 255);
      }
      row[x + 3] = 255;
    }
  }
  return still;
}

}  // namespace

Matte::Colour Matte::colour_of(const std::uint8_t* bgra) {
  const int b = bgra[0];
  const int g = bgra[1];
  const int r = bgra[2];
  // BT.601 in full range.
  return {(77 * r + 150 * g + 29 * b) >> 8, (-43 * r - 85 * g + 128 * b) / 256,
          (128 * r - 107 * g - 21 * b) / 256};
}

// The median of each component: what reaches over an edge of the frame does not count.
Matte::Colour Matte::colour_at_edges(Raster& frame) {
  const Size size = frame.size();
  MappedRaster mapped(frame, GST_MAP_READ);
  std::vector<int> y;
  std::vector<int> cb;
  std::vector<int> cr;
  const auto take = [&](int column, int line) {
    const Colour colour = colour_of(mapped.row(line) + column * 4);
    y.push_back(colour.y);
    cb.push_back(colour.cb);
    cr.push_back(colour.cr);
  };
  for (int x = 0; x < size.width; ++x) {
    take(x, 0);
    take(x, size.height - 1);
  }
  for (int line = 1; line + 1 < size.height; ++line) {
    take(0, line);
    take(size.width - 1, line);
  }
  const auto median = [](std::vector<int>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  return {median(y), median(cb), median(cr)};
}

void Matte::apply(Raster& frame) {
  if (!key_) key_ = colour_at_edges(frame);
  const Colour key = *key_;
  const bool by_chroma = std::hypot(key.cb, key.cr) >= kLeastChroma;
  const Size size = frame.size();
  MappedRaster mapped(frame, GST_MAP_READWRITE);
  for (int line = 0; line < size.height; ++line) {
    std::uint8_t* row = mapped.row(line);
    for (int x = 0; x < size.width * 4; x += 4) {
      const Colour colour = colour_of(row + x);
      double distance = std::hypot(colour.cb - key.cb, colour.cr - key.cr);
      if (!by_chroma) distance = std::max(distance, std::abs(1.0 * colour.y - key.y));
      const double share = std::clamp((distance - kNear) / (kFar - kNear), 0.0, 1.0);
      row[x + 3] = static_cast<std::uint8_t>(std::lround(row[x + 3] * share));
    }
  }
}

EncodedClip render_matte(const RenderSpec& spec, const std::string& path, Reporter& reporter) {
  if (spec.ingredients.size() != 1) {
    throw RenderError("A background is taken out of one video; give that alone.");
  }
  const Touch touch = [&] { reporter.touch(); };
  const Look look = look_at(spec, 0, reporter);
  if (!look.is_video) {
    throw RenderError("Ingredient 1 \"" + spec.ingredient(0).file_name +
                      "\" is no video; give one to take the background out of.");
  }
  // A container need not tell it; the clip ends with its frames.
  const double length = look.seconds > 0 ? look.seconds : kMostSeconds;
  const double seconds = spec.duration > 0 ? spec.duration : std::min(length, 1.0 * kMostSeconds);
  const int frames = std::max(1, static_cast<int>(std::lround(seconds * spec.fps)));
  ClipFile file;
  file.path = path;
  file.is_finished = true;
  file.tags = make_tags(spec);
  std::optional<MemoryFile> wav;
  if (spec.audio && look.has_audio) {
    const auto samples = static_cast<std::size_t>(std::lround(seconds * kAudioRate));
    wav = write_wav(read_speech(spec, 0, samples, reporter));
    file.wav = wav->path();
  }
  EncodedClip clip;
  Matte matte;
  file.edit = [&](int index, Raster& frame) {
    matte.apply(frame);
    if (index == 0 || index == frames / 3) clip.still = over_ground(frame);
    reporter.encode(static_cast<double>(index) / frames);
  };
  clip.frames = write_matte(spec.ingredient(0).path, {look.size, spec.fps, frames, true},
                            look.seconds, file, touch);
  return clip;
}

}  // namespace genpro::emulator::render
