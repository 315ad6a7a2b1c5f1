// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/backoff.h"

#include <libsoup/soup.h>

#include <algorithm>
#include <string>

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro {

std::chrono::milliseconds Backoff::next(std::optional<std::chrono::milliseconds> retry_after) {
  const unsigned doublings = std::min(failures_, 20U);
  ++failures_;
  const auto ceiling = std::min<long long>(limits_.first.count() << doublings,  //
                                           limits_.longest.count());
  std::uniform_int_distribution<long long> upper_half(ceiling / 2, ceiling);
  const std::chrono::milliseconds drawn(upper_half(random_));
  if (!retry_after) return drawn;
  // A little on top of what the server asked for, for the same reason as the jitter.
  std::uniform_int_distribution<long long> extra(0, 250);
  return std::max(drawn, *retry_after + std::chrono::milliseconds(extra(random_)));
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text) {
  constexpr long long longest_seconds = 24 * 60 * 60;
  const std::string trimmed(trim(text));
  if (const auto seconds = parse_unsigned(trimmed)) {
    if (*seconds > longest_seconds) return std::nullopt;
    return std::chrono::seconds(*seconds);
  }
  const DateTimePtr date(soup_date_time_new_from_http_string(trimmed.c_str()));
  if (!date) return std::nullopt;
  const DateTimePtr now(g_date_time_new_now_utc());
  const GTimeSpan wait = g_date_time_difference(date.get(), now.get());
  if (wait / G_TIME_SPAN_SECOND > longest_seconds) return std::nullopt;
  return std::chrono::milliseconds(std::max<GTimeSpan>(wait, 0) / G_TIME_SPAN_MILLISECOND);
}

}  // namespace genpro
