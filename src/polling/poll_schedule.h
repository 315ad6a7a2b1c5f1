// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>

#include "base/random.h"
#include "polling/duration_model.h"

namespace genpro::polling {

// When to ask for a generation's status: dense where its end is likely, sparse elsewhere. With a
// fixed interval, that interval.
//
// The mathematics. Let a share f(t) dt of all generations end at the age t, a share S(t) get older,
// and h(t) be the spacing of the questions around t. A generation that gets older than t costs one
// question every h(t), and one that ends at t is seen half a spacing late, so that
//     mean requests = ∫ S / h dt,      mean delay = ∫ f h / 2 dt.
// To ask more often at an age where that buys less delay for a request than elsewhere would be
// waste. The exchange is the same at all ages when h² f / S is:
//     h(t) = k √(S(t) / f(t)).
// f / S is how likely the end is just now, given that it has not come yet. The product of requests
// and delay is (∫ √(S f) dt)² / 2 for any k, and no schedule has a smaller one; k chooses between
// few requests and little delay. Here it is such that usual generations are asked for as often as
// by a client that asks every two seconds, which the provider's own does, and seen earlier.
//
// The next question follows when ∫ dt / h has grown by one since the last, so that a long spacing
// does not reach into an age where they ought to be short. That one is drawn from 0.9 to 1.1, the
// first one from 0.75 to 1.25: elements that were started together do not ask together.
class PollSchedule {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // No wait is shorter or longer: the one keeps a small spread of durations from turning into a
  // storm of requests, the other bounds the delay of what nobody expected.
  static constexpr Milliseconds shortest{500};
  static constexpr Milliseconds longest{30'000};

  // 0: no fixed interval, but what is likely when nothing was seen, until learn() is called.
  explicit PollSchedule(Milliseconds fixed_interval) : PollSchedule(fixed_interval, Random()()) {}
  PollSchedule(Milliseconds fixed_interval, std::uint64_t seed);

  void learn(const PastDurations& past);
  // The wait until the next question; `age`: since the request for the generation left. Where many
  // others wait as well, it is not shorter than about `least`, on an average; a fixed interval is.
  Milliseconds next(Milliseconds age, Milliseconds least = Milliseconds(0));

 private:
  void choose_k();
  // Of the questions around an age; all in seconds.
  double shape(double age) const;
  double bounded(double spacing, double age) const;
  double spacing(double age) const;

  Milliseconds fixed_interval_;
  Random random_;
  DurationModel model_;
  double k_ = 1;  // in √seconds
  bool has_asked_ = false;
};

}  // namespace genpro::polling
