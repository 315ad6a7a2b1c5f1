// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The mathematics, all of it on the logarithm of the duration, x.
//
// What is to be found out is the center m and the variance s² of the usual kind. Neither is
// believed blindly when only a few durations were seen: m is expected near what less similar
// generations showed, and s² counts as if one generation with the expected spread had been seen
// besides. What is learned of other models becomes the expectation for this one, what is learned of
// its other lengths the expectation for this length; each step makes the expected center less
// certain.
//
// A duration is only known to lie between two questions, and may be of the unusual kind. The
// expectation-maximization algorithm deals with both. In turns, until nothing changes:
//  - with m and s² as they are, what each duration is expected to be: the probability that it is of
//    the usual kind, and the mean and variance of x if so, which are those of a normal distribution
//    cut off at both ends of the interval. An interval that says nothing gives back m and s².
//  - with these, the m and s² that fit best.
#include "polling/duration_model.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace genpro::polling {

namespace {

// Before anything was seen. Together with the deviations below, two of three generations are
// expected to take between 36 and 155 s.
constexpr double expected_median = 75;
// Standard deviation among generations that are alike.
constexpr double expected_spread = 0.4;
// How far the centers of services, of a service's models and of a model's lengths are apart.
constexpr double spread_of_services = 0.25;
constexpr double spread_of_models = 0.5;
constexpr double spread_of_lengths = 0.3;
// A duration says half as much as one that came so many later: services get faster and slower.
constexpr double half_life = 12;

// Of three generations, three tenths are expected to be of the unusual kind before any was seen.
constexpr double unusual_before = 0.3;
constexpr double seen_before = 3;
// The unusual kind is logistic: half of it within a factor of nine of the expected center.
constexpr double unusual_scale = 2;

constexpr int rounds = 40;

constexpr double square(double value) {
  return value * value;
}

double normal_density(double z) {
  return std::exp(-square(z) / 2) / std::sqrt(2 * std::numbers::pi);
}

double normal_survival(double z) {
  return std::erfc(z / std::numbers::sqrt2) / 2;
}

double unusual_survival(double x, double center) {
  return 1 / (1 + std::exp((x - center) / unusual_scale));
}

double unusual_density(double x, double center) {
  const double survival = unusual_survival(x, center);
  return survival * (1 - survival) / unusual_scale;
}

// What is held of a kind of generations.
struct Belief {
  double center = 0;           // m
  double center_variance = 0;  // how uncertain m is
  double variance = 0;         // s²
  double unusual = unusual_before / seen_before;
  double evidence = 0;  // how many durations' worth of it was seen; recent ones count as one
};

struct Interval {
  double low = 0;  // of x
  double high = 0;
  double weight = 1;
  double middle() const { return (low + high) / 2; }
  // Narrow enough to be taken for its middle when a search has to begin somewhere.
  bool is_sharp() const { return high - low < 0.7; }
};

// What a duration is expected to be.
struct Expected {
  double usual = 0;  // probability
  double mean = 0;   // of x, if usual
  double variance = 0;
  // How much is known of it: 1 when it was seen exactly, 0 when all of it is expectation.
  double sharpness = 0;
};

// z times its density, which vanishes at both ends.
double moment(double z) {
  return std::isfinite(z) ? z * normal_density(z) : 0;
}

Expected expect(const Interval& interval, const Belief& belief, double unusual_center) {
  const double deviation = std::sqrt(belief.variance);
  const double a = (interval.low - belief.center) / deviation;
  const double b = (interval.high - belief.center) / deviation;
  Expected expected;
  double usual = 0;    // probability, or density, of what was seen if it is usual
  double unusual = 0;  // and if it is not
  if (b - a < 0.2) {
    expected.mean = interval.middle();
    expected.variance = square(interval.high - interval.low) / 12;
    usual = normal_density((a + b) / 2) / deviation;
    unusual = unusual_density(expected.mean, unusual_center);
  } else {
    // On the side where the difference is not one of two numbers close to 1.
    usual =
        a > 0 ? normal_survival(a) - normal_survival(b) : normal_survival(-b) - normal_survival(-a);
    unusual = unusual_survival(interval.low, unusual_center) -
              unusual_survival(interval.high, unusual_center);
    // Too far out for the quotients below, and so hardly usual.
    if (usual < 1e-9) return {};
    const double shift = (normal_density(a) - normal_density(b)) / usual;
    expected.mean = belief.center + deviation * shift;
    expected.variance =
        std::clamp(belief.variance * (1 + (moment(a) - moment(b)) / usual - square(shift)), 0.0,
                   belief.variance);
  }
  expected.sharpness = std::max(0.0, 1 - expected.variance / belief.variance);
  usual *= 1 - belief.unusual;
  unusual *= belief.unusual;
  expected.usual = usual / (usual + unusual);
  return expected;
}

std::vector<Interval> intervals_of(const std::vector<SeenDuration>& seen) {
  std::vector<Interval> intervals;
  double age = 0;
  for (const SeenDuration& duration : seen) {
    if (!(duration.at_most > duration.longer_than) || !(duration.at_most > 0)) continue;
    // The logarithm of 0 is minus infinity, as it should be.
    intervals.push_back({std::log(std::max(duration.longer_than, 0.0)), std::log(duration.at_most),
                         std::exp2(-age / half_life)});
    // Generations that were given up do not make the others old.
    if (std::isfinite(duration.at_most)) ++age;
  }
  return intervals;
}

// Where to begin: so wide that everything seen is usual, and outliers are left out later.
Belief first_guess(const std::vector<Interval>& intervals, const Belief& prior) {
  double sum = 0;
  double sum_x = 0;
  double sum_xx = 0;
  for (const Interval& interval : intervals) {
    if (!interval.is_sharp()) continue;
    sum += interval.weight;
    sum_x += interval.weight * interval.middle();
    sum_xx += interval.weight * square(interval.middle());
  }
  Belief belief = prior;
  if (sum > 0) {
    belief.center = sum_x / sum;
    belief.variance += std::max(0.0, sum_xx / sum - square(belief.center));
  }
  return belief;
}

Belief learn(const Belief& prior, const std::vector<SeenDuration>& seen) {
  const std::vector<Interval> intervals = intervals_of(seen);
  Belief belief = first_guess(intervals, prior);
  std::vector<Expected> expected(intervals.size());
  for (int round = 0; round < rounds && !intervals.empty(); ++round) {
    double all = 0;
    double usual = 0;
    double sum_x = 0;
    double evidence = 0;
    for (std::size_t index = 0; index < intervals.size(); ++index) {
      expected[index] = expect(intervals[index], belief, prior.center);
      const double weight = intervals[index].weight * expected[index].usual;
      all += intervals[index].weight;
      usual += weight;
      sum_x += weight * expected[index].mean;
      evidence += weight * expected[index].sharpness;
    }
    const double certainty = 1 / prior.center_variance;
    belief.center = (certainty * prior.center + sum_x / belief.variance) /
                    (certainty + usual / belief.variance);
    belief.center_variance = 1 / (certainty + evidence / belief.variance);
    double squares = prior.variance;
    for (std::size_t index = 0; index < intervals.size(); ++index) {
      // The center is not where it seems to be either: two durations that happen to be close
      // together do not show that all are.
      squares += intervals[index].weight * expected[index].usual *
                 (square(expected[index].mean - belief.center) + expected[index].variance +
                  expected[index].sharpness * belief.center_variance);
    }
    belief.variance = squares / (1 + usual);
    belief.unusual = (unusual_before + all - usual) / (seen_before + all);
    belief.evidence = evidence;
  }
  return belief;
}

// What is held of generations becomes the expectation for those that differ from them. Several
// kinds lie further apart than generations of one kind, so they make none wider.
Belief expectation(const Belief& belief, double distance) {
  Belief prior;
  prior.center = belief.center;
  prior.center_variance = belief.center_variance + square(distance);
  prior.variance = std::min(belief.variance, square(expected_spread));
  return prior;
}

}  // namespace

