// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/clip_conform.h"

#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "emulator/media/render/reporter.h"

namespace genpro::emulator::render {
namespace {

// The timeline may ask for a frame past the slot's end, by rounding.
constexpr int kSpareFrames = 6;
// Half a millisecond: containers round their time stamps.
constexpr double kRounding = 0.0005;
constexpr GstClockTime kFinishTimeout = 15 * GST_SECOND;

// Source frames by time, begun anew whenever the clip is over.
class LoopingFrames {
 public:
  LoopingFrames(const std::string& path, double announced, const Touch& touch)
      : path_(path), announced_(announced), touch_(touch), reader_(open()) {
    if (!advance()) throw RenderError("has no frames that can be decoded; upload it again");
    current_ = std::move(upcoming_);
    advance_or_wrap();
  }

  // The frame that is to be seen at `time`, which must not decrease.
  const Raster& at(double time) {
    while (upcoming_time_ <= time + kRounding) {
      current_ = upcoming_;
      advance_or_wrap();
    }
    return current_;
  }
  double cycle() const { return cycle_; }

 private:
  std::unique_ptr<MediaReader> open() const {
    return std::make_unique<MediaReader>(path_, StreamKind::video, touch_);
  }

  bool advance() {
    const SamplePtr sample = reader_->next();
    if (!sample) return false;
    Raster frame = Raster::from_sample(sample.get());
    GstBuffer* buffer = gst_sample_get_buffer(sample.get());
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    double time = last_time_ + last_duration_;
    if (GST_CLOCK_TIME_IS_VALID(pts)) {
      const guint64 shown =
          gst_segment_to_stream_time(gst_sample_get_segment(sample.get()), GST_FORMAT_TIME, pts);
      const double seconds =
          static_cast<double>(GST_CLOCK_TIME_IS_VALID(shown) ? shown : pts) / GST_SECOND;
      if (first_) first_time_ = seconds;
      time = std::max(last_time_, seconds - first_time_);
    }
    if (GST_BUFFER_DURATION_IS_VALID(buffer) && GST_BUFFER_DURATION(buffer) > 0) {
      last_duration_ = static_cast<double>(GST_BUFFER_DURATION(buffer)) / GST_SECOND;
    } else if (time > last_time_) {
      last_duration_ = time - last_time_;
    }
    first_ = false;
    last_time_ = time;
    upcoming_ = std::move(frame);
    upcoming_time_ = offset_ + time;
    return true;
  }

  void advance_or_wrap() {
    if (advance()) return;
    const double length = std::max(last_time_ + last_duration_, 0.04);
    if (announced_ > 2 && length < 0.8 * announced_ - 1) {
      throw RenderError("ends before its data is complete; upload the whole file again");
    }
    if (cycle_ == 0) cycle_ = length;
    offset_ += length;
    first_ = true;
    last_time_ = 0;
    reader_ = open();
    if (!advance()) throw RenderError("cannot be read twice; upload it again");
  }

  std::string path_;
  double announced_;
  Touch touch_;
  std::unique_ptr<MediaReader> reader_;
  Raster current_;
  Raster upcoming_;
  double upcoming_time_ = 0;
  double offset_ = 0;
  double cycle_ = 0;
  bool first_ = true;
  double first_time_ = 0;
  double last_time_ = 0;
  double last_duration_ = 1.0 / 25;
};

// Encodes frames into a file.
class ClipWriter {
 public:
  ClipWriter(const ClipShape& shape, const ClipFile& file) : fps_(shape.fps) {
    gst_video_info_set_format(
        &info_, shape.has_alpha ? GST_VIDEO_FORMAT_BGRA : GST_VIDEO_FORMAT_I420,
        static_cast<guint>(shape.raster.width), static_cast<guint>(shape.raster.height));
    info_.fps_n = shape.fps;
    info_.fps_d = 1;
    // Key frames are dense because a timeline seeks to each cut, the quantizer is low because the
    // frames are encoded once more for the finished clip.
    const std::string encoder =
        shape.has_alpha
            ? "videoconvert ! video/x-raw,format=A444_10LE,colorimetry=bt709 ! "
              "avenc_prores_ks profile=4444 ! queue ! qtmux name=mux"
            : "x264enc speed-preset=ultrafast pass=quant quantizer=14 key-int-max=12 bframes=0 "
              "sliced-threads=true sync-lookahead=0 rc-lookahead=0 ! mp4mux name=mux";
    std::string description = "appsrc name=in format=time block=true max-buffers=4 max-bytes=0 ! " +
                              encoder + " ! filesink name=out sync=false async=false";
    if (!file.wav.empty()) {
      description +=
          " filesrc name=wav ! wavparse ! audioconvert ! avenc_aac bitrate=128000 ! aacparse ! "
          "queue ! mux.";
    }
    ErrorPtr error;
    pipeline_.reset(gst_parse_launch(description.c_str(), error.out()));
    if (error) {
      throw RenderError("cannot be prepared because an encoder is missing (" + error.message() +
                        "); install gstreamer1.0-plugins-ugly and gstreamer1.0-libav");
    }
    g_object_set(pipeline_.by_name("out").get(), "location", file.path.c_str(), nullptr);
    if (!file.wav.empty()) {
      g_object_set(pipeline_.by_name("wav").get(), "location", file.wav.c_str(), nullptr);
    }
    const ElementPtr muxer = pipeline_.by_name("mux");
    if (file.is_finished) {
      reorder_.emplace("genpro-mux", std::filesystem::path(file.path).parent_path());
      g_object_set(muxer.get(), "faststart", TRUE, "faststart-file", reorder_->path().c_str(),
                   nullptr);
    }
    if (file.tags) {
      gst_tag_setter_merge_tags(GST_TAG_SETTER(muxer.get()), file.tags.get(),
                                GST_TAG_MERGE_REPLACE);
    }
    source_ = pipeline_.by_name("in");
    const CapsPtr caps(gst_video_info_to_caps(&info_));
    gst_app_src_set_caps(GST_APP_SRC(source_.get()), caps.get());
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }

