// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an operator calls for, at random running times and rates: on air at the very frame, with its
// sound, and nothing lost or repeated where it begins.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "unit/take_output.h"

namespace genpro::test {
namespace {

// A clip is on until another is taken. GENPRO_TAKES says how many, GENPRO_TAKE_SEED repeats a run.
TEST(Take, IsOnAirAtItsFrameWithItsSoundAThousandTimes) {
  const std::uint64_t seed = number_from("GENPRO_TAKE_SEED", std::random_device()() % 1'000'000);
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto upto = [&](Time most) {
    return static_cast<Time>(random() % static_cast<std::uint64_t>(most + 1));
  };
  const std::uint64_t most = number_from("GENPRO_TAKES", 1000);
  for (std::uint64_t takes = 0; takes < most;) {
    SCOPED_TRACE("GENPRO_TAKE_SEED=" + std::to_string(seed) + ", takes from " +
                 std::to_string(takes));
    const Rate rate = rates[static_cast<std::size_t>(upto(rates.size() - 1))];
    // Video that is ahead by a block or two, or behind by much, as what follows has it.
    const Time lead = upto(3) == 0 ? upto(3 * GST_SECOND) : upto(60 * GST_MSECOND) - 60'000'000;
    Output output(rate, lead);
    output.timeline().set_holds(true);
    FakePlaying* on = nullptr;
    Time on_since = 0;
    for (int number = 0; number < 10; ++number, ++takes) {
      const Rate own = rates[static_cast<std::size_t>(upto(rates.size() - 1))];
      FakePlaying& clip = output.add(clip_at(own, 15 * own.n / own.d));
      output.timeline().offer(clip.decoder());
      const Time begun = output.now();
      output.run_until(begun + 200 * GST_MSECOND + upto(GST_SECOND));
      ASSERT_EQ(output.cued.back(), clip.number());
      Time asked = output.now() + std::max<Time>(0, lead) + time_at(2, rate) + 20'000'000 +
                   upto(700 * GST_MSECOND);
      // Now and then a frame's very time, or the nanosecond after it.
      if (number % 3 > 0) asked = output.next_frame_from(asked) + number % 3 - 1;
      ASSERT_TRUE(output.timeline().take(asked));
      const Time start = output.next_frame_from(asked);
      output.run_until(start + 100 * GST_MSECOND + std::max<Time>(0, lead));
      ASSERT_EQ(output.seen_at(start).clip, clip.number())
          << "taken for " << asked << ", which is the frame of " << start << " at " << rate.n << '/'
          << rate.d << ", sound ahead by " << ms(lead);
      ASSERT_EQ(output.seen_at(start).content, 0);
      ASSERT_NO_FATAL_FAILURE(expect_plays(output, clip, start, 0, output.done()));
      if (on != nullptr) {
        ASSERT_NO_FATAL_FAILURE(expect_plays(output, *on, on_since, 0, start));
      }
      on = &clip;
      on_since = start;
    }
    EXPECT_TRUE(output.late.empty());
    EXPECT_TRUE(output.told.empty());
  }
}

class TakeTest : public testing::Test {
 protected:
  FakePlaying& cue(int frames = 200) {
    FakePlaying& clip = output.add(clip_at({25, 1}, frames));
    timeline.set_holds(true);
    timeline.offer(clip.decoder());
    output.run_until(output.now() + GST_SECOND);
    return clip;
  }
  struct Replay {
    FakePlaying& clip;   // that was on
    FakePlaying& next;   // that is cued
    FakePlaying& again;  // the first one, from `start` on
    Time start;
  };
  Replay replay_with_another_cued() {
    FakePlaying& clip = cue();
    EXPECT_TRUE(timeline.take(bin::at_once));
    output.run_until(output.now() + GST_SECOND);
    FakePlaying& next = cue();
    FakePlaying& again = output.add(clip.clip());
    const Time start = output.now() + 30 * frame_time;
    timeline.replay(again.decoder(), start);
    return {clip, next, again, start};
  }
  static constexpr Time frame_time = GST_SECOND / 25;
  Output output{{25, 1}, 0};
  bin::Timeline& timeline = output.timeline();
};

TEST_F(TakeTest, ThatIsLateIsOnAtOnceAndSaysByHowMuch) {
  FakePlaying& clip = cue();
  const Time now = output.now();
  EXPECT_TRUE(timeline.take(now - 10 * frame_time));
  output.run_until(now + GST_SECOND);
  EXPECT_EQ(output.late.at(clip.number()), 10 * frame_time);
  expect_plays(output, clip, now, 0, output.done());
}

TEST_F(TakeTest, OfAClipThatIsNotThereYetHolds) {
  timeline.set_holds(true);
  EXPECT_FALSE(timeline.take(bin::at_once));
  FakeClip slow = clip_at({25, 1}, 100);
  slow.stalls_at = 0;
  slow.stalls_for = 30;
  FakePlaying& clip = output.add(slow);
  timeline.offer(clip.decoder());
  output.run_until(10 * frame_time);
  EXPECT_TRUE(timeline.take(12 * frame_time));
  output.run_until(60 * frame_time);
  const auto first = std::ranges::find(output.seen, 0, &OutputFrame::clip);
  ASSERT_TRUE(first != output.seen.end());
  EXPECT_GE(first->time, 30 * frame_time);
  EXPECT_EQ(output.late.at(0), first->time - 12 * frame_time);
}

TEST_F(TakeTest, IsTakenBack) {
  cue();
  EXPECT_FALSE(timeline.untake());
  EXPECT_TRUE(timeline.take(output.now() + 5 * frame_time));
  EXPECT_TRUE(timeline.untake());
  output.run_until(output.now() + GST_SECOND);
  for (const OutputFrame& seen : output.seen) EXPECT_EQ(seen.clip, -1);
  EXPECT_EQ(output.heard_between(0, output.done()), 0U);
}

TEST_F(TakeTest, OfAPositionBeginsThere) {
  FakePlaying& clip = cue();
  const Time position = 3 * GST_SECOND + 7 * GST_MSECOND;
  EXPECT_TRUE(timeline.seek_cue(position));
  output.run_until(output.now() + frame_time);
  clip.see(position);
  output.run_until(output.now() + 3 * GST_SECOND);
  const Time start = output.now() + 3 * frame_time;
  EXPECT_TRUE(timeline.take(start));
  output.run_until(start + GST_SECOND);
  expect_plays(output, clip, start, position, output.done());
  EXPECT_EQ(output.cued, (std::vector<int>{0, 0}));
}

TEST_F(TakeTest, AtAPositionBeyondTheEndIsNone) {
  cue(50);
  EXPECT_TRUE(timeline.seek_cue(2 * GST_SECOND));
  output.run_until(output.now() + GST_SECOND);
  EXPECT_EQ(output.told, (std::vector<std::string>{"past end"}));
  EXPECT_TRUE(timeline.take(bin::at_once));
  output.run_until(output.now() + GST_SECOND);
  for (const OutputFrame& seen : output.seen) EXPECT_EQ(seen.clip, -1);
}

TEST_F(TakeTest, FrozenItStandsInSilenceAndGoesOnFromThere) {
  FakePlaying& clip = cue();
  const Time start = output.now() + 5 * frame_time;
  const Time frozen = start + 20 * frame_time;
  const Time thawed = frozen + 30 * frame_time;
  EXPECT_FALSE(timeline.freeze(bin::at_once)) << "no clip is on";
  EXPECT_TRUE(timeline.take(start));
  EXPECT_TRUE(timeline.unfreeze(thawed));
  EXPECT_TRUE(timeline.freeze(frozen));
  output.run_until(thawed + GST_SECOND);
  expect_plays(output, clip, start, 0, frozen);
  for (Time time = frozen; time < thawed; time += frame_time) {
    EXPECT_EQ(output.seen_at(time).content, frozen - start);
  }
  EXPECT_EQ(output.heard_between(frozen, thawed), 0U);
  expect_plays(output, clip, thawed, frozen - start, output.done());
  EXPECT_TRUE(output.told.empty());
  EXPECT_EQ(timeline.stats().silent_samples, 0U);
}

TEST_F(TakeTest, IsClearedOnItsFrame) {
  FakePlaying& clip = cue();
  const Time start = output.now() + 5 * frame_time;
  const Time cleared = start + 20 * frame_time - 3 * GST_MSECOND;
  EXPECT_TRUE(timeline.take(start));
  EXPECT_TRUE(timeline.clear(cleared));
  EXPECT_TRUE(timeline.freeze(cleared + GST_SECOND));
  output.run_until(start + 2 * GST_SECOND);
  const Time end = start + 20 * frame_time;
  expect_plays(output, clip, start, 0, end);
  for (const OutputFrame& seen : output.seen)
    EXPECT_EQ(seen.clip == -1, seen.time < start || seen.time >= end);
  EXPECT_EQ(output.heard_between(end, output.done()), 0U);
  EXPECT_EQ(output.told, (std::vector<std::string>{"freeze"}));
}

TEST_F(TakeTest, AgainBeginsAtItsFrameAndLeavesWhatIsCued) {
  const Replay replay = replay_with_another_cued();
  output.run_until(replay.start + GST_SECOND);
  expect_plays(output, replay.again, replay.start, 0, output.done());
  EXPECT_EQ(output.seen_at(replay.start - frame_time).clip, replay.clip.number());
  EXPECT_EQ(timeline.waiting(), replay.next.decoder());
}

class Deadline : public TakeTest, public testing::WithParamInterface<bin::LateClip> {};

TEST_P(Deadline, ThatIsMissedPutsTheFallbackOnItsFrame) {
  timeline.set_late_clip(GetParam());
  FakePlaying& fallback = output.add(clip_at({25, 1}, 200));
  timeline.set_fallback(fallback.decoder());
  FakeClip slow = clip_at({25, 1}, 100);
  slow.stalls_at = 0;
  slow.stalls_for = 50;
  FakePlaying& clip = output.add(slow);
  timeline.offer(clip.decoder());
  const Time asked = 40 * frame_time - 11 * GST_MSECOND;
  timeline.set_needed_by(asked);
  output.run_until(80 * frame_time);
  const Time start = 40 * frame_time;
  EXPECT_EQ(output.seen_at(start - frame_time).clip, -1);
  EXPECT_EQ(output.told, (std::vector<std::string>{"missed"}));
  const bool is_taken = GetParam() == bin::LateClip::take;
  const auto taken = std::ranges::find(output.seen, clip.number(), &OutputFrame::clip);
  EXPECT_EQ(taken != output.seen.end(), is_taken);
  const Time end = is_taken ? taken->time : output.done();
  EXPECT_GT(end, start);
  expect_plays(output, fallback, start, 0, end);
  if (is_taken) expect_plays(output, clip, end, 0, output.done());
  EXPECT_EQ(timeline.waiting() != nullptr, GetParam() == bin::LateClip::cue);
}

INSTANTIATE_TEST_SUITE_P(Late, Deadline,
                         testing::Values(bin::LateClip::drop, bin::LateClip::cue,
                                         bin::LateClip::take));

TEST_F(TakeTest, ThatIsCuedMeetsItsDeadline) {
  FakePlaying& fallback = output.add(clip_at({25, 1}, 200));
  timeline.set_fallback(fallback.decoder());
  timeline.set_needed_by(2 * GST_SECOND);
  cue();
  output.run_until(3 * GST_SECOND);
  EXPECT_EQ(output.told, (std::vector<std::string>{"met"}));
  for (const OutputFrame& seen : output.seen) EXPECT_EQ(seen.clip, -1);
}

TEST_F(TakeTest, ThatIsStillToComeOutlivesAClipThatIsGivenUp) {
  FakeClip slow = clip_at({25, 1}, 100);
  slow.stalls_at = 0;
  slow.stalls_for = 1000;
  timeline.offer(output.add(slow).decoder());
  EXPECT_TRUE(timeline.take(60 * frame_time));
  timeline.set_needed_by(20 * frame_time);
  output.run_until(30 * frame_time);
  EXPECT_EQ(output.retired, (std::vector<int>{0}));
  FakePlaying& next = output.add(clip_at({25, 1}, 100));
  timeline.offer(next.decoder());
  output.run_until(80 * frame_time);
  EXPECT_EQ(output.seen_at(59 * frame_time).clip, -1);
  expect_plays(output, next, 60 * frame_time, 0, output.done());
}

TEST_F(TakeTest, ThatWasToBeByTheDeadlineIsNoneOfAClipThatIsCuedThen) {
  timeline.set_late_clip(bin::LateClip::cue);
  FakeClip slow = clip_at({25, 1}, 100);
  slow.stalls_at = 0;
  slow.stalls_for = 50;
  timeline.offer(output.add(slow).decoder());
  EXPECT_TRUE(timeline.take(40 * frame_time));
  timeline.set_needed_by(40 * frame_time);
  output.run_until(80 * frame_time);
  EXPECT_EQ(timeline.armed(), std::nullopt);
  EXPECT_EQ(output.cued, (std::vector<int>{0}));
  for (const OutputFrame& seen : output.seen) EXPECT_EQ(seen.clip, -1);
}

// Also one in place of another that could not be shown.
TEST_F(TakeTest, AFallbackThatIsSetAfterTheDeadlineIsOn) {
  FakeClip broken = clip_at({25, 1}, 100);
  broken.stalls_at = 0;
  broken.stalls_for = 1000;
  timeline.set_fallback(output.add(broken).decoder());
  timeline.set_needed_by(10 * frame_time);
  output.run_until(20 * frame_time);
  EXPECT_EQ(output.told, (std::vector<std::string>{"missed"}));
  FakePlaying& fallback = output.add(clip_at({25, 1}, 200));
  timeline.set_fallback(nullptr);
  timeline.set_fallback(fallback.decoder());
  output.run_until(30 * frame_time);
  EXPECT_EQ(output.seen.back().clip, fallback.number());
  // The next one is for a deadline of its own.
  FakePlaying& next = output.add(clip_at({25, 1}, 200));
  timeline.set_fallback(next.decoder());
  timeline.set_needed_by(60 * frame_time);
  output.run_until(80 * frame_time);
  EXPECT_EQ(output.seen_at(59 * frame_time).clip, fallback.number());
  expect_plays(output, next, 60 * frame_time, 0, output.done());
}

TEST_F(TakeTest, AFallbackThatWasNotReadyIsForgottenWithAnotherDeadline) {
  timeline.set_needed_by(10 * frame_time);
  output.run_until(20 * frame_time);
  timeline.set_needed_by(60 * frame_time);
  FakePlaying& fallback = output.add(clip_at({25, 1}, 200));
  timeline.set_fallback(fallback.decoder());
  output.run_until(80 * frame_time);
  EXPECT_EQ(output.seen_at(59 * frame_time).clip, -1);
  expect_plays(output, fallback, 60 * frame_time, 0, output.done());
}

TEST_F(TakeTest, IsNotLostToWhatIsPlayedAgainAtTheSameFrame) {
  const Replay replay = replay_with_another_cued();
  EXPECT_TRUE(timeline.take(replay.start));
  output.run_until(replay.start + GST_SECOND);
  expect_plays(output, replay.next, replay.start, 0, output.done());
}

TEST(Clear, LeavesWhatBeginsAtTheSameFrame) {
  Output output({25, 1}, 200 * GST_MSECOND);
  FakePlaying& clip = output.add(clip_at({25, 1}, 200));
  output.timeline().offer(clip.decoder());
  while (output.timeline().last() == nullptr) output.run_until(output.now() + 1);
  EXPECT_TRUE(output.timeline().clear(bin::at_once));
  output.run_until(output.now() + GST_SECOND);
  EXPECT_EQ(output.seen.back().clip, clip.number());
  EXPECT_EQ(output.told, (std::vector<std::string>{"clear"}));
}

TEST_F(TakeTest, ADeadlineIsNotMetByTheClipBefore) {
  cue();
  EXPECT_TRUE(timeline.take(bin::at_once));
  output.run_until(output.now() + GST_SECOND);
  timeline.expect();
  timeline.set_needed_by(output.now() + 5 * frame_time);
  output.run_until(output.now() + 10 * frame_time);
  EXPECT_EQ(output.told, (std::vector<std::string>{"missed"}));
}

TEST_F(TakeTest, WhatIsAskedForIsDroppedOrCuedOnceItsDeadlineHasPassed) {
  for (const auto late : {bin::LateClip::drop, bin::LateClip::cue}) {
    timeline.set_late_clip(late);
    timeline.set_needed_by(output.now() + 5 * frame_time);
    timeline.expect();
    output.run_until(output.now() + 10 * frame_time);
    FakePlaying& clip = output.add(clip_at({25, 1}, 100));
    EXPECT_EQ(timeline.offer(clip.decoder()), late == bin::LateClip::cue);
    output.run_until(output.now() + GST_SECOND);
  }
  EXPECT_EQ(output.told, (std::vector<std::string>{"missed", "missed"}));
  EXPECT_EQ(output.retired, (std::vector<int>{0}));
  EXPECT_EQ(output.cued, (std::vector<int>{1}));
  for (const OutputFrame& seen : output.seen) EXPECT_EQ(seen.clip, -1);
}

TEST_F(TakeTest, FrozenUnderThePlaceholderItIsSeenWhenItGoesOn) {
  timeline.set_on_starve(bin::OnStarve::placeholder);
  FakeClip slow = clip_at({25, 1}, 200);
  slow.stalls_at = 50;
  slow.stalls_for = 100;
  FakePlaying& clip = output.add(slow);
  timeline.offer(clip.decoder());
  const auto run_while = [&](bool is_seen) {
    while (output.seen.empty() || (output.seen.back().clip == clip.number()) == is_seen) {
      output.run_until(output.now() + 1);
    }
  };
  run_while(false);
  run_while(true);
  EXPECT_TRUE(timeline.freeze(bin::at_once));
  output.run_until(output.now() + 5 * GST_SECOND);
  EXPECT_EQ(output.seen.back().clip, -1);
  EXPECT_TRUE(timeline.unfreeze(bin::at_once));
  const Time start = output.now();
  output.run_until(start + GST_SECOND);
  expect_plays(output, clip, start, output.seen_at(start).content, output.done());
  // Its time goes on until it is found to stand still.
  EXPECT_LE(timeline.stats().dropped, 3U);
}

TEST_F(TakeTest, FramesBeforeItsPositionAreNotDropped) {
  FakePlaying& clip = cue();
  EXPECT_TRUE(timeline.seek_cue(2 * GST_SECOND));
  output.run_until(output.now() + frame_time);
  clip.see(2 * GST_SECOND);
  output.run_until(output.now() + 2 * GST_SECOND);
  EXPECT_TRUE(timeline.take(bin::at_once));
  output.run_until(output.now() + GST_SECOND);
  EXPECT_GT(timeline.stats().shown, 20U);
  EXPECT_EQ(timeline.stats().dropped, 0U);
}

TEST_F(TakeTest, TheFallbackDoesNotEndTheStreamBeforeTheLateClip) {
  timeline.set_at_end(bin::AtEnd::eos);
  timeline.set_late_clip(bin::LateClip::take);
  FakePlaying& fallback = output.add(clip_at({25, 1}, 20));
  timeline.set_fallback(fallback.decoder());
  FakeClip slow = clip_at({25, 1}, 100);
  slow.stalls_at = 0;
  slow.stalls_for = 100;
  FakePlaying& clip = output.add(slow);
  timeline.offer(clip.decoder());
  timeline.set_needed_by(40 * frame_time);
  output.run_until(150 * frame_time);
  EXPECT_EQ(output.seen_at(50 * frame_time).clip, fallback.number());
  EXPECT_EQ(output.seen_at(80 * frame_time).clip, -1);
  EXPECT_EQ(output.seen.back().clip, clip.number());
}

// The clip of one generation in two elements, the second of which is ready some frames later.
class StartTogether : public testing::Test {
 protected:
  static constexpr Rate rate{30, 1};
  void offer(Output& output, std::shared_ptr<bin::GroupedStart> start) {
    FakePlaying& clip = output.add(clip_at({25, 1}, 100));
    output.timeline().offer(clip.decoder());
    output.timeline().group(clip.decoder(), std::move(start));
    clips.push_back(&clip);
  }
  static Time start_of(const Output& output) {
    const auto first = std::find_if(output.seen.begin(), output.seen.end(),
                                    [](const OutputFrame& frame) { return frame.clip == 0; });
    return first == output.seen.end() || first->content != 0 ? -1 : first->time;
  }
  void run_both(int until) {
    for (; frame < until; ++frame) {
      one.run_until(time_at(frame, rate));
      other.run_until(time_at(frame, rate));
    }
  }
  int frame = 0;
  std::vector<FakePlaying*> clips;
  Output one{rate, 30'000'000};
  Output other{rate, -20'000'000};
};

TEST_F(StartTogether, WhenBothAreReadySoonAfterEachOther) {
  const auto second = std::make_shared<bin::GroupedStart>("key");
  offer(one, std::make_shared<bin::GroupedStart>("key"));
  run_both(5);
  EXPECT_EQ(start_of(one), -1);
  offer(other, second);
  run_both(20);
  EXPECT_GE(start_of(one), time_at(5, rate));
  EXPECT_EQ(start_of(other), start_of(one));
  ASSERT_NO_FATAL_FAILURE(expect_plays(one, *clips[0], start_of(one), 0, one.done()));
  ASSERT_NO_FATAL_FAILURE(expect_plays(other, *clips[1], start_of(one), 0, other.done()));
}

TEST_F(StartTogether, NotWhenTheOtherOneIsNotReadySoon) {
  const auto second = std::make_shared<bin::GroupedStart>("key");
  offer(one, std::make_shared<bin::GroupedStart>("key"));
  run_both(20);
  EXPECT_GT(start_of(one), 0);
  EXPECT_LT(start_of(one), GST_SECOND / 2);
  offer(other, second);
  run_both(30);
  EXPECT_EQ(start_of(other), time_at(19, rate)) << "at once";
}

TEST_F(StartTogether, OneThatHasGoneIsNotWaitedFor) {
  auto second = std::make_shared<bin::GroupedStart>("key");
  offer(one, std::make_shared<bin::GroupedStart>("key"));
  run_both(3);
  second.reset();
  run_both(6);
  EXPECT_GE(start_of(one), time_at(2, rate));
}

TEST_F(StartTogether, AnotherOnesStartIsItsOwn) {
  const auto second = std::make_shared<bin::GroupedStart>("another key");
  offer(one, std::make_shared<bin::GroupedStart>("key"));
  run_both(6);
  EXPECT_EQ(start_of(one), 0);
}

}  // namespace
}  // namespace genpro::test
