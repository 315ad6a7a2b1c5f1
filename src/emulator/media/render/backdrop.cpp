// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/backdrop.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace genpro::emulator::render {
namespace {

struct Colour {
  double r, g, b;
};

struct Palette {
  Colour top, bottom, light, glow;
};

constexpr std::array<Palette, 5> kPalettes{{
    {{0.07, 0.09, 0.22}, {0.30, 0.11, 0.36}, {0.98, 0.45, 0.40}, {0.30, 0.45, 0.95}},
    {{0.02, 0.11, 0.20}, {0.04, 0.26, 0.34}, {0.55, 0.95, 0.80}, {0.10, 0.60, 0.85}},
    {{0.14, 0.06, 0.18}, {0.42, 0.12, 0.24}, {1.00, 0.62, 0.36}, {0.65, 0.25, 0.75}},
    {{0.04, 0.08, 0.18}, {0.08, 0.22, 0.42}, {0.45, 0.85, 0.95}, {0.45, 0.35, 0.90}},
    {{0.09, 0.06, 0.10}, {0.30, 0.13, 0.12}, {1.00, 0.72, 0.40}, {0.90, 0.35, 0.30}},
}};

// FNV-1a: the same on every machine, unlike std::hash.
std::uint32_t hash(const std::string& text) {
  std::uint32_t value = 2166136261U;
  for (const char c : text) value = (value ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return value;
}

// Uniform in 0..1, a sequence that depends on the seed only.
class Noise {
 public:
  explicit Noise(std::uint32_t seed) : state_(seed | 1U) {}
  double next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return (state_ >> 8) / 16777216.0;
  }

 private:
  std::uint32_t state_;
};

struct Light {
  double x, y, radius, strength;
  bool glow;
  bool disc;  // a soft-edged disc instead of a wide glow
};

// Adds light as a projector does: bright stays bright, and two colours do not turn grey.
Colour lit(Colour ground, Colour light, double share) {
  const auto screen = [&](double a, double b) { return a + (1 - a) * b * share; };
  return {screen(ground.r, light.r), screen(ground.g, light.g), screen(ground.b, light.b)};
}

Colour mix(Colour a, Colour b, double t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

double smooth(double edge0, double edge1, double x) {
  const double t = std::clamp((x - edge0) / (edge1 - edge0), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double coverage(const Light& light, double x, double y) {
  const double distance = std::hypot(x - light.x, y - light.y) / light.radius;
  if (light.disc) return light.strength * (0.75 + 0.25 * distance) * smooth(1.0, 0.9, distance);
  return light.strength * std::exp(-distance * distance * 2);
}

}  // namespace

Raster make_backdrop(const std::string& seed, Size size) {
  const std::uint32_t number = hash(seed);
  const Palette& palette = kPalettes[number % kPalettes.size()];
  Noise noise(number);
  for (int i = 0; i < 8; ++i) noise.next();
  const double aspect = static_cast<double>(size.width) / size.height;
  std::array<Light, 13> lights{};
  for (std::size_t i = 0; i < lights.size(); ++i) {
    const bool disc = i >= 3;
    lights[i] = {aspect * noise.next(),
                 noise.next(),
                 disc ? 0.025 + 0.09 * noise.next() * noise.next()
                      : (0.35 + 0.35 * noise.next()) * std::min(1.3, std::max(aspect, 0.8)),
                 disc ? 0.07 + 0.13 * noise.next() : 0.38 + 0.2 * noise.next(),
                 i % 2 == 0,
                 disc};
  }
  Raster picture(GST_VIDEO_FORMAT_BGRA, size);
  MappedRaster mapped(picture, GST_MAP_WRITE);
  for (int row = 0; row < size.height; ++row) {
    std::uint8_t* out = mapped.row(row);
    const double y = (row + 0.5) / size.height;
    for (int column = 0; column < size.width; ++column) {
      const double x = (column + 0.5) / size.height;
      Colour colour = mix(palette.top, palette.bottom, y * 0.8 + 0.2 * x / aspect);
      for (const Light& light : lights) {
        const double share = coverage(light, x, y);
        if (share > 0.002) colour = lit(colour, light.glow ? palette.glow : palette.light, share);
      }
      // Half a step of grain hides the bands that a gradient has in eight bits.
      const double grain = noise.next() * 1.4 - 0.2;
      const auto level = [&](double value) {
        return static_cast<std::uint8_t>(std::clamp(value * 255 + grain, 0.0, 255.0));
      };
      out[column * 4] = level(colour.b);
      out[column * 4 + 1] = level(colour.g);
      out[column * 4 + 2] = level(colour.r);
      out[column * 4 + 3] = 255;
    }
  }
  return picture;
}

}  // namespace genpro::emulator::render
