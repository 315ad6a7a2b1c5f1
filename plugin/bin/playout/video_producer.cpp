// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/producers.h"

namespace genpro::bin {

namespace {

class VideoProducer : public Producer {
 public:
  explicit VideoProducer(std::shared_ptr<CurrentPlayout> current) : current_(std::move(current)) {}

  void start() override {
    playout_ = *current_->lock();
    raster_ = {};
    clip_caps_.reset();
    origin_.reset();
    count_ = 0;
    offset_ = 0;
    is_discont_ = true;
  }

  CapsPtr caps() const override {
    return CapsPtr(gst_caps_from_string(GENPRO_BIN_VIDEO_CAPS "; " GENPRO_BIN_DEVICE_CAPS));
  }

  CapsPtr negotiate(GstPad* pad) override {
    const WantedRaster wanted = *playout_->wanted.lock();
    const CapsPtr allowed = peer_caps(pad, GENPRO_BIN_VIDEO_CAPS);
    CapsPtr caps = choose_caps(wanted, allowed.get());
    if (caps) {
      // Some elements, such as a compositor whose output has no alpha, take more than they tell.
      CapsPtr better = with_format(wanted, caps.get(), [pad](GstCaps* offered) {
        return gst_pad_peer_query_accept_caps(pad, offered) != FALSE;
      });
      if (better) caps = std::move(better);
    }
    GstVideoInfo info;
    if (!caps || !gst_video_info_from_caps(&info, caps.get())) return nullptr;
    CapsPtr taken = peer_caps(pad, GENPRO_BIN_DEVICE_CAPS);
    // What takes any memory may have nobody behind it who can read that.
    if (!gst_caps_is_empty(peer_caps(pad, "video/x-raw(memory:Unknown)").get())) {
      taken.reset(gst_caps_new_empty());
    }
    std::string device_caps = take_string(gst_caps_to_string(taken.get()));
    const bool is_same = gst_video_info_is_equal(&info, &raster_.info);
    if (is_same && device_caps == raster_.device_caps) return caps;
    if (!is_same) {
      // A new rate counts from here on.
      if (origin_) origin_ = time_of(count_);
      count_ = 0;
      raster_.info = info;
    }
    raster_.device_caps = std::move(device_caps);
    clip_caps_.reset();
    tell();
    return caps;
  }

  Step produce(Time now, Time max_lateness) override {
    Step step;
    step.moved = moved();
    now += step.moved;
    const bool is_late = !origin_ || now - time_of(count_) > max_lateness;
    // What is before all running times, which have begun anew, cannot be made any more.
    if (is_late || time_of(count_) < step.moved) {
      is_discont_ = true;
      const Time begin = is_late ? now : step.moved;
      const Time duration = std::max<Time>(1, frame_duration());
      if (origin_) {
        step.behind = begin - time_of(count_);
        playout_->output.skipped += static_cast<std::uint64_t>(step.behind / duration);
      }
      count_ = 0;
      origin_ = begin / duration * duration;
      if (*origin_ < step.moved) *origin_ += duration;
    }
    const Time time = time_of(count_);
    const Time duration = time_of(count_ + 1) - time;
    step.due = time - step.moved;
    const std::uint32_t border = border_of(playout_->placeholder->kind());
    if (border != raster_.border) {
      raster_.border = border;
      tell();
    }
    playout_->timeline.set_frame_times(
        {*origin_, std::max(1, raster_.info.fps_n), std::max(1, raster_.info.fps_d)});
    const Composition composition = playout_->timeline.frame(time, duration, max_lateness);
    step.is_end = composition.is_end;
    if (step.is_end) return step;
    step.behind = std::max(step.behind, composition.behind);
    step.caps = caps_to_pass(composition);
    BufferPtr frame = step.caps ? BufferPtr(gst_buffer_ref(composition.over.frame.buffer.get()))
                                : compose(composition);
    if (!frame) return step;
    ++count_;
    // The memory stays shared: what is shown again and again is drawn once.
    step.buffer.reset(gst_buffer_make_writable(frame.release()));
    GstBuffer* buffer = step.buffer.get();
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(step.due);
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(duration);
    GST_BUFFER_OFFSET(buffer) = offset_++;
    GST_BUFFER_OFFSET_END(buffer) = offset_;
    GST_BUFFER_FLAGS(buffer) &= ~static_cast<guint>(
        GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_GAP);
    if (is_discont_) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    is_discont_ = false;
    return step;
  }

