// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What comes when a clip ends, fails or fades.
#include <algorithm>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

bool is_warning(GstMessage* message) {
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING;
}
bool is_error(GstMessage* message) {
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR;
}

TEST(Ending, IsThePlaceholder) {
  LiveService service;
  service.set_clip(clip_of({.frames = 20}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.video().wait_for_more(15));
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_whole(pictures, 1, 20);
  EXPECT_FALSE(pictures.back().mark);
  EXPECT_EQ(service.posts(), 1) << "the end of a clip asks for nothing";
}

TEST(Ending, CanHoldTheLastPictureInSilence) {
  LiveService service;
  service.set_clip(clip_of({.frames = 20}));
  Studio studio(live_bin(service, {{"at-end", "hold"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.video().wait_for_more(20));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_whole(pictures, 1, 20);
  EXPECT_EQ(pictures.back().mark, (Mark{1, 19}));
  const Pictures clip = part_of(pictures, 1);
  EXPECT_GE(clip.size(), 35U);
  // The clip's sound is over, and none comes again.
  EXPECT_EQ(loudness(studio.audio().sound(), pictures.back().pts - 300 * GST_MSECOND,
                     GST_CLOCK_TIME_NONE),
            0);
}

TEST(Ending, CanBeTheEndOfTheStream) {
  LiveService service;
  service.set_clip(clip_of({.frames = 20}));
  Studio studio(live_bin(service, {{"at-end", "eos"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for_end());
  EXPECT_TRUE(studio.outcome().eos);
  EXPECT_TRUE(studio.video().has_ended());
  EXPECT_TRUE(studio.audio().has_ended());
  const Pictures pictures = studio.video().pictures();
  expect_whole(pictures, 1, 20);
  EXPECT_EQ(pictures.back().mark, (Mark{1, 19})) << "and nothing after it";
  studio.stop();
  studio.expect_quiet();
}

TEST(Ending, CanBeTheBeginningWithoutTheNetwork) {
  const ClipSpec spec{.frames = 30};
  LiveService service;
  service.set_clip(clip_of(spec));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 2));
  service.lose_clips();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 5));
  ASSERT_TRUE(studio.video().wait_for_more(3));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  EXPECT_EQ(service.posts(), 1);
  const Pictures pictures = part_of(studio.video().pictures(), 1);
  const Sound sound = studio.audio().sound();
  SCOPED_TRACE(text_of(pictures));
  expect_gapless(pictures);
  // Each round is whole and follows the one before at once, with its sound.
  int next = 0;
  int rounds = 0;
  bool is_behind = false;
  GstClockTime begin = pictures.front().pts;
  for (const Shown& shown : pictures) {
    ASSERT_TRUE(shown.is_of(1));
    // On a machine with too much to do a picture may stand, and those behind it be left out.
    if (next > 0 && shown.mark->frame == next - 1) {
      is_behind = true;
      continue;
    }
    if (is_behind) next = shown.mark->frame < next ? spec.frames : shown.mark->frame;
    is_behind = false;
    if (next == spec.frames) {
      ++rounds;
      expect_in_sync(pictures, sound, spec, begin, shown.pts);
      begin = shown.pts;
      next = 0;
    }
    ASSERT_EQ(shown.mark->frame, next);
    ++next;
  }
  EXPECT_GE(rounds, 4);
  studio.expect_quiet();
}

// Its first round was replaced before it was read to its end.
TEST(Ending, IsTheBeginningWithoutTheNetworkAlsoAfterAnEarlyReplay) {
  LiveService service;
  service.set_clip(clip_of({.frames = 120}));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  gboolean is_done = FALSE;
  g_signal_emit_by_name(studio.bin(), "replay", GST_CLOCK_TIME_NONE, &is_done);
  EXPECT_TRUE(is_done);
  // The replay, and the round after it.
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 3));
  service.lose_clips();
  EXPECT_TRUE(studio.signals().wait_for("clip-started 9041", 4));
  studio.stop();
  studio.expect_quiet();
  EXPECT_EQ(service.posts(), 1);
}

TEST(Ending, IsFollowedByAnotherTakeWithoutTheNetwork) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  const LogListener log("genpro-job:4");
  Studio studio(live_bin(service, {{"reuse", "completed"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  const std::size_t shown = studio.video().pictures().size();
  service.lose_clips();
  studio.generate();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041", 2));
  EXPECT_EQ(service.posts(), 1);
  EXPECT_EQ(get_property(studio.bin(), "status"), "done");
  studio.stop();
  studio.expect_quiet();
  Pictures second = studio.video().pictures();
  second.erase(second.begin(), second.begin() + static_cast<std::ptrdiff_t>(shown));
  expect_whole(second, 1, 30);
  EXPECT_EQ(studio.signals().text(),
            "started 9041, completed 9041, clip-started 9041, clip-ended 9041, started 9041, "
            "completed 9041, clip-started 9041, clip-ended 9041");
  EXPECT_TRUE(eventually([&] {
    const auto lines = log.lines();
    return std::ranges::count_if(lines, [](const std::string& line) {
             return line.find("the clip is delivered") != std::string::npos;
           }) == 2;
  }));
}

TEST(Ending, OfALoopComesWhenItIsSwitchedOff) {
  LiveService service;
  service.set_clip(clip_of({.frames = 20}));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 2));
  set_property(studio.bin(), "at-end", "placeholder");
  EXPECT_TRUE(studio.wait_for_placeholder());
  studio.stop();
  studio.expect_quiet();
}

TEST(Failure, IsAWarningWithItsDetails) {
  LiveService service;
  service.set_post(json_answer(
      422, R"({"error": "Not enough credits", "error_code": "insufficient_credits_for_job"})"));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(is_warning));
  ASSERT_TRUE(studio.video().wait_for_more(15));
  const Outcome outcome = studio.outcome();
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  const BusError& warning = outcome.warnings[0];
  EXPECT_TRUE(warning.is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED)) << warning.name();
  EXPECT_EQ(warning.source, GST_OBJECT_NAME(studio.bin()));
  EXPECT_EQ(warning.detail("http-status-code"), "422");
  EXPECT_EQ(warning.detail("error-code"), "insufficient_credits_for_job");
  EXPECT_EQ(get_property(studio.bin(), "status"), "failed");
}

