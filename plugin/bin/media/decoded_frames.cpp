// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/decoded_frames.h"

#include <algorithm>
#include <cstdlib>

namespace genpro::bin {

namespace {

// What is held ready. Frames are large, and these cover the time that a decoder takes to go on.
constexpr std::size_t least_frames = 3;  // of the largest
constexpr std::size_t enough_frames = 4;
constexpr std::size_t most_bytes = 40'000'000;
constexpr std::int64_t most_samples = audio_rate;
// Audio before the first frame.
constexpr std::int64_t most_samples_ahead = 30 * audio_rate;
// Of a clip's audio, to find how loud it is.
constexpr Time least_measured = GST_SECOND;
constexpr Time most_measured = 60 * GST_SECOND;
constexpr Time enough_audio = 100 * GST_MSECOND;
// How far ahead video is read, so that the end of a clip is known in time: more than a container
// has between the frame and the audio of a moment.
constexpr Time read_ahead = 3 * GST_SECOND;
// With less, it comes slower than it plays.
constexpr Time enough_read = read_ahead - GST_SECOND;
// A clip that comes slowly begins with what it has.
constexpr Time longest_gathering = 250 * GST_MSECOND;
// Nor is audio waited for any longer whose loudness is to be found, when no more of it comes.
constexpr Time longest_without_audio = 5 * GST_SECOND;
// One that has not been asked for so long is not shown: the pipeline is paused.
constexpr Time longest_between_questions = GST_SECOND;
// Rounding of times must not show a frame twice.
constexpr Time frame_tolerance = GST_MSECOND;
// Audio whose times jitter by less is continuous.
constexpr std::int64_t sample_tolerance = audio_rate / 500;
// And by that much, as the times of fragments do, unless it stays there for longer than a moment:
// by a block of audio, which of HE-AAC is 43 ms, and for a few of them.
constexpr std::int64_t most_jitter = audio_rate / 20;
constexpr std::int64_t longest_jitter = audio_rate / 4;

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

Time time_of_sample(std::int64_t sample) {
  return static_cast<Time>(gst_util_uint64_scale_int(
      static_cast<guint64>(std::max<std::int64_t>(0, sample)), GST_SECOND, audio_rate));
}

Time DecodedFrames::State::most_read_ahead() const {
  return std::max(read_ahead, std::max(preroll, fade) + GST_SECOND);
}

// Without a look at who waits for what, each frame and block of audio would wake all of the clip's
// threads several times.
void DecodedFrames::wake(Guarded<State>::Lock& state) {
  const bool is_due = std::ranges::any_of(
      state->waiters, [&](const Ready* is_ready) { return (*is_ready)(*state); });
  if (is_due) state.notify();
}

void DecodedFrames::wait(Guarded<State>::Lock& state, const Ready& is_ready) {
  state->waiters.push_back(&is_ready);
  state.wait(is_ready);
  std::erase(state->waiters, &is_ready);
}

void DecodedFrames::set_fade(Time fade) {
  auto state = state_.lock();
  state->fade = fade;
  wake(state);
}

void DecodedFrames::set_read_video(Time end, bool is_all) {
  auto state = state_.lock();
  if (state->video_ended) return;
  state->video_end = std::max(state->video_end, end);
  state->video_is_read = is_all;
}

void DecodedFrames::set_read_audio(Time end, bool is_all) {
  auto state = state_.lock();
  if (state->audio_ended) return;
  state->audio_read = std::max(state->audio_read, end);
  state->audio_is_read = is_all;
}

void DecodedFrames::wait_to_read_video(Time end) {
  auto state = state_.lock();
  wait(state, [end](const State& s) {
    return !s.reads_in_step() || end < std::max(s.lead(), s.decoding) + s.most_read_ahead();
  });
}

void DecodedFrames::wait_to_read_audio() {
  auto state = state_.lock();
  wait(state, [](const State& s) {
    // Before its video has ended, a file may have any amount of audio first.
    return !s.reads_in_step() || !s.video_is_read ||
           s.audio_read < std::max(s.lead(), s.video_end) + s.most_read_ahead();
  });
}

void DecodedFrames::set_decoding(Time end) {
  auto state = state_.lock();
  state->decoding = std::max(state->decoding, end);
  wake(state);
}

bool DecodedFrames::push_frame(Frame frame, Time start, Time end) {
  auto state = state_.lock();
  state->decoding = std::max(state->decoding, end);
  wake(state);
  if (frame.buffer) {
    const std::size_t most =
        most_bytes / std::max<gsize>(1, gst_buffer_get_size(frame.buffer.get()));
    state->most_frames = std::clamp(most, least_frames, most_held_frames);
  }
  wait(state, [](const State& s) { return s.closed || s.frames.size() < s.most_frames; });
  if (state->closed || state->video_ended) return false;
  if (!state->first_frame) {
    state->first_frame = start;
    state->frame_duration = end - start;
    state->first_came = monotonic_now();
    state->find_zero();
  }
  state->video_end = std::max(state->video_end, end);
  state->count(start, end);
  frame.number = state->number - 1;
  state->frames.push_back({std::move(frame), start, end});
  ++state->frames_pushed;
  if (state->skip > 0 && start <= state->skip) state->advance_to(state->skip);
  return true;
}

bool DecodedFrames::leave_out(Time start, Time end) {
  auto state = state_.lock();
  state->count(start, end);
  state->video_end = std::max(state->video_end, end);
  state->decoding = std::max(state->decoding, end);
  wake(state);
  return !state->closed && !state->video_ended;
}

void DecodedFrames::set_gain(const std::optional<AudioGain>& gain) {
  auto state = state_.lock();
  state->has_fixed_gain = true;
  state->gain = gain;
  state->factor = gain ? static_cast<float>(factor_of(gain->gain)) : 1;
}

// How much audio decides.
Time DecodedFrames::State::measured_ahead() const {
  const bool is_measured = loudness_target != 0 && !has_fixed_gain && !has_begun;
  return is_measured ? std::clamp(preroll, least_measured, most_measured) : 0;
}

// A factor that keeps what has that peak below the ceiling.
float DecodedFrames::State::limited(float peak) const {
  static const auto ceiling = static_cast<float>(factor_of(true_peak_ceiling));
  return loudness_target != 0 && peak * factor > ceiling ? ceiling / peak : factor;
}

bool DecodedFrames::push_audio(std::vector<float> samples, Time start, float peak,
                               const std::optional<AudioGain>& level) {
  auto state = state_.lock();
  wait(state, [](const State& s) {
    if (s.closed || s.audio.empty()) return true;
    return s.first_frame ? s.audio_end < samples_at(s.lead() + s.measured_ahead()) + most_samples
                         : s.audio_end < s.audio.front().begin + most_samples_ahead;
  });
  if (state->closed || state->audio_ended) return false;
  state->audio_came = monotonic_now();
  if (!state->first_audio) {
    state->first_audio = start;
    state->find_zero();
  }
  AudioBlock block{std::move(samples), samples_at(start), peak,
                   state->audio.empty() ? peak : state->last_peak};
  state->last_peak = peak;
  // However much more is there by the time that it begins.
  if (level && start < *state->first_audio + state->measured_ahead()) {
    state->gain = level;
    state->gain->gain = gain_for(*level, state->loudness_target);
    state->factor = static_cast<float>(factor_of(state->gain->gain));
  }
  if (state->audio_end != 0) state->join(block);
  state->audio_end = std::max(state->audio_end, block.end());
  if (block.end() > samples_at(state->skip)) state->audio.push_back(std::move(block));
  return true;
}

void DecodedFrames::State::join(AudioBlock& block) {
  const std::int64_t off = std::abs(block.begin - audio_end);
  if (off < sample_tolerance || off >= most_jitter) {
    jitters_from.reset();
  } else if (!jitters_from) {
    jitters_from = audio_end;
  }
  const bool is_jitter = jitters_from && audio_end - *jitters_from < longest_jitter;
  if (off < sample_tolerance || is_jitter) block.begin = audio_end;
  if (!is_jitter) jitters_from.reset();
}

void DecodedFrames::cut() {
  auto state = state_.lock();
  state->video_ended = true;
  state->audio_ended = true;
  state->video_end = state->frames.empty() ? state->shown.end : state->frames.back().end;
  state->audio_read = 0;
}

void DecodedFrames::close() {
  auto state = state_.lock();
  state->closed = true;
  state->frames.clear();
  state->audio.clear();
  state->shown = {};
  wake(state);
}

// What is shorter than a frame is no silent beginning, and would only shift the frames.
void DecodedFrames::State::find_zero() {
  if (!first_frame || has_begun) return;
  const bool is_early = first_audio && *first_audio + frame_duration <= *first_frame;
  zero = is_early ? first_audio : first_frame;
}

bool DecodedFrames::State::has_enough_frames() const {
  return video_ended || frames.size() >= std::min(enough_frames, most_frames);
}

bool DecodedFrames::State::has_preroll(Time running) const {
  return preroll == 0 || video_is_read || video_ended || video_end - running >= preroll;
}

bool DecodedFrames::is_ready(Time position) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  if (!state->zero || state->closed) return false;
  if (position > 0 && state->has_begun) {
    const bool is_ready = state->is_ready_at(*state->zero + position);
    wake(state);
    return is_ready;
  }
  if (!state->has_preroll(*state->zero)) return false;
  const Time now = monotonic_now();
  const bool waited = now - state->first_came >= longest_gathering;
  if (!state->streams_known && !waited) return false;
  const bool has_frames = state->has_enough_frames();
  const Time audio_wanted = std::max(enough_audio, state->measured_ahead());
  const bool has_enough_audio = !state->has_audio || state->audio_ended ||
                                state->audio_end >= samples_at(*state->zero + audio_wanted);
  const Time last_came = std::max(state->first_came, state->audio_came);
  const bool waited_for_audio =
      state->measured_ahead() > 0 ? now - last_came >= longest_without_audio : waited;
  state->has_begun = (has_frames || waited) && (has_enough_audio || waited_for_audio);
  return state->has_begun && position <= 0;
}

bool DecodedFrames::State::is_ready_at(Time running) {
  skip = std::max(skip, running);
  advance_to(skip);
  while (!audio.empty() && audio.front().end() <= samples_at(skip)) audio.pop_front();
  const bool has_enough_audio =
      !has_audio || audio_ended || audio_end >= samples_at(running + enough_audio);
  return (shown.frame || !frames.empty()) && has_enough_frames() && has_enough_audio &&
         has_preroll(running);
}

Time DecodedFrames::skipped() {
  auto state = state_.lock();
  return state->zero ? std::max<Time>(0, state->skip - *state->zero) : 0;
}

bool DecodedFrames::is_still() {
  auto state = state_.lock();
  return state->may_be_still && state->video_ended && !state->has_audio &&
         state->frames_pushed == 1;
}

bool DecodedFrames::has_no_video() {
  auto state = state_.lock();
  return !state->zero && ((state->streams_known && !state->has_video) || state->video_ended);
}

bool DecodedFrames::State::is_read() const {
  return streams_known && (video_is_read || video_ended) &&
         (audio_is_read || audio_ended || !has_audio);
}

Time DecodedFrames::end() {
  auto state = state_.lock();
  return std::max(state->video_end, time_of_sample(state->audio_end));
}

std::optional<Time> DecodedFrames::State::length() const {
  if ((!is_read() && !has_ended()) || !zero) return std::nullopt;
  const Time until = std::max(time_of_sample(audio_end), audio_read);
  // Less than a frame is what encoders of audio add, and would break a loop's rhythm.
  const bool is_longer = until >= video_end + frame_duration;
  return (is_longer ? until : video_end) - *zero;
}

std::uint64_t DecodedFrames::State::frames_between(Time start, Time end) const {
  if (end <= start || frame_duration <= 0) return 0;
  return static_cast<std::uint64_t>((end - start + frame_duration / 2) / frame_duration);
}

void DecodedFrames::State::count(Time start, Time end) {
  number += 1 + (was_late ? frames_between(came_to, start) : 0);
  came_to = std::max(came_to, end);
}

std::uint64_t DecodedFrames::frames_from(std::uint64_t number) {
  auto state = state_.lock();
  return state->number - number + state->frames_between(state->came_to, state->video_end);
}

void DecodedFrames::State::advance_to(Time running) {
  frame_time = std::max(frame_time, running);
  while (!frames.empty() && frames.front().start <= running + frame_tolerance) {
    shown = std::move(frames.front());
    frames.pop_front();
  }
}

Frame DecodedFrames::frame_at(Time time) {
  auto state = state_.lock();
  if (!state->zero) return {};
  state->advance_to(*state->zero + time);
  wake(state);
  const bool is_before = !state->shown.frame && !state->frames.empty();
  return is_before ? state->frames.front().frame.copy() : state->shown.frame.copy();
}

void DecodedFrames::drop_before(Time time) {
  auto state = state_.lock();
  if (!state->zero) return;
  const Time running = *state->zero + time;
  state->advance_to(running);
  while (!state->audio.empty() && state->audio.front().end() <= samples_at(running)) {
    state->audio.pop_front();
  }
  wake(state);
}

std::size_t DecodedFrames::mix_audio(std::int64_t begin, float* out, std::size_t samples,
                                     float gain, float gain_step) {
  auto state = state_.lock();
  if (!state->zero) return 0;
  const std::int64_t from = samples_at(*state->zero) + begin;
  const std::int64_t to = from + static_cast<std::int64_t>(samples);
  state->audio_time = std::max(state->audio_time, *state->zero + time_of_sample(begin));
  while (!state->audio.empty() && state->audio.front().end() <= from) state->audio.pop_front();
  wake(state);
  std::int64_t whole_to = from;
  std::int64_t mixed_to = from;
  for (std::size_t index = 0; index < state->audio.size(); ++index) {
    const AudioBlock& block = state->audio[index];
    // From one block's factor to the next one's, so that neither is too loud.
    const bool is_last = index + 1 == state->audio.size();
    const float own = state->limited(block.peak);
    const float at_begin = std::min(own, state->limited(block.peak_before));
    const float at_end =
        is_last ? own : std::min(own, state->limited(state->audio[index + 1].peak));
    const float slope = (at_end - at_begin) /
                        static_cast<float>(std::max<std::int64_t>(1, block.end() - block.begin));
    if (block.begin <= whole_to) whole_to = std::max(whole_to, std::min(to, block.end()));
    // What comes twice for one time is heard once.
    const std::int64_t first = std::max(mixed_to, block.begin);
    const std::int64_t last = std::min(to, block.end());
    if (first < last) mixed_to = last;
    for (std::int64_t sample = first; sample < last; ++sample) {
      const auto at = static_cast<std::size_t>(sample - from);
      const auto source = static_cast<std::size_t>(sample - block.begin) * audio_channels;
      const float factor = (gain + gain_step * static_cast<float>(at)) *
                           (at_begin + slope * static_cast<float>(sample - block.begin));
      for (std::size_t channel = 0; channel < audio_channels; ++channel) {
        out[at * audio_channels + channel] += factor * block.samples[source + channel];
      }
    }
  }
  return static_cast<std::size_t>(whole_to - from);
}

// Where there is none though video was read far beyond, the clip has a hole.
bool DecodedFrames::State::lacks_audio(Time running) const {
  if (video_is_read || video_ended) return false;
  if (!has_audio || audio_ended) return video_end <= running;
  return audio_end < samples_at(running) && video_end < running + enough_read;
}

bool DecodedFrames::lacks_audio(Time time) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  return state->zero && !state->closed && state->lacks_audio(*state->zero + time);
}

