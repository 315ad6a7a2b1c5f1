// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/configure.h"

#include <algorithm>

#include "base/text.h"
#include "bin/output/timecode.h"

namespace genpro::bin {

namespace {

constexpr std::uint64_t most_preroll = 60'000;  // ms

// How much of a clip has to be there before it is on, `whole_clip` for all of it.
Result<Time> preroll(const BinSettings& settings) {
  if (settings.preroll == "whole") return whole_clip;
  const auto milliseconds = parse_unsigned(settings.preroll);
  if (milliseconds && *milliseconds <= most_preroll) {
    return static_cast<Time>(*milliseconds * GST_MSECOND);
  }
  return settings_error(
      "preroll is \"" + one_line(settings.preroll, 80) +
      "\", which is no time. Set it to milliseconds, at most 60000, or to whole.");
}

// When a clip has to be ready; empty for no such time.
struct NeededBy {
  std::optional<Time> running_time;
  std::optional<std::int64_t> wall_time;  // microseconds since 1970, where the other one is not set
};

Result<NeededBy> needed_by(const BinSettings& settings) {
  NeededBy needed{.running_time = running_time(settings.needed_by)};
  if (needed.running_time || settings.needed_by_time.empty()) return needed;
  const Owned<GTimeZone, g_time_zone_unref> local(g_time_zone_new_local());
  const Owned<GDateTime, g_date_time_unref> time(
      g_date_time_new_from_iso8601(settings.needed_by_time.c_str(), local.get()));
  if (time) {
    needed.wall_time =
        g_date_time_to_unix(time.get()) * G_USEC_PER_SEC + g_date_time_get_microsecond(time.get());
    return needed;
  }
  return settings_error("needed-by-time is \"" + one_line(settings.needed_by_time, 80) +
                        "\", which is no date and time. Set it to one in ISO 8601, such as "
                        "2027-01-31T20:15:00+01:00.");
}

// Nothing for an empty text.
Result<std::optional<Timecode>> take_at_timecode(const BinSettings& settings) {
  if (settings.take_at_timecode.empty()) return std::optional<Timecode>();
  if (const auto timecode = parse_timecode(settings.take_at_timecode)) return timecode;
  return settings_error("take-at-timecode is \"" + one_line(settings.take_at_timecode, 80) +
                        "\", which is no timecode. Set it to hours, minutes, seconds and frames, "
                        "such as 10:00:00:00, or 10:00:00;02 with drop frames.");
}

void configure_takes(PlayoutControl& control, const BinSettings& settings, unsigned set) {
  // Also the same one as before, which may have been taken or taken back.
  if (set == take_at_setting() || (set == 0 && GST_CLOCK_TIME_IS_VALID(settings.take_at))) {
    control.take_at(running_time(settings.take_at));
  }
  if (set != take_at_timecode_setting() && (set != 0 || settings.take_at_timecode.empty())) return;
  if (const auto timecode = take_at_timecode(settings)) {
    control.take_at_timecode(*timecode);
  } else {
    control.warn(timecode.error().message);
  }
}

void configure_deadline(PlayoutControl& control, GstClockTime now, const BinSettings& before,
                        const BinSettings& settings) {
  if (before.fallback_location != settings.fallback_location) {
    control.set_fallback(settings.fallback_location);
  }
  if (before.needed_by == settings.needed_by && before.needed_by_time == settings.needed_by_time) {
    return;
  }
  const auto needed = needed_by(settings);
  if (!needed) {
    control.warn(needed.error().message);
    return;
  }
  control.set_needed_by(needed->running_time);
  start_clock(control, now, settings);
}

}  // namespace

std::optional<Error> problem_with(const BinSettings& settings) {
  if (const auto wanted = wanted_raster(settings); !wanted) return wanted.error();
  if (const auto time = preroll(settings); !time) return time.error();
  if (const auto timecode = take_at_timecode(settings); !timecode) return timecode.error();
  const auto needed = needed_by(settings);
  if (!needed) return needed.error();
  if (needed->wall_time.value_or(G_MAXINT64) > g_get_real_time()) return std::nullopt;
  return settings_error("needed-by-time is \"" + one_line(settings.needed_by_time, 80) +
                        "\", which has passed. Set it to a time to come.");
}

void configure(PlayoutControl& control, GstClockTime now, const BinSettings& before,
               const BinSettings& settings, unsigned set) {
  Playout& playout = *control.playout();
  playout.placeholder->set_kind(static_cast<PlaceholderKind>(settings.placeholder));
  control.set_fade(static_cast<Time>(settings.fade) * GST_MSECOND);
  control.set_at_end(static_cast<AtEnd>(settings.at_end));
  playout.timeline.set_on_starve(static_cast<OnStarve>(settings.on_starve));
  control.set_stats_interval(std::chrono::milliseconds(settings.stats_interval));
  control.set_prefetch(settings.prefetch);
  control.set_errors_end(settings.on_error == on_error_error);
  playout.timeline.set_holds(settings.start_mode == start_mode_cue);
  playout.timeline.set_late_clip(static_cast<LateClip>(settings.late_clip));
  control.set_loudness_target(settings.loudness_target);
  if (const auto time = preroll(settings)) {
    control.set_preroll(*time);
  } else if (before.preroll != settings.preroll) {
    control.warn(time.error().message);
  }
  if (const auto wanted = wanted_raster(settings)) {
    *playout.wanted.lock() = *wanted;
  } else if (before.framerate != settings.framerate) {
    control.warn(wanted.error().message);
  }
  if (before.placeholder_location != settings.placeholder_location || set == 0) {
    control.set_image(settings.placeholder_location);
  }
  configure_takes(control, settings, set);
  configure_deadline(control, now, before, settings);
}

void start_clock(PlayoutControl& control, GstClockTime now, const BinSettings& settings) {
  const auto needed = needed_by(settings);
  if (!needed || !needed->wall_time || control.is_deadline_over()) return;
  if (!GST_CLOCK_TIME_IS_VALID(now)) return;
  constexpr std::int64_t most_seconds = G_MAXINT64 / GST_SECOND / 4;
  const std::int64_t left = std::clamp<std::int64_t>(*needed->wall_time - g_get_real_time(), 0,
                                                     most_seconds * G_USEC_PER_SEC);
  control.set_needed_by(static_cast<Time>(now) + left * 1000);
}

std::optional<Time> running_time(guint64 time) {
  if (!GST_CLOCK_TIME_IS_VALID(time)) return std::nullopt;
  // Later than any, and something can be added to it.
  constexpr guint64 latest = G_MAXINT64 / 2;
  return static_cast<Time>(std::min(time, latest));
}

}  // namespace genpro::bin
