// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a clip's decoder that takes what was decoded.
#include <cstring>

#include "bin/media/clip_decoder.h"

namespace genpro::bin {

namespace {

// Where times vary, what is told as a clip's rate may be that of its time scale.
constexpr GstClockTime least_duration = GST_MSECOND;

// Frames, by threads and by their order in the file.
constexpr int most_in_decoder = 16;

std::optional<Time> running_time(GstSample* sample) {
  const GstBuffer* buffer = gst_sample_get_buffer(sample);
  const GstSegment* segment = gst_sample_get_segment(sample);
  // A still image has no time.
  if (!GST_BUFFER_PTS_IS_VALID(buffer)) return 0;
  if (segment->format != GST_FORMAT_TIME) return std::nullopt;
  const guint64 running =
      gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(running)) return std::nullopt;
  return static_cast<Time>(running);
}

}  // namespace

void ClipDecoder::warn_of_hdr(const GstVideoInfo& info) {
  const GstVideoTransferFunction transfer = info.colorimetry.transfer;
  const bool is_pq = transfer == GST_VIDEO_TRANSFER_SMPTE2084;
  if ((!is_pq && transfer != GST_VIDEO_TRANSFER_ARIB_STD_B67) || std::exchange(is_hdr_, true)) {
    return;
  }
  GST_ELEMENT_WARNING(
      pipeline_.get(), STREAM, FORMAT,
      ("The clip is HDR (%s); shown without tone mapping, which is too %s. Have the "
       "service deliver SDR.",
       is_pq ? "PQ" : "HLG", is_pq ? "dark and pale" : "pale"),
      (nullptr));
}

bool ClipDecoder::push_video(GstAppSink* sink, GstSample* sample) {
  progress_ = monotonic_now();
  has_frame_ = true;
  const auto start = running_time(sample);
  Frame frame;
  // What the clip itself leaves out is not shown.
  if (!start || !gst_video_info_from_caps(&frame.info, gst_sample_get_caps(sample))) return true;
  warn_of_hdr(frame.info);
  GstCaps* const caps = gst_sample_get_caps(sample);
  if (!gst_caps_features_is_equal(gst_caps_get_features(caps, 0),
                                  GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY)) {
    frame.caps.reset(gst_caps_ref(caps));
  }
  with_lost_frames([&start](LostFrames& lost) { lost.add_decoded(*start); });
  frame.buffer.reset(gst_buffer_ref(gst_sample_get_buffer(sample)));
  GstClockTime duration = GST_BUFFER_DURATION(frame.buffer.get());
  if (!GST_CLOCK_TIME_IS_VALID(duration)) {
    const bool has_rate = frame.info.fps_n > 0;
    duration = gst_util_uint64_scale_int(GST_SECOND, has_rate ? frame.info.fps_d : 1,
                                         has_rate ? frame.info.fps_n : 30);
  }
  if (duration < least_duration) duration = GST_SECOND / 30;
  const Time end = *start + static_cast<Time>(duration);
  if (const Time lateness = decoded_.lateness(end); lateness > 0) {
    if (!decoded_.skips(end)) tell_late(sink, *start, end, lateness);
    return decoded_.leave_out(*start, end);
  }
  const Raster raster = *raster_.lock();
  if (raster.info.width > 0) {
    // Far more of them than are shown would not get through in time.
    const GstClockTime shown_for =
        gst_util_uint64_scale_int(GST_SECOND, raster.info.fps_d, std::max(raster.info.fps_n, 1));
    if (last_start_ && *start > *last_start_ &&
        *start - *last_start_ < static_cast<Time>(shown_for / 4 - GST_MSECOND)) {
      return decoded_.leave_out(*start, end);
    }
    last_start_ = start;
    BufferPtr fitted = frame.caps ? nullptr : converter_.fit(frame, raster);
    if (fitted) frame = {std::move(fitted), raster.info};
  }
  return decoded_.push_frame(std::move(frame), *start, end);
}

// What decodes and converts leaves frames out until it has caught up.
void ClipDecoder::tell_late(GstAppSink* sink, Time start, Time end, Time lateness) {
  // As GstVideoDecoder takes it, and for what is being decoded when it has caught up.
  const Time until = end + 2 * lateness + most_in_decoder * (end - start);
  with_lost_frames([until](LostFrames& lost) { lost.excuse(until); });
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(GST_ELEMENT(sink), "sink"));
  gst_pad_push_event(pad.get(), gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, lateness,
                                                  static_cast<GstClockTime>(start)));
}

void ClipDecoder::set_loudness_target(double target) {
  decoded_.set_loudness_target(target);
  if (target != 0) loudness_ = std::make_unique<LoudnessMeter>(audio_rate, audio_channels);
}

bool ClipDecoder::push_audio(GstSample* sample) {
  progress_ = monotonic_now();
  const auto start = running_time(sample);
  GstMapInfo map;
  if (!start || !gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) return true;
  std::vector<float> samples(map.size / sizeof(std::int32_t));
  for (std::size_t at = 0; at < samples.size(); ++at) {
    std::int32_t value = 0;
    std::memcpy(&value, map.data + at * sizeof value, sizeof value);
    samples[at] = static_cast<float>(value) / 2147483648.0F;
  }
  gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  if (!loudness_) return decoded_.push_audio(std::move(samples), *start);
  const float peak = loudness_->add(samples);
  return decoded_.push_audio(std::move(samples), *start, peak, loudness_->level());
}

}  // namespace genpro::bin
