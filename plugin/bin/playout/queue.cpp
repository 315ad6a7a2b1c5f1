// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of the timeline that has one clip follow another.
#include <utility>

#include "bin/playout/timeline.h"

namespace genpro::bin {

void Timeline::follow(std::shared_ptr<ClipDecoder> decoder) {
  // It may have been cued at a position, and held back since: what is before that is gone.
  const Time position = decoder->decoded().skipped();
  replace(&State::queued, {.decoder = std::move(decoder), .position = position, .is_queued = true});
}

bool Timeline::hold_back(const std::shared_ptr<ClipDecoder>& decoder) {
  auto state = state_.lock();
  Cue& cue = state->queued.decoder == decoder ? state->queued : state->next;
  if (cue.decoder != decoder) return false;
  // When it is to be taken goes for the next one.
  cue = {.take = cue.take};
  return true;
}

void Timeline::set_has_more(bool has_more) {
  auto state = state_.lock();
  state->has_more = has_more;
  const bool waits = has_more || state->queued.decoder || state->next.decoder || state->is_expected;
  // What was skipped to does not come, and what comes later is another one.
  if (!waits) state->forget_what_is_at_once();
}

bool Timeline::skip() {
  auto state = state_.lock();
  const bool has_next = state->has_more || state->queued.decoder || state->next.is_queued;
  if (!state->segments.back().decoder || !has_next) return false;
  state->is_skipping = true;
  return true;
}

void Timeline::State::promote_queued() {
  if (!queued.decoder) return;
  const std::optional<Time> take = next.take;
  next = std::exchange(queued, {});
  next.take = take;
}

// What follows waits to be taken where it has to be, and only there.
void Timeline::State::hold_queued() {
  if (!holds && !next_take() && !next.is_held) return unqueue();
  if ((holds || next_take()) && !next.decoder && !is_expected) promote_queued();
}

void Timeline::State::unqueue() {
  if (!next.is_queued) return;
  const std::optional<Time> take = std::exchange(next.take, std::nullopt);
  queued = std::exchange(next, {});
  queued.is_held = false;
  queued.was_told = false;
  next.take = take;
}

bool Timeline::State::is_queue_due() {
  const Segment& last = segments.back();
  if (!queued.decoder || holds || last.kind == Kind::end) return false;
  const bool is_none_on = !last.decoder || last.decoder == fallback_on.lock();
  return is_none_on && queued.is_ready();
}

// Those that were to follow have failed or were taken away.
bool Timeline::State::is_queue_over() const {
  return is_between && at_end == AtEnd::eos && !has_more && !queued.decoder && !next.decoder &&
         !is_expected && !segments.back().decoder && segments.back().kind != Kind::end;
}

}  // namespace genpro::bin
