// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Clips with alpha, as without their background.
#include <cstdlib>
#include <set>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr int width = 192;
constexpr int height = 108;
constexpr int frames = 30;

// As the service gives them: ProRes 4444 in QuickTime. The left half is red and opaque, the right
// one green, which nobody may see: it is transparent.
const std::string& cut_out() {
  static const std::string clip = [] {
    const TempDir folder;
    std::string frame;
    for (int at = 0; at < width * height; ++at) {
      frame += at % width < width / 2 ? std::string("\xff\xff\x00\x00", 4)
                                      : std::string("\x00\x00\xff\x00", 4);
    }
    std::string video;
    for (int number = 0; number < frames; ++number) video += frame;
    write_file(folder.file("video"), video);
    const Outcome outcome = run_launch(
        "filesrc location=" + folder.file("video") +
        " ! rawvideoparse format=argb width=192 height=108 framerate=30/1 ! videoconvert !"
        " video/x-raw,format=A444_10LE ! avenc_prores_ks profile=4444 ! qtmux !"
        " filesink location=" +
        folder.file("made.mov"));
    if (!outcome.eos) throw std::runtime_error("test media: " + outcome.summary());
    return read_file(folder.file("made.mov"));
  }();
  return clip;
}

// What is in the middle of each half.
std::vector<int> left(const Shown& shown) {
  return {shown.component(0, 48, 54), shown.component(1, 48, 54), shown.component(2, 48, 54)};
}
std::vector<int> right(const Shown& shown) {
  return {shown.component(0, 144, 54), shown.component(1, 144, 54), shown.component(2, 144, 54)};
}

bool is_near(const std::vector<int>& pixel, const std::vector<int>& wanted) {
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    if (std::abs(pixel[at] - wanted[at]) > 8) return false;
  }
  return true;
}

class Alpha : public testing::Test {
 protected:
  void show(const Settings& changes, const std::string& format) {
    service.set_clip(cut_out());
    studio = std::make_unique<Studio>(
        live_bin(service, changes),
        "video/x-raw,format=" + format + ",width=192,height=108,framerate=30/1");
    studio->play();
  }
  LiveService service;
  std::unique_ptr<Studio> studio;
};

TEST_F(Alpha, OfAClipComesOut) {
  for (const char* placeholder : {"black", "transparent"}) {
    for (const char* format : {"RGBA", "BGRA"}) {
      ASSERT_NO_FATAL_FAILURE(show({{"placeholder", placeholder}, {"at-end", "hold"}}, format));
      EXPECT_TRUE(studio->video().wait_for([](const Shown& shown) {
        return is_near(left(shown), {255, 0, 0}) && shown.component(3, 48, 54) == 255 &&
               shown.component(3, 144, 54) == 0;
      })) << format;
      studio->expect_quiet();
    }
  }
}

TEST_F(Alpha, ComesOutOfYuvAsWell) {
  ASSERT_NO_FATAL_FAILURE(show({{"at-end", "hold"}}, "AYUV"));
  EXPECT_TRUE(studio->video().wait_for([](const Shown& shown) {
    return left(shown)[2] > 200 && shown.component(3, 48, 54) == 255 &&
           shown.component(3, 144, 54) == 0;
  }));
  studio->expect_quiet();
}

TEST_F(Alpha, IsComposedOnBlackWhereTheFormatHasNone) {
  ASSERT_NO_FATAL_FAILURE(show({{"at-end", "hold"}}, "RGBx"));
  EXPECT_TRUE(studio->video().wait_for([](const Shown& shown) {
    return is_near(left(shown), {255, 0, 0}) && is_near(right(shown), {0, 0, 0});
  }));
  ASSERT_NO_FATAL_FAILURE(show({{"placeholder", "transparent"}, {"at-end", "hold"}}, "I420"));
  EXPECT_TRUE(studio->video().wait_for([](const Shown& shown) {
    return left(shown)[2] > 200 && is_near(right(shown), {16, 128, 128});
  }));
  for (const Shown& shown : studio->video().pictures()) {
    EXPECT_TRUE(is_near(right(shown), {16, 128, 128})) << "the colour that is transparent shows";
  }
  studio->expect_quiet();
}

TEST_F(Alpha, IsComposedOnTheColourOfTheSlate) {
  ASSERT_NO_FATAL_FAILURE(show({{"placeholder", "slate"}}, "RGBx"));
  ASSERT_TRUE(studio->video().wait_for([](const Shown& shown) {
    return is_near(left(shown), {255, 0, 0});
  }));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio->video().wait_for_more(5));
  const Pictures pictures = studio->video().pictures();
  const Shown* clip = nullptr;
  for (const Shown& shown : pictures) {
    if (is_near(left(shown), {255, 0, 0})) clip = &shown;
  }
  ASSERT_NE(clip, nullptr);
  const Shown& slate = pictures.back();
  const std::vector<int> colour = {slate.component(0, 1, 1), slate.component(1, 1, 1),
                                   slate.component(2, 1, 1)};
  EXPECT_FALSE(is_near(colour, {0, 0, 0}));
  EXPECT_TRUE(is_near(right(*clip), colour)) << right(*clip)[0] << " " << right(*clip)[1];
}

// Over another video nothing may jump: what is seen of the clip comes and goes.
TEST_F(Alpha, FadesFromAndToWhatIsTransparent) {
  ASSERT_NO_FATAL_FAILURE(show({{"placeholder", "transparent"}, {"fade", "500"}}, "RGBA"));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio->video().wait_for_next(
      [](const Shown& shown) { return shown.component(3, 48, 54) == 0; }));
  studio->stop();
  bool was_whole = false;
  std::set<int> rising;
  std::set<int> falling;
  for (const Shown& shown : studio->video().pictures()) {
    const int alpha = shown.component(3, 48, 54);
    was_whole = was_whole || alpha == 255;
    if (alpha > 0 && alpha < 255) (was_whole ? falling : rising).insert(alpha);
    EXPECT_EQ(shown.component(3, 144, 54), 0);
    EXPECT_TRUE(alpha <= 16 || is_near(left(shown), {255, 0, 0})) << "at alpha " << alpha;
  }
  EXPECT_TRUE(was_whole);
  EXPECT_GE(rising.size(), 3U);
  EXPECT_GE(falling.size(), 3U);
}

}  // namespace
}  // namespace genpro::test
