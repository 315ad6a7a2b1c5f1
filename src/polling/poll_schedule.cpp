// SPDX-License-Identifier: LGPL-2.1-or-later
#include "polling/poll_schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>

namespace genpro::polling {

namespace {

using Seconds = std::chrono::duration<double>;

// The spacing that usual generations are to be asked for with, on an average: two seconds and a
// little more, since what is learned is never exact.
constexpr double mean_spacing = 2.03;
// Short ones are asked for so often: half a spacing in two seconds is long.
constexpr double fewest_requests = 6;

// Before jitter, so that it has room within the bounds.
constexpr double shortest_spacing = Seconds(PollSchedule::shortest).count() / 0.9;
constexpr double longest_spacing = Seconds(PollSchedule::longest).count() / 1.25;

// A new generation is none that ends within this time.
constexpr double youngest = 0.05;

}  // namespace

PollSchedule::PollSchedule(Milliseconds fixed_interval, std::uint64_t seed)
    : fixed_interval_(fixed_interval), random_(seed) {
  choose_k();
}

void PollSchedule::learn(const PastDurations& past) {
  model_ = DurationModel(past);
  has_asked_ = false;
  choose_k();
}

// The spacing grows with k, and the requests for a usual generation get fewer: k is found by
// halving the range that it must be in. The integrals are sums over ages evenly apart in their
// logarithm.
void PollSchedule::choose_k() {
  if (fixed_interval_ > Milliseconds(0)) return;
  constexpr std::size_t steps = 250;
  const double first = std::log(youngest);
  const double last = std::log(model_.usual_median()) + 4.5 * model_.usual_spread();
  const double step = std::max(last - first, 1.0) / steps;
  struct Slice {
    double age = 0;
    double time = 0;   // that a usual generation spends in it on an average
    double shape = 0;  // spacing for k = 1, without bounds
  };
  std::array<Slice, steps> slices;
  double mean_duration = 0;
  for (std::size_t index = 0; index < steps; ++index) {
    Slice& slice = slices[index];
    slice.age = std::exp(first + (static_cast<double>(index) + 0.5) * step);
    slice.time = model_.usual_survival(slice.age) * slice.age * step;
    slice.shape = shape(slice.age);
    mean_duration += slice.time;
  }
  const double wanted = std::max(mean_duration / mean_spacing, fewest_requests);
  double low = std::log(1e-3);
  double high = std::log(1e3);
  for (int halving = 0; halving < 30; ++halving) {
    k_ = std::exp((low + high) / 2);
    double requests = 0;
    for (const Slice& slice : slices) requests += slice.time / bounded(k_ * slice.shape, slice.age);
    (requests > wanted ? low : high) = std::log(k_);
  }
}

double PollSchedule::shape(double age) const {
  return std::sqrt(model_.survival(age) / model_.density(age));
}

double PollSchedule::bounded(double spacing, double age) const {
  // Where nothing was seen, even the order of magnitude is a guess, and a short generation should
  // not wait for longer than it took: 1, 2, 4 and 8 s.
  if (model_.is_guess()) spacing = std::min(spacing, std::max(1.0, age));
  return std::clamp(spacing, shortest_spacing, longest_spacing);
}

double PollSchedule::spacing(double age) const {
  const double positive = std::max(age, youngest);
  return bounded(k_ * shape(positive), positive);
}

PollSchedule::Milliseconds PollSchedule::next(Milliseconds age, Milliseconds least) {
  if (fixed_interval_ > Milliseconds(0)) return fixed_interval_;
  std::uniform_real_distribution<double> jitter(has_asked_ ? 0.9 : 0.75, has_asked_ ? 1.1 : 1.25);
  has_asked_ = true;
  const double begin = std::max(Seconds(age).count(), 0.0);
  const double drawn = jitter(random_);
  double left = drawn;
  double now = begin;
  while (true) {
    // Steps that are short against the spacing at either of their ends.
    const double step = std::min(spacing(now), 8.0) / 8;
    const double there = spacing(now + step / 2);
    if (step / there >= left) {
      now += left * there;
      break;
    }
    left -= step / there;
    now += step;
  }
  const auto wait = std::chrono::duration_cast<Milliseconds>(Seconds(now - begin));
  // Those that began together do not come back together here either.
  const auto bound = std::chrono::duration_cast<Milliseconds>(least * drawn);
  return std::clamp(std::max(wait, bound), shortest, longest);
}

}  // namespace genpro::polling
