// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Size, rate and format of the pictures: what is wanted and what follows come together.
#include <thread>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

struct Raster {
  int width;
  int height;
  int fps_n;
  int fps_d;
  std::string format;
  bool operator==(const Raster&) const = default;
};

void PrintTo(const Raster& raster, std::ostream* out) {
  *out << raster.format << " " << raster.width << "x" << raster.height << " at " << raster.fps_n
       << "/" << raster.fps_d;
}

Raster raster_of(const GstVideoInfo& info) {
  return {info.width, info.height, info.fps_n, info.fps_d, GST_VIDEO_INFO_NAME(&info)};
}

// What comes out with these settings in front of what takes `caps`.
Raster raster_with(const Settings& settings, const std::string& caps = "video/x-raw") {
  LiveService service;
  service.hold_from(1);
  Studio studio(live_bin(service, settings), caps);
  studio.play();
  const Pictures pictures = studio.video().pictures();
  studio.stop();
  studio.expect_quiet();
  return pictures.empty() ? Raster{} : raster_of(pictures.front().info);
}

TEST(Raster, ComesFromTheAspectRatio) {
  EXPECT_EQ(raster_with({}), (Raster{1280, 720, 30, 1, "I420"}));
  EXPECT_EQ(raster_with({{"aspect-ratio", "16:9"}}), (Raster{1280, 720, 30, 1, "I420"}));
  EXPECT_EQ(raster_with({{"aspect-ratio", "9:16"}}), (Raster{720, 1280, 30, 1, "I420"}));
  EXPECT_EQ(raster_with({{"aspect-ratio", "1:1"}}), (Raster{720, 720, 30, 1, "I420"}));
}

TEST(Raster, IsAsWanted) {
  EXPECT_EQ(raster_with({{"width", "320"}, {"height", "200"}, {"framerate", "25"}}),
            (Raster{320, 200, 25, 1, "I420"}));
  EXPECT_EQ(raster_with({{"width", "320"}, {"height", "180"}, {"framerate", "30000/1001"}}),
            (Raster{320, 180, 30000, 1001, "I420"}));
  for (const char* format : {"NV12", "YUY2", "UYVY", "Y42B", "BGRx", "AYUV", "BGRA", "ARGB"}) {
    EXPECT_EQ(raster_with({{"width", "320"}, {"height", "180"}, {"format", format}}),
              (Raster{320, 180, 30, 1, format}));
  }
}

TEST(Raster, KeepsItsShapeWhenOneSideIsGiven) {
  EXPECT_EQ(raster_with({{"width", "320"}}), (Raster{320, 180, 30, 1, "I420"}));
  EXPECT_EQ(raster_with({{"height", "320"}, {"aspect-ratio", "9:16"}}),
            (Raster{180, 320, 30, 1, "I420"}));
}

TEST(Raster, IsWhatFollowsFixes) {
  const Settings wanted = {
      {"width", "640"}, {"height", "360"}, {"framerate", "50"}, {"format", "NV12"}};
  EXPECT_EQ(raster_with(wanted, "video/x-raw,format=RGBA,width=160,height=120,framerate=15/1"),
            (Raster{160, 120, 15, 1, "RGBA"}));
  EXPECT_EQ(raster_with(wanted, "video/x-raw,width=160,height=120"),
            (Raster{160, 120, 50, 1, "NV12"}));
  EXPECT_EQ(raster_with(wanted, "video/x-raw,format={I420,NV12},framerate=24/1"),
            (Raster{640, 360, 24, 1, "NV12"}));
  EXPECT_EQ(raster_with(wanted, "video/x-raw,width=[16,320],height=[16,180]"),
            (Raster{320, 180, 50, 1, "NV12"}));
}

TEST(Raster, HasAlphaForATransparentPlaceholder) {
  const Settings wanted = {{"width", "320"}, {"height", "180"}, {"placeholder", "transparent"}};
  const Raster some = raster_with(wanted);
  EXPECT_TRUE(some.format == "AYUV" || some.format == "BGRA") << some.format;
  EXPECT_EQ(raster_with(wanted, "video/x-raw,format={I420,BGRA}").format, "BGRA");
  EXPECT_EQ(raster_with(wanted, "video/x-raw,format=I420").format, "I420") << "what follows wins";
}

