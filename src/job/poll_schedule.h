// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <random>

namespace genpro::job {

// When to ask for a generation's status. With a fixed interval, that interval. Else a tenth of the
// time waited so far, between one and ten seconds: a delay that a person does not notice after such
// a wait, and few requests for the generations that take many minutes. The provider's own advice
// ranges from 2 to 10 s; an adaptive wait is spread by a tenth either way, so that elements which
// were started together do not ask together.
class PollSchedule {
 public:
  using Milliseconds = std::chrono::milliseconds;

  explicit PollSchedule(Milliseconds fixed_interval)
      : PollSchedule(fixed_interval, std::random_device{}()) {}
  PollSchedule(Milliseconds fixed_interval, unsigned seed)
      : fixed_interval_(fixed_interval), random_(seed) {}

  // `waited`: since the generation was asked for.
  Milliseconds next(Milliseconds waited);

 private:
  Milliseconds fixed_interval_;
  std::mt19937 random_;
};

}  // namespace genpro::job
