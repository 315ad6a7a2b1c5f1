// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live/clips.h"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <stdexcept>

#include "support/bus.h"
#include "support/media.h"

namespace genpro::test {
namespace {

constexpr int tag_bits = 4;
constexpr int frame_bits = 8;
constexpr int columns = tag_bits + frame_bits;
constexpr int dark = 40;
constexpr int bright = 210;

// Of the column in the upper half; the lower half has the opposite, so that nothing but a picture
// of a clip looks like one.
bool is_bright(int column, int tag, int frame) {
  const int word = tag << frame_bits | (frame & ((1 << frame_bits) - 1));
  return (word >> (columns - 1 - column) & 1) != 0;
}

std::string raw_video(const ClipSpec& spec) {
  const int chroma = ((spec.width + 1) / 2) * ((spec.height + 1) / 2);
  std::string bytes;
  for (int frame = 0; frame < spec.frames; ++frame) {
    for (int y = 0; y < spec.height; ++y) {
      for (int x = 0; x < spec.width; ++x) {
        const bool upper = is_bright(x * columns / spec.width, spec.tag, frame);
        bytes.push_back(static_cast<char>(upper == (y * 2 < spec.height) ? bright : dark));
      }
    }
    bytes.append(static_cast<std::size_t>(2 * chroma), static_cast<char>(128));
  }
  return bytes;
}

std::string raw_audio(const ClipSpec& spec) {
  const auto samples = static_cast<std::int64_t>(spec.rate) * spec.frames * spec.fps_d / spec.fps_n;
  std::string bytes;
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    const double time = static_cast<double>(sample) / spec.rate;
    // From its peak on, so that a cut without a ramp would click.
    double level = 0.2 * std::cos(2 * std::numbers::pi * 440 * time);
    if (spec.loud_from >= 0 && time * 1000 >= spec.loud_from) level *= 4.5;
    const double since = std::fmod(time, static_cast<double>(burst_period) / GST_SECOND);
    if (spec.bursts && since < 0.02) level = 0.8 * std::sin(2 * std::numbers::pi * 2000 * since);
    const auto value = static_cast<std::int16_t>(std::lround(level * 32767));
    for (int channel = 0; channel < spec.channels; ++channel) {
      bytes.push_back(static_cast<char>(value & 0xff));
      bytes.push_back(static_cast<char>(value >> 8 & 0xff));
    }
  }
  return bytes;
}

}  // namespace

std::string make_clip(const ClipSpec& spec) {
  const TempDir folder;
  const std::string file = folder.file("made.mp4");
  std::string pipeline =
      std::string("mp4mux name=mux faststart=") + (spec.index_first ? "true" : "false") +
      " faststart-file=" + folder.file("faststart") + " ! filesink location=" + file;
  if (spec.video) {
    write_file(folder.file("video"), raw_video(spec));
    pipeline += " filesrc location=" + folder.file("video") +
                " ! rawvideoparse format=i420 width=" + std::to_string(spec.width) +
                " height=" + std::to_string(spec.height) +
                " framerate=" + std::to_string(spec.fps_n) + "/" + std::to_string(spec.fps_d) +
                " ! x264enc speed-preset=ultrafast tune=zerolatency threads=1 pass=quant"
                " quantizer=18 ! h264parse ! queue ! mux.";
  }
  if (spec.audio) {
    write_file(folder.file("audio"), raw_audio(spec));
    pipeline += " filesrc location=" + folder.file("audio") +
                " ! rawaudioparse pcm-format=s16le sample-rate=" + std::to_string(spec.rate) +
                " num-channels=" + std::to_string(spec.channels) +
                " ! audioconvert ! avenc_alac ! queue ! mux.";
  }
  const Outcome outcome = run_launch(pipeline);
  if (!outcome.eos) {
    throw std::runtime_error("test media: " + pipeline + ": " + outcome.summary());
  }
  return read_file(file);
}

int component_at(const GstVideoFrame& frame, int component, int x, int y) {
  const GstVideoFormatInfo* format = frame.info.finfo;
  const auto number = static_cast<std::size_t>(component);
  const int sub_x = x >> format->w_sub[number];
  const int sub_y = y >> format->h_sub[number];
  const auto* data = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_COMP_DATA(&frame, component));
  return data[sub_y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, component) +
              sub_x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component)];
}

std::optional<Mark> read_mark(const GstVideoFrame& frame, const Rect& part) {
  int word = 0;
  for (int column = 0; column < columns; ++column) {
    const int x = part.x + (2 * column + 1) * part.width / (2 * columns);
    const int upper = component_at(frame, 0, x, part.y + part.height / 4);
    const int lower = component_at(frame, 0, x, part.y + 3 * part.height / 4);
    const bool is_one = upper > 160 && lower < 90;
    if (!is_one && !(upper < 90 && lower > 160)) return std::nullopt;
    word = word << 1 | (is_one ? 1 : 0);
  }
  return Mark{word >> frame_bits, word & ((1 << frame_bits) - 1)};
}

}  // namespace genpro::test
