// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/retry_after.h"

#include <algorithm>
#include <string>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "http/soup.h"

namespace genpro::http {

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text) {
  constexpr long long longest_seconds = 24 * 60 * 60;
  const std::string trimmed(trim(text));
  if (const auto seconds = parse_unsigned(trimmed)) {
    if (*seconds > longest_seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
  }
  const DateTimePtr date(soup::date_time_new_from_http_string(trimmed.c_str()));
  if (!date) return std::nullopt;
  const DateTimePtr now(g_date_time_new_now_utc());
  const GTimeSpan wait = g_date_time_difference(date.get(), now.get());
  if (wait / G_TIME_SPAN_SECOND > longest_seconds) return std::nullopt;
  return std::chrono::milliseconds(std::max<GTimeSpan>(wait, 0) / G_TIME_SPAN_MILLISECOND);
}

}  // namespace genpro::http
