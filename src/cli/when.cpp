// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/when.h"

#include "base/glib_ptr.h"
#include "base/text.h"
#include "cli/command.h"

namespace genpro::cli {

namespace {

using ledger::WallTime;

constexpr WallTime minute = 60'000;

bool has_digits(const std::string& text, std::size_t at, std::size_t number) {
  if (text.size() < at + number) return false;
  for (std::size_t index = at; index < at + number; ++index) {
    if (!g_ascii_isdigit(text[index])) return false;
  }
  return true;
}

std::optional<WallTime> parse_ago(const std::string& text, WallTime now) {
  WallTime unit = 0;
  switch (text.back()) {
    case 'm':
      unit = minute;
      break;
    case 'h':
      unit = 60LL * minute;
      break;
    case 'd':
      unit = 24LL * 60 * minute;
      break;
    default:
      return std::nullopt;
  }
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

}  // namespace

std::optional<WallTime> parse_when(const std::string& text, WallTime now) {
  if (text.empty()) return std::nullopt;
  if (auto ago = parse_ago(text, now)) return ago;
  const bool has_day = has_digits(text, 0, 4) && text[4] == '-' && has_digits(text, 5, 2) &&
                       text.size() >= 10 && text[7] == '-' && has_digits(text, 8, 2);
  if (!has_day) return std::nullopt;
  std::string iso = text;
  if (iso.size() == 10) iso += "T00:00:00";
  if (iso[10] == ' ') iso[10] = 'T';
  // The parser wants seconds.
  if (has_digits(iso, 11, 2) && iso.size() >= 16 && iso[13] == ':' && has_digits(iso, 14, 2) &&
      (iso.size() == 16 || iso[16] != ':')) {
    iso.insert(16, ":00");
  }
  const Owned<GTimeZone, g_time_zone_unref> local(g_time_zone_new_local());
  const DateTimePtr moment(g_date_time_new_from_iso8601(iso.c_str(), local.get()));
  if (!moment) return std::nullopt;
  const WallTime time = g_date_time_to_unix(moment.get()) * 1000;
  return time < 0 ? 0 : time;
}

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

std::string local_day(WallTime time) {
  return format(time, "%Y-%m-%d");
}

std::string utc_time(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_utc(time / 1000));
  if (!moment) return "";
  const std::string milliseconds = std::to_string(1000 + time % 1000).substr(1);
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%dT%H:%M:%S.")) + milliseconds + "Z";
}

}  // namespace genpro::cli
