// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells of frames that are late because the machine does not keep up.
#pragma once

#include "bin/output/live_source.h"

namespace genpro::bin {

// Threads: the streaming thread.
class QosReporter {
 public:
  explicit QosReporter(GstElement* element) : element_(element) {}

  // A new run begins.
  void reset() { *this = QosReporter(element_); }
  // A frame leaves, with a lateness that is not 0 where that is later than it should, or where it
  // shows something older: a QoS message, and a warning the first time that many frames in a row
  // are.
  void report(const GstBuffer* frame, Time lateness, OutputStats& stats);

 private:
  GstElement* element_;
  guint64 frames_ = 0;
  guint64 late_ = 0;
  guint64 frames_before_ = 0;  // up to the begin of those that are looked at together
  guint64 late_before_ = 0;
  bool has_warned_ = false;
};

}  // namespace genpro::bin