  bool is_told() override { return playout_->untold.lock()->expired(); }
  Time moved() override { return playout_->timeline.moved(); }
  Time latency() override { return latency_; }
  OutputStats* stats() override { return playout_ ? &playout_->output : nullptr; }

 private:
  static CapsPtr peer_caps(GstPad* pad, const char* filter) {
    const CapsPtr caps(gst_caps_from_string(filter));
    return CapsPtr(gst_pad_peer_query_caps(pad, caps.get()));
  }

  Time frame_duration() const { return time_at(1); }
  Time time_at(std::uint64_t count) const {
    return static_cast<Time>(gst_util_uint64_scale(
        count, GST_SECOND * static_cast<guint64>(std::max(1, raster_.info.fps_d)),
        static_cast<guint64>(std::max(1, raster_.info.fps_n))));
  }
  Time time_of(std::uint64_t count) const { return *origin_ + time_at(count); }

  void tell() {
    latency_ = frame_duration() + longest_delay;
    playout_->output.latency = latency_.load();
    *playout_->raster.lock() = raster_;
    playout_->raster_changed(raster_);
  }

  // Of a frame that leaves the device as it is; null for what has to be drawn, or that nobody
  // takes.
  CapsPtr caps_to_pass(const Composition& composition) {
    const Frame& frame = composition.over.frame;
    if (composition.under || composition.over.is_placeholder || !frame.caps) return nullptr;
    if (!clip_caps_ || !gst_caps_is_equal(clip_caps_.get(), frame.caps.get())) {
      const GstVideoInfo& to = raster_.info;
      clip_caps_.reset(gst_caps_ref(frame.caps.get()));
      passed_caps_.reset(gst_caps_copy(frame.caps.get()));
      gst_caps_set_simple(passed_caps_.get(), "framerate", GST_TYPE_FRACTION, to.fps_n, to.fps_d,
                          nullptr);
      const CapsPtr taken(gst_caps_from_string(raster_.device_caps.c_str()));
      const bool fits = frame.info.width == to.width && frame.info.height == to.height &&
                        frame.info.par_n == to.par_n && frame.info.par_d == to.par_d;
      if (!fits || !gst_caps_can_intersect(passed_caps_.get(), taken.get())) passed_caps_.reset();
    }
    return CapsPtr(passed_caps_ ? gst_caps_ref(passed_caps_.get()) : nullptr);
  }

  // In the raster; null without memory for it.
  BufferPtr draw(const Layer& layer) {
    if (!layer.is_placeholder && layer.frame) {
      BufferPtr fitted = converter_.fit(layer.frame, raster_);
      if (fitted) return fitted;
    }
    return playout_->placeholder->frame(raster_);
  }

  BufferPtr compose(const Composition& composition) {
    BufferPtr over = draw(composition.over);
    if (!composition.under || !over) return over;
    const BufferPtr under = draw(*composition.under);
    BufferPtr blended =
        under ? converter_.blend(under.get(), over.get(), composition.mix, raster_) : nullptr;
    return blended ? std::move(blended) : std::move(over);
  }

  const std::shared_ptr<CurrentPlayout> current_;
  std::shared_ptr<Playout> playout_;  // of this run
  Raster raster_;
  FrameConverter converter_;
  CapsPtr clip_caps_;    // of a clip's frames in a device
  CapsPtr passed_caps_;  // the same as they leave, if they do
  std::optional<Time> origin_;
  std::uint64_t count_ = 0;
  std::uint64_t offset_ = 0;
  bool is_discont_ = true;
  std::atomic<Time> latency_ = GST_SECOND / 30 + longest_delay;
};

}  // namespace

std::unique_ptr<Producer> make_video_producer(std::shared_ptr<CurrentPlayout> current) {
  return std::make_unique<VideoProducer>(std::move(current));
}

}  // namespace genpro::bin
