// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When a generation's status is asked for.
#include <gtest/gtest.h>

#include <set>

#include "job/worker/worker.h"
#include "polling/poll_schedule.h"
#include "unit/poll_trial.h"

namespace genpro::polling {
namespace {

using namespace std::chrono_literals;
using test::Comparison;
using test::draw_durations;
using test::Experiment;
using test::seen_sharply;

PastDurations twenty_about_77() {
  PastDurations past;
  past.same_kind = seen_sharply(draw_durations(77, 0.2, 20, 3));
  return past;
}

// The ages at which the schedule asks, up to a point.
std::vector<double> ages(const PastDurations& past, std::chrono::seconds end, unsigned seed) {
  PollSchedule schedule(0ms, seed);
  schedule.learn(past);
  std::vector<double> result;
  for (std::chrono::milliseconds age = schedule.next(0ms); age < end; age += schedule.next(age)) {
    result.push_back(std::chrono::duration<double>(age).count());
  }
  return result;
}

std::size_t count_between(const std::vector<double>& ages, double from, double to) {
  return static_cast<std::size_t>(
      std::count_if(ages.begin(), ages.end(), [=](double age) { return age >= from && age < to; }));
}

TEST(PollSchedule, AFixedIntervalStaysAsItIs) {
  PollSchedule schedule(250ms, 1);
  EXPECT_EQ(schedule.next(1h), 250ms);
  schedule.learn(twenty_about_77());
  EXPECT_EQ(schedule.next(0s), 250ms);
  EXPECT_EQ(schedule.next(77s), 250ms);
  EXPECT_EQ(PollSchedule(60'000ms, 1).next(0s), 60'000ms);
}

TEST(PollSchedule, IsDenseWhereTheEndIsLikely) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto asked = ages(twenty_about_77(), 600s, seed);
    EXPECT_LE(count_between(asked, 0, 40), 5U);
    EXPECT_GE(count_between(asked, 60, 100), 30U);
    EXPECT_LE(count_between(asked, 300, 600), 80U);
  }
}

TEST(PollSchedule, IsNeverTooFastAndNeverSilent) {
  std::vector<PastDurations> pasts(5);
  pasts[1] = twenty_about_77();
  pasts[2].same_kind.assign(20, {76.9, 77.1});
  pasts[3].same_kind.assign(20, {0.9, 1.1});
  pasts[4].same_kind.assign(20, {7200, 7201});
  for (const PastDurations& past : pasts) {
    for (unsigned seed = 0; seed < 2; ++seed) {
      double before = 0;
      for (const double age : ages(past, 48h, seed)) {
        EXPECT_GE(age - before, 0.4999) << age;
        EXPECT_LE(age - before, 30.0001) << age;
        before = age;
      }
      EXPECT_GE(before, 47 * 3600);
    }
  }
}

// Ages as a clock that was set may give them.
TEST(PollSchedule, BearsAnyAge) {
  PollSchedule schedule(0ms, 1);
  schedule.learn(twenty_about_77());
  for (const auto age : {-1h, 0h, 24h * 365 * 100}) {
    EXPECT_GE(schedule.next(age), PollSchedule::shortest);
    EXPECT_LE(schedule.next(age), PollSchedule::longest);
  }
}

// Far beyond all that was seen the end does not get more likely by the second.
TEST(PollSchedule, CalmsDownBeyondAllThatWasSeen) {
  PastDurations equal;
  equal.same_kind.assign(20, {76.9, 77.1});
  for (const PastDurations& past : {equal, twenty_about_77()}) {
    const auto asked = ages(past, 3600s, 1);
    EXPECT_LE(count_between(asked, 200, 400), 90U);
    EXPECT_LE(count_between(asked, 1000, 3600), 450U);
    EXPECT_GE(count_between(asked, 3000, 3600), 30U);
  }
}

TEST(PollSchedule, AsksEarlyWhereNothingWasSeen) {
  const auto asked = ages({}, 600s, 1);
  EXPECT_LT(asked.at(0), 1.5);
  EXPECT_LT(asked.at(1), 4.5);
  EXPECT_LT(asked.at(2), 9);
  const auto learned = ages(twenty_about_77(), 600s, 1);
  EXPECT_GT(learned.at(0), 3);
}

TEST(PollSchedule, OnesThatStartTogetherDoNotAskTogether) {
  for (const PastDurations& past : {PastDurations(), twenty_about_77()}) {
    for (std::size_t question : {0U, 20U}) {
      std::vector<double> times;
      for (unsigned seed = 0; seed < 100; ++seed) times.push_back(ages(past, 600s, seed)[question]);
      const auto [first, last] = std::minmax_element(times.begin(), times.end());
      // No tenth of the span holds more than three times its share.
      const double tenth = (*last - *first) / 10;
      EXPECT_GT(tenth, 0.03);
      for (int part = 0; part < 10; ++part) {
        EXPECT_LE(count_between(times, *first + part * tenth, *first + (part + 1) * tenth), 30U);
      }
    }
  }
}

TEST(PollSchedule, LeavesTheTimeBetweenQuestionsThatManyNeed) {
  PollSchedule fixed(250ms, 1);
  EXPECT_EQ(fixed.next(77s, 5s), 250ms);
  std::set<long long> firsts;
  for (unsigned seed = 0; seed < 50; ++seed) {
    PollSchedule schedule(0ms, seed);
    schedule.learn(twenty_about_77());
    std::chrono::milliseconds age = schedule.next(70s, 5s);
    firsts.insert(age.count() / 100);
    for (int question = 0; question < 20; ++question) {
      const auto wait = schedule.next(70s, 5s);
      EXPECT_GE(wait, 4500ms);
      EXPECT_LE(wait, 5500ms);
    }
    EXPECT_LE(schedule.next(70s, 1h), PollSchedule::longest);
  }
  // Those that begin together do not ask together.
  EXPECT_GE(firsts.size(), 10U);
}

// Hundreds of them wait in one process.
TEST(WaitingJob, TakesLittleMemory) {
  EXPECT_LE(sizeof(job::Worker) + sizeof(job::PaymentDriver), 8192U);
}

TEST(PollSchedule, TheSameSeedAsksAtTheSameTimes) {
  EXPECT_EQ(ages(twenty_about_77(), 600s, 7), ages(twenty_about_77(), 600s, 7));
  EXPECT_NE(ages(twenty_about_77(), 600s, 7), ages(twenty_about_77(), 600s, 8));
}

// Against a client that asks every two seconds; see tests/bench for the whole table.
TEST(PollSimulation, OfSimilarDurationsSeesTheEndInHalfTheTimeWithNoMoreRequests) {
  const Comparison result = compare(Experiment{.log_sigma = 0.2, .seen = 20});
  EXPECT_LE(result.ours.requests, result.fixed.requests);
  EXPECT_LE(result.ours.delay, 0.45 * result.fixed.delay);
}

TEST(PollSimulation, OfScatteredDurationsIsNoWorse) {
  const Comparison result = compare(Experiment{.log_sigma = 0.69, .seen = 20});
  EXPECT_LE(result.ours.product(), result.fixed.product());
}

TEST(PollSimulation, WithNothingSeenIsNotMuchWorseAndNoLater) {
  for (const double log_sigma : {0.2, 0.69}) {
    const Comparison result =
        compare(Experiment{.log_sigma = log_sigma, .seen = 0, .histories = 1, .generations = 2000});
    EXPECT_LE(result.ours.product(), 1.15 * result.fixed.product()) << log_sigma;
    EXPECT_LE(result.ours.delay, result.fixed.delay) << log_sigma;
    EXPECT_LE(result.ours.delay, 1.0) << log_sigma;
  }
}

TEST(PollSimulation, AFewSeenNeverMakeItMuchWorse) {
  for (const int seen : {1, 2, 3, 5}) {
    for (const double log_sigma : {0.2, 0.69}) {
      const Comparison result = compare(
          Experiment{.log_sigma = log_sigma, .seen = seen, .histories = 40, .generations = 25});
      EXPECT_LE(result.ours.product(), 1.15 * result.fixed.product()) << seen << " " << log_sigma;
    }
  }
}

// What no schedule can fall below is not fallen below, or the count is wrong.
TEST(PollSimulation, KeepsToTheLimit) {
  EXPECT_NEAR(test::least_product_ratio(77, 0.2), 0.36, 0.01);
  EXPECT_NEAR(test::least_product_ratio(77, 0.69), 0.87, 0.01);
  for (const double log_sigma : {0.2, 0.69}) {
    const Comparison result =
        compare(Experiment{.log_sigma = log_sigma, .seen = 60, .histories = 15});
    EXPECT_GE(result.ours.product() / result.fixed.product(),
              test::least_product_ratio(77, log_sigma));
  }
}

}  // namespace
}  // namespace genpro::polling
