// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/backoff.h"

#include <algorithm>
#include <random>

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

}  // namespace genpro
