// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/process_limits.h"

#include <sys/resource.h>

namespace genpro::emulator {

void raise_open_file_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Without it there is less room, which is no reason to stop.
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace genpro::emulator
