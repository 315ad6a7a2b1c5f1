// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/poll_schedule.h"

#include <algorithm>

namespace genpro::job {

PollSchedule::Milliseconds PollSchedule::next(Milliseconds waited) {
  using namespace std::chrono_literals;
  if (fixed_interval_ > 0ms) return fixed_interval_;
  const Milliseconds interval = std::clamp<Milliseconds>(waited / 10, 1s, 10s);
  std::uniform_int_distribution<long long> spread(interval.count() * 9 / 10,
                                                  interval.count() * 11 / 10);
  return Milliseconds(spread(random_));
}

}  // namespace genpro::job
