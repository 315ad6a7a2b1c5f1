// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/clock_wait.h"

#include <algorithm>

namespace genpro::bin {

using ClockIdPtr = Owned<void, gst_clock_id_unref>;

ObjectPtr<GstClock> ClockWait::clock(Time* base) {
  auto clock = ObjectPtr<GstClock>::adopt(gst_element_get_clock(element_));
  if (clock) {
    own_base_.reset();
    *base = static_cast<Time>(gst_element_get_base_time(element_));
    return clock;
  }
  clock = ObjectPtr<GstClock>::adopt(gst_system_clock_obtain());
  if (!own_base_) own_base_ = static_cast<Time>(gst_clock_get_time(clock.get())) - last_;
  *base = *own_base_;
  return clock;
}

void ClockWait::reset() {
  own_base_.reset();
  last_ = 0;
}

Time ClockWait::now() {
  Time base = 0;
  const auto clock = this->clock(&base);
  const Time running = static_cast<Time>(gst_clock_get_time(clock.get())) - base;
  last_ = std::max<Time>(0, running);
  return last_;
}

bool ClockWait::wait(Time due) {
  // The clock may be another one after an interruption.
  const unsigned changes = state_.lock()->changes;
  Time base = 0;
  const auto clock = this->clock(&base);
  const ClockIdPtr id(
      gst_clock_new_single_shot_id(clock.get(), static_cast<GstClockTime>(base + due)));
  {
    auto state = state_.lock();
    if (state->interrupted || state->changes != changes) return false;
    state->waiting = id.get();
  }
  const GstClockReturn result = gst_clock_id_wait(id.get(), nullptr);
  auto state = state_.lock();
  state->waiting = nullptr;
  if (result == GST_CLOCK_UNSCHEDULED || state->interrupted) return false;
  last_ = std::max(last_, due);
  return true;
}

void ClockWait::interrupt(bool interrupted) {
  auto state = state_.lock();
  state->interrupted = interrupted;
  ++state->changes;
  if (interrupted && state->waiting != nullptr) gst_clock_id_unschedule(state->waiting);
}

}  // namespace genpro::bin
