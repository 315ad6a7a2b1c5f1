// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long to wait before trying again.
#pragma once

#include <chrono>
#include <optional>

#include "base/random.h"

namespace genpro {

// Jittered exponential back-off: the wait before retry n is drawn evenly from the upper half of
// `first * 2^n`, at most `longest`. The jitter keeps elements that failed together from coming back
// together.
class Backoff {
 public:
  struct Limits {
    std::chrono::milliseconds first{500};
    std::chrono::milliseconds longest{30'000};
  };

  Backoff() : Backoff(Limits{}) {}
  explicit Backoff(Limits limits) : limits_(limits) {}
  Backoff(Limits limits, unsigned seed) : limits_(limits), random_(seed) {}

  // The wait before the next try; each call counts as one failure. A wait that the server asked for
  // (`Retry-After`) is never undercut.
  std::chrono::milliseconds next(std::optional<std::chrono::milliseconds> retry_after = {});
  // After a success the next failure starts at the shortest wait again.
  void reset() { failures_ = 0; }
  // Failures since the last success.
  unsigned failures() const { return failures_; }

 private:
  Limits limits_;
  unsigned failures_ = 0;
  Random random_;
};

}  // namespace genpro
