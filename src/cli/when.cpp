// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/when.h"

#include <algorithm>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "cli/command.h"

namespace genpro::cli {

namespace {

using ledger::WallTime;

constexpr WallTime minute = 60'000;

std::optional<WallTime> parse_ago(const std::string& text, WallTime now) {
  const char letter = text.back();
  const WallTime unit = letter == 'm'   ? minute
                        : letter == 'h' ? 60 * minute
                        : letter == 'd' ? 24 * 60 * minute
                                        : 0;
  if (unit == 0) return std::nullopt;
  const auto number = parse_unsigned(std::string_view(text).substr(0, text.size() - 1));
  if (!number) return std::nullopt;
  // Before 1970 there was nothing.
  if (*number > static_cast<unsigned long long>(now / unit)) return 0;
  return now - static_cast<WallTime>(*number) * unit;
}

std::string format(WallTime time, const char* pattern) {
  const DateTimePtr moment(g_date_time_new_from_unix_local(time / 1000));
  return moment ? take_string(g_date_time_format(moment.get(), pattern)) : "?";
}

constexpr const char* when_help =
    "WHEN is a day or a moment of local time (2026-05-01, \"2026-05-01 08:30\"), a moment with "
    "its\n"
    "zone (2026-05-01T08:30:00Z), or how long ago (7d, 24h, 90m).";

// A day or a moment, local unless it names a zone (2026-05-01, "2026-05-01 08:30",
// 2026-05-01T08:30:00Z), or how long ago (7d, 24h, 90m). Nothing for anything else.
std::optional<WallTime> parse_when(const std::string& text, WallTime now) {
  if (text.empty()) return std::nullopt;
  if (auto ago = parse_ago(text, now)) return ago;
  std::string iso = text.size() == 10 ? text + "T00:00:00" : text;
  std::string shape = iso;
  std::ranges::replace_if(
      shape, [](char c) { return g_ascii_isdigit(c); }, '0');
  if (!shape.starts_with("0000-00-00")) return std::nullopt;
  if (iso[10] == ' ') iso[10] = 'T';
  // The parser wants seconds.
  const bool has_minutes = shape.substr(11, 5) == "00:00";
  if (has_minutes && (iso.size() == 16 || iso[16] != ':')) iso.insert(16, ":00");
  const Owned<GTimeZone, g_time_zone_unref> local(g_time_zone_new_local());
  const DateTimePtr moment(g_date_time_new_from_iso8601(iso.c_str(), local.get()));
  if (!moment) return std::nullopt;
  const WallTime time = g_date_time_to_unix(moment.get()) * 1000;
  return time < 0 ? 0 : time;
}

}  // namespace

void add_since(Options& options) {
  options.add_text("since", "WHEN", "Only what was asked for since then");
  options.add_description(when_help);
}

std::optional<WallTime> read_since(const Options& options) {
  const auto text = options.value("since");
  if (!text) return std::nullopt;
  const auto time = parse_when(*text, ledger::wall_clock_now());
  if (!time) {
    throw UsageError(options.program(),
                     "--since does not understand \"" + one_line(*text, 60) +
                         "\". Write it like 2026-05-01, \"2026-05-01 08:30\", 7d, 24h or 90m.");
  }
  return time;
}

std::string local_time(WallTime time) {
  return format(time, "%Y-%m-%d %H:%M:%S");
}

std::string time_text(WallTime time) {
  return time == 0 ? "-" : local_time(time);
}

std::string utc_time(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_utc(time / 1000));
  if (!moment) return "";
  const std::string milliseconds = std::to_string(1000 + time % 1000).substr(1);
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%dT%H:%M:%S.")) + milliseconds + "Z";
}

}  // namespace genpro::cli
