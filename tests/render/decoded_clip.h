// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A finished file as a viewer's player sees it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media_fixture.h"

namespace genpro::emulator::render::test {

struct Colour {
  double r = 0, g = 0, b = 0;
  double a = 0;  // 255 of what has no alpha
};

void expect_near(const Colour& colour, Rgba expected, double tolerance, const char* what);

// A frame, reduced to a grid of mean colours: enough to say what is where.
struct Frame {
  static constexpr int kColumns = 64;
  static constexpr int kRows = 64;
  std::array<std::array<Colour, kColumns>, kRows> cells{};
  std::int64_t pts = -1;  // nanoseconds

  // Mean over a part, in shares of width and height.
  Colour mean(double left, double top, double right, double bottom) const;
};

struct DecodedClip {
  int width = 0;
  int height = 0;
  int fps_n = 0;
  int fps_d = 0;
  std::string video_caps;  // of the coded stream
  std::string audio_caps;  // empty without sound
  std::string tags;
  std::string title;
  std::string comment;
  std::string application;
  std::string encoder;
  std::int64_t duration = 0;  // nanoseconds, by the container
  std::vector<Frame> frames;
  std::vector<float> sound;  // mono, 48 kHz

  // Root mean square of the sound between two times, in seconds.
  double loudness(double from, double to) const;
  // How much of the sound between two times is at this frequency, as an amplitude.
  double tone(double hertz, double from, double to) const;
};

DecodedClip decode_clip(const std::string& path);

// A picture file as one frame; none when it does not decode.
std::optional<DecodedClip> decode_picture(const std::string& path);

// Types of the top-level boxes of an MP4 file in order, separated by spaces.
std::string box_order(const std::string& path);

double distance(const Frame& a, const Frame& b, double left, double top, double right,
                double bottom);

}  // namespace genpro::emulator::render::test
