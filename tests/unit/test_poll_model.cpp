// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is learned from durations.
#include <gtest/gtest.h>

#include <cmath>

#include "polling/duration_model.h"
#include "unit/poll_trial.h"

namespace genpro::polling {
namespace {

using test::draw_durations;
using test::seen_sharply;

std::vector<SeenDuration> drawn(double median, double log_sigma, std::size_t number,
                                unsigned seed = 1) {
  return seen_sharply(draw_durations(median, log_sigma, number, seed));
}

DurationModel model_of(std::vector<SeenDuration> same_kind) {
  return DurationModel({.same_kind = std::move(same_kind), .same_model = {}, .others = {}});
}

TEST(DurationModel, ExpectsHalfAMinuteToSomeMinutesBeforeAnythingIsSeen) {
  const DurationModel model;
  EXPECT_TRUE(model.is_guess());
  EXPECT_GT(model.survival(30), 0.8);
  EXPECT_NEAR(model.survival(75), 0.5, 0.01);
  EXPECT_LT(model.survival(300), 0.1);
  EXPECT_GT(model.survival(3600), 0.001);
}

TEST(DurationModel, DensityAndSurvivalFitTogether) {
  for (const DurationModel& model : {DurationModel(), model_of(drawn(77, 0.2, 20))}) {
    double before = 1;
    double ended = 0;
    for (double age = 0.01; age < 1e6; age *= 1.001) {
      EXPECT_LE(model.survival(age), before);
      before = model.survival(age);
      ended += model.density(age) * age * 0.001;
      if (age > 1) {
        EXPECT_NEAR(ended, 1 - before, 0.02) << age;
      }
    }
  }
}

TEST(DurationModel, FindsMedianAndSpread) {
  for (const double median : {2.0, 77.0, 1200.0}) {
    for (const double spread : {0.2, 0.69}) {
      const DurationModel model = model_of(drawn(median, spread, 60, 5));
      EXPECT_FALSE(model.is_guess());
      EXPECT_NEAR(std::log(model.usual_median() / median), 0, 2.5 * spread / std::sqrt(17));
      EXPECT_NEAR(model.usual_spread() / spread, 1.1, 0.4);
    }
  }
}

TEST(DurationModel, GetsSurerWithEachDuration) {
  double before = DurationModel().usual_spread();
  for (const std::size_t seen : {1U, 3U, 10U, 30U}) {
    const DurationModel model = model_of(std::vector<SeenDuration>(seen, {76.9, 77.1}));
    EXPECT_LT(model.usual_spread(), before) << seen;
    before = model.usual_spread();
  }
  // Equal durations are no promise.
  EXPECT_GT(before, 0.08);
  // Nor are two that are close together.
  EXPECT_GT(model_of({{76.9, 77.1}, {77.9, 78.1}}).usual_spread(), 0.3);
}

TEST(DurationModel, AnOutlierIsNotUsual) {
  auto seen = drawn(77, 0.2, 20);
  const DurationModel without = model_of(seen);
  seen[3] = {1499, 1501};
  const DurationModel with = model_of(seen);
  EXPECT_NEAR(with.usual_median() / without.usual_median(), 1, 0.05);
  EXPECT_NEAR(with.usual_spread() / without.usual_spread(), 1, 0.15);
  // But something of that kind is less strange now.
  EXPECT_GT(with.survival(1500), without.survival(1500));
}

TEST(DurationModel, FollowsAServiceThatGotSlowerOrFaster) {
  for (const double now : {30.0, 200.0}) {
    auto seen = drawn(now, 0.2, 20);
    const auto old = drawn(77, 0.2, 20, 2);
    seen.insert(seen.end(), old.begin(), old.end());
    const DurationModel model = model_of(seen);
    EXPECT_LT(std::abs(std::log(model.usual_median() / now)),
              std::abs(std::log(model.usual_median() / 77)));
    // And already after three, what takes so long is nothing strange.
    seen.erase(seen.begin(), seen.begin() + 17);
    const DurationModel early = model_of(seen);
    EXPECT_GT(early.density(now), 5 * model_of(old).density(now));
  }
}

TEST(DurationModel, OtherLengthsAreAWeakerHint) {
  PastDurations past;
  past.same_model = drawn(150, 0.2, 20);
  const DurationModel hinted(past);
  EXPECT_TRUE(hinted.is_guess());
  EXPECT_NEAR(hinted.usual_median(), 150, 15);
  EXPECT_GT(hinted.usual_spread(), 0.3);
  EXPECT_LT(hinted.usual_spread(), DurationModel().usual_spread());
  past.same_kind = drawn(77, 0.2, 20);
  const DurationModel learned(past);
  EXPECT_FALSE(learned.is_guess());
  EXPECT_NEAR(learned.usual_median() / model_of(past.same_kind).usual_median(), 1, 0.05);
  EXPECT_LT(learned.usual_spread(), 1.1 * model_of(past.same_kind).usual_spread());
}

TEST(DurationModel, OtherModelsAreTheWeakestHint) {
  PastDurations others;
  others.others = drawn(150, 0.2, 20);
  PastDurations lengths;
  lengths.same_model = others.others;
  const DurationModel weakest(others);
  EXPECT_TRUE(weakest.is_guess());
  EXPECT_NEAR(weakest.usual_median(), 150, 20);
  EXPECT_GT(weakest.usual_spread(), DurationModel(lengths).usual_spread() + 0.1);
  // Models that differ much from each other do not make one model's durations wide.
  auto fast = drawn(20, 0.1, 10);
  const auto slow = drawn(600, 0.1, 10);
  fast.insert(fast.end(), slow.begin(), slow.end());
  PastDurations mixed;
  mixed.others = fast;
  mixed.same_kind = drawn(77, 0.2, 20);
  EXPECT_LT(DurationModel(mixed).usual_spread(), 1.1 * model_of(mixed.same_kind).usual_spread());
}

TEST(DurationModel, CoarseIntervalsAreNotTakenForMoreThanTheyAre) {
  std::vector<SeenDuration> coarse;
  for (const double duration : draw_durations(77, 0.2, 40, 9)) {
    const double end = std::ceil(duration / 30) * 30;
    coarse.push_back({end - 30, end});
  }
  const DurationModel model = model_of(coarse);
  EXPECT_NEAR(model.usual_median(), 77, 8);
  EXPECT_NEAR(model.usual_spread(), 0.22, 0.08);
}

// Who gives up at 70 s has seen that some take longer.
TEST(DurationModel, GivenUpGenerationsCountAsLonger) {
  std::vector<SeenDuration> seen;
  std::vector<SeenDuration> ended;
  for (const double duration : draw_durations(77, 0.2, 40, 9)) {
    seen.push_back({duration - 0.5, duration + 0.5});
    if (duration > 70) {
      seen.back() = {70, SeenDuration::unknown_end};
    } else {
      ended.push_back(seen.back());
    }
  }
  EXPECT_LT(model_of(ended).usual_median(), 68);
  EXPECT_NEAR(model_of(seen).usual_median(), 77, 9);
}

TEST(DurationModel, WhatSaysNothingTeachesNothing) {
  const DurationModel guess;
  for (const SeenDuration& nothing :
       {SeenDuration{}, SeenDuration{0.5, SeenDuration::unknown_end}, SeenDuration{0, 50'000},
        SeenDuration{5, 5}, SeenDuration{9, 3}, SeenDuration{-4, -2}, SeenDuration{NAN, NAN}}) {
    const DurationModel model = model_of(std::vector<SeenDuration>(30, nothing));
    EXPECT_TRUE(model.is_guess()) << nothing.longer_than;
    EXPECT_NEAR(model.usual_median(), guess.usual_median(), 1) << nothing.longer_than;
    EXPECT_NEAR(model.usual_spread(), guess.usual_spread(), 0.02) << nothing.longer_than;
  }
}

}  // namespace
}  // namespace genpro::polling
