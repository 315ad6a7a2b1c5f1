// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sums over all rows of the ledger, for who watches it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "ledger/reports/charge.h"

namespace genpro::ledger {

// Credits: what the service said, and what was expected of those that it has not said it of. As for
// limits, see payment::told_cost().
struct Credits {
  double told = 0;
  double estimated = 0;
  std::int64_t unknown = 0;  // generations of which there is neither
};

struct Metrics {
  // Up to so many seconds a generation took; what took longer comes behind the last one.
  static constexpr std::array<int, 14> duration_bounds = {10,  20,  30,  60,  90,  120,  180,
                                                          240, 300, 450, 600, 900, 1800, 3600};
  struct OfModel {
    std::map<std::string, std::int64_t> generations;  // by status, which is one of the meanings'
    std::array<Credits, 4> credits;                   // by Charge
    // Of completed ones, from the latest request to when their end was seen.
    std::array<std::int64_t, duration_bounds.size() + 1> durations{};
    double duration_sum = 0;            // seconds
    std::uint64_t bytes_delivered = 0;  // of each generation what was delivered at most at a time
    std::int64_t sent_again = 0;        // generations whose request was sent more than once
  };

  std::map<std::string, OfModel> models;  // by name, a line of 100 characters; empty: the cell's
  std::int64_t in_doubt = 0;
  double oldest_doubt = 0;  // seconds since its first request left; 0: there is no doubt
};

}  // namespace genpro::ledger
