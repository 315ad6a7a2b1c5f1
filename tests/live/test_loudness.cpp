// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How loud clips come out, and that nothing clicks where something changes.
#include <cmath>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr double ceiling = 0.8913;  // -1 dB

double factor_of(double decibels) {
  return std::pow(10, decibels / 20);
}

// As it was told when the clip began.
struct ToldLevels {
  double loudness = 0;
  double true_peak = 0;
  double gain = 0;
};
ToldLevels told_levels(Studio& studio) {
  ToldLevels levels;
  const Outcome outcome = studio.bus().outcome();
  const auto messages = outcome.named("genpro-clip");
  if (messages.empty()) return levels;
  for (const auto& [name, value] : {std::pair("loudness", &levels.loudness),
                                    {"true-peak", &levels.true_peak},
                                    {"gain", &levels.gain}}) {
    EXPECT_TRUE(gst_structure_get_double(messages.front(), name, value)) << name;
  }
  return levels;
}

void play_clip(Studio& studio) {
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
}

TEST(Loudness, IsBroughtToTheTarget) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60, .bursts = false}));
  Studio studio(live_bin(service, {{"loudness-target", "-23"}}));
  ASSERT_NO_FATAL_FAILURE(play_clip(studio));
  const auto [loudness, true_peak, gain] = told_levels(studio);
  // Two channels of a sine of 0.2, which K-weighting leaves as it is but for half a decibel.
  EXPECT_NEAR(loudness, -14.7, 0.7);
  // It begins at the top of a wave, and so a little over it.
  EXPECT_NEAR(true_peak, 20 * std::log10(0.2), 1.5);
  EXPECT_NEAR(gain, -23 - loudness, 0.01);
  const GstClockTime begin = part_of(studio.video().pictures(), 1).front().pts;
  const double peak =
      test::loudness(studio.audio().sound(), begin + GST_SECOND / 2, begin + 3 * GST_SECOND / 2);
  EXPECT_NEAR(peak, 0.2 * factor_of(gain), 0.002);
  studio.expect_quiet();
}

TEST(Loudness, DoesNotTakeAPeakOverTheCeiling) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service, {{"loudness-target", "-5"}, {"preroll", "500"}}));
  ASSERT_NO_FATAL_FAILURE(play_clip(studio));
  const auto [loudness, true_peak, gain] = told_levels(studio);
  EXPECT_GT(gain, 0);
  EXPECT_NEAR(true_peak + gain, -1, 0.01);
  EXPECT_LE(test::loudness(studio.audio().sound(), 0, GST_CLOCK_TIME_NONE), ceiling);
}

// What is louder later was not known when it began, or was, with a preroll.
TEST(Loudness, HoldsBelowTheCeilingWhatIsLouderLater) {
  for (const char* preroll : {"500", "whole"}) {
    SCOPED_TRACE(preroll);
    LiveService service;
    service.set_clip(clip_of({.frames = 120, .bursts = false, .loud_from = 2000}));
    Studio studio(live_bin(service, {{"loudness-target", "-10"}, {"preroll", preroll}}));
    ASSERT_NO_FATAL_FAILURE(play_clip(studio));
    const auto [loudness, true_peak, gain] = told_levels(studio);
    EXPECT_NEAR(loudness + gain, -10, 0.01);
    const double peak = test::loudness(studio.audio().sound(), 0, GST_CLOCK_TIME_NONE);
    EXPECT_LE(peak, ceiling * 1.005);
    if (std::string_view(preroll) == "whole") {
      EXPECT_NEAR(peak, 0.9 * factor_of(gain), 0.01);
    } else {
      EXPECT_GT(0.9 * factor_of(gain), 1);
      EXPECT_GE(peak, ceiling * 0.8);
    }
  }
}

TEST(Loudness, IsLeftAloneUnlessATargetIsSet) {
  LiveService service;
  service.set_clip(clip_of({.frames = 45, .bursts = false}));
  Studio studio(live_bin(service));
  ASSERT_NO_FATAL_FAILURE(play_clip(studio));
  const GstClockTime begin = part_of(studio.video().pictures(), 1).front().pts;
  EXPECT_NEAR(test::loudness(studio.audio().sound(), begin + GST_SECOND / 2, begin + GST_SECOND),
              0.2, 0.0005);
}

