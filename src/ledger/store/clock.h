// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "payment/payment.h"

namespace genpro::ledger {

// Milliseconds since 1970 by the wall clock; 0: it has not happened.
using WallTime = std::int64_t;
WallTime wall_clock_now();
// The end of the year 9999: nothing is later, and what says so is damaged.
inline constexpr WallTime latest_time = 253'402'300'799'999;

// The boot's id, the time since it (suspend included), and the wall clock.
payment::Now clock_now();

}  // namespace genpro::ledger
