// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/timeline.h"

#include <algorithm>
#include <set>
#include <utility>

namespace genpro::bin {

namespace {

// Should one side not be taken any more, the other one does not keep what was for both.
constexpr std::size_t most_segments = 32;
// What begins so shortly after a frame is on with it: the times of a clip's frames and of the
// output are rounded, and must not put it off by a frame.
constexpr Time rounding = GST_MSECOND;

}  // namespace

void Timeline::offer(std::shared_ptr<ClipDecoder> decoder) {
  Decoders retired;
  {
    auto state = state_.lock();
    std::swap(state->waiting, decoder);
    if (decoder) state->retire(std::move(decoder));
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
}

void Timeline::set_next_repeat(const std::shared_ptr<ClipDecoder>& before,
                               std::shared_ptr<ClipDecoder> next) {
  Decoders retired;
  {
    auto state = state_.lock();
    state->drop_repeat();
    if (state->segments.back().decoder == before) {
      state->repeat_of = before;
      state->next_repeat = std::move(next);
    } else {
      // Something else follows by now.
      state->retire(std::move(next));
    }
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
}

bool Timeline::recall(const std::shared_ptr<ClipDecoder>& decoder) {
  {
    auto state = state_.lock();
    if (state->waiting != decoder) return false;
    state->waiting.reset();
  }
  events_.retired(decoder);
  return true;
}

bool Timeline::withdraw(const std::shared_ptr<ClipDecoder>& decoder) {
  Decoders retired;
  bool is_on = false;
  {
    auto state = state_.lock();
    decoder->decoded().fail();
    if (state->waiting == decoder) state->waiting.reset();
    if (state->next_repeat == decoder) {
      state->next_repeat.reset();
      state->repeats_failed = true;
    }
    // Planned, but not on yet.
    while (state->segments.size() > 1 && state->segments.back().decoder == decoder &&
           state->segments.back().start >= std::max(state->video_time, state->audio_time)) {
      state->repeats_failed = true;
      state->segments.pop_back();
    }
    is_on = state->refers_to(decoder);
    if (!is_on) state->retired.push_back(decoder);
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
  return is_on;
}

void Timeline::reset() {
  State before;
  {
    auto state = state_.lock();
    before.at_end = state->at_end;
    before.fade = state->fade;
    std::swap(*state, before);
  }
  if (before.on) events_.changed(std::move(before.on), nullptr);
  std::set<std::shared_ptr<ClipDecoder>> retired = {std::move(before.waiting),
                                                    std::move(before.next_repeat)};
  for (Segment& segment : before.segments) retired.insert(std::move(segment.decoder));
  retired.erase(nullptr);
  for (const auto& gone : retired) events_.retired(gone);
}

std::size_t Timeline::State::index_at(Time time) const {
  std::size_t index = segments.size() - 1;
  while (index > 0 && segments[index].start > time) --index;
  return index;
}

bool Timeline::State::refers_to(const std::shared_ptr<ClipDecoder>& decoder) const {
  return waiting == decoder || next_repeat == decoder ||
         std::any_of(segments.begin(), segments.end(),
                     [&](const Segment& segment) { return segment.decoder == decoder; });
}

void Timeline::State::retire(std::shared_ptr<ClipDecoder> decoder) {
  if (!refers_to(decoder)) retired.push_back(std::move(decoder));
}

void Timeline::State::drop_repeat() {
  repeat_of.reset();
  std::shared_ptr<ClipDecoder> unused = std::exchange(next_repeat, nullptr);
  if (unused) retire(std::move(unused));
}

void Timeline::State::append(Segment segment) {
  // What was planned for later does not happen.
  while (segments.size() > 1 && segments.back().start >= segment.start) {
    std::shared_ptr<ClipDecoder> decoder = std::move(segments.back().decoder);
    segments.pop_back();
    if (decoder && decoder != segment.decoder) retire(std::move(decoder));
  }
  if (segment.decoder != segments.back().decoder) drop_repeat();
  segments.push_back(std::move(segment));
}

// Decides what is shown next. Nothing changes before `from`: that was produced already.
void Timeline::State::plan(Time time, Time from) {
  if (segments.back().kind == Kind::end) return;
  if (waiting && waiting->decoded().is_ready()) {
    repeats_failed = false;
    return append({Kind::play, from, std::exchange(waiting, nullptr), 0, true});
  }
  const Segment& last = segments.back();
  if (!last.decoder || last.start > time) return;
  DecodedFrames& decoded = last.decoder->decoded();
  // What failed and has run dry does not go on.
  const bool is_dry = decoded.has_failed() && decoded.is_starved(last.content_at(time));
  if (is_dry) decoded.cut();
  if (last.kind == Kind::hold) {
    if (decoded.has_recovered(last.content) || decoded.length()) {
      append({Kind::play, std::max(from, last.start), last.decoder, last.content, false});
    }
    return;
  }
  if (decoded.length()) return plan_end(from);
  if (decoded.is_starved(last.content_at(time))) {
    append({Kind::hold, from, last.decoder, last.content_at(from), false});
  }
}

// The clip that is shown is known to its end: plans what comes then.
void Timeline::State::plan_end(Time from) {
  const Segment& last = segments.back();
  const Time end = last.start + *last.decoder->decoded().length() - last.content;
  const Time then = std::max(end, from);
  if (last.decoder->decoded().has_failed() || (at_end == AtEnd::loop && repeats_failed)) {
    return append({Kind::placeholder, then, nullptr, 0, true});
  }
  switch (at_end) {
    case AtEnd::placeholder:
      return append({Kind::placeholder, then, nullptr, 0, true});
    case AtEnd::eos:
      return append({Kind::end, then, nullptr, 0, false});
    case AtEnd::loop:
      if (next_repeat && repeat_of == last.decoder && next_repeat->decoded().is_ready()) {
        append({Kind::play, then, std::exchange(next_repeat, nullptr), 0, false});
      }
      return;
    case AtEnd::hold:
      return;
  }
}

// A clip goes only after the frame with which it has ended: it is told of both in that order.
void Timeline::State::prune(Time time) {
  const Time done = segments.size() > most_segments ? time : std::min(time, audio_time);
  while (segments.size() > 1 && segments[1].start + fade <= done) {
    std::shared_ptr<ClipDecoder> decoder = std::move(segments.front().decoder);
    segments.pop_front();
    if (decoder) retire(std::move(decoder));
  }
}

Layer Timeline::layer(const Segment& segment, Time time) {
  if (!segment.decoder) return {};
  return {false, segment.decoder->decoded().frame_at(segment.content_at(time))};
}

Composition Timeline::frame(Time time, Time duration) {
  Composition composition;
  Decoders retired;
  std::shared_ptr<ClipDecoder> started;
  std::shared_ptr<ClipDecoder> ended;
  {
    auto state = state_.lock();
    Time from = time;
    // On this side's grid, so that a clip's first frame is shown at once.
    if (state->audio_time > time && duration > 0) {
      from += (state->audio_time - time + duration - 1) / duration * duration;
    }
    state->plan(time, from);
    state->video_time = time + duration;
    const std::size_t index = state->index_at(time + rounding);
    const Segment& segment = state->segments[index];
    composition.is_end = segment.kind == Kind::end;
    composition.over = layer(segment, time);
    const Time faded = std::max<Time>(0, time - segment.start);
    if (index > 0 && segment.fades && faded < state->fade) {
      composition.under = layer(state->segments[index - 1], time);
      composition.mix =
          static_cast<double>(faded + duration) / static_cast<double>(state->fade + duration);
    }
    std::shared_ptr<ClipDecoder> on = segment.decoder;
    if (on) {
      const auto length = on->decoded().length();
      if (length && segment.content_at(time) + rounding >= *length) on.reset();
    }
    if (on != state->on) {
      ended = std::exchange(state->on, on);
      started = std::move(on);
    }
    state->prune(time);
    retired.swap(state->retired);
  }
  if (ended || started) events_.changed(std::move(ended), std::move(started));
  for (auto& gone : retired) events_.retired(std::move(gone));
  return composition;
}

bool Timeline::mix_audio(std::int64_t begin, float* out, std::size_t samples,
                         std::vector<std::size_t>* seams) {
  auto state = state_.lock();
  std::size_t done = 0;
  while (done < samples) {
    const std::int64_t at = begin + static_cast<std::int64_t>(done);
    // The segment that has this sample, and how much of it.
    std::size_t index = state->segments.size() - 1;
    while (index > 0 && samples_at(state->segments[index].start) > at) --index;
    const Segment& segment = state->segments[index];
    if (segment.kind == Kind::end) return done > 0;
    std::size_t number = samples - done;
    if (index + 1 < state->segments.size()) {
      number = std::min(
          number, static_cast<std::size_t>(samples_at(state->segments[index + 1].start) - at));
    }
    const std::int64_t first = samples_at(segment.start);
    const std::int64_t ramp = samples_at(state->fade);
    const bool ramps = index > 0 && segment.fades && at - first < ramp;
    float gain = 1;
    float step = 0;
    if (ramps) {
      number = std::min(number, static_cast<std::size_t>(first + ramp - at));
      gain = static_cast<float>(at - first) / static_cast<float>(ramp);
      step = 1.0F / static_cast<float>(ramp);
    }
    if (at == first) seams->push_back(done);
    const auto mix = [&](const Segment& from, float gain_there, float step_there) {
      if (from.kind != Kind::play) return std::size_t{0};
      const std::int64_t content = samples_at(from.content) + at - samples_at(from.start);
      return from.decoder->decoded().mix_audio(content, out + done * audio_channels, number,
                                               gain_there, step_there);
    };
    if (ramps) {
      const std::size_t length = mix(state->segments[index - 1], 1 - gain, -step);
      if (length > 0 && length < number) seams->push_back(done + length);
    }
    // Audio may end before its frame does, or be missing for a while.
    const std::size_t length = mix(segment, gain, step);
    if (state->had_audio != (length > 0)) seams->push_back(done);
    if (length > 0 && length < number) seams->push_back(done + length);
    state->had_audio = length == number;
    done += number;
  }
  state->audio_time = static_cast<Time>(
      gst_util_uint64_scale_int(static_cast<guint64>(begin) + samples, GST_SECOND, audio_rate));
  return true;
}

}  // namespace genpro::bin
