// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live/case_clips.h"

#include <stdexcept>

#include "live/live_fixture.h"
#include "support/media.h"

namespace genpro::test {
namespace {

// Red, green and blue of the pixel, each as 1 when it is strong, as the digits of a number.
int colour_at(const Shown& shown, int x, int y) {
  int colour = 0;
  for (int component = 0; component < 3; ++component) {
    colour = colour * 10 + (shown.component(component, x, y) > 120 ? 1 : 0);
  }
  return colour;
}

}  // namespace

std::string case_clip(const std::string& name) {
  return read_file(std::string(CLIPS_DIR) + "/" + name + ".mp4");
}

std::optional<int> number_in(const Shown& shown, Rect part) {
  if (part.width == 0) part = {0, 0, shown.info.width, shown.info.height};
  const auto colour = [&](double x, double y) {
    return colour_at(shown, part.x + static_cast<int>(x * part.width),
                     part.y + static_cast<int>(y * part.height));
  };
  const bool is_upright = colour(0.25, 0.2) == 100 && colour(0.75, 0.2) == 10 &&
                          colour(0.25, 0.8) == 1 && colour(0.75, 0.8) == 110;
  if (!is_upright) return std::nullopt;
  int number = 0;
  for (int bit = 0; bit < 8; ++bit) {
    number = number * 2 + (colour(0.1 + 0.1 * (bit + 0.5), 0.5) == 111 ? 1 : 0);
  }
  return number;
}

std::vector<int> numbers_in(const Pictures& pictures, Rect part) {
  std::vector<int> numbers;
  for (const Shown& shown : pictures) {
    const auto number = number_in(shown, part);
    if (number && (numbers.empty() || numbers.back() != *number)) numbers.push_back(*number);
  }
  return numbers;
}

Decoded decode(const std::string& clip, const std::string& video_caps) {
  const TempDir folder;
  write_file(folder.file("clip.mp4"), clip);
  const ElementPtr pipeline =
      launch("filesrc location=" + folder.file("clip.mp4") +
             " ! decodebin name=d d. ! video/x-raw ! videoconvert ! videoscale ! " + video_caps +
             " ! fakesink name=video d. ! audio/x-raw ! audioconvert ! audioresample ! " +
             plain_sound + " ! fakesink name=audio");
  Recorder video(child(pipeline.get(), "video").get(), "sink");
  Recorder audio(child(pipeline.get(), "audio").get(), "sink");
  const Outcome outcome = run(pipeline.get());
  if (!outcome.eos) throw std::runtime_error("decodebin: " + outcome.summary());
  return {video.pictures(), audio.sound()};
}

}  // namespace genpro::test
