// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is foretold of a generation's end.
#include <gtest/gtest.h>

#include <cmath>

#include "polling/forecast.h"
#include "unit/poll_trial.h"

namespace genpro::polling {
namespace {

using test::draw_durations;
using test::kept;
using test::Kept;
using test::seen_sharply;

TEST(Forecast, NothingIsForetoldOfNothingSeen) {
  for (const std::vector<SeenDuration>& nothing : {std::vector<SeenDuration>{},
                                                   {SeenDuration{}},
                                                   {SeenDuration{70, SeenDuration::unknown_end}},
                                                   {SeenDuration{0, 50'000}},
                                                   {SeenDuration{9, 3}},
                                                   {SeenDuration{-4, -2}},
                                                   {SeenDuration{NAN, NAN}}}) {
    const Forecast forecast(nothing);
    EXPECT_FALSE(forecast.is_known());
    const Progress progress = forecast.at(20);
    EXPECT_EQ(progress.elapsed, 20);
    EXPECT_EQ(progress.expected, -1);
    EXPECT_EQ(progress.expected_90, -1);
    EXPECT_EQ(progress.percent, -1);
    EXPECT_FALSE(progress.is_overdue);
  }
}

TEST(Forecast, NineOfTenEndWithinThe90thPercentile) {
  for (const double log_sigma : {0.1, 0.2, 0.4, 0.69}) {
    for (const std::size_t seen : {9U, 12U, 19U, 40U}) {
      SCOPED_TRACE(std::to_string(log_sigma) + ", " + std::to_string(seen) + " seen");
      const Kept result = kept(log_sigma, seen, 7);
      EXPECT_GT(result.at_start, 0.88);
      // One of 12 that were seen is 12 of 13, and no nearer to nine of ten than that.
      EXPECT_LT(result.at_start, 0.94);
      EXPECT_GT(result.later, 0.88);
      EXPECT_NEAR(result.half, 0.5, 0.03);
    }
  }
}

// Too few to know how much they differ: rather too late than too early.
TEST(Forecast, AFewThatWereSeenDoNotPromiseTooMuch) {
  for (const double log_sigma : {0.1, 0.2, 0.4, 0.69}) {
    for (const std::size_t seen : {1U, 2U, 3U, 5U, 8U}) {
      SCOPED_TRACE(std::to_string(log_sigma) + ", " + std::to_string(seen) + " seen");
      const Kept result = kept(log_sigma, seen, 7);
      EXPECT_GT(result.at_start, 0.85);
      EXPECT_NEAR(result.half, 0.5, 0.03);
    }
  }
}

TEST(Forecast, GetsSurerWithEachDuration) {
  double before = 1e9;
  for (const std::size_t seen : {1U, 3U, 8U, 12U}) {
    const Forecast forecast(std::vector<SeenDuration>(seen, {76, 77}));
    const Progress progress = forecast.at(0);
    EXPECT_NEAR(progress.expected, 77, 1);
    EXPECT_LT(progress.expected_90, before) << seen;
    before = progress.expected_90;
  }
  EXPECT_GT(before, 78);
}

TEST(Forecast, AnyOrderOfMagnitudeIsBelieved) {
  for (const double duration : {0.7, 6.4, 3000.0}) {
    const Progress progress = Forecast({{duration * 0.95, duration}}).at(0);
    EXPECT_NEAR(progress.expected / duration, 1, 0.01);
    EXPECT_LT(progress.expected_90 / duration, 5);
  }
}

TEST(Forecast, AnOutlierIsNotExpected) {
  auto seen = seen_sharply(draw_durations(77, 0.2, 19, 3));
  const Progress without = Forecast(seen).at(0);
  seen[3] = {1499, 1501};
  const Progress with = Forecast(seen).at(0);
  EXPECT_NEAR(with.expected / without.expected, 1, 0.05);
  EXPECT_LT(with.expected_90 / without.expected_90, 1.3);
}

TEST(Forecast, FollowsAServiceThatGotSlower) {
  auto seen = seen_sharply(draw_durations(200, 0.2, 19, 3));
  const auto old = seen_sharply(draw_durations(77, 0.2, 40, 4));
  seen.insert(seen.end(), old.begin(), old.end());
  EXPECT_NEAR(Forecast(seen).at(0).expected / 200, 1, 0.15);
}

TEST(Forecast, ThoseGivenUpLateCountAndThoseGivenUpEarlyDoNot) {
  const std::vector<SeenDuration> ended(12, {76, 77});
  auto early = ended;
  early.insert(early.begin(), 6, {5, SeenDuration::unknown_end});
  EXPECT_EQ(Forecast(early).at(0).expected_90, Forecast(ended).at(0).expected_90);
  auto late = ended;
  late.insert(late.begin(), 6, {120, SeenDuration::unknown_end});
  EXPECT_GE(Forecast(late).at(0).expected_90, 119);
}

TEST(Forecast, PercentGrowsWithTimeAndDoesNotReachTheEnd) {
  const Forecast forecast(seen_sharply(draw_durations(77, 0.2, 19, 3)));
  double left = forecast.at(0).expected_90;
  int before = 0;
  for (double age = 0; age < 1000; ++age) {
    const Progress progress = forecast.at(age);
    // Who tells it keeps it from falling when what is expected has long not come.
    if (age < forecast.at(0).expected_90) {
      EXPECT_GE(progress.percent, before) << age;
    }
    EXPECT_LE(progress.percent, 99) << age;
    before = progress.percent;
    if (progress.is_overdue) continue;
    EXPECT_GT(progress.expected, age);
    EXPECT_GT(progress.expected_90, progress.expected);
    if (age < 60) {
      EXPECT_LE(progress.expected_90 - age, left + 0.1) << age;
    }
    left = progress.expected_90 - age;
  }
  EXPECT_EQ(forecast.at(0).percent, 0);
  EXPECT_TRUE(forecast.at(1000).is_overdue);
  EXPECT_EQ(forecast.at(1000).expected, -1);
}

}  // namespace
}  // namespace genpro::polling
