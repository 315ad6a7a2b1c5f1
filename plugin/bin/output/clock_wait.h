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

  // A new run begins, whose streaming thread does not run yet.
  void reset();
  // The running time. Without a clock, which an element has in no pipeline, it goes on from the
  // last one by the system's clock.
  Time now();
  // Until `due`; false when interrupted.
  bool wait(Time due);
  void interrupt(bool interrupted);

 private:
  struct State {
    GstClockID waiting = nullptr;
    bool interrupted = false;
    unsigned changes = 0;  // of that
  };
  ObjectPtr<GstClock> clock(Time* base);

  GstElement* const element_;
  Guarded<State> state_;
  std::optional<Time> own_base_;
  Time last_ = 0;
};

}  // namespace genpro::bin