TEST(Failure, OfTheGenerationSaysWhichAndWhy) {
  LiveService service;
  service.fail(1, "the model had a bad day");
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("failed 9041"));
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_EQ(outcome.warnings[0].detail("generation-id"), "9041");
  EXPECT_NE(outcome.warnings[0].text.find("the model had a bad day"), std::string::npos)
      << outcome.warnings[0].text;
}

TEST(Failure, CanBeAnError) {
  LiveService service;
  service.fail(1, "the model had a bad day");
  Studio studio(live_bin(service, {{"on-error", "error"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(is_error));
  ASSERT_TRUE(studio.signals().wait_for("failed 9041"));
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  EXPECT_TRUE(outcome.warnings.empty()) << outcome.summary();
  EXPECT_TRUE(outcome.errors[0].is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED))
      << outcome.errors[0].name();
  EXPECT_EQ(outcome.errors[0].source, GST_OBJECT_NAME(studio.bin()));
  EXPECT_EQ(outcome.errors[0].detail("generation-id"), "9041");
  studio.stop();
}

TEST(Failure, LeavesTheClipThatIsOn) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  service.hold_from(2);
  Studio studio(live_bin(service, {{"at-end", "loop"}, {"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  const std::size_t before = studio.video().count();
  studio.generate();
  ASSERT_TRUE(service.wait_for_posts(2));
  service.fail(2, "the model had a bad day");
  ASSERT_TRUE(studio.signals().wait_for("failed 9042"));
  ASSERT_TRUE(studio.video().wait_for_more(45));
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  for (std::size_t i = before; i < pictures.size(); ++i)
    ASSERT_TRUE(pictures[i].is_of(1)) << text_of(pictures);
}

TEST(Fade, GoesEvenlyFromOneToTheOther) {
  // Half of each picture is bright, so that all are as bright on average.
  const ClipSpec spec{.frames = 60, .bursts = false};
  LiveService service;
  service.set_clip(clip_of(spec));
  service.hold_from(1);
  Studio studio(live_bin(service, {{"fade", "600"}}));
  studio.play();
  ASSERT_TRUE(studio.video().wait_for_more(5));
  service.complete(1);
  ASSERT_TRUE(studio.wait_for_picture({1, 40}));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_gapless(pictures);
  double last = 0;
  int between = 0;
  GstClockTime begin = 0;
  for (const Shown& shown : pictures) {
    const double now = shown.brightness();
    EXPECT_GE(now, last - 1) << "at " << shown.pts;
    last = now;
    if (now > 20 && begin == 0) begin = shown.pts;
    if (now > 20 && now < 118) ++between;
    if (shown.mark == Mark{1, 40}) break;
  }
  EXPECT_NEAR(last, 125, 4);
  EXPECT_GE(between, 12) << "of 18 pictures";
  // Sound rises with it.
  const Sound sound = studio.audio().sound();
  const double early = loudness(sound, begin, begin + 100 * GST_MSECOND);
  const double middle = loudness(sound, begin + 250 * GST_MSECOND, begin + 350 * GST_MSECOND);
  const double late = loudness(sound, begin + 700 * GST_MSECOND, begin + 800 * GST_MSECOND);
  EXPECT_LT(early, 0.08);
  EXPECT_GT(middle, early);
  EXPECT_LT(middle, late);
  EXPECT_NEAR(late, 0.2, 0.02);
}

TEST(Fade, GoesBackToThePlaceholder) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"fade", "400"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.video().wait_for_next([](const Shown& s) { return s.brightness() < 17; }));
  studio.stop();
  int falling = 0;
  bool was_on = false;
  for (const Shown& shown : studio.video().pictures()) {
    if (shown.mark == Mark{1, 29}) was_on = true;
    const double now = shown.brightness();
    if (was_on && now > 18 && now < 118) ++falling;
  }
  EXPECT_GE(falling, 6) << "of 12 pictures";
}

TEST(Fade, IsAskedForInMilliseconds) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  studio.stop();
  for (const Shown& shown : studio.video().pictures()) {
    const double now = shown.brightness();
    EXPECT_TRUE(now < 17 || now > 118) << "a cut has nothing between: " << now;
  }
}

}  // namespace
}  // namespace genpro::test
