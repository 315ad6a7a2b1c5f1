// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Clips that follow each other: each from its first frame and sample on, where the one before has
// ended.
#include <random>

#include "unit/take_output.h"

namespace genpro::test {
namespace {

struct Rundown {
  int clips;     // in one run
  int shortest;  // ms, of a clip
  int longest;
  Time lead;  // of the sound, at most: it is given to what follows while the one before is on
};

// Of any rates and lengths, seen at any. GENPRO_FOLLOWERS says how many, GENPRO_FOLLOWING_SEED
// repeats a run.
class Following : public testing::TestWithParam<Rundown> {};

TEST_P(Following, ClipsOfAnyRateFollowEachOtherToTheSample) {
  const std::uint64_t seed =
      number_from("GENPRO_FOLLOWING_SEED", std::random_device()() % 1'000'000);
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto upto = [&](std::uint64_t most) { return random() % (most + 1); };
  const std::uint64_t most = number_from("GENPRO_FOLLOWERS", 200);
  for (std::uint64_t done = 0; done < most;) {
    SCOPED_TRACE("GENPRO_FOLLOWING_SEED=" + std::to_string(seed) + ", clips from " +
                 std::to_string(done));
    const Rate rate = rates[upto(rates.size() - 1)];
    const auto lead =
        static_cast<Time>(upto(upto(2) == 0 ? GetParam().lead : 60 * Time{GST_MSECOND}));
    Output output(rate, lead);
    bin::Timeline& timeline = output.timeline();
    timeline.set_has_more(true);
    std::vector<FakePlaying*> clips;
    std::size_t given = 0;
    for (int number = 0; number < GetParam().clips; ++number, ++done) {
      const Rate own = rates[upto(rates.size() - 1)];
      const auto span = static_cast<std::uint64_t>(GetParam().longest - GetParam().shortest);
      const int length = GetParam().shortest + static_cast<int>(upto(span));
      clips.push_back(&output.add(clip_at(own, length * own.n / own.d / 1000)));
    }
    timeline.follow(clips[given++]->decoder());
    // Each is given when the one before it is on, as the control does it.
    while (output.followed.size() < clips.size() &&
           output.now() < GetParam().clips * 10 * Time{GST_SECOND}) {
      output.run_until(output.now() + time_at(1, rate));
      if (given == output.followed.size() && given < clips.size()) {
        timeline.follow(clips[given++]->decoder());
      }
    }
    ASSERT_EQ(output.followed.size(), clips.size());
    output.run_until(output.now() + 2 * GST_SECOND);
    const auto first =
        std::ranges::find_if(output.seen, [](const OutputFrame& seen) { return seen.clip == 0; });
    ASSERT_NE(first, output.seen.end());
    Time start = first->time;
    for (std::size_t number = 0; number + 1 < clips.size(); ++number) {
      const auto place = static_cast<int>(number);
      EXPECT_EQ(output.followed[number], (std::pair<int, bool>(place, number > 0)));
      const auto length = clips[number]->decoded().length();
      ASSERT_TRUE(length);
      // What begins within a millisecond of a frame is on with it.
      const Time until = start + *length - GST_MSECOND;
      ASSERT_NO_FATAL_FAILURE(expect_plays(output, *clips[number], start, 0, until));
      start += *length;
    }
    // All of it, but for a sample that rounding makes of a border.
    const auto samples = bin::samples_at(start) - bin::samples_at(first->time);
    EXPECT_NEAR(static_cast<double>(output.heard_between(first->time, start)),
                static_cast<double>(samples), static_cast<double>(2 + clips.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(InARun, Following,
                         testing::Values(Rundown{10, 2000, 4400, GST_SECOND},
                                         Rundown{200, 500, 900, 60 * Time{GST_MSECOND}}),
                         [](const auto& info) { return std::to_string(info.param.clips); });

class FollowingTest : public testing::Test {
 protected:
  FakePlaying& add(int frames) { return output.add(clip_at({25, 1}, frames)); }
  // Of which nothing comes.
  FakePlaying& add_late() {
    FakeClip clip = clip_at({25, 1}, 50);
    clip.stalls_at = 0;
    clip.stalls_for = G_MAXINT / 2;
    return output.add(clip);
  }
  // Where that one is seen from its first frame on.
  Time start_of(const FakePlaying& clip) {
    const auto first = std::ranges::find_if(
        output.seen, [&](const OutputFrame& seen) { return seen.clip == clip.number(); });
    EXPECT_NE(first, output.seen.end()) << "clip " << clip.number() << " is not on";
    if (first == output.seen.end()) return 0;
    EXPECT_EQ(first->content, 0);
    return first->time;
  }
  static constexpr Time frame_time = GST_SECOND / 25;
  Output output{{25, 1}, 0};
  bin::Timeline& timeline = output.timeline();
};

TEST_F(FollowingTest, OneThatIsHeldBackMayFollowLater) {
  FakePlaying& one = add(50);
  FakePlaying& two = add(50);
  FakePlaying& three = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  EXPECT_FALSE(timeline.hold_back(one.decoder())) << "it is on";
  timeline.follow(two.decoder());
  EXPECT_TRUE(timeline.hold_back(two.decoder()));
  timeline.follow(three.decoder());
  output.run_until(3 * GST_SECOND);
  timeline.follow(two.decoder());
  output.run_until(6 * GST_SECOND);
  EXPECT_EQ(start_of(three), start_of(one) + 50 * frame_time);
  EXPECT_EQ(start_of(two), start_of(three) + 50 * frame_time);
}

TEST_F(FollowingTest, OneThatIsReplacedBeforeItFollowsIsRetired) {
  FakePlaying& one = add(50);
  FakePlaying& two = add(50);
  FakePlaying& three = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  timeline.follow(three.decoder());
  EXPECT_EQ(output.retired, std::vector<int>{1});
  output.run_until(3 * GST_SECOND);
  EXPECT_EQ(start_of(three), start_of(one) + 50 * frame_time);
}

TEST_F(FollowingTest, ADeadlineIsOfWhatWaitsAndLeavesWhatFollows) {
  timeline.set_late_clip(bin::LateClip::drop);
  FakePlaying& one = add(100);
  FakePlaying& late = add_late();
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.offer(late.decoder());
  timeline.follow(two.decoder());
  timeline.set_needed_by(2 * GST_SECOND);
  output.run_until(6 * GST_SECOND);
  EXPECT_EQ(output.told, std::vector<std::string>{"missed"});
  EXPECT_EQ(output.deadlines, std::vector<int>{1});
  EXPECT_EQ(output.retired.front(), 1);
  EXPECT_EQ(start_of(two), start_of(one) + 100 * frame_time);
}

TEST_F(FollowingTest, ADeadlineIsOfWhatFollowsWhereNothingElseWaits) {
  timeline.set_late_clip(bin::LateClip::drop);
  FakePlaying& late = add_late();
  FakePlaying& failed = add_late();
  timeline.follow(late.decoder());
  timeline.offer(failed.decoder());
  timeline.withdraw(failed.decoder());
  timeline.set_needed_by(GST_SECOND);
  output.run_until(2 * GST_SECOND);
  EXPECT_EQ(output.told, std::vector<std::string>{"missed"});
  EXPECT_EQ(output.deadlines, std::vector<int>{0});
  EXPECT_EQ(output.retired, (std::vector<int>{1, 0}));
}

TEST_F(FollowingTest, ADeadlineThatIsMetIsOfWhatWasOn) {
  FakePlaying& one = add(100);
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  timeline.set_needed_by(2 * GST_SECOND);
  output.run_until(3 * GST_SECOND);
  EXPECT_EQ(output.told, std::vector<std::string>{"met"});
  EXPECT_EQ(output.deadlines, std::vector<int>{0});
}

TEST_F(FollowingTest, ASkipIsAtOnceAndATakeAtItsFrame) {
  FakePlaying& one = add(200);
  FakePlaying& two = add(200);
  FakePlaying& three = add(200);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  EXPECT_FALSE(timeline.skip()) << "nothing follows";
  timeline.follow(two.decoder());
  output.run_until(2 * GST_SECOND);
  const Time skipped = output.now();
  EXPECT_TRUE(timeline.skip());
  output.run_until(3 * GST_SECOND);
  EXPECT_EQ(start_of(two), skipped);
  timeline.follow(three.decoder());
  EXPECT_TRUE(timeline.take(4 * GST_SECOND));
  output.run_until(5 * GST_SECOND);
  EXPECT_EQ(start_of(three), 4 * GST_SECOND);
  EXPECT_EQ(output.followed,
            (std::vector<std::pair<int, bool>>{{0, false}, {1, false}, {2, false}}));
}

TEST_F(FollowingTest, ATakeThatIsToComeWhenOneIsSkippedToIsOfTheOneBehindIt) {
  FakePlaying& one = add(400);
  FakePlaying& two = add(400);
  FakePlaying& three = add(200);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  timeline.arm(5 * GST_SECOND);
  output.run_until(2 * GST_SECOND);
  const Time skipped = output.now();
  EXPECT_TRUE(timeline.skip());
  EXPECT_EQ(timeline.armed(), 5 * GST_SECOND);
  output.run_until(3 * GST_SECOND);
  timeline.follow(three.decoder());
  output.run_until(6 * GST_SECOND);
  EXPECT_EQ(start_of(two), skipped);
  EXPECT_EQ(start_of(three), 5 * GST_SECOND);
  EXPECT_TRUE(output.late.empty());
  EXPECT_FALSE(timeline.armed());
}

TEST_F(FollowingTest, ATakeThatHasComeBeforeWhatIsSkippedToIsThere) {
  FakeClip slow = clip_at({25, 1}, 50);
  slow.stalls_at = 0;
  slow.stalls_for = 75;
  FakePlaying& one = add(400);
  FakePlaying& two = output.add(slow);
  FakePlaying& three = add(200);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  timeline.arm(2 * GST_SECOND);
  EXPECT_TRUE(timeline.skip());
  output.run_until(4 * GST_SECOND);
  timeline.follow(three.decoder());
  output.run_until(7 * GST_SECOND);
  EXPECT_GT(start_of(two), 2 * GST_SECOND);
  EXPECT_EQ(output.late.at(two.number()), start_of(two) - 2 * GST_SECOND);
  EXPECT_EQ(start_of(three), start_of(two) + 50 * frame_time) << "it is not taken once more";
}

TEST_F(FollowingTest, ASkipIsOverWhenNothingFollows) {
  FakePlaying& one = add(100);
  FakePlaying& failed = add_late();
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(failed.decoder());
  EXPECT_TRUE(timeline.skip());
  output.run_until(2 * GST_SECOND);
  timeline.withdraw(failed.decoder());
  timeline.set_has_more(false);
  timeline.set_has_more(true);
  timeline.follow(two.decoder());
  output.run_until(6 * GST_SECOND);
  EXPECT_EQ(start_of(two), start_of(one) + 100 * frame_time);
}

TEST_F(FollowingTest, OneThatWasCuedAndHeldBackBeginsAtItsPosition) {
  FakePlaying& one = add(100);
  FakePlaying& two = add(100);
  timeline.set_holds(true);
  timeline.follow(two.decoder());
  output.run_until(GST_SECOND);
  ASSERT_TRUE(timeline.seek_cue(2 * GST_SECOND));
  output.run_until(output.now() + frame_time);
  two.see(2 * GST_SECOND);
  output.run_until(2 * GST_SECOND);
  ASSERT_EQ(output.cued.size(), 2U);
  ASSERT_TRUE(timeline.hold_back(two.decoder()));
  timeline.set_holds(false);
  timeline.follow(one.decoder());
  output.run_until(4 * GST_SECOND);
  timeline.follow(two.decoder());
  const Time start = start_of(one) + 100 * frame_time;
  output.run_until(start + 3 * GST_SECOND);
  expect_plays(output, two, start, 2 * GST_SECOND, start + 2 * GST_SECOND);
}

TEST_F(FollowingTest, FadesInOverTheEndOfTheOneBeforeWhichGoesOn) {
  constexpr int faded = 10;
  timeline.set_fade(faded * frame_time);
  FakePlaying& one = add(50);
  FakePlaying& two = add(50);
  FakePlaying& three = add(50);
  timeline.follow(two.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(three.decoder());
  output.run_until(3 * GST_SECOND);
  timeline.follow(one.decoder());
  output.run_until(6 * GST_SECOND);
  const Time start = start_of(two) + (50 - faded) * frame_time;
  EXPECT_EQ(start_of(three), start);
  EXPECT_EQ(start_of(one), start + (50 - faded) * frame_time);
  for (int number = 0; number < faded; ++number) {
    const OutputFrame& seen = output.seen_at(start + number * frame_time);
    EXPECT_EQ(seen.clip, three.number());
    EXPECT_EQ(seen.content, number * frame_time);
    EXPECT_EQ(seen.under, two.number());
    EXPECT_EQ(seen.under_content, (50 - faded + number) * frame_time);
  }
  EXPECT_EQ(output.seen_at(start + faded * frame_time).under, -1);
  const auto middle = static_cast<std::size_t>(bin::samples_at(start + faded * frame_time / 2));
  EXPECT_GT(output.heard.at(middle).mark, two.mark() + 100) << "both are heard";
  EXPECT_LT(output.heard.at(middle).mark, three.mark() - 100) << "both are heard";
}

TEST_F(FollowingTest, OverAFadeOfSecondsTheOneBeforeGoesOn) {
  constexpr int faded = 125;
  FakePlaying& one = add(400);
  FakePlaying& two = add(200);
  timeline.set_fade(faded * frame_time);
  one.decoded().set_fade(faded * frame_time);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  output.run_until(18 * GST_SECOND);
  const Time start = start_of(one) + (400 - faded) * frame_time;
  EXPECT_EQ(start_of(two), start);
  for (int number = 0; number < faded; ++number) {
    const OutputFrame& seen = output.seen_at(start + number * frame_time);
    EXPECT_EQ(seen.under, one.number());
    EXPECT_EQ(seen.under_content, (400 - faded + number) * frame_time);
  }
}

// What comes later than that, or after one that is shorter than the fade.
TEST_F(FollowingTest, FadesInOverTheLastFrameWhereNothingElseIsLeft) {
  constexpr int faded = 10;
  timeline.set_fade(faded * frame_time);
  timeline.set_at_end(bin::AtEnd::hold);
  FakePlaying& one = add(50);
  FakePlaying& brief = add(5);
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(3 * GST_SECOND);
  const Time start = output.now();
  timeline.follow(brief.decoder());
  output.run_until(start + frame_time);
  timeline.follow(two.decoder());
  output.run_until(start + GST_SECOND);
  EXPECT_EQ(start_of(brief), start);
  EXPECT_EQ(start_of(two), start + 5 * frame_time);
  EXPECT_EQ(output.seen_at(start).under, one.number());
  EXPECT_EQ(output.seen_at(start).under_content, 49 * frame_time);
  const OutputFrame& second = output.seen_at(start_of(two) + frame_time);
  EXPECT_EQ(second.under, brief.number());
  EXPECT_EQ(second.under_content, 4 * frame_time);
}

TEST_F(FollowingTest, TheStreamEndsWhenNoMoreFollow) {
  timeline.set_at_end(bin::AtEnd::eos);
  timeline.set_has_more(true);
  FakePlaying& one = add(25);
  timeline.follow(one.decoder());
  output.run_until(3 * GST_SECOND);
  EXPECT_EQ(output.seen.back().clip, -1) << "another one is waited for";
  EXPECT_FALSE(timeline.frame(output.now(), frame_time, kept).is_end);
  timeline.set_has_more(false);
  EXPECT_TRUE(timeline.frame(output.now() + frame_time, frame_time, kept).is_end);
}

TEST_F(FollowingTest, WhatIsOfferedIsOnBeforeAndWhatFollowsIsAfterIt) {
  FakePlaying& one = add(100);
  FakePlaying& two = add(50);
  FakePlaying& offered = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.follow(two.decoder());
  timeline.offer(offered.decoder());
  output.run_until(5 * GST_SECOND);
  EXPECT_LT(start_of(offered), start_of(one) + 100 * frame_time);
  EXPECT_EQ(start_of(two), start_of(offered) + 50 * frame_time);
}

TEST_F(FollowingTest, WhereClipsAreHeldEachIsCuedInItsTurn) {
  timeline.set_holds(true);
  FakePlaying& one = add(50);
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  EXPECT_EQ(output.cued, std::vector<int>{0});
  EXPECT_TRUE(timeline.take(GST_SECOND + 5 * frame_time));
  output.run_until(2 * GST_SECOND);
  timeline.follow(two.decoder());
  output.run_until(5 * GST_SECOND);
  EXPECT_EQ(start_of(one), GST_SECOND + 5 * frame_time);
  EXPECT_EQ(output.cued, (std::vector<int>{0, 1}));
  EXPECT_EQ(output.seen.back().clip, -1) << "it waits";
  EXPECT_TRUE(timeline.take(bin::at_once));
  const Time now = output.now();
  output.run_until(7 * GST_SECOND);
  EXPECT_EQ(start_of(two), now);
}

TEST_F(FollowingTest, OneThatWasCuedFollowsWhenClipsAreHeldNoMore) {
  FakePlaying& one = add(100);
  FakePlaying& two = add(50);
  timeline.follow(one.decoder());
  output.run_until(GST_SECOND);
  timeline.set_holds(true);
  timeline.follow(two.decoder());
  output.run_until(2 * GST_SECOND);
  EXPECT_EQ(output.cued, std::vector<int>{1});
  timeline.set_holds(false);
  output.run_until(6 * GST_SECOND);
  EXPECT_EQ(start_of(two), start_of(one) + 100 * frame_time);
}

}  // namespace
}  // namespace genpro::test
