// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip that comes slower than it plays.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr int frames = 90;

bool is_buffering(GstMessage* message, int wanted) {
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_BUFFERING) return false;
  int percent = -1;
  GstBufferingMode mode{};
  gst_message_parse_buffering(message, &percent);
  gst_message_parse_buffering_stats(message, &mode, nullptr, nullptr, nullptr);
  EXPECT_EQ(mode, GST_BUFFERING_LIVE);
  return percent == wanted;
}
bool has_run_dry(GstMessage* message) {
  return is_buffering(message, 0);
}
bool goes_on(GstMessage* message) {
  return is_buffering(message, 100);
}

// A service with a clip of which half is there, and the rest when the gate opens.
class Starving : public testing::Test {
 protected:
  Starving() {
    const std::string clip = clip_of({.frames = frames, .index_first = true});
    service_.set_clip(clip);
    service_.fake().files().add_trouble(
        {.kind = Trouble::Kind::cut, .at = clip.size() / 2, .gate = rest_});
  }

  // All of the clip has been on, once and in order, but for what of its pictures came after their
  // sound where it stood still; all that was told of that is one WARNING.
  static void expect_told_once(Studio& studio) {
    studio.stop();
    int last = -1;
    int lost = 0;
    for (const Shown& shown : studio.video().pictures()) {
      if (!shown.mark || shown.mark->frame == last) continue;
      ASSERT_GT(shown.mark->frame, last) << text_of(studio.video().pictures());
      lost += shown.mark->frame - last - 1;
      last = shown.mark->frame;
    }
    EXPECT_EQ(last, frames - 1);
    EXPECT_LE(lost, 10) << text_of(studio.video().pictures());
    expect_gapless(studio.video().pictures());
    expect_gapless(studio.audio().sound());
    const Outcome outcome = studio.outcome();
    EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
    ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
    EXPECT_NE(outcome.warnings[0].text.find("slower than it plays"), std::string::npos)
        << outcome.warnings[0].text;
    EXPECT_EQ(studio.signals().text(),
              "started 9041, completed 9041, clip-started 9041, clip-ended 9041");
  }

  LiveService service_;
  const std::shared_ptr<Gate> rest_ = std::make_shared<Gate>();
};

TEST_F(Starving, HoldsTheLastPictureAndIsTold) {
  Studio studio(live_bin(service_));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(has_run_dry));
  ASSERT_TRUE(studio.video().wait_for_more(10));
  EXPECT_TRUE(studio.video().pictures().back().is_of(1)) << "its last picture is held";
  rest_->open();
  ASSERT_TRUE(studio.bus().wait_for(goes_on));
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  expect_told_once(studio);
}

TEST_F(Starving, CanShowThePlaceholder) {
  Studio studio(live_bin(service_, {{"on-starve", "placeholder"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(has_run_dry));
  EXPECT_TRUE(studio.wait_for_placeholder());
  rest_->open();
  ASSERT_TRUE(studio.bus().wait_for(goes_on));
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  expect_told_once(studio);
}

// Without it, half of the clip is enough to begin.
TEST_F(Starving, IsAvoidedByAPreroll) {
  for (const char* preroll : {"2500", "whole"}) {
    SCOPED_TRACE(preroll);
    const std::shared_ptr<Gate> rest = std::make_shared<Gate>();
    LiveService service;
    const std::string clip = clip_of({.frames = frames, .index_first = true});
    service.set_clip(clip);
    service.fake().files().add_trouble(
        {.kind = Trouble::Kind::cut, .at = clip.size() / 2, .gate = rest});
    Studio studio(live_bin(service, {{"preroll", preroll}}));
    studio.play();
    ASSERT_TRUE(studio.signals().wait_for("completed 9041"));
    // As long as it would take to run dry.
    ASSERT_TRUE(studio.video().wait_for_more(60));
    EXPECT_EQ(studio.signals().text(), "started 9041, completed 9041");
    rest->open();
    ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
    studio.stop();
    studio.expect_quiet();
    expect_whole(studio.video().pictures(), 1, frames);
  }
}

TEST_F(Starving, TakesNoNonsenseForAPreroll) {
  Studio studio(live_bin(service_, {{"preroll", "half"}}));
  EXPECT_EQ(studio.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.errors[0].text.find("preroll is \"half\""), std::string::npos);
  EXPECT_EQ(service_.posts(), 0);
}

TEST_F(Starving, EndsWithAnotherClip) {
  service_.set_clip(2, LiveService::plain_clip(clip_of({.tag = 2})));
  Studio studio(live_bin(service_, {{"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(has_run_dry));
  studio.generate();
  EXPECT_TRUE(studio.wait_for_clip(2));
  EXPECT_TRUE(studio.bus().wait_for(goes_on));
  studio.stop();
}

}  // namespace
}  // namespace genpro::test