bool DecodedFrames::lacks_frame(Time time) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  // What was read comes as fast as the machine decodes it: what is late then is not waited for.
  const bool is_read = state->video_is_read || state->video_ended ||
                       (state->zero && state->video_end >= *state->zero + time + enough_read);
  return state->zero && !is_read && state->behind(*state->zero + time) > 0;
}

Time DecodedFrames::State::behind(Time running) const {
  const Shown& last = frames.empty() ? shown : frames.back();
  const bool lacks_end = was_late && frames_between(last.end, video_end) > 0;
  if (closed || (video_ended && !lacks_end)) return 0;
  return last.end <= running + frame_tolerance ? running - last.start : 0;
}

Time DecodedFrames::behind(Time time) {
  auto state = state_.lock();
  return state->zero ? state->behind(*state->zero + time) : 0;
}

Time DecodedFrames::lateness(Time end) {
  auto state = state_.lock();
  if (!state->zero || state->closed || end >= state->frame_time) return 0;
  state->was_late = true;
  return state->frame_time - end;
}

bool DecodedFrames::expects_audio(Time time) {
  auto state = state_.lock();
  if (!state->zero || !state->has_audio || state->audio_ended) return false;
  const auto length = state->length();
  return !length || time < *length;
}

DecodedFrames::Level DecodedFrames::level() {
  auto state = state_.lock();
  if (!state->zero) return {};
  const Time video = std::max(state->frame_time, *state->zero);
  const Time audio = std::max(state->audio_time, *state->zero);
  const Time end = state->frames.empty() ? video : state->frames.back().end;
  return {state->frames.size(), std::max<Time>(0, end - video),
          std::max<Time>(0, time_of_sample(state->audio_end) - audio),
          std::max<Time>(0, state->video_end - video)};
}

bool DecodedFrames::has_recovered(Time time) {
  auto state = state_.lock();
  state->asked = monotonic_now();
  if (!state->zero || !state->has_preroll(*state->zero + time)) return false;
  const bool has_frames = state->has_enough_frames();
  return has_frames && !state->lacks_audio(*state->zero + time + enough_audio);
}

bool DecodedFrames::is_lacking() {
  auto state = state_.lock();
  return !state->closed && !state->has_ended() && state->frames.size() < state->most_frames &&
         monotonic_now() - state->asked < longest_between_questions;
}

}  // namespace genpro::bin
