// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is shown while no clip is.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

const char* const rgb_raster = "video/x-raw,format=RGBx,width=320,height=180";

// A file with a plain picture in one of videotestsrc's colours.
std::string make_image(const TempDir& folder, const std::string& pattern, int width, int height) {
  const std::string file = folder.file(pattern + ".png");
  const Outcome outcome =
      run_launch("videotestsrc num-buffers=1 pattern=" + pattern +
                 " ! video/x-raw,format=RGB,width=" + std::to_string(width) +
                 ",height=" + std::to_string(height) + " ! pngenc ! filesink location=" + file);
  if (!outcome.eos) throw std::runtime_error("test media: " + outcome.summary());
  return file;
}

class Placeholder : public testing::Test {
 protected:
  void show(const Settings& changes, const std::string& caps) {
    service.hold_from(1);
    studio = std::make_unique<Studio>(live_bin(service, changes), caps);
    studio->play();
  }
  LiveService service;
  std::unique_ptr<Studio> studio;
};

std::vector<int> pixel(const Shown& shown, int x, int y) {
  return {shown.component(0, x, y), shown.component(1, x, y), shown.component(2, x, y)};
}

TEST_F(Placeholder, IsBlackUnlessToldOtherwise) {
  ASSERT_NO_FATAL_FAILURE(show({}, small_raster));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  const Pictures pictures = studio->video().pictures();
  for (const Shown& shown : pictures) EXPECT_NEAR(shown.brightness(), 16, 0.5);
  EXPECT_NEAR(pictures.front().component(1, 10, 10), 128, 1);
  EXPECT_NEAR(pictures.front().component(2, 10, 10), 128, 1);
  EXPECT_EQ(loudness(studio->audio().sound(), 0, GST_CLOCK_TIME_NONE), 0);
}

TEST_F(Placeholder, IsTransparentInAFormatWithAlpha) {
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "transparent"}}, "video/x-raw,width=192,height=108"));
  const Pictures pictures = studio->video().pictures();
  const Shown& shown = pictures.front();
  ASSERT_TRUE(GST_VIDEO_INFO_HAS_ALPHA(&shown.info)) << GST_VIDEO_INFO_NAME(&shown.info);
  for (const int x : {0, 50, 191}) EXPECT_EQ(shown.component(3, x, 54), 0) << x;
}

TEST_F(Placeholder, LetsTheClipCoverWhatIsTransparent) {
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "transparent"}}, "video/x-raw,format=AYUV,width=192,height=108"));
  service.set_clip(clip_of({.frames = 15}));
  service.complete(1);
  ASSERT_TRUE(studio->wait_for_clip(1));
  studio->stop();
  const Pictures clip = part_of(studio->video().pictures(), 1);
  EXPECT_EQ(clip.front().component(3, 5, 5), 255);
  EXPECT_EQ(studio->video().pictures().front().component(3, 5, 5), 0);
}

TEST_F(Placeholder, CanBeASlateThatTellsTheTime) {
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "slate"}}, "video/x-raw,format=I420,width=640,height=360"));
  // Letters that are much brighter than their background.
  const auto has_letters = [](const Shown& shown) {
    int bright = 0;
    for (const char value : shown.first_component())
      bright += static_cast<unsigned char>(value) > 150;
    return bright > 300;
  };
  ASSERT_TRUE(studio->video().wait_for(has_letters));
  const std::string first = studio->video().pictures().back().first_component();
  // The time goes on, and at the latest in a second it says so.
  EXPECT_TRUE(studio->video().wait_for_next(
      [&](const Shown& shown) { return has_letters(shown) && shown.first_component() != first; }));
}

TEST_F(Placeholder, CanBeASlateThatTellsTheStatus) {
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "slate"}}, "video/x-raw,format=I420,width=640,height=360"));
  // Where the status stands: the upper half, while the time is below.
  const auto headline = [](const Shown& shown) {
    return shown.first_component().substr(0, static_cast<std::size_t>(640 * 180));
  };
  ASSERT_TRUE(studio->signals().wait_for("started 9041"));
  ASSERT_TRUE(studio->video().wait_for_more(30));
  const std::string before = headline(studio->video().pictures().back());
  service.fail(1, "the model had a bad day");
  ASSERT_TRUE(studio->signals().wait_for("failed 9041"));
  EXPECT_TRUE(
      studio->video().wait_for_next([&](const Shown& shown) { return headline(shown) != before; }));
}

