// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ingredients made at test time, in a folder of the test's own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace genpro::emulator::render::test {

struct Rgba {
  std::uint8_t r, g, b;
  std::uint8_t a = 255;
};

inline constexpr Rgba kRed{220, 30, 30};
inline constexpr Rgba kGreen{30, 200, 40};
inline constexpr Rgba kBlue{30, 40, 220};
inline constexpr Rgba kYellow{235, 220, 20};

// A folder that goes with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // Names of the files in it, sorted, separated by spaces.
  std::string listing() const;

 private:
  std::string folder_;
};

// What the numbers in a JPEG file mean.
inline constexpr const char* kJpeg = "I420,colorimetry=1:4:0:0";

// Runs a pipeline in gst-launch syntax up to its end; a failure is a test failure.
void run_pipeline(const std::string& description);

// One picture, encoded by for instance "pngenc", from pixels in `format` (a format that
// videoconvert makes from RGBA).
void write_picture(const std::string& path, const std::string& encoder, const std::string& format,
                   int width, int height, const std::function<Rgba(int x, int y)>& pixel);
void write_plain_picture(const std::string& path, const std::string& encoder, int width, int height,
                         Rgba colour);

// A GIF with so many equal pictures, a tenth of a second each.
void write_gif(const std::string& path, int pictures, int width, int height, Rgba colour);

struct ClipRecipe {
  int width = 320;
  int height = 180;
  std::string rate = "24/1";
  int frames = 24;
  std::string colour =
      "0xff1e28dc";  // ARGB, of a plain picture; empty: the colour changes with time
  bool sound = false;
  std::string encoder = "x264enc speed-preset=ultrafast key-int-max=12";
  std::string muxer = "mp4mux";
};
void write_clip(const std::string& path, const ClipRecipe& recipe);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

}  // namespace genpro::emulator::render::test
