// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that tells how the run stands.
#include "bin/playout_control.h"
#include "common/enums.h"

namespace genpro::bin {

StructurePtr PlayoutControl::stats(PlayoutControl* control) {
  PlayoutStats stats;
  ClipName on_air;
  ClipName cued;
  const OutputStats none;
  const OutputStats* output = &none;
  job::Status status = job::Status::idle;
  if (control != nullptr) {
    stats = control->playout_->timeline.stats();
    output = &control->playout_->output;
    status = control->face().status;
    if (stats.is_clip) on_air = *control->on_air_.lock();
    if (stats.is_cued) cued = *control->cued_.lock();
  }
  const auto time = [](Time value) { return static_cast<guint64>(value); };
  StructurePtr fields(gst_structure_new(
      "genpro-stats", "state", G_TYPE_STRING, status_nick(status), "on-air", G_TYPE_STRING,
      stats.is_clip ? "clip" : "placeholder", "generation-id", G_TYPE_STRING, on_air.id.c_str(),
      "item", G_TYPE_UINT, on_air.item, "cued", G_TYPE_STRING, cued.id.c_str(), "cued-item",
      G_TYPE_UINT, cued.item, "running-time", G_TYPE_UINT64, time(stats.time), "frames",
      G_TYPE_UINT64, stats.frames, "frames-shown", G_TYPE_UINT64, stats.shown, "frames-repeated",
      G_TYPE_UINT64, stats.repeated, "frames-dropped", G_TYPE_UINT64, stats.dropped,
      "frames-skipped", G_TYPE_UINT64, output->skipped.load(), "frames-late", G_TYPE_UINT64,
      output->late.load(), "max-lateness", G_TYPE_UINT64, time(output->max_lateness),
      "silent-samples", G_TYPE_UINT64, stats.silent_samples, "starved", G_TYPE_UINT64,
      stats.starved, "buffered-frames", G_TYPE_UINT, static_cast<guint>(stats.level.frames),
      "buffered-video", G_TYPE_UINT64, time(stats.level.video), "buffered-audio", G_TYPE_UINT64,
      time(stats.level.audio), "read-ahead", G_TYPE_UINT64, time(stats.level.read), "latency",
      G_TYPE_UINT64, time(output->latency), "pipeline-latency", G_TYPE_UINT64,
      time(output->configured_latency), nullptr));
  if (stats.needed_in) {
    gst_structure_set(fields.get(), "needed-in", G_TYPE_UINT64, time(*stats.needed_in), nullptr);
  }
  if (stats.gain) {
    gst_structure_set(fields.get(), "loudness", G_TYPE_DOUBLE, stats.gain->loudness, "true-peak",
                      G_TYPE_DOUBLE, stats.gain->true_peak, "gain", G_TYPE_DOUBLE, stats.gain->gain,
                      nullptr);
  }
  return fields;
}

void PlayoutControl::set_stats_interval(std::chrono::milliseconds interval) {
  post([this, interval] {
    if (interval == stats_interval_) return;
    stats_interval_ = interval;
    stats_due_ = interval.count() > 0 ? Clock::now() + interval : Clock::time_point::max();
  });
}

void PlayoutControl::post_stats() {
  const auto now = Clock::now();
  if (now < stats_due_) return;
  // Those that were missed are left out.
  stats_due_ += stats_interval_ * ((now - stats_due_) / stats_interval_ + 1);
  call([this](GstElement* element) {
    gst_element_post_message(element,
                             gst_message_new_element(GST_OBJECT(element), stats(this).release()));
  });
}

std::string PlayoutControl::moment(Time time) {
  const GstVideoInfo info = raster().info;
  const guint64 frame = gst_util_uint64_scale_round(
      static_cast<guint64>(time), static_cast<guint64>(std::max(1, info.fps_n)),
      GST_SECOND * static_cast<guint64>(std::max(1, info.fps_d)));
  const GCharPtr text(g_strdup_printf("running time %" GST_TIME_FORMAT ", frame %" G_GUINT64_FORMAT,
                                      GST_TIME_ARGS(static_cast<GstClockTime>(time)), frame));
  return text.get();
}

}  // namespace genpro::bin
