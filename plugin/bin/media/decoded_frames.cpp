// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/decoded_frames.h"

#include <algorithm>
#include <cstdlib>

namespace genpro::bin {

namespace {

// What is held ready. Frames are large, and these cover the time that a decoder takes to go on.
constexpr std::size_t most_pictures = 8;
constexpr std::size_t enough_pictures = 4;
constexpr std::int64_t most_samples = audio_rate;
// Audio before the first frame.
constexpr std::int64_t most_samples_ahead = 30 * audio_rate;
constexpr Time enough_audio = 100 * GST_MSECOND;
// Audio that nobody has taken for so long is not waited for: its branch stands still or has
// nothing linked, and a decoder that cannot push it pushes no frame either. Less than what
// is held ready, so that there is always room for the audio of the frames to come.
constexpr Time longest_wait_for_audio = 700 * GST_MSECOND;
// A clip that comes slowly begins with what it has.
constexpr Time longest_gathering = 250 * GST_MSECOND;
// One that has not been asked for so long is not shown: the pipeline is paused.
constexpr Time longest_between_questions = GST_SECOND;
// Rounding of times must not show a frame twice.
constexpr Time picture_tolerance = GST_MSECOND;
// Audio whose times jitter by less is continuous.
constexpr std::int64_t sample_tolerance = audio_rate / 500;

}  // namespace

Time monotonic_now() {
  return g_get_monotonic_time() * 1000;
}

std::int64_t samples_at(Time time) {
  const bool is_negative = time < 0;
  const auto samples = static_cast<std::int64_t>(gst_util_uint64_scale_int_round(
      static_cast<guint64>(is_negative ? -time : time), audio_rate, GST_SECOND));
  return is_negative ? -samples : samples;
}

bool DecodedFrames::push_frame(Frame frame, Time start, Time end) {
  auto state = state_.lock();
  state.wait([](const State& s) { return s.closed || s.frames.size() < most_pictures; });
  if (state->closed || state->video_ended) return false;
  if (!state->first_frame) {
    state->first_frame = start;
    state->frame_duration = end - start;
    state->first_came = monotonic_now();
    state->find_zero();
  }
  state->video_end = std::max(state->video_end, end);
  state->frames.push_back({std::move(frame), start, end});
  return true;
}

bool DecodedFrames::push_audio(std::vector<float> samples, Time start) {
  auto state = state_.lock();
  state.wait([](const State& s) {
    const std::int64_t most = s.first_frame ? most_samples : most_samples_ahead;
    return s.closed || s.audio.empty() || s.audio_end - s.audio.front().begin < most;
  });
  if (state->closed || state->audio_ended) return false;
  if (!state->first_audio) {
    state->first_audio = start;
    state->find_zero();
  }
  AudioBlock sound{std::move(samples), samples_at(start)};
  if (state->audio_end != 0 && std::abs(sound.begin - state->audio_end) < sample_tolerance) {
    sound.begin = state->audio_end;
  }
  state->audio_end = std::max(state->audio_end, sound.end());
  state->audio.push_back(std::move(sound));
  return true;
}

void DecodedFrames::end_video() {
  state_.lock()->video_ended = true;
}

void DecodedFrames::end_audio() {
  state_.lock()->audio_ended = true;
}

void DecodedFrames::set_has_video() {
  state_.lock()->has_video = true;
}

void DecodedFrames::set_has_audio() {
  state_.lock()->has_audio = true;
}

void DecodedFrames::set_streams_known() {
  state_.lock()->streams_known = true;
}

void DecodedFrames::fail() {
  state_.lock()->failed = true;
}

void DecodedFrames::cut() {
  auto state = state_.lock();
  state->video_ended = true;
  state->audio_ended = true;
}

void DecodedFrames::close() {
  auto state = state_.lock();
  state->closed = true;
  state->frames.clear();
  state->audio.clear();
  state->shown = {};
  state.notify();
}

// What is shorter than a frame is no silent beginning, and would only shift the frames.
void DecodedFrames::State::find_zero() {
  if (!first_frame || has_begun) return;
  const bool is_early = first_audio && *first_audio + frame_duration <= *first_frame;
  zero = is_early ? first_audio : first_frame;
}

bool DecodedFrames::is_ready() {
  auto state = state_.lock();
  state->asked = monotonic_now();
  if (!state->zero || state->closed) return false;
  const bool waited = monotonic_now() - state->first_came >= longest_gathering;
  if (!state->streams_known && !waited) return false;
  const bool has_pictures = state->video_ended || state->frames.size() >= enough_pictures;
  const bool has_sound = !state->has_audio || state->audio_ended ||
                         state->audio_end >= samples_at(*state->zero + enough_audio);
  state->has_begun = (has_pictures && has_sound) || waited;
  return state->has_begun;
}

bool DecodedFrames::has_failed() {
  return state_.lock()->failed;
}

bool DecodedFrames::has_no_video() {
  auto state = state_.lock();
  return !state->zero && ((state->streams_known && !state->has_video) || state->video_ended);
}

bool DecodedFrames::has_ended() {
  return state_.lock()->has_ended();
}

std::optional<Time> DecodedFrames::length() {
  auto state = state_.lock();
  if (!state->has_ended() || !state->zero) return std::nullopt;
  const auto audio_end = static_cast<Time>(gst_util_uint64_scale_int(
      static_cast<guint64>(std::max<std::int64_t>(0, state->audio_end)), GST_SECOND, audio_rate));
  // Less than a frame is what encoders of audio add, and would break a loop's rhythm.
  const bool is_longer = audio_end >= state->video_end + state->frame_duration;
  return (is_longer ? audio_end : state->video_end) - *state->zero;
}

// Whether it has made room.
bool DecodedFrames::State::advance_to(Time running) {
  const std::size_t before = frames.size() + audio.size();
  while (!frames.empty() && frames.front().start <= running + picture_tolerance) {
    shown = std::move(frames.front());
    frames.pop_front();
  }
  const std::int64_t untaken = samples_at(running - longest_wait_for_audio);
  while (!audio.empty() && audio.front().end() <= untaken) audio.pop_front();
  return frames.size() + audio.size() != before;
}

Frame DecodedFrames::frame_at(Time time) {
  auto state = state_.lock();
  if (!state->zero) return {};
  if (state->advance_to(*state->zero + time)) state.notify();
  const bool is_before = !state->shown.frame && !state->frames.empty();
  return is_before ? state->frames.front().frame.copy() : state->shown.frame.copy();
}

std::size_t DecodedFrames::mix_audio(std::int64_t begin, float* out, std::size_t samples,
                                     float gain, float gain_step) {
  auto state = state_.lock();
  if (!state->zero) return 0;
  const std::int64_t from = samples_at(*state->zero) + begin;
  const std::int64_t to = from + static_cast<std::int64_t>(samples);
  bool dropped = false;
  while (!state->audio.empty() && state->audio.front().end() <= from) {
    state->audio.pop_front();
    dropped = true;
  }
  if (dropped) state.notify();
  std::int64_t whole_to = from;
  for (const AudioBlock& sound : state->audio) {
    if (sound.begin <= whole_to) whole_to = std::max(whole_to, std::min(to, sound.end()));
    const std::int64_t first = std::max(from, sound.begin);
    const std::int64_t last = std::min(to, sound.end());
    for (std::int64_t sample = first; sample < last; ++sample) {
      const auto at = static_cast<std::size_t>(sample - from);
      const auto source = static_cast<std::size_t>(sample - sound.begin) * audio_channels;
      const float factor = gain + gain_step * static_cast<float>(at);
      for (std::size_t channel = 0; channel < audio_channels; ++channel) {
        out[at * audio_channels + channel] += factor * sound.samples[source + channel];
      }
    }
  }
  return static_cast<std::size_t>(whole_to - from);
}

// Where frames have no more room and there is no audio all the same, the clip has a hole there.
bool DecodedFrames::State::lacks_audio(Time running) const {
  return frames.size() < most_pictures && has_audio && !audio_ended &&
         audio_end < samples_at(running);
}

bool DecodedFrames::is_starved(Time time) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  if (!state->zero || state->closed) return false;
  const Time running = *state->zero + time;
  if (state->advance_to(running)) state.notify();
  const bool lacks_picture = !state->video_ended && state->frames.empty() &&
                             state->shown.end + picture_tolerance <= running;
  return lacks_picture || state->lacks_audio(running);
}

bool DecodedFrames::has_recovered(Time time) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  if (!state->zero) return false;
  const bool has_pictures = state->video_ended || state->frames.size() >= enough_pictures;
  return has_pictures && !state->lacks_audio(*state->zero + time + enough_audio);
}

bool DecodedFrames::is_lacking() {
  auto state = state_.lock();
  return !state->closed && !state->has_ended() && state->frames.size() < most_pictures &&
         monotonic_now() - state->asked < longest_between_questions;
}

}  // namespace genpro::bin
