// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is shown when: properties that hold for any clips, rates and lengths.
#include <gtest/gtest.h>

#include <iostream>

#include "unit/playout_simulation.h"

namespace genpro::test {
namespace {

using bin::AtEnd;
using bin::Time;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = g_getenv(variable);
  return value == nullptr ? otherwise : g_ascii_strtoull(value, nullptr, 10);
}

// GENPRO_TIMELINE_SEED and GENPRO_TIMELINE_SCENARIOS say from which seed on, and how many.
TEST(Timeline, TellsOfEachClipOnceForAnyRatesAndLengths) {
  const std::uint64_t first = number_from("GENPRO_TIMELINE_SEED", 1);
  const std::uint64_t number = number_from("GENPRO_TIMELINE_SCENARIOS", 1000);
  std::uint64_t started = 0;
  std::uint64_t repeats = 0;
  for (std::uint64_t seed = first; seed < first + number; ++seed) {
    const Scenario scenario = Scenario::random(seed);
    const Outcome outcome = simulate(scenario);
    started += outcome.started;
    repeats += outcome.repeats;
    if (outcome.problem.empty()) continue;
    const Scenario smallest = shrink(scenario);
    FAIL() << "GENPRO_TIMELINE_SEED=" << seed << " GENPRO_TIMELINE_SCENARIOS=1: " << outcome.problem
           << "\nAt its smallest:\n"
           << smallest.text() << simulate(smallest).history;
  }
  std::cout << started << " clips and " << repeats << " repeats, seeds from " << first << '\n';
  EXPECT_GT(started, number);
  EXPECT_GT(repeats, number / 4);
}

FakeClip clip(int frames, int fps_n, int fps_d) {
  FakeClip clip;
  Time end = 0;
  for (int number = 1; number <= frames; ++number) {
    const auto next = static_cast<Time>(gst_util_uint64_scale(
        static_cast<guint64>(number), GST_SECOND * static_cast<guint64>(fps_d),
        static_cast<guint64>(fps_n)));
    clip.frames.push_back(next - end);
    end = next;
  }
  clip.audio = end;
  return clip;
}

TEST(Timeline, TellsOfAnEndShortlyAfterAFrameBegan) {
  for (int frames = 1; frames <= 60; ++frames) {
    for (const int fps : {25, 30, 60}) {
      Scenario scenario;
      scenario.fps_n = fps;
      scenario.audio_lead = 60 * GST_MSECOND;
      scenario.frames = 4 * fps;
      scenario.clips = {clip(frames, 30'000, 1001)};
      const Outcome outcome = simulate(scenario);
      EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
      EXPECT_EQ(outcome.started, 1U);
    }
  }
}

TEST(Timeline, DoesNotGoOnWithAClipThatWasCut) {
  Scenario scenario;
  scenario.fps_n = 50;
  scenario.frames = 90;
  scenario.audio_lead = 270 * GST_MSECOND;
  scenario.clips = {clip(20, 20, 1)};
  FakeClip& failing = scenario.clips[0];
  failing.offered = 22;
  failing.stalls_at = 17;
  failing.stalls_for = 23;
  failing.fails = 61;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
  EXPECT_EQ(outcome.started, 1U);
}

TEST(Timeline, ShowsEachFrameOnceAtTheClipsOwnRate) {
  Scenario scenario;
  scenario.fps_n = 30'000;
  scenario.fps_d = 1001;
  scenario.at_end = AtEnd::loop;
  scenario.audio_lead = 200 * GST_MSECOND;
  scenario.frames = 900;
  scenario.clips = {clip(31, 30'000, 1001)};
  scenario.clips[0].offered = 17;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
  EXPECT_GE(outcome.repeats, 27U);
}

}  // namespace
}  // namespace genpro::test
