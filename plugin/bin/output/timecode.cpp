// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/timecode.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/callback.h"

namespace genpro::bin {

namespace {

using TimecodePtr = Owned<GstVideoTimeCode, gst_video_time_code_free>;

constexpr GstClockTime missing_after = 2 * GST_SECOND;
// Between looks at what follows, which may be linked anew.
constexpr GstClockTime look_period = GST_SECOND / 2;
constexpr std::size_t most_pads = 32;
// Times of frames are rounded.
constexpr Time rounding = GST_USECOND;

// Null unless the count has it.
TimecodePtr make(const GstVideoTimeCode& seen, unsigned hours, unsigned minutes, unsigned seconds,
                 unsigned frames) {
  TimecodePtr made(gst_video_time_code_new(seen.config.fps_n, seen.config.fps_d, nullptr,
                                           seen.config.flags, hours, minutes, seconds, frames, 0));
  if (made && !gst_video_time_code_is_valid(made.get())) made.reset();
  return made;
}

std::int64_t number(const GstVideoTimeCode& timecode) {
  return static_cast<std::int64_t>(gst_video_time_code_frames_since_daily_jam(&timecode));
}

// The pad that a frame leaves by that comes in here; null where that is not one or does not show
// it as it came.
ObjectPtr<GstPad> way_out(GstPad* sink) {
  const auto parent = ObjectPtr<GstObject>::adopt(gst_pad_get_parent(sink));
  if (parent && GST_IS_ELEMENT(parent.get()) && GST_ELEMENT(parent.get())->numsinkpads > 1) {
    return {};
  }
  ObjectPtr<GstPad> only;
  const Owned<GstIterator, gst_iterator_free> links(gst_pad_iterate_internal_links(sink));
  GValue item = G_VALUE_INIT;
  int found = 0;
  while (links && gst_iterator_next(links.get(), &item) == GST_ITERATOR_OK) {
    only = ObjectPtr<GstPad>::ref(GST_PAD(g_value_get_object(&item)));
    ++found;
    g_value_reset(&item);
  }
  if (G_IS_VALUE(&item)) g_value_unset(&item);
  if (found != 1) return {};
  return only;
}

bool is_raw_video(GstPad* pad) {
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  return caps && gst_caps_get_size(caps.get()) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "video/x-raw");
}

std::optional<Time> running_time_at(GstPad* pad, GstBuffer* buffer) {
  const EventPtr event(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
  if (!event) return std::nullopt;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  const guint64 time =
      gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(time)) return std::nullopt;
  return static_cast<Time>(time);
}

}  // namespace

std::optional<Timecode> parse_timecode(const std::string& text) {
  Timecode timecode;
  char separator = 0;
  int length = 0;
  const int fields =
      std::sscanf(text.c_str(), "%2u:%2u:%2u%c%3u%n", &timecode.hours, &timecode.minutes,
                  &timecode.seconds, &separator, &timecode.frames, &length);
  const bool is_plain = text.find_first_not_of("0123456789:;.") == std::string::npos;
  if (fields != 5 || static_cast<std::size_t>(length) != text.size() || !is_plain) {
    return std::nullopt;
  }
  if (separator != ':' && separator != ';' && separator != '.') return std::nullopt;
  if (timecode.hours > 23 || timecode.minutes > 59 || timecode.seconds > 59) return std::nullopt;
  timecode.text = text;
  return timecode;
}

std::optional<Time> time_of(const Timecode& timecode, Time running_time,
                            const GstVideoTimeCode& seen) {
  if (!gst_video_time_code_is_valid(&seen) || seen.config.fps_n == 0) return std::nullopt;
  const TimecodePtr wanted =
      make(seen, timecode.hours, timecode.minutes, timecode.seconds, timecode.frames);
  const unsigned nominal = (seen.config.fps_n + seen.config.fps_d / 2) / seen.config.fps_d;
  const TimecodePtr last = make(seen, 23, 59, 59, std::max(nominal, 1U) - 1);
  if (!wanted || !last) return std::nullopt;
  const std::int64_t day = number(*last) + 1;
  std::int64_t frames = (number(*wanted) - number(seen) + day) % day;
  if (frames > day / 2) frames -= day;
  const auto distance = static_cast<Time>(gst_util_uint64_scale(
      static_cast<guint64>(std::abs(frames)), GST_SECOND * seen.config.fps_d, seen.config.fps_n));
  return std::max<Time>(0, running_time + (frames < 0 ? -distance : distance) - rounding);
}