TEST_F(Placeholder, CanBeAnImage) {
  const TempDir folder;
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "image"}, {"placeholder-location", make_image(folder, "red", 160, 90)}},
           rgb_raster));
  EXPECT_TRUE(studio->video().wait_for([](const Shown& shown) {
    const auto at = pixel(shown, 160, 90);
    return at[0] > 240 && at[1] < 15 && at[2] < 15;
  }));
  studio->expect_quiet();
}

TEST_F(Placeholder, KeepsTheShapeOfTheImage) {
  const TempDir folder;
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "image"}, {"placeholder-location", make_image(folder, "blue", 90, 90)}},
           rgb_raster));
  ASSERT_TRUE(studio->video().wait_for([](const Shown& s) { return pixel(s, 160, 90)[2] > 240; }));
  const Pictures pictures = studio->video().pictures();
  EXPECT_EQ(pixel(pictures.back(), 10, 90), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(pixel(pictures.back(), 310, 90), (std::vector<int>{0, 0, 0}));
}

TEST_F(Placeholder, IsBlackWithAWarningForAnImageThatIsNotThere) {
  const TempDir folder;
  const std::string file = folder.file("no-such.png");
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "image"}, {"placeholder-location", file}}, rgb_raster));
  ASSERT_TRUE(studio->bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING; }));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  const Outcome outcome = studio->outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find(file), std::string::npos) << outcome.warnings[0].text;
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  EXPECT_EQ(pixel(studio->video().pictures().back(), 160, 90), (std::vector<int>{0, 0, 0}));
}

TEST_F(Placeholder, IsBlackWithAWarningWhenNoImageIsNamed) {
  ASSERT_NO_FATAL_FAILURE(show({{"placeholder", "image"}}, rgb_raster));
  ASSERT_TRUE(studio->bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING; }));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  const Outcome outcome = studio->outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("placeholder-location"), std::string::npos)
      << outcome.warnings[0].text;
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  EXPECT_EQ(pixel(studio->video().pictures().back(), 160, 90), (std::vector<int>{0, 0, 0}));
}

TEST_F(Placeholder, IsBlackWithAWarningForAFileThatIsNoImage) {
  const TempDir folder;
  const std::string file = folder.file("text.png");
  write_file(file, "This is no image.\n");
  ASSERT_NO_FATAL_FAILURE(
      show({{"placeholder", "image"}, {"placeholder-location", file}}, rgb_raster));
  ASSERT_TRUE(studio->bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING; }));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  EXPECT_EQ(studio->outcome().warnings.size(), 1U) << studio->outcome().summary();
  EXPECT_EQ(pixel(studio->video().pictures().back(), 160, 90), (std::vector<int>{0, 0, 0}));
}

TEST_F(Placeholder, CanChangeInPlaying) {
  const TempDir folder;
  ASSERT_NO_FATAL_FAILURE(show({}, rgb_raster));
  const auto image = make_image(folder, "green", 160, 90);
  set_property(studio->bin(), "placeholder-location", image);
  set_property(studio->bin(), "placeholder", "image");
  EXPECT_TRUE(
      studio->video().wait_for_next([](const Shown& s) { return pixel(s, 160, 90)[1] > 240; }));
  const auto other = make_image(folder, "red", 160, 90);
  set_property(studio->bin(), "placeholder-location", other);
  EXPECT_TRUE(
      studio->video().wait_for_next([](const Shown& s) { return pixel(s, 160, 90)[0] > 240; }));
  set_property(studio->bin(), "placeholder", "black");
  EXPECT_TRUE(
      studio->video().wait_for_next([](const Shown& s) { return pixel(s, 160, 90)[0] < 15; }));
  studio->stop();
  expect_gapless(studio->video().pictures());
  studio->expect_quiet();
}

}  // namespace
}  // namespace genpro::test
