// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Waits for running times of a live element.
#pragma once

#include <gst/gst.h>

#include "base/guarded.h"
#include "bin/media/decoded_frames.h"

namespace genpro::bin {

// Threads: wait() and now() for the streaming thread, interrupt() for any.
class ClockWait {
 public:
  explicit ClockWait(GstElement* element) : element_(element) {}

  // The running time; without a clock, the time since the first call.
  Time now();
  // Until `due`; false when interrupted.
  bool wait(Time due);
  void interrupt(bool interrupted);

 private:
  struct State {
    GstClockID waiting = nullptr;
    bool interrupted = false;
  };
  ObjectPtr<GstClock> clock(Time* base);

  GstElement* const element_;
  Guarded<State> state_;
  std::optional<Time> own_base_;
};

}  // namespace genpro::bin
