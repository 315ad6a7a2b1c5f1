// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/store/clock.h"

#include <glib.h>
#include <time.h>

#include <fstream>

#include "base/glib_ptr.h"
#include "base/no_destructor.h"
#include "base/text.h"

namespace genpro::ledger {

namespace {

// The kernel's random name of this boot. Where it cannot be read, a name that no other process has:
// then only the wall clock tells how old something of another process is.
std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return is_id(id) ? id : take_string(g_uuid_string_random());
}

const std::string& boot_id() {
  static NoDestructor<const std::string> id(read_boot_id());
  return *id;
}

}  // namespace

WallTime wall_clock_now() {
  return g_get_real_time() / 1000;
}

payment::Now clock_now() {
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return {boot_id(), up.tv_sec * 1000LL + up.tv_nsec / 1'000'000, wall_clock_now()};
}

}  // namespace genpro::ledger