TEST(Raster, CanChangeInPlaying) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"width", "192"}, {"height", "108"}, {"at-end", "loop"}}),
                "video/x-raw,format=I420");
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  set_property(studio.bin(), "width", "384");
  set_property(studio.bin(), "height", "216");
  EXPECT_TRUE(studio.video().wait_for_next([](const Shown& shown) {
    return shown.info.width == 384 && shown.info.height == 216 && shown.is_of(1);
  }));
  set_property(studio.bin(), "framerate", "60");
  EXPECT_TRUE(studio.video().wait_for_next(
      [](const Shown& shown) { return shown.info.fps_n == 60 && shown.is_of(1); }));
  set_property(studio.bin(), "format", "NV12");
  EXPECT_TRUE(studio.video().wait_for_next([](const Shown& shown) {
    return GST_VIDEO_INFO_FORMAT(&shown.info) == GST_VIDEO_FORMAT_I420 && shown.is_of(1);
  })) << "what follows wins";
  studio.stop();
  expect_gapless(studio.video().pictures());
  studio.expect_quiet();
}

TEST(Raster, OfSoundIsWhatFollowsTakes) {
  for (const char* caps : {"audio/x-raw,format=S16LE,rate=44100,channels=1",
                           "audio/x-raw,format=S32LE,rate=96000,channels=2"}) {
    LiveService service;
    service.hold_from(1);
    Studio studio(live_bin(service), small_raster, caps);
    studio.play();
    ASSERT_TRUE(studio.audio().wait_for_more(5));
    const CapsPtr wanted(gst_caps_from_string(caps));
    EXPECT_TRUE(gst_caps_is_subset(studio.audio().caps().get(), wanted.get())) << caps;
    studio.stop();
    studio.expect_quiet();
  }
}

TEST(WrongSetting, WhileItRunsIsAWarningAndChangesNothing) {
  LiveService service;
  service.hold_from(1);
  Studio studio(live_bin(service));
  studio.play();
  set_property(studio.bin(), "framerate", "fast");
  set_property(studio.bin(), "preroll", "much");
  EXPECT_TRUE(eventually([&] { return studio.outcome().warnings.size() >= 2; }));
  ASSERT_TRUE(studio.video().wait_for_more(5));
  studio.stop();
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.warnings.size(), 2U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("framerate is \"fast\""), std::string::npos);
  EXPECT_NE(outcome.warnings[1].text.find("preroll is \"much\""), std::string::npos);
  expect_gapless(studio.video().pictures());
}

class WrongRate : public testing::TestWithParam<const char*> {};

TEST_P(WrongRate, IsRefused) {
  LiveService service;
  Studio studio(live_bin(service, {{"framerate", GetParam()}}));
  EXPECT_EQ(studio.set(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  EXPECT_TRUE(outcome.errors[0].is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS))
      << outcome.errors[0].name();
  EXPECT_NE(outcome.errors[0].text.find("framerate"), std::string::npos) << outcome.errors[0].text;
  EXPECT_EQ(service.posts(), 0) << "nothing is paid for";
  // It can be put right.
  set_property(studio.bin(), "framerate", "25");
  service.hold_from(1);
  studio.play();
}

INSTANTIATE_TEST_SUITE_P(Raster, WrongRate,
                         testing::Values("", "fast", "0", "-25", "0/1", "30/0", "1001/1", "1/61",
                                         "25 fps"));

// Two threads set it at once: whichever was last, what is read is what is shown.
TEST(Raster, IsWhatIsReadBack) {
  LiveService service;
  service.set_post(silent_answer());
  Studio studio(live_bin(service, {{"framerate", "200"}}), "video/x-raw,format=I420,height=16");
  studio.video().keep_no_pictures();
  studio.play();
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ready = 0;
    const auto set_widths = [&](guint first) {
      for (++ready; ready < 2;) std::this_thread::yield();
      for (guint i = 0; i < 10; ++i) g_object_set(studio.bin(), "width", first + 2 * i, nullptr);
    };
    std::thread other([&] { set_widths(100); });
    set_widths(200);
    other.join();
    guint width = 0;
    g_object_get(studio.bin(), "width", &width, nullptr);
    // Frames that were made before are let pass.
    ASSERT_TRUE(studio.video().wait_for_more(3));
    const CapsPtr caps = studio.video().caps();
    int shown = 0;
    gst_structure_get_int(gst_caps_get_structure(caps.get(), 0), "width", &shown);
    ASSERT_EQ(static_cast<guint>(shown), width) << round;
  }
  studio.stop();
}

}  // namespace
}  // namespace genpro::test