std::shared_ptr<TimecodeWatch> TimecodeWatch::create(ObjectPtr<GstPad> pad, Calls calls) {
  auto made = std::make_shared<TimecodeWatch>(Access(), std::move(pad), std::move(calls));
  made->watch(made->pad_);
  return made;
}

TimecodeWatch::TimecodeWatch(Access, ObjectPtr<GstPad> pad, Calls calls)
    : pad_(std::move(pad)), calls_(std::move(calls)) {}

TimecodeWatch::~TimecodeWatch() {
  leave();
}

void TimecodeWatch::remove(const std::vector<Probe>& probes) {
  for (const Probe& probe : probes) gst_pad_remove_probe(probe.pad.get(), probe.id);
}

void TimecodeWatch::watch(ObjectPtr<GstPad> pad) {
  using Weak = std::weak_ptr<TimecodeWatch>;
  const gulong id = gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad* at, GstPadProbeInfo* info, gpointer data) noexcept {
        const auto self = static_cast<Weak*>(data)->lock();
        if (self && !self->is_over_) {
          guard_c_callback("a timecode", [&] { self->look(at, GST_PAD_PROBE_INFO_BUFFER(info)); });
        }
        return GST_PAD_PROBE_OK;
      },
      std::make_unique<Weak>(weak_from_this()).release(),
      [](gpointer data) noexcept { const std::unique_ptr<Weak> owned(static_cast<Weak*>(data)); });
  {
    auto probes = probes_.lock();
    probes->push_back({std::move(pad), id});
    if (!is_over_) return;
  }
  // Another thread has seen a timecode meanwhile.
  leave();
}

void TimecodeWatch::leave() {
  is_over_ = true;
  std::vector<Probe> probes;
  probes.swap(*probes_.lock());
  remove(probes);
}

void TimecodeWatch::look(GstPad* pad, GstBuffer* buffer) {
  if (const auto* const meta = gst_buffer_get_video_time_code_meta(buffer)) {
    const auto time = running_time_at(pad, buffer);
    if (!time || is_over_.exchange(true)) return;
    leave();
    calls_.seen(*time, meta->tc);
    return;
  }
  const GstClockTime now = GST_BUFFER_PTS(buffer);
  if (pad != pad_.get() || !GST_CLOCK_TIME_IS_VALID(now)) return;
  if (!GST_CLOCK_TIME_IS_VALID(first_) || now < first_) first_ = now;
  if (!GST_CLOCK_TIME_IS_VALID(looked_) || now < looked_ || now >= looked_ + look_period) {
    looked_ = now;
    follow();
  }
  if (now < first_ + missing_after || std::exchange(has_missed_, true)) return;
  calls_.missing();
}

void TimecodeWatch::follow() {
  std::vector<ObjectPtr<GstPad>> line;
  for (ObjectPtr<GstPad> out = pad_; out && is_raw_video(out.get()) && line.size() < most_pads;) {
    auto sink = ObjectPtr<GstPad>::adopt(gst_pad_get_peer(out.get()));
    if (!sink) break;
    line.push_back(sink);
    out = way_out(sink.get());
    if (out) line.push_back(out);
  }
  std::vector<Probe> gone;
  {
    auto probes = probes_.lock();
    for (Probe& probe : std::exchange(*probes, {})) {
      const auto in_line = std::find_if(
          line.begin(), line.end(), [&](const auto& pad) { return pad.get() == probe.pad.get(); });
      const bool stays = in_line != line.end() || probe.pad.get() == pad_.get();
      if (in_line != line.end()) line.erase(in_line);
      (stays ? *probes : gone).push_back(std::move(probe));
    }
  }
  remove(gone);
  for (ObjectPtr<GstPad>& pad : line) watch(std::move(pad));
}

}  // namespace genpro::bin
