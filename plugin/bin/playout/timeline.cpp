// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/timeline.h"

#include <algorithm>
#include <set>
#include <utility>

namespace genpro::bin {

namespace {

// What begins so shortly after a frame is on with it: the times of a clip's frames and of the
// output are rounded, and must not put it off by a frame.
constexpr Time rounding = GST_MSECOND;
// A shorter standstill is not told.
constexpr Time least_starvation = 200 * GST_MSECOND;

}  // namespace

bool Timeline::offer(std::shared_ptr<ClipDecoder> decoder) {
  Decoders retired;
  bool is_dropped = false;
  {
    auto state = state_.lock();
    state->next_was_on = false;
    state->is_expected = false;
    const auto late = std::exchange(state->late_offer, std::nullopt);
    is_dropped = late == LateClip::drop;
    const std::optional<Time> take = state->next.take;
    state->unqueue();
    state->replace(state->next,
                   {.decoder = std::move(decoder), .take = take, .is_held = late == LateClip::cue});
    if (is_dropped) state->replace(state->next, {.take = take});
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
  return !is_dropped;
}

void Timeline::group(const std::shared_ptr<ClipDecoder>& decoder,
                     std::shared_ptr<GroupedStart> start) {
  auto state = state_.lock();
  const bool is_to_wait = state->is_held() || state->next_take();
  if (state->next.decoder == decoder && !is_to_wait) state->next.group = std::move(start);
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
    Cue& cue = state->queued.decoder == decoder ? state->queued : state->next;
    if (cue.decoder != decoder) return false;
    cue.decoder.reset();
    cue.group.reset();
    cue.is_queued = false;
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
    for (Cue* cue : {&state->next, &state->replay, &state->fallback, &state->queued}) {
      if (cue->decoder != decoder) continue;
      cue->decoder.reset();
      cue->group.reset();
      cue->is_queued = false;
    }
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
    before.on_starve = state->on_starve;
    before.stats = state->stats;
    std::swap(*state, before);
  }
  if (before.on) {
    events_.changed(std::move(before.on), nullptr, before.video_time - before.moved);
  }
  std::set<std::shared_ptr<ClipDecoder>> retired = {
      std::move(before.next.decoder), std::move(before.replay.decoder),
      std::move(before.fallback.decoder), std::move(before.queued.decoder),
      std::move(before.next_repeat)};
  for (Segment& segment : before.segments) retired.insert(std::move(segment.decoder));
  retired.insert(before.retired.begin(), before.retired.end());
  retired.erase(nullptr);
  for (const auto& gone : retired) events_.retired(gone);
}

std::size_t Timeline::State::index_at(Time time) const {
  std::size_t index = segments.size() - 1;
  while (index > 0 && segments[index].start > time) --index;
  return index;
}

bool Timeline::State::refers_to(const std::shared_ptr<ClipDecoder>& decoder) const {
  return next.decoder == decoder || replay.decoder == decoder || fallback.decoder == decoder ||
         queued.decoder == decoder || next_repeat == decoder ||
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

// The first frame of which nothing was taken yet, on the grid of the output's frames, so that a
// clip's first frame is shown at once.
Time Timeline::State::next_change() const {
  if (audio_time <= video_time || frame_times.fps_n == 0) return std::max(video_time, audio_time);
  return frame_from(audio_time);
}

// Decides what begins before `until`, for what is taken from `time` to then.
void Timeline::State::plan(bool for_audio, Time time, Time until, Time kept) {
  (for_audio ? audio_time : video_time) = time;
  // Frames are not taken any more, and without them nothing is over.
  if (until > video_time + frame_duration + kept) return;
  const Time from = next_change();
  hold_queued();
  // Without a frame yet, nothing is known of where they begin.
  if (frame_times.fps_n > 0) plan_actions(until, from);
  const bool may_begin = next.group ? frame_times.fps_n > 0 : !for_audio;
  if (may_begin && next.decoder && !is_held() && !next_take() && next.is_ready() &&
      segments.back().kind != Kind::end) {
    const Time begin = begin_of_next(from);
    if (!next.group || begin < until) return start(next, begin);
  }
  if (!for_audio && is_queue_due()) return start(queued, from);
  if (!for_audio && is_queue_over()) return append({Kind::end, from, nullptr, 0, false});
  while (plan_next(for_audio, time, until, from)) {
  }
}

// `from`, or with the others of its group.
Time Timeline::State::begin_of_next(Time from) const {
  if (!next.group) return from;
  const Time duration = frame_times.at(1) - frame_times.origin;
  const std::optional<Time> begin = next.group->begin(from - moved, duration);
  return begin ? std::max(from, frame_from(*begin + moved)) : std::numeric_limits<Time>::max();
}

// Whether there may be more to plan.
bool Timeline::State::plan_next(bool for_audio, Time time, Time until, Time from) {
  const Segment& last = segments.back();
  if (!last.decoder || last.kind == Kind::freeze) return false;
  DecodedFrames& decoded = last.decoder->decoded();
  if (last.kind == Kind::play && decoded.length()) return plan_end(until, from);
  if (last.start > time) return false;
  const Time content = last.content_at(time);
  // What failed and has run dry does not go on.
  if (!for_audio && decoded.has_failed() &&
      (last.kind == Kind::hold || decoded.behind(content) > 0)) {
    decoded.cut();
  }
  if (last.kind == Kind::hold) {
    if (!decoded.has_recovered(content) && !decoded.length()) return false;
    append({Kind::play, std::max(from, last.start), last.decoder, last.content, last.is_covered});
    return true;
  }
  if (decoded.length()) return true;
  // The one that is behind has all that the other one had.
  const bool is_ahead = until >= (for_audio ? video_time : audio_time);
  const bool lacks = decoded.lacks_audio(content) || (!for_audio && decoded.lacks_frame(content));
  if (is_ahead && lacks) {
    const bool is_covered = on_starve == OnStarve::placeholder;
    append({Kind::hold, from, last.decoder, last.content_at(from), is_covered, is_covered});
  }
  return false;
}

// Of what follows the clip that ends then, so that both move while one fades into the other; the
// clip itself is faded in before.
Time Timeline::State::begin_of_fade(Time end) const {
  const Segment& last = segments.back();
  const Time shown = last.start + (last.fades ? fade : 0);
  return std::max(end - fade, std::min(end, shown));
}

// The clip that is shown is known to its end: plans what comes then.
bool Timeline::State::plan_end(Time until, Time from) {
  const Segment& last = segments.back();
  DecodedFrames& decoded = last.decoder->decoded();
  if (decoded.is_still()) return false;
  const Time end = last.start + *decoded.length() - last.content;
  const bool is_followed = !holds && queued.decoder && queued.is_ready();
  const Time change = is_followed ? begin_of_fade(end) : end;
  if (change >= until) return false;
  const Time then = change >= std::max(video_time, audio_time) ? change : from;
  if (is_followed) {
    start(queued, then, true);
    return true;
  }
  if (decoded.has_failed() || (at_end == AtEnd::loop && repeats_failed)) {
    append({Kind::placeholder, then, nullptr, 0, true});
    return false;
  }
  switch (at_end) {
    case AtEnd::placeholder:
      append({Kind::placeholder, then, nullptr, 0, true});
      return false;
    case AtEnd::eos:
      is_between = has_more || queued.decoder || next.is_queued;
      if (is_between || (last.decoder == fallback_on.lock() && (next.decoder || is_expected))) {
        append({Kind::placeholder, then, nullptr, 0, true});
        return false;
      }
      append({Kind::end, then, nullptr, 0, false});
      return false;
    case AtEnd::loop:
      if (!next_repeat || repeat_of != last.decoder || !next_repeat->decoded().is_ready()) {
        return false;
      }
      append({Kind::play, then, std::exchange(next_repeat, nullptr), 0, false});
      return true;
    case AtEnd::hold:
      return false;
  }
  return false;
}

// A clip goes only after the frame with which it has ended, and with one: another thread might tell
// of that before this one tells of its end.
void Timeline::State::prune(Time kept) {
  const Time oldest = std::max(video_time, audio_time) - kept;
  const Time done = std::min(video_time - frame_duration, std::max(audio_time, oldest));
  while (segments.size() > 1 && segments[1].start + fade <= done) {
    std::shared_ptr<ClipDecoder> decoder = std::move(segments.front().decoder);
    segments.pop_front();
    if (decoder) retire(std::move(decoder));
  }
  drop_taken(kept);
}

void Timeline::State::drop_taken(Time kept) {
  const Time oldest = std::max(video_time, audio_time) - kept;
  const Segment& first = segments[index_at(oldest)];
  if (first.decoder && first.start <= oldest) {
    first.decoder->decoded().drop_before(first.content_at(oldest));
  }
}

Layer Timeline::layer(const Segment& segment, Time time) {
  if (!segment.decoder || segment.is_covered) return {};
  return {false, segment.decoder->decoded().frame_at(segment.content_at(time))};
}

void Timeline::State::count(const Layer& layer, std::size_t index) {
  ++stats.frames;
  const Segment& segment = segments[index];
  const std::shared_ptr<ClipDecoder> before = counted.lock();
  // What was left of a clip at its end.
  if (before && before != segment.decoder) {
    counted.reset();
    for (std::size_t at = index; at-- > 0;) {
      if (segments[at].decoder != before) continue;
      const auto length = before->decoded().length();
      if (length && segments[at].content_at(segments[at + 1].start) + rounding >= *length) {
        stats.dropped += before->decoded().frames_from(counted_number + 1);
      }
      break;
    }
  }
  if (layer.is_placeholder || !layer.frame) return;
  const std::uint64_t number = layer.frame.number;
  const bool is_same_clip = before == segment.decoder;
  if (is_same_clip && number == counted_number) {
    ++stats.repeated;
    return;
  }
  ++stats.shown;
  // One that was cued at a position begins with whatever frame is there.
  const bool is_from_begin = segment.content == 0;
  if (is_same_clip || is_from_begin) {
    stats.dropped += number - (is_same_clip ? counted_number + 1 : 0);
  }
  counted = segment.decoder;
  counted_number = number;
}

Timeline::Change Timeline::State::change_to(std::shared_ptr<ClipDecoder> decoder, Time time) {
  if (decoder) begun = decoder;
  return {std::exchange(on, decoder), decoder, time - moved};
}

// What began and ended between two frames, since those between were not taken, was on all the same.
std::vector<Timeline::Change> Timeline::State::pass_over(std::size_t index) {
  std::vector<Change> changes;
  for (std::size_t at = 0; at < index; ++at) {
    const Segment& segment = segments[at];
    const bool is_new = segment.decoder && !std::exchange(segments[at].was_shown, true) &&
                        segment.decoder != begun.lock();
    if (!is_new || segment.decoder == segments[index].decoder) continue;
    stats.dropped += segment.decoder->decoded().frames_from(0);
    changes.push_back(change_to(segment.decoder, segment.start));
  }
  return changes;
}

PlayoutStats Timeline::stats() {
  auto state = state_.lock();
  PlayoutStats stats = state->stats;
  stats.is_clip = state->on != nullptr;
  stats.is_cued = state->next.decoder && state->next.was_told;
  if (state->needed_by) {
    stats.needed_in = std::max<Time>(0, *state->needed_by - state->own_time(stats.time));
  }
  if (state->on) {
    stats.level = state->on->decoded().level();
    stats.gain = state->on->decoded().gain();
  }
  return stats;
}

Composition Timeline::frame(Time time, Time duration, Time kept) {
  Composition composition;
  Decoders retired;
  std::vector<Change> changes;
  std::shared_ptr<ClipDecoder> starved;
  std::shared_ptr<ClipDecoder> recovered;
  std::vector<std::function<void(const Events&)>> notes;
  {
    auto state = state_.lock();
    const Time running = time - state->moved;
    state->frame_duration = duration;
    state->video_kept = kept;
    kept = state->kept();
    state->plan(false, time, time + duration, kept);
    state->video_time = time + duration;
    const std::size_t index = state->index_at(time + rounding);
    changes = state->pass_over(index);
    Segment& segment = state->segments[index];
    composition.is_end = segment.kind == Kind::end;
    composition.over = layer(segment, time);
    state->count(composition.over, index);
    state->stats.time = running;
    if (segment.kind == Kind::play && segment.decoder && !segment.is_covered) {
      composition.behind = segment.decoder->decoded().behind(segment.content_at(time));
    }
    const Time faded = std::max<Time>(0, time - segment.start);
    if (index > 0 && segment.fades && faded < state->fade) {
      composition.under = layer(state->segments[index - 1], time);
      composition.mix =
          static_cast<double>(faded + duration) / static_cast<double>(state->fade + duration);
    }
    std::shared_ptr<ClipDecoder> on = segment.decoder;
    // One that is shorter than a frame is on with the one that it is seen in.
    if (on && std::exchange(segment.was_shown, true) && !on->decoded().is_still()) {
      const auto length = on->decoded().length();
      if (length && segment.content_at(time) + rounding >= *length) on.reset();
    }
    // What has ended does not begin anew.
    if (!state->on && on == state->begun.lock()) on.reset();
    if (on != state->on) changes.push_back(state->change_to(std::move(on), time));
    const bool is_starved = segment.kind == Kind::hold && time >= segment.start + least_starvation;
    starved = is_starved ? segment.decoder : nullptr;
    if (starved == state->starved) {
      starved.reset();
    } else {
      recovered = std::exchange(state->starved, starved);
      if (starved) ++state->stats.starved;
    }
    state->note_cue();
    state->prune(kept);
    notes.swap(state->notes);
    retired.swap(state->retired);
  }
  for (const auto& note : notes) note(events_);
  if (recovered) events_.starved(std::move(recovered), false);
  for (Change& change : changes) {
    events_.changed(std::move(change.ended), std::move(change.started), change.time);
  }
  if (starved) events_.starved(std::move(starved), true);
  for (auto& gone : retired) events_.retired(std::move(gone));
  return composition;
}

bool Timeline::mix_audio(std::int64_t begin, float* out, std::size_t samples,
                         std::vector<std::size_t>* seams, Time kept) {
  auto state = state_.lock();
  const Time until = time_of_sample(begin + static_cast<std::int64_t>(samples));
  state->audio_kept = kept;
  kept = state->kept();
  state->plan(true, time_of_sample(begin), until, kept);
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
    if (length < number && segment.decoder && segment.kind != Kind::freeze && !segment.is_covered &&
        segment.decoder->decoded().expects_audio(
            segment.content_at(time_of_sample(at + static_cast<std::int64_t>(length))))) {
      state->stats.silent_samples += number - length;
    }
    if (state->had_audio != (length > 0)) seams->push_back(done);
    if (length > 0 && length < number) seams->push_back(done + length);
    state->had_audio = length == number;
    done += number;
  }
  state->audio_time = until;
  state->drop_taken(kept);
  return true;
}

}  // namespace genpro::bin
