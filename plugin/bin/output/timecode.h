// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The timecode of what leaves by a pad, which an element such as timecodestamper adds behind it.
#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "bin/output/live_source.h"

namespace genpro::bin {

struct Timecode {
  unsigned hours = 0;
  unsigned minutes = 0;
  unsigned seconds = 0;
  unsigned frames = 0;
  std::string text;  // as it was written
};

// Of `hh:mm:ss:ff`; before the frames there may also be a semicolon or a dot, as with drop frames.
std::optional<Timecode> parse_timecode(const std::string& text);

// The running time of the frame with that timecode, of which another frame has `running_time` and
// `seen`; before that one if it is nearer so than on the next day. Nothing where the count that
// `seen` is of has no such timecode.
std::optional<Time> time_of(const Timecode& timecode, Time running_time,
                            const GstVideoTimeCode& seen);

// Looks at the frames that leave by a pad, there and at what follows it in one line, until one has
// a timecode. What is called is called once, on a streaming thread, and not any more when the last
// reference is gone. Threads: any.
class TimecodeWatch : public std::enable_shared_from_this<TimecodeWatch> {
 public:
  struct Calls {
    // With the running time of that frame.
    std::function<void(Time running_time, const GstVideoTimeCode&)> seen;
    // Two seconds of frames had none. They are looked at further.
    std::function<void()> missing;
  };
  static std::shared_ptr<TimecodeWatch> create(ObjectPtr<GstPad> pad, Calls calls);
  // For create().
  class Access {
    friend class TimecodeWatch;
    Access() = default;
  };
  TimecodeWatch(Access access, ObjectPtr<GstPad> pad, Calls calls);
  TimecodeWatch(const TimecodeWatch&) = delete;
  TimecodeWatch& operator=(const TimecodeWatch&) = delete;
  ~TimecodeWatch();

 private:
  struct Probe {
    ObjectPtr<GstPad> pad;
    gulong id;
  };
  static void remove(const std::vector<Probe>& probes);
  void watch(ObjectPtr<GstPad> pad);
  // Leaves no probe behind.
  void leave();
  void look(GstPad* pad, GstBuffer* buffer);
  void follow();

  const ObjectPtr<GstPad> pad_;
  const Calls calls_;
  std::atomic<bool> is_over_ = false;
  Guarded<std::vector<Probe>> probes_;  // not held while pads are called
  // Of the pad's streaming thread.
  GstClockTime first_ = GST_CLOCK_TIME_NONE;
  GstClockTime looked_ = GST_CLOCK_TIME_NONE;  // when what follows was looked at
  bool has_missed_ = false;
};

}  // namespace genpro::bin
