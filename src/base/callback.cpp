// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/callback.h"

namespace genpro {

void report_exception(const char* where, const char* what) noexcept {
  g_critical("gst-genpro: %s ended with an exception: %s", where, what);
}

}  // namespace genpro
