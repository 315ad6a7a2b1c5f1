// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoded_clip.h"

#include <gst/app/gstappsink.h>
#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "gst/gst_ptr.h"
#include "media_fixture.h"

namespace genpro::emulator::render::test {
namespace {

constexpr GstClockTime kDeadline = 30 * GST_SECOND;

Frame reduce(GstSample* sample) {
  Frame frame;
  GstVideoInfo info;
  GstVideoFrame mapped;
  gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
  if (!gst_video_frame_map(&mapped, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
    return frame;
  frame.pts = static_cast<std::int64_t>(GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
  const int width = GST_VIDEO_FRAME_WIDTH(&mapped);
  const int height = GST_VIDEO_FRAME_HEIGHT(&mapped);
  const auto* pixels = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, 0));
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, 0);
  for (int row = 0; row < Frame::kRows; ++row) {
    for (int column = 0; column < Frame::kColumns; ++column) {
      Colour sum;
      int count = 0;
      const int y1 = std::max((row + 1) * height / Frame::kRows, row * height / Frame::kRows + 1);
      const int x1 =
          std::max((column + 1) * width / Frame::kColumns, column * width / Frame::kColumns + 1);
      for (int y = row * height / Frame::kRows; y < y1; y += 2) {
        for (int x = column * width / Frame::kColumns; x < x1; x += 2) {
          const std::uint8_t* pixel = pixels + static_cast<std::ptrdiff_t>(y) * stride + x * 4;
          sum.r += pixel[0];
          sum.g += pixel[1];
          sum.b += pixel[2];
          sum.a += pixel[3];
          ++count;
        }
      }
      frame.cells[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] = {
          sum.r / count, sum.g / count, sum.b / count, sum.a / count};
    }
  }
  gst_video_frame_unmap(&mapped);
  return frame;
}

// Decodes the file, and hands each sample to `take`. `to_sink` ends in an appsink called "out".
void read_decoded(const std::string& path, const std::string& to_sink,
                  const std::function<void(GstSample*)>& take) {
  ErrorPtr error;
  const PipelinePtr pipeline(gst_parse_launch(
      ("filesrc location=\"" + path + "\" ! decodebin ! " + to_sink).c_str(), error.out()));
  ASSERT_FALSE(error) << error.message();
  const ElementPtr out = pipeline.by_name("out");
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  for (;;) {
    const SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), kDeadline));
    if (!sample) break;
    take(sample.get());
  }
  EXPECT_TRUE(gst_app_sink_is_eos(GST_APP_SINK(out.get())))
      << path << " does not decode to its end";
}

void read_frames(const std::string& path, DecodedClip& clip) {
  read_decoded(path,
               "videoconvert ! video/x-raw,format=RGBA ! appsink name=out sync=false max-buffers=4",
               [&clip](GstSample* sample) {
                 GstVideoInfo info;
                 gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
                 clip.width = GST_VIDEO_INFO_WIDTH(&info);
                 clip.height = GST_VIDEO_INFO_HEIGHT(&info);
                 clip.fps_n = GST_VIDEO_INFO_FPS_N(&info);
                 clip.fps_d = GST_VIDEO_INFO_FPS_D(&info);
                 clip.frames.push_back(reduce(sample));
               });
}

void read_samples(const std::string& path, DecodedClip& clip) {
  read_decoded(path,
               "audioconvert ! audioresample ! audio/x-raw,format=F32LE,rate=48000,channels=1 ! "
               "appsink name=out sync=false",
               [&clip](GstSample* sample) {
                 GstBuffer* buffer = gst_sample_get_buffer(sample);
                 const std::size_t before = clip.sound.size();
                 clip.sound.resize(before + gst_buffer_get_size(buffer) / sizeof(float));
                 gst_buffer_extract(buffer, 0, clip.sound.data() + before,
                                    (clip.sound.size() - before) * sizeof(float));
               });
}

std::string tag(const GstTagList* tags, const char* name) {
  char* value = nullptr;
  if (tags == nullptr || !gst_tag_list_get_string(tags, name, &value)) return {};
  return take_string(value);
}

std::string caps_of(GstDiscovererStreamInfo* stream) {
  const CapsPtr caps(gst_discoverer_stream_info_get_caps(stream));
  return take_string(gst_caps_to_string(caps.get()));
}

