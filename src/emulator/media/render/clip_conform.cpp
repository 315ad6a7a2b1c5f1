// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/clip_conform.h"

#include <gst/app/gstappsrc.h>

#include <algorithm>

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
    if (!advance()) throw RenderError("has no pictures that can be decoded; upload it again");
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

// Encodes frames into a memory file, for this process only.
class ClipWriter {
 public:
  ClipWriter(Size raster, int fps) : fps_(fps), file_("genpro-clip") {
    gst_video_info_set_format(&info_, GST_VIDEO_FORMAT_I420, static_cast<guint>(raster.width),
                              static_cast<guint>(raster.height));
    info_.fps_n = fps;
    info_.fps_d = 1;
    // Key frames are dense because a timeline seeks to each cut, the quantizer is low because the
    // frames are encoded once more for the finished clip.
    const std::string description =
        "appsrc name=in format=time block=true max-buffers=4 max-bytes=0 ! "
        "x264enc speed-preset=ultrafast pass=quant quantizer=14 key-int-max=12 bframes=0 "
        "sliced-threads=true sync-lookahead=0 rc-lookahead=0 ! mp4mux ! filesink name=out "
        "sync=false async=false";
    ErrorPtr error;
    pipeline_.reset(gst_parse_launch(description.c_str(), error.out()));
    if (error) {
      throw RenderError("cannot be prepared because an encoder is missing (" + error.message() +
                        "); install gstreamer1.0-plugins-ugly");
    }
    const ElementPtr out = pipeline_.by_name("out");
    g_object_set(out.get(), "location", file_.path().c_str(), nullptr);
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

  MemoryFile finish() {
    gst_app_src_end_of_stream(GST_APP_SRC(source_.get()));
    const MessagePtr message(gst_bus_timed_pop_filtered(
        pipeline_.bus().get(), kFinishTimeout,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message || GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_EOS) fail();
    pipeline_.stop();
    return std::move(file_);
  }

 private:
  [[noreturn]] static void fail() {
    throw RenderError(
        "could not be brought into the video's format; save it again and upload that");
  }

  int fps_;
  MemoryFile file_;
  GstVideoInfo info_{};
  PipelinePtr pipeline_;
  ElementPtr source_;
  int written_ = 0;
};

}  // namespace

ConformedClip conform_clip(const std::string& path, Size raster, int fps, int frames,
                           double announced, const Touch& touch) {
  LoopingFrames source(path, announced, touch);
  ClipWriter writer(raster, fps);
  Framer framer;
  for (int i = 0; i < frames + kSpareFrames; ++i) {
    Raster frame(GST_VIDEO_FORMAT_I420, raster);
    framer.fill(source.at(static_cast<double>(i) / fps), frame);
    writer.write(std::move(frame));
    touch();
  }
  return {writer.finish(), source.cycle()};
}

std::vector<float> conform_sound(const std::string& path, std::size_t frames, double cycle,
                                 const Touch& touch) {
  // What is long enough is not begun anew.
  const auto period = cycle > 0
                          ? std::max<std::size_t>(1, static_cast<std::size_t>(cycle * kSoundRate))
                          : std::max<std::size_t>(1, frames);
  std::vector<float> sound = read_sound(path, std::min(frames, period), touch);
  repeat_sound(sound, period * kSoundChannels, frames * kSoundChannels);
  return sound;
}

}  // namespace genpro::emulator::render
