// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Histories by their seeds: one, many, and the shortest that shows the same fault.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulation/mind.h"
#include "simulation/tally.h"

namespace genpro::simulation {

struct Failure {
  std::uint64_t seed = 0;
  std::string text;
};

struct Outcome {
  std::uint64_t histories = 0;
  Tally tally;
  std::optional<Failure> failure;  // of the lowest seed
};

// Those of the seeds from `from` on. Ends soon after a failure; the outcome does not depend on the
// number of threads.
Outcome run_many(const Mind& mind, std::uint64_t from, std::uint64_t count, unsigned threads = 1);

struct Told {
  std::string log;
  std::optional<std::string> broken;
  std::size_t choices = 0;  // of a broken one, those that are not the simplest
};
Told tell(const Mind& mind, std::uint64_t seed);
Told tell_shortest(const Mind& mind, std::uint64_t seed);

}  // namespace genpro::simulation