bool discover(const std::string& path, DecodedClip& clip) {
  ErrorPtr error;
  const auto discoverer =
      ObjectPtr<GstDiscoverer>::adopt(gst_discoverer_new(kDeadline, error.out()));
  const GCharPtr uri(gst_filename_to_uri(path.c_str(), error.out()));
  const auto info = ObjectPtr<GstDiscovererInfo>::adopt(
      gst_discoverer_discover_uri(discoverer.get(), uri.get(), error.out()));
  if (!info || gst_discoverer_info_get_result(info.get()) != GST_DISCOVERER_OK) return false;
  clip.duration = static_cast<std::int64_t>(gst_discoverer_info_get_duration(info.get()));
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  const GstTagList* tags = gst_discoverer_info_get_tags(info.get());
  G_GNUC_END_IGNORE_DEPRECATIONS
  if (tags != nullptr) clip.tags = take_string(gst_tag_list_to_string(tags));
  clip.title = tag(tags, GST_TAG_TITLE);
  clip.comment = tag(tags, GST_TAG_COMMENT);
  clip.application = tag(tags, GST_TAG_APPLICATION_NAME);
  clip.encoder = tag(tags, GST_TAG_ENCODER);
  GList* videos = gst_discoverer_info_get_video_streams(info.get());
  if (videos != nullptr) clip.video_caps = caps_of(GST_DISCOVERER_STREAM_INFO(videos->data));
  gst_discoverer_stream_info_list_free(videos);
  GList* audios = gst_discoverer_info_get_audio_streams(info.get());
  if (audios != nullptr) clip.audio_caps = caps_of(GST_DISCOVERER_STREAM_INFO(audios->data));
  gst_discoverer_stream_info_list_free(audios);
  return true;
}

}  // namespace

void expect_near(const Colour& colour, Rgba expected, double tolerance, const char* what) {
  EXPECT_NEAR(colour.r, expected.r, tolerance) << what << ": red";
  EXPECT_NEAR(colour.g, expected.g, tolerance) << what << ": green";
  EXPECT_NEAR(colour.b, expected.b, tolerance) << what << ": blue";
  EXPECT_NEAR(colour.a, expected.a, tolerance) << what << ": alpha";
}

Colour Frame::mean(double left, double top, double right, double bottom) const {
  Colour sum;
  int count = 0;
  for (int row = static_cast<int>(top * kRows); row < static_cast<int>(bottom * kRows); ++row) {
    for (int column = static_cast<int>(left * kColumns);
         column < static_cast<int>(right * kColumns); ++column) {
      const Colour& cell = cells[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
      sum.r += cell.r;
      sum.g += cell.g;
      sum.b += cell.b;
      sum.a += cell.a;
      ++count;
    }
  }
  count = std::max(count, 1);
  return {sum.r / count, sum.g / count, sum.b / count, sum.a / count};
}

double DecodedClip::loudness(double from, double to) const {
  const auto begin = std::min(sound.size(), static_cast<std::size_t>(from * 48000));
  const auto end = std::min(sound.size(), static_cast<std::size_t>(to * 48000));
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += static_cast<double>(sound[i]) * sound[i];
  return end > begin ? std::sqrt(sum / static_cast<double>(end - begin)) : 0;
}

double DecodedClip::tone(double hertz, double from, double to) const {
  const auto begin = std::min(sound.size(), static_cast<std::size_t>(from * 48000));
  const auto end = std::min(sound.size(), static_cast<std::size_t>(to * 48000));
  double real = 0;
  double imaginary = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const double angle = 2 * std::numbers::pi * hertz * static_cast<double>(i) / 48000;
    real += sound[i] * std::cos(angle);
    imaginary += sound[i] * std::sin(angle);
  }
  return end > begin ? 2 * std::hypot(real, imaginary) / static_cast<double>(end - begin) : 0;
}

DecodedClip decode_clip(const std::string& path) {
  DecodedClip clip;
  EXPECT_TRUE(discover(path, clip)) << path << " is no media file";
  read_frames(path, clip);
  if (!clip.audio_caps.empty()) read_samples(path, clip);
  return clip;
}

std::optional<DecodedClip> decode_picture(const std::string& path) {
  DecodedClip clip;
  if (!discover(path, clip)) return std::nullopt;
  read_frames(path, clip);
  return clip.frames.empty() ? std::nullopt : std::optional(clip);
}

std::string box_order(const std::string& path) {
  const std::string bytes = read_file(path);
  std::string order;
  std::size_t at = 0;
  while (at + 8 <= bytes.size()) {
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<std::uint8_t>(bytes[at + i]);
    order += (order.empty() ? "" : " ") + bytes.substr(at + 4, 4);
    if (size == 1) {
      size = 0;
      for (std::size_t i = 8; i < 16; ++i) {
        size = size << 8 | static_cast<std::uint8_t>(bytes[at + i]);
      }
    }
    if (size < 8) break;
    at += size;
  }
  return at == bytes.size() ? order : order + " (damaged)";
}

double distance(const Frame& a, const Frame& b, double left, double top, double right,
                double bottom) {
  double sum = 0;
  int count = 0;
  for (int row = static_cast<int>(top * Frame::kRows);
       row < static_cast<int>(bottom * Frame::kRows); ++row) {
    for (int column = static_cast<int>(left * Frame::kColumns);
         column < static_cast<int>(right * Frame::kColumns); ++column) {
      const auto r = static_cast<std::size_t>(row);
      const auto c = static_cast<std::size_t>(column);
      sum += std::abs(a.cells[r][c].r - b.cells[r][c].r) +
             std::abs(a.cells[r][c].g - b.cells[r][c].g) +
             std::abs(a.cells[r][c].b - b.cells[r][c].b);
      ++count;
    }
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace genpro::emulator::render::test