DurationModel::DurationModel(const PastDurations& past) {
  Belief belief;
  belief.center = std::log(expected_median);
  belief.center_variance = square(spread_of_services);
  belief.variance = square(expected_spread);
  if (!past.others.empty()) {
    belief.center_variance += square(spread_of_models);
    belief = learn(belief, past.others);
  }
  belief = expectation(belief, spread_of_models);
  if (!past.same_model.empty()) {
    belief.center_variance += square(spread_of_lengths);
    belief = learn(belief, past.same_model);
  }
  belief = learn(expectation(belief, spread_of_lengths), past.same_kind);
  center_ = belief.center;
  // Of the next duration: it differs from the center, and so does the center from where it seems.
  spread_ = std::sqrt(belief.variance + belief.center_variance);
  unusual_ = belief.unusual;
  is_guess_ = belief.evidence < 0.5;
}

double DurationModel::density(double seconds) const {
  const double x = std::log(seconds);
  return ((1 - unusual_) * normal_density((x - center_) / spread_) / spread_ +
          unusual_ * unusual_density(x, center_)) /
         seconds;
}

double DurationModel::survival(double seconds) const {
  return (1 - unusual_) * usual_survival(seconds) +
         unusual_ * unusual_survival(std::log(seconds), center_);
}

double DurationModel::usual_survival(double seconds) const {
  return normal_survival((std::log(seconds) - center_) / spread_);
}

double DurationModel::usual_median() const {
  return std::exp(center_);
}

}  // namespace genpro::polling
