// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip that is made up, as a timeline sees it: what the threads that read and decode it would do
// is done when it is told to.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "unit/playout_simulation.h"

namespace genpro::test {

using bin::Time;

inline constexpr std::size_t audio_block = bin::audio_rate / 50;
inline constexpr std::size_t decoded_block = 1024;
// How long what nobody has taken is waited for.
inline constexpr Time kept = 10 * GST_SECOND;
// Rounded times are as good as equal.
inline constexpr Time tolerance = GST_MSECOND;

// From the environment.
inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = g_getenv(variable);
  return value == nullptr ? otherwise : g_ascii_strtoull(value, nullptr, 10);
}

inline ElementPtr make_source() {
  ElementPtr source = sink_ref(gst_bin_new(nullptr));
  gst_element_add_pad(source.get(), gst_pad_new("src", GST_PAD_SRC));
  return source;
}

// A clip that is played once.
class FakePlaying {
 public:
  FakePlaying(const FakeClip& clip, int number, int round)
      : clip_(clip), number_(number), round_(round), next_start_(clip.begin) {
    decoded().set_has_video();
    if (clip.audio > 0) decoded().set_has_audio();
    decoded().set_streams_known();
  }

  // As much as there is room for: pushing what there is no room for would wait.
  void feed(int output_frame) {
    read(output_frame);
    while (next_ < clip_.frames.size() && has_room() && !is_stalled(output_frame, next_))
      push_frame();
    if (next_ == clip_.frames.size()) decoded().end_video();
    const std::int64_t total = bin::samples_at(clip_.audio);
    const std::int64_t room =
        std::max(bin::samples_at(seen_), taken_) + bin::audio_rate - std::int64_t{decoded_block};
    while (decoded_audio_ < total && decoded_audio_ < room) push_audio(total);
    if (decoded_audio_ == total) decoded().end_audio();
  }

  const FakeClip& clip() const { return clip_; }
  int number() const { return number_; }
  int round() const { return round_; }
  const std::shared_ptr<bin::ClipDecoder>& decoder() const { return decoder_; }
  bin::DecodedFrames& decoded() { return decoder_->decoded(); }
  std::string name() const {
    return std::string(1, static_cast<char>('A' + number_)) + std::to_string(round_);
  }
  bool is_known() const { return read_ == clip_.frames.size(); }
  int mark() const { return 1 + number_ * 1000 + round_; }
  void see(Time content) { seen_ = std::max(seen_, content); }
  void hear(std::int64_t sample) { taken_ = sample + 1; }

  // What the test knows of it.
  bool has_started = false;
  bool has_ended = false;
  int retired = 0;
  bool is_exact = false;  // it began at `began`, and goes on as the clip says
  Time began = 0;
  Time was_replaced = G_MAXINT64;
  Time was_stopped = G_MAXINT64;
  Time was_prepared = 0;
  bool has_repeat = false;

  // The time within the clip of the frame that is to be seen.
  Time expected(Time content) const {
    Time start = 0;
    for (const Time duration : clip_.frames) {
      if (start + duration > content + tolerance) break;
      start += duration;
    }
    return std::min(start, clip_.frames_length() - clip_.frames.back());
  }

 private:
  // As far ahead of what was taken as it is to be, or to where it stalls.
  void read(int output_frame) {
    const Time most = std::max(seen_, bin::time_of_sample(taken_)) + decoded().most_read_ahead();
    while (read_ < clip_.frames.size() && read_end_ < most) {
      if (is_stalled(output_frame, read_)) break;
      read_end_ += clip_.frames[read_++];
    }
    const bool is_all = read_ == clip_.frames.size();
    decoded().set_read_video(clip_.begin + read_end_, is_all);
    if (clip_.audio > 0) {
      const Time audio = is_all ? clip_.audio : std::min(clip_.audio, read_end_);
      decoded().set_read_audio(clip_.begin + audio, is_all);
    }
  }
  bool has_room() {
    while (!alive_.empty() && GST_MINI_OBJECT_REFCOUNT_VALUE(alive_.front().get()) == 1) {
      alive_.pop_front();
    }
    return alive_.size() < 8;
  }
  bool is_stalled(int output_frame, std::size_t frame) {
    if (static_cast<int>(frame) != clip_.stalls_at) return false;
    if (stalled_at_ < 0) stalled_at_ = output_frame;
    return output_frame < stalled_at_ + clip_.stalls_for;
  }
  void push_frame() {
    BufferPtr buffer(gst_buffer_new());
    GST_BUFFER_PTS(buffer.get()) = static_cast<GstClockTime>(next_start_ - clip_.begin);
    GST_BUFFER_OFFSET(buffer.get()) = static_cast<guint64>(number_);
    GST_BUFFER_OFFSET_END(buffer.get()) = static_cast<guint64>(round_);
    alive_.emplace_back(gst_buffer_ref(buffer.get()));
    bin::Frame frame;
    frame.buffer = std::move(buffer);
    const Time end = next_start_ + clip_.frames[next_++];
    decoded().push_frame(std::move(frame), next_start_, end);
    next_start_ = end;
  }
  // Each sample says of which clip it is, and which one.
  void push_audio(std::int64_t total) {
    const auto count = std::min<std::int64_t>(decoded_block, total - decoded_audio_);
    std::vector<float> samples;
    for (std::int64_t sample = decoded_audio_; sample < decoded_audio_ + count; ++sample) {
      samples.push_back(static_cast<float>(mark()));
      samples.push_back(static_cast<float>(sample));
    }
    const Time start =
        clip_.begin + static_cast<Time>(gst_util_uint64_scale_int_round(
                          static_cast<guint64>(decoded_audio_), GST_SECOND, bin::audio_rate));
    decoded().push_audio(std::move(samples), start);
    decoded_audio_ += count;
  }

  const FakeClip clip_;
  const int number_;
  const int round_;
  // Never started: it has no pipeline to speak of.
  const std::shared_ptr<bin::ClipDecoder> decoder_ =
      std::make_shared<bin::ClipDecoder>(make_source(), bin::Raster(), nullptr, [](MessagePtr) {});
  std::deque<BufferPtr> alive_;
  std::size_t read_ = 0;
  Time read_end_ = 0;
  std::size_t next_ = 0;
  Time next_start_;
  std::int64_t decoded_audio_ = 0;
  Time seen_ = 0;
  std::int64_t taken_ = 0;  // audio, up to this sample
  int stalled_at_ = -1;
};

}  // namespace genpro::test
