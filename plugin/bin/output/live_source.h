// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The live sources within a genprobin: one GObject shell for what makes frames and what makes
// audio. Not registered as an element of the plugin.
#pragma once

#include <gst/base/gstpushsrc.h>

#include <atomic>
#include <memory>

#include "bin/output/clock_wait.h"
#include "gst/gst_ptr.h"

namespace genpro::bin {

// What a busy machine may take to wake a thread and to draw a frame, on top of a buffer's
// duration.
inline constexpr Time longest_delay = 20 * GST_MSECOND;

// How the frames leave. Threads: any.
struct OutputStats {
  std::atomic<std::uint64_t> late = 0;
  std::atomic<std::uint64_t> skipped = 0;  // that were never made
  std::atomic<Time> max_lateness = 0;
  std::atomic<Time> latency = 0;             // of the output itself
  std::atomic<Time> configured_latency = 0;  // of the pipeline
};

// What makes the buffers. Threads: the streaming thread, which calls nothing else meanwhile.
class Producer {
 public:
  struct Step {
    BufferPtr buffer;  // null at the end
    CapsPtr caps;      // of it, where they are not those that were negotiated
    Time due = 0;      // running time at which it leaves
    Time moved = 0;    // for which that is so
    bool is_end = false;
    // By how much what it shows is older than it should be, or how much was skipped before it.
    Time behind = 0;
  };

  virtual ~Producer() = default;
  // A new run begins.
  virtual void start() = 0;
  // Of the caps that the pad's peer takes, those that buffers have from now on; null when none will
  // do.
  virtual CapsPtr negotiate(GstPad* pad) = 0;
  // All caps that there may be.
  virtual CapsPtr caps() const = 0;
  // `now` is the running time, and what is more than `max_lateness` behind it is skipped.
  virtual Step produce(Time now, Time max_lateness) = 0;
  // That the application knows of what there was up to the end.
  virtual bool is_told() = 0;
  // By how much running times have gone back in all.
  virtual Time moved() = 0;
  // From a buffer's time to its being pushed, at most.
  virtual Time latency() = 0;
  // Null when nobody counts.
  virtual OutputStats* stats() { return nullptr; }
};

// A floating reference, as of any new element.
GstElement* make_live_source(const char* name, std::unique_ptr<Producer> producer);

}  // namespace genpro::bin
