// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/qos_reporter.h"

#include <utility>

namespace genpro::bin {

namespace {

// Of so many frames, so many are more than a machine that was busy for a moment leaves late.
constexpr guint64 frames_together = 60;
constexpr guint64 most_late = 15;

}  // namespace

void QosReporter::report(const GstBuffer* frame, Time lateness, OutputStats& stats) {
  ++frames_;
  if (lateness > 0) {
    ++late_;
    ++stats.late;
    if (lateness > stats.max_lateness) stats.max_lateness = lateness;
    const GstClockTime time = GST_BUFFER_PTS(frame);
    const GstClockTime duration = GST_BUFFER_DURATION(frame);
    // Running, stream and buffer times are the same in a live output's segment.
    MessagePtr message(gst_message_new_qos(GST_OBJECT(element_), TRUE, time, time, time, duration));
    const double frames_lost =
        static_cast<double>(lateness) / static_cast<double>(MAX(duration, GstClockTime{1}));
    gst_message_set_qos_values(message.get(), lateness, 1 + frames_lost, 1'000'000);
    gst_message_set_qos_stats(message.get(), GST_FORMAT_BUFFERS, frames_, late_);
    gst_element_post_message(element_, message.release());
  }
  if (late_ - late_before_ > most_late && !std::exchange(has_warned_, true)) {
    GST_ELEMENT_WARNING(
        element_, CORE, CLOCK,
        ("The machine does not keep up with the video: %" G_GUINT64_FORMAT
         " of the last %" G_GUINT64_FORMAT
         " frames were late. Choose a smaller width, height or framerate, or run less beside it.",
         late_ - late_before_, frames_ - frames_before_),
        (nullptr));
  }
  if (frames_ - frames_before_ < frames_together) return;
  frames_before_ = frames_;
  late_before_ = late_;
}

}  // namespace genpro::bin
