// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The simulation is tested itself: it finds each deliberate mistake.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "simulation/choices.h"
#include "simulation/mistakes.h"
#include "simulation/simulation.h"

namespace genpro::simulation {
namespace {

constexpr std::uint64_t first_seed = 1;
constexpr std::uint64_t enough = 100'000;

class MistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(MistakeTest, IsFound) {
  const Mistake& mistake = GetParam();
  const Outcome outcome = run_many(mistake.mind, first_seed, enough);
  ASSERT_TRUE(outcome.failure) << mistake.name << " was not found: " << mistake.what;
  RecordProperty("histories", static_cast<int>(outcome.histories));
  RecordProperty("found", outcome.failure->text);
}

INSTANTIATE_TEST_SUITE_P(Each, MistakeTest, testing::ValuesIn(mistakes()),
                         [](const testing::TestParamInfo<Mistake>& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The same seed is the same history, with any number of threads.
TEST(Simulation, IsDeterministic) {
  const Mind& mind = find_mistake("one-404-is-gone")->mind;
  const Outcome one = run_many(mind, first_seed, 2000, 1);
  const Outcome other = run_many(mind, first_seed, 2000, 3);
  ASSERT_TRUE(one.failure);
  ASSERT_TRUE(other.failure);
  EXPECT_EQ(one.failure->seed, other.failure->seed);
  EXPECT_EQ(one.failure->text, other.failure->text);
  EXPECT_EQ(tell(mind, one.failure->seed).log, tell(mind, one.failure->seed).log);
}

// What is told in the end shows the same fault with fewer choices.
TEST(Simulation, ShrinksAFailure) {
  const Mind& mind = find_mistake("refusal-after-doubt")->mind;
  const Outcome outcome = run_many(mind, first_seed, enough);
  ASSERT_TRUE(outcome.failure);
  const Told whole = tell(mind, outcome.failure->seed);
  const Told shortest = tell_shortest(mind, outcome.failure->seed);
  ASSERT_TRUE(whole.broken);
  ASSERT_TRUE(shortest.broken);
  EXPECT_LT(shortest.choices, whole.choices);
  EXPECT_LT(shortest.log.size(), whole.log.size());
}

TEST(Shrinking, LeavesOnlyWhatIsNeeded) {
  const Script script = {7, 0, 9, 3, 40, 2, 8, 1};
  const Script shortest = shrink(script, [](const Script& one) {
    return std::any_of(one.begin(), one.end(), [](std::uint32_t value) { return value >= 20; });
  });
  EXPECT_EQ(shortest, Script({20}));
}

}  // namespace
}  // namespace genpro::simulation
