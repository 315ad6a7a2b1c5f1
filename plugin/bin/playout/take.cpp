// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of the timeline that cues, takes and has deadlines: what is to happen at a time that was
// given.
#include <algorithm>
#include <utility>

#include "bin/playout/timeline.h"

namespace genpro::bin {

namespace {

// Of a cue at a position beyond the clip's end.
constexpr Time nowhere = whole_clip;

}  // namespace

bool Timeline::Cue::is_ready() const {
  return position != nowhere && decoder->decoded().is_ready(position);
}

void Timeline::expect() {
  auto state = state_.lock();
  state->is_expected = true;
  state->next_was_on = false;
  state->late_offer.reset();
  state->forget_what_is_at_once();
}

void Timeline::State::forget_what_is_at_once() {
  is_skipping = false;
  if (next.take == at_once) next.take.reset();
}

void Timeline::arm(std::optional<Time> time) {
  auto state = state_.lock();
  state->next.take = time ? std::optional(state->own_time(*time)) : std::nullopt;
}

std::optional<Time> Timeline::armed() {
  auto state = state_.lock();
  const std::optional<Time>& take = state->next.take;
  return take && *take != at_once ? *take - state->moved : take;
}

bool Timeline::rearm(Time from, std::optional<Time> to) {
  auto state = state_.lock();
  if (state->next.take != state->own_time(from)) return false;
  state->next.take = to ? std::optional(state->own_time(*to)) : std::nullopt;
  return true;
}

void Timeline::move_back(Time by) {
  auto state = state_.lock();
  state->moved += by;
  for (auto* time : {&state->next.take, &state->replay.take, &state->needed_by}) {
    if (*time) *time = State::later(**time, by);
  }
  for (Action& action : state->actions) action.time = State::later(action.time, by);
}

bool Timeline::take(Time time) {
  auto state = state_.lock();
  const bool is_to_follow = state->queued.decoder || state->has_more;
  if (!state->next.decoder && !state->is_expected && !is_to_follow) return false;
  state->next.take = state->own_time(time);
  return true;
}

bool Timeline::untake() {
  bool was_armed = false;
  {
    auto state = state_.lock();
    was_armed = state->next_take() || state->replay.decoder;
    state->next.take.reset();
    state->is_skipping = false;
  }
  replace(&State::replay, {});
  return was_armed;
}

bool Timeline::seek_cue(Time position) {
  auto state = state_.lock();
  Cue& cue = state->next;
  if (!cue.decoder || cue.position == nowhere || position < cue.decoder->decoded().skipped()) {
    return false;
  }
  cue.position = position;
  cue.is_held = true;
  cue.was_told = false;
  return true;
}

void Timeline::cue(std::shared_ptr<ClipDecoder> decoder, Time position) {
  Decoders retired;
  {
    auto state = state_.lock();
    const std::optional<Time> take = state->next.take;
    state->replace(state->next, {.decoder = std::move(decoder),
                                 .position = position,
                                 .take = take,
                                 .is_held = true,
                                 .is_queued = state->next.is_queued});
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
}

void Timeline::replay(std::shared_ptr<ClipDecoder> decoder, Time time) {
  const Time own = state_.lock()->own_time(time);
  replace(&State::replay, {.decoder = std::move(decoder), .take = own});
}

void Timeline::set_fallback(std::shared_ptr<ClipDecoder> decoder) {
  Decoders retired;
  {
    auto state = state_.lock();
    // One that could not be shown at the deadline is replaced by what can.
    state->replace(state->fallback, {.decoder = std::move(decoder), .take = state->fallback.take});
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
}

void Timeline::set_needed_by(std::optional<Time> time) {
  auto state = state_.lock();
  state->needed_by = time ? std::optional(state->own_time(*time)) : std::nullopt;
  state->fallback.take.reset();
}

void Timeline::replace(Cue State::*cue, Cue by) {
  Decoders retired;
  {
    auto state = state_.lock();
    state->replace((*state).*cue, std::move(by));
    retired.swap(state->retired);
  }
  for (auto& gone : retired) events_.retired(std::move(gone));
}

void Timeline::State::replace(Cue& cue, Cue by) {
  std::swap(cue, by);
  if (by.decoder) retire(std::move(by.decoder));
}

bool Timeline::add_action(const Action& action) {
  auto state = state_.lock();
  const Segment& last = state->segments.back();
  const bool is_frozen = last.kind == Kind::freeze;
  const bool is_possible =
      action.kind == ActionKind::unfreeze ? is_frozen : last.decoder != nullptr;
  if (action.time == at_once && !is_possible) return false;
  state->actions.push_back({action.kind, state->own_time(action.time)});
  return true;
}

Time FrameTimes::at(std::uint64_t number) const {
  return origin +
         static_cast<Time>(gst_util_uint64_scale(number, GST_SECOND * static_cast<guint64>(fps_d),
                                                 static_cast<guint64>(fps_n)));
}

Time FrameTimes::first_from(Time time) const {
  std::uint64_t number =
      gst_util_uint64_scale(static_cast<guint64>(std::max<Time>(0, time - origin)),
                            static_cast<guint64>(fps_n), GST_SECOND * static_cast<guint64>(fps_d));
  while (at(number) < time) ++number;
  return at(number);
}

// But not before the frames that were taken.
Time Timeline::State::frame_from(Time time) const {
  return frame_times.first_from(std::max(time, video_time));
}

// The first one that happens before `until`. `from` is the first frame that may change.
std::optional<Timeline::Action> Timeline::State::due(Time until, Time from) const {
  std::optional<Action> first;
  Time first_start = until;
  const auto consider = [&](const Action& action) {
    const Time start = frame_from(std::max(action.time, from));
    const bool is_first =
        first ? std::pair(start, action.kind) < std::pair(first_start, first->kind) : start < until;
    if (!is_first) return;
    first = action;
    first_start = start;
  };
  const auto consider_cue = [&](const Cue& cue, std::optional<Time> take, ActionKind kind) {
    if (cue.decoder && take && frame_from(std::max(*take, from)) < until && cue.is_ready()) {
      consider({kind, *take});
    }
  };
  for (const Action& action : actions) consider(action);
  if (needed_by) consider({ActionKind::deadline, *needed_by});
  consider_cue(next, next_take(), ActionKind::take);
  consider_cue(replay, replay.take, ActionKind::replay);
  consider_cue(fallback, fallback.take, ActionKind::fallback);
  return first;
}

void Timeline::State::plan_actions(Time until, Time from) {
  while (segments.back().kind != Kind::end) {
    const std::optional<Action> action = due(until, from);
    if (!action) return;
    act(*action, frame_from(std::max(action->time, from)));
  }
}

void Timeline::State::act(const Action& action, Time start_time) {
  const auto done = std::find_if(actions.begin(), actions.end(), [&](const Action& each) {
    return each.kind == action.kind && each.time == action.time;
  });
  if (done != actions.end()) actions.erase(done);
  switch (action.kind) {
    case ActionKind::clear:
      return clear(start_time);
    case ActionKind::deadline:
      return pass_deadline(start_time);
    case ActionKind::take:
      return start(next, start_time);
    case ActionKind::replay:
      return start(replay, start_time);
    case ActionKind::fallback:
      return start(fallback, start_time);
    case ActionKind::freeze:
      return freeze(start_time);
    case ActionKind::unfreeze:
      return unfreeze(start_time);
  }
}

void Timeline::State::start(Cue& cue, Time start, bool is_at_end) {
  const std::shared_ptr<ClipDecoder> decoder = std::exchange(cue.decoder, nullptr);
  cue.group.reset();
  const bool is_skip = &cue == &next && std::exchange(is_skipping, false);
  // One that was to be on by now is on; another one is of what comes after it.
  const bool is_before_take = is_skip && cue.take && frame_times.first_from(*cue.take) > start;
  const Time asked =
      is_before_take ? at_once : std::exchange(cue.take, std::nullopt).value_or(at_once);
  if (&cue == &next || &cue == &queued) {
    next_was_on = true;
    next_on = decoder;
    fallback.take.reset();
  }
  if (&cue == &queued || std::exchange(cue.is_queued, false)) {
    notes.emplace_back(
        [decoder, is_at_end](const Events& events) { events.followed(decoder, is_at_end); });
  }
  is_between = false;
  if (&cue == &fallback) fallback_on = decoder;
  repeats_failed = false;
  if (asked != at_once && frame_times.first_from(asked) < start) {
    notes.emplace_back(
        [decoder, late = start - asked](const Events& events) { events.late(decoder, late); });
  }
  append({Kind::play, start, decoder, cue.position, true});
}

void Timeline::State::pass_deadline(Time start) {
  const Time asked = std::exchange(needed_by, std::nullopt).value_or(start);
  // The first one of a queue is waited for as any other.
  if (!next_was_on && !next.decoder && !is_expected) promote_queued();
  const bool is_met = next_was_on || (!is_expected && next.decoder && next.is_ready());
  const bool has_fallback = fallback.decoder != nullptr;
  const Deadline deadline{.time = start - moved,
                          .asked = asked - moved,
                          .decoder = is_expected   ? nullptr
                                     : next_was_on ? next_on.lock()
                                                   : next.decoder,
                          .is_met = is_met,
                          .is_expected = is_expected,
                          .has_fallback = has_fallback,
                          .is_fallback_ready = has_fallback && fallback.is_ready(),
                          .late_clip = late_clip};
  notes.emplace_back([deadline](const Events& events) { events.deadline(deadline); });
  if (is_met) return;
  if (is_expected) late_offer = late_clip;
  fallback.take = start;
  // A take that is still to come is of whatever is there by then.
  if (late_clip != LateClip::take) {
    is_skipping = false;
    if (next.take && *next.take <= start) next.take.reset();
  }
  switch (late_clip) {
    case LateClip::drop:
      return replace(next, {.take = next.take});
    case LateClip::cue:
      next.is_held = true;
      next.was_told = false;
      return;
    case LateClip::take:
      if (!next.take) next.take = at_once;
      return;
  }
}

void Timeline::State::clear(Time start) {
  const Segment& segment = segments[index_at(start)];
  const std::shared_ptr<ClipDecoder> decoder = segment.decoder;
  // What is about to begin would go without having been on.
  if (!decoder || (segment.start == start && !segment.was_shown)) {
    notes.emplace_back([](const Events& events) { events.missed_action("clear"); });
    return;
  }
  notes.emplace_back([decoder](const Events& events) { events.cleared(decoder); });
  append({Kind::placeholder, start, nullptr, 0, true});
}

void Timeline::State::freeze(Time start) {
  const Segment& segment = segments[index_at(start)];
  const Time content = segment.content_at(start);
  const auto length = segment.decoder ? segment.decoder->decoded().length() : std::nullopt;
  if (!segment.decoder || (length && content >= *length)) {
    notes.emplace_back([](const Events& events) { events.missed_action("freeze"); });
    return;
  }
  append({Kind::freeze, start, segment.decoder, content, false, segment.is_covered});
}

void Timeline::State::unfreeze(Time start) {
  const Segment& segment = segments[index_at(start)];
  if (segment.kind != Kind::freeze) {
    notes.emplace_back([](const Events& events) { events.missed_action("unfreeze"); });
    return;
  }
  append({Kind::play, start, segment.decoder, segment.content, segment.is_covered});
}

// Tells when what waits can be taken.
void Timeline::State::note_cue() {
  if (!next.decoder || next.was_told || (!is_held() && !next_take())) return;
  const auto length = next.decoder->decoded().length();
  if (next.position > 0 && length && next.position >= *length) {
    next.position = nowhere;
    next.was_told = true;
    notes.emplace_back(
        [decoder = next.decoder](const Events& events) { events.cued_past_end(decoder); });
    return;
  }
  if (!next.is_ready()) return;
  next.was_told = true;
  notes.emplace_back([decoder = next.decoder, position = next.position](const Events& events) {
    events.cued(decoder, position);
  });
}

}  // namespace genpro::bin
