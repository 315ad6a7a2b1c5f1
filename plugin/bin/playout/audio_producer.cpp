// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/audio/audio.h>

#include <algorithm>

#include "bin/playout/audio_smoother.h"
#include "bin/playout/producers.h"

namespace genpro::bin {

namespace {

constexpr std::size_t block = audio_rate / 50;

class AudioProducer : public Producer {
 public:
  explicit AudioProducer(std::shared_ptr<CurrentPlayout> current) : current_(std::move(current)) {}

  void start() override {
    playout_ = *current_->lock();
    next_.reset();
    smoother_.reset();
  }

  CapsPtr caps() const override {
    return CapsPtr(gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, GST_AUDIO_NE(F32),
                                       "rate", G_TYPE_INT, audio_rate, "channels", G_TYPE_INT,
                                       audio_channels, "layout", G_TYPE_STRING, "interleaved",
                                       "channel-mask", GST_TYPE_BITMASK, guint64{3}, nullptr));
  }

  CapsPtr negotiate(GstPad* pad) override {
    CapsPtr caps = this->caps();
    const CapsPtr allowed(gst_pad_peer_query_caps(pad, caps.get()));
    return gst_caps_can_intersect(caps.get(), allowed.get()) ? std::move(caps) : nullptr;
  }

  Step produce(Time now, Time max_lateness) override {
    bool is_discont = false;
    Step step;
    step.moved = moved();
    now += step.moved;
    const bool is_late = !next_ || now - time_of(*next_) > max_lateness;
    // What is before all running times, which have begun anew, cannot be made any more.
    if (is_late || time_of(*next_) < step.moved) {
      constexpr auto size = static_cast<std::int64_t>(block);
      // On a block's border, so that all that start together have the same times.
      next_ = samples_at(is_late ? now : step.moved) / size * size;
      if (time_of(*next_) < step.moved) *next_ += size;
      is_discont = true;
    }
    step.due = time_of(*next_) - step.moved;
    constexpr std::size_t size = block * audio_channels * sizeof(float);
    samples_.assign(block * audio_channels, 0);
    std::vector<std::size_t> seams;
    step.is_end =
        !playout_->timeline.mix_audio(*next_, samples_.data(), block, &seams, max_lateness);
    if (step.is_end) return step;
    smoother_.smooth(samples_.data(), block, std::move(seams));
    step.buffer.reset(gst_buffer_new_memdup(samples_.data(), size));
    GstBuffer* buffer = step.buffer.get();
    *next_ += block;
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(step.due);
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(time_of(block));
    GST_BUFFER_OFFSET(buffer) = static_cast<guint64>(*next_) - block;
    GST_BUFFER_OFFSET_END(buffer) = static_cast<guint64>(*next_);
    if (is_discont) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    return step;
  }

  bool is_told() override { return playout_->untold.lock()->expired(); }
  Time moved() override { return playout_->timeline.moved(); }
  Time latency() override { return time_of(block) + longest_delay; }

 private:
  static Time time_of(std::int64_t sample) {
    return static_cast<Time>(
        gst_util_uint64_scale_int(static_cast<guint64>(sample), GST_SECOND, audio_rate));
  }

  const std::shared_ptr<CurrentPlayout> current_;
  std::shared_ptr<Playout> playout_;  // of this run
  std::optional<std::int64_t> next_;
  std::vector<float> samples_;
  AudioSmoother smoother_;
};

}  // namespace

std::unique_ptr<Producer> make_audio_producer(std::shared_ptr<CurrentPlayout> current) {
  return std::make_unique<AudioProducer>(std::move(current));
}

}  // namespace genpro::bin
