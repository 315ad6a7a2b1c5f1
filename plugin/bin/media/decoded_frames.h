// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What has been decoded of a clip and not been shown yet.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "bin/media/frame_converter.h"
#include "bin/media/loudness.h"

namespace genpro::bin {

// Times in nanoseconds. Within a clip they count from its begin on: its first frame, or audio that
// is heard before that, over that frame. It lasts to the end of its last frame, or of audio after
// that.
using Time = std::int64_t;

// What leaves the element, and what is asked of a clip: 32-bit floats, interleaved.
inline constexpr int audio_rate = 48'000;
inline constexpr int audio_channels = 2;

// That are held ready, unless they are very large.
inline constexpr std::size_t most_held_frames = 8;
// All of a clip, as a preroll.
inline constexpr Time whole_clip = std::numeric_limits<Time>::max();

Time monotonic_now();

// Samples (of all channels, so frames in terms of audio) up to a time.
std::int64_t samples_at(Time time);
// And back.
Time time_of_sample(std::int64_t sample);

// Filled by the threads that read and decode, which wait here while there is enough; emptied by the
// threads that show, which never wait. Frames are shown and audio is heard each at its own pace:
// one may be seconds ahead of the other, as the latency of what follows has it. Then audio is kept
// as samples, and video as it is in the clip, which is read ahead of the one that is ahead.
// Threads: any.
class DecodedFrames {
 public:
  // So much of it is read before it begins, and before it goes on where there was nothing more.
  void set_preroll(Time preroll) { state_.lock()->preroll = preroll; }
  // What follows it begins so much before its end, which has to be known by then.
  void set_fade(Time fade);
  Time fade() { return state_.lock()->fade; }
  // How far ahead of what is taken it is read, if it is not read as a whole.
  Time most_read_ahead() { return state_.lock()->most_read_ahead(); }
  // In LUFS; 0: it is as loud as it is. What was decoded when it begins decides, up to its preroll,
  // and what is louder later is held below the ceiling.
  void set_loudness_target(double target) { state_.lock()->loudness_target = target; }
  // Instead of what is measured, for a clip that is played once more.
  void set_gain(const std::optional<AudioGain>& gain);
  // As it is applied; nothing when there was nothing to measure.
  std::optional<AudioGain> gain() { return state_.lock()->gain; }
  // What was read of a stream, to be decoded: up to which time, and whether that is all of it.
  void set_read_video(Time end, bool is_all);
  void set_read_audio(Time end, bool is_all);
  // While what was read of the video up to `end` is enough. What begins there comes after that,
  // however late or long it is.
  void wait_to_read_video(Time end);
  // While enough was read of the audio, where there is no more video.
  void wait_to_read_audio();
  // Up to where its decoder has been given it, which may make nothing of a part.
  void set_decoding(Time end);

  // The decoders' side. `start` and `end` are running times of the pipeline that decodes. False
  // when the clip is not wanted any more.
  bool push_frame(Frame frame, Time start, Time end);
  // The same of one that need not be shown.
  bool leave_out(Time start, Time end);
  // `peak`: the true one of these samples, and `level` of all up to them, where they are measured.
  bool push_audio(std::vector<float> samples, Time start, float peak = 0,
                  const std::optional<AudioGain>& level = {});
  void end_video() { state_.lock()->video_ended = true; }
  void end_audio() { state_.lock()->audio_ended = true; }
  void set_has_video() { state_.lock()->has_video = true; }
  void set_has_audio() { state_.lock()->has_audio = true; }
  // All streams are known.
  void set_streams_known() { state_.lock()->streams_known = true; }
  // Something is wrong with it: what is still decoded of it is shown.
  void fail() { state_.lock()->failed = true; }
  // What is there is all that comes.
  void cut();
  // Wakes the decoders; nothing is wanted any more.
  void close();

  // The other side.