  void write(Raster frame) {
    BufferPtr buffer = frame.take_buffer();
    GST_BUFFER_PTS(buffer.get()) = gst_util_uint64_scale(static_cast<guint64>(written_), GST_SECOND,
                                                         static_cast<guint64>(fps_));
    GST_BUFFER_DURATION(buffer.get()) =
        gst_util_uint64_scale(static_cast<guint64>(written_ + 1), GST_SECOND,
                              static_cast<guint64>(fps_)) -
        GST_BUFFER_PTS(buffer.get());
    ++written_;
    if (gst_app_src_push_buffer(GST_APP_SRC(source_.get()), buffer.release()) != GST_FLOW_OK)
      fail();
  }

  void finish() {
    gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
    const MessagePtr message(gst_bus_timed_pop_filtered(
        pipeline_.bus().get(), kFinishTimeout,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message || GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_EOS) fail();
    pipeline_.stop();
  }

 private:
  [[noreturn]] static void fail() {
    throw RenderError(
        "could not be brought into the video's format; save it again and upload that");
  }

  int fps_;
  std::optional<MemoryFile>
      reorder_;  // where the muxer keeps frames until it knows the index before them
  GstVideoInfo info_{};
  PipelinePtr pipeline_;
  ElementPtr source_;
  int written_ = 0;
};

}  // namespace

ConformedClip conform_clip(const std::string& path, const ClipShape& shape, double announced,
                           const std::string& folder, const Touch& touch) {
  ConformedClip clip{MemoryFile("genpro-clip", folder), 0};
  ClipFile file;
  file.path = clip.media.path();
  LoopingFrames source(path, announced, touch);
  ClipWriter writer(shape, file);
  Framer framer;
  for (int i = 0; i < shape.frames + kSpareFrames; ++i) {
    const Raster& current = source.at(static_cast<double>(i) / shape.fps);
    Raster frame(shape.has_alpha ? GST_VIDEO_FORMAT_BGRA : GST_VIDEO_FORMAT_I420, shape.raster);
    if (shape.has_alpha) {
      framer.contain(current, frame);
    } else {
      framer.fill(current, frame);
    }
    writer.write(std::move(frame));
    touch();
  }
  writer.finish();
  clip.cycle = source.cycle();
  return clip;
}

int write_matte(const std::string& path, const ClipShape& shape, double announced,
                const ClipFile& out, const Touch& touch) {
  LoopingFrames source(path, announced, touch);
  ClipWriter writer(shape, out);
  Placer placer;
  int count = 0;
  for (; count < shape.frames; ++count) {
    const double time = static_cast<double>(count) / shape.fps;
    const Raster& current = source.at(time);
    if (source.cycle() > 0 && time > source.cycle() - kRounding) break;
    Raster frame(GST_VIDEO_FORMAT_BGRA, shape.raster);
    placer.place(current, whole(current.size()), frame);
    out.edit(count, frame);
    writer.write(std::move(frame));
    touch();
  }
  writer.finish();
  return count;
}

std::vector<float> conform_audio(const std::string& path, std::size_t frames, double cycle,
                                 const Touch& touch) {
  // What is long enough is not begun anew.
  const auto period = cycle > 0
                          ? std::max<std::size_t>(1, static_cast<std::size_t>(cycle * kAudioRate))
                          : std::max<std::size_t>(1, frames);
  std::vector<float> audio = read_audio(path, std::min(frames, period), touch);
  repeat_audio(audio, period * kAudioChannels, frames * kAudioChannels);
  return audio;
}

}  // namespace genpro::emulator::render