TEST(Loudness, OfALoopIsLeftAloneOnceTheTargetIsTakenBack) {
  LiveService service;
  service.set_clip(clip_of({.frames = 45, .bursts = false}));
  Studio studio(
      live_bin(service, {{"loudness-target", "-10"}, {"at-end", "loop"}, {"preroll", "500"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  set_property(studio.bin(), "loudness-target", "0");
  // The second round may have been prepared before.
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041", 3));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  EXPECT_GT(told_levels(studio).gain, 3);
  const Outcome outcome = studio.bus().outcome();
  std::vector<GstClockTime> begins;
  for (const GstStructure* fields : outcome.named("genpro-clip")) {
    if (g_strcmp0(gst_structure_get_string(fields, "event"), "started") != 0) continue;
    gst_structure_get_clock_time(fields, "running-time", &begins.emplace_back());
  }
  ASSERT_GE(begins.size(), 3U);
  EXPECT_NEAR(
      test::loudness(studio.audio().sound(), begins[2] + GST_SECOND / 2, begins[2] + GST_SECOND),
      0.2, 0.002);
}

// ---- Clicks ----

// The highest frequencies, of which a tone has next to nothing and a click has much: the fourth
// difference. That of a step by 1 is 3 at its highest.
double loudest_click(const Sound& sound) {
  std::vector<float> all;
  for (const Heard& heard : sound)
    all.insert(all.end(), heard.samples.begin(), heard.samples.end());
  double loudest = 0;
  for (std::size_t at = 4; at < all.size(); ++at) {
    const double difference =
        all[at] - 4.0 * all[at - 1] + 6.0 * all[at - 2] - 4.0 * all[at - 3] + all[at - 4];
    loudest = std::max(loudest, std::abs(difference) / 3);
  }
  return loudest;
}

void expect_no_click(Studio& studio) {
  EXPECT_LT(20 * std::log10(loudest_click(studio.audio().sound())), -60);
}

struct SoundChange {
  const char* name;
  Settings settings;
  int rounds = 1;
};
// GTest prints it.
std::ostream& operator<<(std::ostream& out, const SoundChange& change) {
  return out << change.name;
}
class Click : public testing::TestWithParam<SoundChange> {};

TEST_P(Click, IsNotHeardAtAChange) {
  LiveService service;
  // Its end is in the middle of a wave.
  service.set_clip(clip_of({.frames = 47, .bursts = false}));
  // Nothing is missing of it on a machine that is slow.
  Settings settings = GetParam().settings;
  settings.emplace_back("preroll", "whole");
  Studio studio(live_bin(service, settings));
  studio.play();
  ASSERT_TRUE(
      studio.signals().wait_for("clip-started 9041", static_cast<std::size_t>(GetParam().rounds)));
  if (GetParam().rounds == 1) {
    ASSERT_TRUE(studio.wait_for_picture({1, 20}));
    studio.generate();
    ASSERT_TRUE(studio.signals().wait_for("clip-ended 9042"));
  }
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  expect_no_click(studio);
}

INSTANTIATE_TEST_SUITE_P(
    Of, Click,
    testing::Values(SoundChange{"Replaced", {{"reuse", "never"}}},
                    SoundChange{"Gain", {{"reuse", "never"}, {"loudness-target", "-30"}}},
                    SoundChange{"Loop", {{"at-end", "loop"}}, 3}),
    [](const auto& info) { return info.param.name; });

bool act(Studio& studio, const char* action) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(studio.bin(), action, GST_CLOCK_TIME_NONE, &is_done);
  return is_done != FALSE;
}

TEST(Freeze, FadesTheSoundOutAndInAgain) {
  LiveService service;
  service.set_clip(clip_of({.frames = 90, .bursts = false}));
  Studio studio(live_bin(service, {{"preroll", "whole"}}));
  studio.play();
  for (const int frame : {20, 40, 60}) {
    ASSERT_TRUE(studio.wait_for_picture({1, frame}));
    ASSERT_TRUE(act(studio, "freeze"));
    ASSERT_TRUE(studio.video().wait_for_more(12));
    ASSERT_TRUE(act(studio, "unfreeze"));
  }
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  expect_no_click(studio);
}

TEST(Standstill, FadesTheSoundOutAndInAgain) {
  LiveService service;
  const std::string clip = clip_of({.frames = 90, .bursts = false, .index_first = true});
  service.set_clip(clip);
  const auto rest = std::make_shared<Gate>();
  service.fake().files().add_trouble(
      {.kind = Trouble::Kind::cut, .at = clip.size() / 2, .gate = rest});
  Studio studio(live_bin(service));
  studio.play();
  const auto is_buffering = [](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_BUFFERING;
  };
  ASSERT_TRUE(studio.bus().wait_for(is_buffering));
  ASSERT_TRUE(studio.video().wait_for_more(10));
  rest->open();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  expect_no_click(studio);
}

}  // namespace
}  // namespace genpro::test
