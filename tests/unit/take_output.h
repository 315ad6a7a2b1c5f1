// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A timeline of made-up clips, and what is seen and heard of it: frame by frame, and sample by
// sample.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <stdexcept>

#include "unit/fake_playing.h"

namespace genpro::test {

struct Rate {
  int n;
  int d;
};
inline constexpr std::array<Rate, 8> rates = {
    {{24'000, 1001}, {24, 1}, {25, 1}, {30'000, 1001}, {30, 1}, {50, 1}, {60'000, 1001}, {60, 1}}};

inline Time time_at(int number, Rate rate) {
  return static_cast<Time>(gst_util_uint64_scale(static_cast<guint64>(number),
                                                 GST_SECOND * static_cast<guint64>(rate.d),
                                                 static_cast<guint64>(rate.n)));
}

inline FakeClip clip_at(Rate rate, int frames) {
  FakeClip clip;
  for (int number = 0; number < frames; ++number) {
    clip.frames.push_back(time_at(number + 1, rate) - time_at(number, rate));
  }
  clip.audio = time_at(frames, rate);
  return clip;
}

struct OutputFrame {
  Time time;
  int clip = -1;  // none: the placeholder
  Time content = 0;
  int under = -1;  // that it fades over; none: it does not, or over the placeholder
  Time under_content = 0;
};
struct OutputSample {
  int mark = 0;  // of the clip, 0 for silence
  int sample = 0;
};

// Of a simulation.
inline constexpr Time longest = 1800 * Time{GST_SECOND};

// A timeline from which frames and sound are taken at their own pace.
class Output {
 public:
  explicit Output(Rate rate, Time audio_lead) : rate_(rate), audio_lead_(audio_lead) {
    timeline_.set_frame_times({0, rate.n, rate.d});
  }

  bin::Timeline& timeline() { return timeline_; }
  Rate rate() const { return rate_; }
  Time now() const { return time_at(frame_, rate_); }
  Time next_frame_from(Time time) const {
    int number = frame_;
    while (time_at(number, rate_) < time) ++number;
    return time_at(number, rate_);
  }
  FakePlaying& add(const FakeClip& clip) {
    const int number = static_cast<int>(clips_.size());
    return *clips_.emplace_back(std::make_unique<FakePlaying>(clip, number, 0));
  }
  // Up to where both frames and sound were taken.
  Time done() const { return std::min(now(), bin::time_of_sample(audio_next_)); }
  // What never comes is not waited for.
  void run_until(Time time) {
    while (now() < time) {
      if (now() > longest) throw std::runtime_error("what is waited for does not come");
      take_frame();
    }
  }

  std::vector<OutputFrame> seen;
  std::vector<OutputSample> heard;  // by the output's sample
  std::vector<int> cued;
  std::vector<int> retired;
  std::map<int, Time> late;
  std::vector<std::pair<int, bool>> followed;  // and whether at the end of another one
  std::vector<std::string> told;
  std::vector<int> deadlines;  // of which clip

  // How many samples that are not silent, but for what rounding makes of the borders.
  std::size_t heard_between(Time begin, Time end) const {
    std::size_t number = 0;
    for (std::int64_t at = bin::samples_at(begin) + 1; at < bin::samples_at(end) - 1; ++at) {
      if (heard.at(static_cast<std::size_t>(at)).mark != 0) ++number;
    }
    return number;
  }
  const OutputFrame& seen_at(Time time) const {
    return *std::find_if(seen.begin(), seen.end(),
                         [=](const OutputFrame& s) { return s.time == time; });
  }

 private:
  void take_frame() {
    for (const auto& clip : clips_) clip->feed(frame_);
    const Time time = now();
    while (bin::samples_at(time + audio_lead_) >= audio_next_) take_audio();
    const bin::Composition composition =
        timeline_.frame(time, time_at(frame_ + 1, rate_) - time, kept);
    OutputFrame frame{.time = time};
    see(composition.over, &frame.clip, &frame.content);
    if (composition.under) see(*composition.under, &frame.under, &frame.under_content);
    seen.push_back(frame);
    ++frame_;
  }
  void see(const bin::Layer& layer, int* clip, Time* content) {
    if (layer.is_placeholder) return;
    const GstBuffer* buffer = layer.frame.buffer.get();
    *clip = static_cast<int>(GST_BUFFER_OFFSET(buffer));
    *content = static_cast<Time>(GST_BUFFER_PTS(buffer));
    clips_[static_cast<std::size_t>(*clip)]->see(*content);
  }
  void take_audio() {
    std::array<float, audio_block * bin::audio_channels> samples{};
    std::vector<std::size_t> seams;
    timeline_.mix_audio(audio_next_, samples.data(), audio_block, &seams, kept);
    for (std::size_t at = 0; at < audio_block; ++at) {
      const auto mark = static_cast<int>(samples[at * 2]);
      const auto sample = static_cast<int>(samples[at * 2 + 1]);
      heard.push_back({mark, sample});
      // Where one fades into another, neither can be told.
      if (mark % 1000 != 1) continue;
      clips_[static_cast<std::size_t>((mark - 1) / 1000)]->hear(sample);
    }
    audio_next_ += audio_block;
  }
  int number_of(const std::shared_ptr<bin::ClipDecoder>& decoder) const {
    for (const auto& clip : clips_) {
      if (clip->decoder() == decoder) return clip->number();
    }
    return -1;
  }
  bin::Timeline::Events events() {
    using Decoder = std::shared_ptr<bin::ClipDecoder>;
    bin::Timeline::Events events{
        [](const Decoder&, const Decoder&, Time) {},
        [this](const Decoder& decoder) { retired.push_back(number_of(decoder)); }};
    events.cued = [this](const Decoder& decoder, Time) { cued.push_back(number_of(decoder)); };
    events.cued_past_end = [this](const Decoder&) { told.emplace_back("past end"); };
    events.late = [this](const Decoder& decoder, Time by) { late[number_of(decoder)] = by; };
    events.followed = [this](const Decoder& decoder, bool is_at_end) {
      followed.emplace_back(number_of(decoder), is_at_end);
    };
    events.missed_action = [this](const char* action) { told.emplace_back(action); };
    events.deadline = [this](const bin::Timeline::Deadline& deadline) {
      told.emplace_back(deadline.is_met ? "met" : "missed");
      deadlines.push_back(number_of(deadline.decoder));
    };
    return events;
  }

  const Rate rate_;
  const Time audio_lead_;
  int frame_ = 0;
  std::int64_t audio_next_ = 0;
  std::vector<std::unique_ptr<FakePlaying>> clips_;
  bin::Timeline timeline_{events()};
};

// From `start` on the clip is there, from `position` on, frame by frame and sample by sample.
inline void expect_plays(const Output& output, const FakePlaying& clip, Time start, Time position,
                         Time until) {
  for (const OutputFrame& seen : output.seen) {
    if (seen.time < start || seen.time >= until) continue;
    ASSERT_EQ(seen.clip, clip.number()) << "at " << ms(seen.time - start);
    // Times are rounded.
    const Time content = position + seen.time - start;
    ASSERT_GE(seen.content, clip.expected(content - GST_USECOND)) << "at " << ms(content);
    ASSERT_LE(seen.content, clip.expected(content + GST_USECOND)) << "at " << ms(content);
  }
  // The last one may be at the rounding's other side.
  const std::int64_t first = bin::samples_at(start);
  const std::int64_t last = bin::samples_at(until) - 1;
  const std::int64_t offset = bin::samples_at(position) - first;
  for (std::int64_t sample = first; sample < last; ++sample) {
    const OutputSample& heard = output.heard.at(static_cast<std::size_t>(sample));
    if (heard.mark == clip.mark() && std::abs(heard.sample - offset - sample) <= 1) continue;
    FAIL() << "at sample " << sample - first << " of the clip, sample " << heard.sample
           << " is heard of " << heard.mark;
  }
}

}  // namespace genpro::test
