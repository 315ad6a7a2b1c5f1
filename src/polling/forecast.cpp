// SPDX-License-Identifier: LGPL-2.1-or-later
#include "polling/forecast.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace genpro::polling {

namespace {

// More of them would be of a time when the service was slower or faster.
constexpr std::size_t most_seen = 19;
constexpr double freedom = 4;      // of the t distribution
constexpr double t_of_90 = 1.533;  // its 90th percentile
// The square of what the scale is expected to be, and how many durations that counts for.
constexpr double expected_variance = 0.6 * 0.6;
constexpr double expected_weight = 2;
// From so many on, the 90th percentile is one of those that were seen.
constexpr std::size_t enough_seen = 9;
constexpr double least_scale = 0.02;
// There is no forecast for a generation that is older than all but this share of them got.
constexpr double overdue_share = 0.03;

// Of the t distribution with four degrees of freedom.
double t_survival(double t) {
  const double root = t / std::sqrt(1 + t * t / 4);
  return 0.5 - 0.375 * root * (1 - root * root / 12);
}

// The end as it was seen, which is what the next one waits for as well.
bool is_seen_closely(const SeenDuration& seen) {
  constexpr double close = 5;
  return seen.at_most > 0 && seen.at_most >= seen.longer_than &&
         seen.at_most <= std::max(2 * seen.longer_than, seen.longer_than + close);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Logarithms of what the newest ones took.
std::vector<double> logarithms_of(const std::vector<SeenDuration>& same_kind) {
  std::vector<double> ends;
  for (const SeenDuration& seen : same_kind) {
    if (is_seen_closely(seen) && ends.size() < most_seen) ends.push_back(seen.at_most);
  }
  if (ends.empty()) return {};
  // One that was given up, or not looked at for long, tells something when it was late by then.
  const double usual = median(ends);
  std::vector<double> logarithms;
  for (const SeenDuration& seen : same_kind) {
    if (logarithms.size() == most_seen) break;
    const bool is_close = is_seen_closely(seen);
    if (!is_close && !(seen.longer_than > usual)) continue;
    logarithms.push_back(std::log(is_close ? seen.at_most : seen.longer_than));
  }
  return logarithms;
}

}  // namespace

Forecast::Forecast(const std::vector<SeenDuration>& same_kind) {
  std::vector<double> seen = logarithms_of(same_kind);
  if (seen.empty()) return;
  const auto number = static_cast<double>(seen.size());
  center_ = median(seen);
  double variance = expected_variance;
  for (int round = 0; round < 30; ++round) {
    double all = 0;
    double sum = 0;
    double squares = expected_weight * expected_variance;
    for (const double x : seen) {
      const double distance = (x - center_) * (x - center_);
      const double trust = (freedom + 1) / (freedom + distance / variance);
      all += trust;
      sum += trust * x;
      squares += trust * distance;
    }
    center_ = sum / all;
    variance = squares / (expected_weight + number);
  }
  // The mean is an estimate as well.
  scale_ = std::sqrt(variance * (1 + 1 / number));
  if (seen.size() < enough_seen) return;
  // The next one is as likely to be the k-th of all as any other, whatever their distribution.
  std::sort(seen.begin(), seen.end());
  const double upper = seen.at(static_cast<std::size_t>(std::ceil(0.9 * (number + 1))) - 1);
  scale_ = std::max((upper - center_) / t_of_90, least_scale);
}

Progress Forecast::at(double elapsed) const {
  Progress progress{.elapsed = std::max(elapsed, 0.0)};
  if (!is_known()) return progress;
  constexpr double most = 99;
  progress.is_overdue = survival(progress.elapsed) < overdue_share;
  progress.percent = static_cast<int>(most);
  if (progress.is_overdue) return progress;
  progress.expected = quantile(0.5, progress.elapsed);
  progress.expected_90 = quantile(0.9, progress.elapsed);
  progress.percent = static_cast<int>(std::min(100 * progress.elapsed / progress.expected, most));
  return progress;
}

double Forecast::survival(double seconds) const {
  // The logarithm of 0 is minus infinity, for which the formula is none.
  return seconds > 0 ? t_survival((std::log(seconds) - center_) / scale_) : 1;
}

double Forecast::quantile(double share, double age) const {
  const double wanted = survival(age) * (1 - share);
  double low = age > 0 ? std::log(age) : center_ - 20 * scale_;
  double high = std::max(low, center_) + 100 * scale_;
  for (int halving = 0; halving < 50; ++halving) {
    const double middle = (low + high) / 2;
    (survival(std::exp(middle)) > wanted ? low : high) = middle;
  }
  return std::exp(high);
}

}  // namespace genpro::polling
