// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/drawing.h"

#include <pango/pangocairo.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>

#include "emulator/media/render/reporter.h"

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
  explicit Noise(std::uint32_t seed) : engine_(seed) {}
  double next() { return engine_() / 4294967296.0; }

 private:
  std::mt19937 engine_;
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
  Raster image(GST_VIDEO_FORMAT_BGRA, size);
  MappedRaster mapped(image, GST_MAP_WRITE);
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
  return image;
}

namespace {

constexpr glong kMostCharacters = 400;
constexpr double kFontShare = 0.043;           // of the raster's short side
constexpr double kWidthShare = 0.82;           // of the raster's width
constexpr double kCaptionMarginShare = 0.058;  // of the short side, below the text
constexpr double kShade = 0.55;
constexpr double kShadeAbove = 0.19;  // of the short side, above the text

using SurfacePtr = Owned<cairo_surface_t, cairo_surface_destroy>;
using CairoPtr = Owned<cairo_t, cairo_destroy>;
using PatternPtr = Owned<cairo_pattern_t, cairo_pattern_destroy>;
using LayoutPtr = ObjectPtr<PangoLayout>;
using FontPtr = Owned<PangoFontDescription, pango_font_description_free>;

LayoutPtr make_layout(cairo_t* cairo, const std::string& text, Size raster) {
  const double side = std::min(raster.width, raster.height);
  auto layout = LayoutPtr::adopt(pango_cairo_create_layout(cairo));
  const FontPtr font(pango_font_description_from_string("Sans Bold"));
  pango_font_description_set_absolute_size(font.get(), std::round(side * kFontShare) * PANGO_SCALE);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_width(layout.get(), static_cast<int>(raster.width * kWidthShare) * PANGO_SCALE);
  pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment(layout.get(), PANGO_ALIGN_CENTER);
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  pango_layout_set_line_spacing(layout.get(), 1.12F);
  // A negative height is a number of lines. Upright rasters have narrow lines and much height.
  pango_layout_set_height(layout.get(), raster.height > raster.width ? -4 : -3);
  // Not markup: what the prompt says is shown as it is.
  pango_layout_set_text(layout.get(), text.c_str(), static_cast<int>(text.size()));
  return layout;
}

// Rises softly to the first line and is even from there on: letters need a quiet ground.
void draw_shade(cairo_t* cairo, Size strip, double text_top) {
  const PatternPtr shade(cairo_pattern_create_linear(0, 0, 0, strip.height));
  const double end = text_top / strip.height;
  // Steps of an eased curve: a straight ramp shows its upper edge.
  for (int i = 0; i <= 8; ++i) {
    const double t = i / 8.0;
    cairo_pattern_add_color_stop_rgba(shade.get(), t * end, 0.02, 0.02, 0.04,
                                      kShade * t * t * (3 - 2 * t));
  }
  cairo_pattern_add_color_stop_rgba(shade.get(), 1, 0.02, 0.02, 0.04, kShade + 0.1);
  cairo_set_source(cairo, shade.get());
  cairo_paint(cairo);
}

// From cairo's premultiplied pixels to the straight alpha of video formats.
Raster from_surface(cairo_surface_t* surface, Size size) {
  cairo_surface_flush(surface);
  const unsigned char* pixels = cairo_image_surface_get_data(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  Raster image(GST_VIDEO_FORMAT_BGRA, size);
  MappedRaster mapped(image, GST_MAP_WRITE);
  for (int y = 0; y < size.height; ++y) {
    const unsigned char* in = pixels + static_cast<std::ptrdiff_t>(y) * stride;
    std::uint8_t* out = mapped.row(y);
    for (int x = 0; x < size.width * 4; x += 4) {
      const int alpha = in[x + 3];
      for (int channel = 0; channel < 3; ++channel) {
        out[x + channel] = static_cast<std::uint8_t>(
            alpha == 0 ? 0 : std::min(255, (in[x + channel] * 255 + alpha / 2) / alpha));
      }
      out[x + 3] = static_cast<std::uint8_t>(alpha);
    }
  }
  return image;
}

}  // namespace

std::string caption_text(const std::string& prompt) {
  const GCharPtr valid(g_utf8_make_valid(prompt.data(), static_cast<gssize>(prompt.size())));
  std::string text;
  glong count = 0;
  bool space = false;
  bool line = false;
  for (const char* at = valid.get(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    line = line || c == '\n' || c == 0x2028 || c == 0x2029;
    space = space || g_unichar_isspace(c) || c == 0x2028 || c == 0x2029;
    if (g_unichar_isspace(c) || c == 0x2028 || c == 0x2029 || g_unichar_iscntrl(c)) continue;
    if (count >= kMostCharacters) return text + "\u2026";
    if (space && !text.empty()) text += line ? "\u2028" : " ";
    space = line = false;
    text.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
    ++count;
  }
  return text;
}

std::optional<Raster> make_caption(const std::string& prompt, Size raster) {
  const std::string text = caption_text(prompt);
  if (text.empty()) return std::nullopt;
  const double side = std::min(raster.width, raster.height);
  const SurfacePtr scratch(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 1, 1));
  const CairoPtr measure(cairo_create(scratch.get()));
  int text_height = 0;
  pango_layout_get_pixel_size(make_layout(measure.get(), text, raster).get(), nullptr,
                              &text_height);

  const int above = static_cast<int>(side * kShadeAbove);
  const int below = static_cast<int>(side * kCaptionMarginShare);
  const Size strip{raster.width,
                   std::min(raster.height, (above + text_height + below + 1) / 2 * 2)};
  const SurfacePtr surface(
      cairo_image_surface_create(CAIRO_FORMAT_ARGB32, strip.width, strip.height));
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) {
    throw RenderError("There is no memory for the caption; try again later.");
  }
  const CairoPtr cairo(cairo_create(surface.get()));
  draw_shade(cairo.get(), strip, above);
  const LayoutPtr layout = make_layout(cairo.get(), text, raster);
  const double x = (raster.width - static_cast<int>(raster.width * kWidthShare)) / 2.0;
  const double y = strip.height - below - text_height;
  const double offset = std::max(1.0, side / 400);
  cairo_set_source_rgba(cairo.get(), 0, 0, 0, 0.55);
  cairo_move_to(cairo.get(), x + offset / 2, y + offset);
  pango_cairo_show_layout(cairo.get(), layout.get());
  cairo_set_source_rgb(cairo.get(), 1, 1, 1);
  cairo_move_to(cairo.get(), x, y);
  pango_cairo_show_layout(cairo.get(), layout.get());
  return from_surface(surface.get(), strip);
}

}  // namespace genpro::emulator::render
