// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A library in which the boot clock goes faster than it does. What waits for the settling time of a
// request is tested as it is, within seconds. Timers, and what tests measure themselves, go by the
// monotonic clock, which is left alone. The factor is the same for all processes, so that they can
// compare their times.
//
// It can also set the wall clock, and boot the machine, as far as a process can tell.
#include "support/fast_clock.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#ifndef GENPRO_TEST_CLOCK_FACTOR
#define GENPRO_TEST_CLOCK_FACTOR 15
#endif

namespace {

constexpr long long billion = 1'000'000'000;

// Of the process, in nanoseconds.
struct Clocks {
  Clocks() {
    if (const char* seconds = getenv(wall_clock_variable)) wall_clock = atoll(seconds) * billion;
    if (const char* times = getenv(clock_factor_variable)) factor = atoi(times);
    if (getenv(boot_id_variable) == nullptr) return;
    timespec now{};
    syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
    booted = now.tv_sec * billion + now.tv_nsec;
  }
  std::atomic<long long> wall_clock{0};  // later than it is
  int factor = GENPRO_TEST_CLOCK_FACTOR;
  long long booted = 0;  // on the real boot clock
};

Clocks& clocks() {
  static Clocks all;
  return all;
}

timespec to_timespec(long long time) {
  return {static_cast<time_t>(time / billion), static_cast<long>(time % billion)};
}

long long wall_clock() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return now.tv_sec * billion + now.tv_nsec + clocks().wall_clock;
}

// The file that is opened instead.
FILE* open_boot_id(const char* path) {
  const char* id = getenv(boot_id_variable);
  if (id == nullptr || strcmp(path, "/proc/sys/kernel/random/boot_id") != 0) return nullptr;
  FILE* file = tmpfile();
  if (file == nullptr) return nullptr;
  fputs(id, file);
  rewind(file);
  return file;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define GENPRO_TEST_PUBLIC extern "C" __attribute__((visibility("default")))

GENPRO_TEST_PUBLIC int genpro_test_clock_factor() {
  return clocks().factor;
}

GENPRO_TEST_PUBLIC void genpro_test_set_wall_clock(long long seconds_later) {
  clocks().wall_clock = seconds_later * billion;
}

GENPRO_TEST_PUBLIC int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result != 0) return static_cast<int>(result);
  if (clock == CLOCK_REALTIME) *time = to_timespec(wall_clock());
  if (clock == CLOCK_BOOTTIME) {
    const long long real = time->tv_sec * billion + time->tv_nsec;
    *time = to_timespec((real - clocks().booted) * genpro_test_clock_factor());
  }
  return 0;
}

GENPRO_TEST_PUBLIC int gettimeofday(struct timeval* time, void*) noexcept {
  const timespec now = to_timespec(wall_clock());
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

GENPRO_TEST_PUBLIC time_t time(time_t* time) noexcept {
  const time_t now = to_timespec(wall_clock()).tv_sec;
  if (time != nullptr) *time = now;
  return now;
}

// What std::ifstream opens its file with.
GENPRO_TEST_PUBLIC FILE* fopen64(const char* path, const char* mode) {
  static auto* const real = next<FILE*(const char*, const char*)>("fopen64");
  FILE* const instead = open_boot_id(path);
  return instead != nullptr ? instead : real(path, mode);
}
