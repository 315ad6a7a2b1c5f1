// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A library in which the boot clock goes faster than it does. What waits for the settling time of a
// request is tested as it is, within seconds. Timers, and what tests measure themselves, go by the
// monotonic clock, which is left alone. The factor is the same for all processes, so that they can
// compare their times.
#include "support/fast_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern "C" {

__attribute__((visibility("default"))) int genpro_test_clock_factor() {
  return 15;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock,
                                                         struct timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result != 0 || clock != CLOCK_BOOTTIME) return static_cast<int>(result);
  constexpr long long billion = 1'000'000'000;
  const long long fast = (time->tv_sec * billion + time->tv_nsec) * genpro_test_clock_factor();
  time->tv_sec = fast / billion;
  time->tv_nsec = fast % billion;
  return 0;
}
}