  // Enough is there to begin without a break, at that position; what is before that is dropped.
  bool is_ready(Time position = 0);
  // Up to which position it was.
  Time skipped();
  // A single frame is a still image, which has no end.
  void set_may_be_still() { state_.lock()->may_be_still = true; }
  bool is_still();
  bool has_failed() { return state_.lock()->failed; }
  // All streams are known, and no frame will ever come.
  bool has_no_video();
  // All of it was read.
  bool is_read() { return state_.lock()->is_read(); }
  // All of it has been decoded.
  bool has_ended() { return state_.lock()->has_ended(); }
  // Up to which running time it has been decoded.
  Time end();
  // How long it is, once that is known.
  std::optional<Time> length() { return state_.lock()->length(); }
  // The frame at `time`, else the one that was last shown before it, if any.
  Frame frame_at(Time time);
  // Adds what there is from sample `begin` on to `out`, with a gain that goes from `gain` by
  // `gain_step` a sample. Earlier samples are dropped. How many there were without a hole.
  std::size_t mix_audio(std::int64_t begin, float* out, std::size_t samples, float gain,
                        float gain_step);
  // How many it has from that one on, up to its end.
  std::uint64_t frames_from(std::uint64_t number);
  // What nobody has taken up to that time is not waited for any more.
  void drop_before(Time time);
  // By how much what is there for `time` began before that, where it has ended by then and a later
  // frame will be decoded, or was left out.
  Time behind(Time time);
  // A frame that ends at that running time comes so much too late to be shown; 0: it does not.
  Time lateness(Time end);
  // It ends before the position that the clip begins at.
  bool skips(Time end) { return end <= state_.lock()->skip; }
  // Whether there is to be audio at `time`.
  bool expects_audio(Time time);
  // What is there beyond what was taken.
  struct Level {
    std::size_t frames = 0;
    Time video = 0;
    Time audio = 0;
    Time read = 0;  // video that was read, decoded or not
  };
  Level level();
  // The frame, or the audio, of `time` has not been read yet, though it will be. A clip without
  // audio has that of what was read.
  bool lacks_frame(Time time);
  bool lacks_audio(Time time);
  // There is enough again to go on from `time`.
  bool has_recovered(Time time);
  // More was asked for than is decoded, though its end has not come.
  bool is_lacking();

 private:
  struct Shown {
    Frame frame;
    Time start = 0;
    Time end = 0;
  };
  struct AudioBlock {
    std::vector<float> samples;
    std::int64_t begin = 0;  // first sample, from running time 0 on
    float peak = 0;
    float peak_before = 0;  // of the block before
    std::int64_t end() const {
      return begin + static_cast<std::int64_t>(samples.size() / audio_channels);
    }
  };
  struct State;
  using Ready = std::function<bool(const State&)>;
  struct State {
    std::vector<const Ready*> waiters;
    std::deque<Shown> frames;
    std::deque<AudioBlock> audio;
    Shown shown;
    std::optional<Time> first_audio;  // running times
    std::optional<Time> first_frame;
    std::optional<Time> zero;  // of the clip's begin, once it has a frame
    std::uint64_t number = 0;  // of the next frame
    Time came_to = 0;          // up to which time frames have come
    bool was_late = false;     // one of them: what decodes may leave some out to catch up
    Time first_came = 0;       // monotonic
    Time audio_came = 0;       // monotonic, the last of it
    Time asked = 0;            // monotonic, when it was last asked whether there is enough
    Time video_end = 0;        // of what was read
    Time frame_duration = 0;   // of the first frame
    Time decoding = 0;         // up to which time the decoder has been given video
    Time audio_read = 0;       // up to which time
    bool video_is_read = false;
    bool audio_is_read = false;
    Time frame_time = 0;  // up to which frames, and audio, were taken
    Time audio_time = 0;
    std::size_t most_frames = most_held_frames;
    Time skip = 0;  // up to which running time nothing is wanted; 0: none
    std::size_t frames_pushed = 0;
    bool may_be_still = false;
    bool has_begun = false;  // it may be shown, and does not begin earlier any more
    std::int64_t audio_end = 0;
    std::optional<std::int64_t> jitters_from;  // sample, while it is not where its times have it
    bool has_video = false;
    bool has_audio = false;
    bool streams_known = false;
    Time preroll = 0;
    Time fade = 0;
    double loudness_target = 0;
    std::optional<AudioGain> gain;
    bool has_fixed_gain = false;
    float factor = 1;  // of that gain
    float last_peak = 0;
    bool video_ended = false;
    bool audio_ended = false;
    bool failed = false;
    bool closed = false;

    void find_zero();
    void count(Time start, Time end);
    // How many there are between those times.
    std::uint64_t frames_between(Time start, Time end) const;
    // Places it after the audio that is there, where its time is not much earlier or later.
    void join(AudioBlock& block);
    // The time of the one that is ahead.
    Time lead() const { return std::max({frame_time, audio_time, zero.value_or(0)}); }
    bool reads_in_step() const { return !closed && preroll != whole_clip; }
    Time most_read_ahead() const;
    void advance_to(Time running);
    bool has_ended() const { return video_ended && (audio_ended || !has_audio); }
    bool is_read() const;
    bool has_enough_frames() const;
    bool is_ready_at(Time running);
    bool has_preroll(Time running) const;
    bool lacks_audio(Time running) const;
    Time behind(Time running) const;
    Time measured_ahead() const;
    float limited(float peak) const;
    std::optional<Time> length() const;
  };

  static void wake(Guarded<State>::Lock& state);
  static void wait(Guarded<State>::Lock& state, const Ready& is_ready);

  Guarded<State> state_;
};

}  // namespace genpro::bin
