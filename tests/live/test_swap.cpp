// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a clip takes over from the placeholder: whole, at once, in sync and in the raster.
#include <cmath>

#include "live/gapless_run.h"

namespace genpro::test {
namespace {

// Plays that clip once, from black to black.
class Once : public GaplessRun {
 public:
  explicit Once(const ClipSpec& spec, const Settings& changes = {},
                const std::string& video_caps = small_raster, Rect part = {})
      : spec_(spec) {
    service.set_clip(clip_of(spec));
    service.hold_from(1);
    studio = std::make_unique<Studio>(live_bin(service, changes), video_caps, plain_sound, part);
  }

  void run() {
    studio->play();
    // Some of the placeholder first.
    ASSERT_TRUE(studio->video().wait_for_more(10));
    service.complete(1);
    ASSERT_TRUE(studio->signals().wait_for("clip-started 9041"));
    ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
    ASSERT_TRUE(studio->video().wait_for_more(10));
    ASSERT_NO_FATAL_FAILURE(stop());
    clip = part_of(pictures, spec_.tag);
    ASSERT_FALSE(clip.empty()) << text_of(pictures);
    studio->expect_quiet();
  }
  GstClockTime begin() const { return clip.front().pts; }
  GstClockTime end() const { return clip.back().end(); }

  Pictures clip;

 private:
  const ClipSpec spec_;
};

void expect_ordered(const Pictures& clip) {
  for (std::size_t i = 1; i < clip.size(); ++i) {
    ASSERT_TRUE(clip[i].mark) << text_of(clip);
    ASSERT_GE(clip[i].mark->frame, clip[i - 1].mark->frame) << text_of(clip);
  }
}

TEST(Swap, ShowsEveryPictureOfTheClipFromTheFirstOn) {
  const ClipSpec spec{.frames = 45};
  Once once(spec);
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_whole(once.pictures, spec.tag, spec.frames);
  EXPECT_FALSE(once.pictures.front().mark);
  EXPECT_FALSE(once.pictures.back().mark) << "the placeholder follows";
}

TEST(Swap, KeepsSoundAndPictureTogether) {
  const ClipSpec spec{.frames = 60};
  Once once(spec);
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_in_sync(once.pictures, once.sound, spec, once.begin(), once.end());
  // Silence before and after, to the length of a buffer.
  const GstClockTime block = once.sound.front().duration;
  EXPECT_EQ(loudness(once.sound, 0, once.begin() - block), 0);
  EXPECT_EQ(loudness(once.sound, once.end() + block, GST_CLOCK_TIME_NONE), 0);
}

TEST(Swap, DoesNotClickAndHasNoHoleInTheSound) {
  const ClipSpec spec{.frames = 30, .bursts = false};
  Once once(spec);
  ASSERT_NO_FATAL_FAILURE(once.run());
  // The tone's own steps are at most 0.012.
  float last = 0;
  for (const Heard& heard : once.sound) {
    for (std::size_t i = 0; i < heard.samples.size(); ++i) {
      EXPECT_LT(std::abs(heard.samples[i] - last), 0.03F)
          << "a click at " << heard.time_of(i) << " in a clip from " << once.begin() << " to "
          << once.end();
      last = heard.samples[i];
    }
  }
  // After the milliseconds in which the sound comes on.
  const GstClockTime settled = once.begin() + 10 * GST_MSECOND;
  EXPECT_NEAR(loudness(once.sound, settled, once.end()), 0.2, 0.02);
}

TEST(Swap, BringsFewerPicturesASecondToTheRaster) {
  const ClipSpec spec{.frames = 50, .fps_n = 25};
  Once once(spec, {}, std::string(small_raster) + ",framerate=30/1");
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_ordered(once.clip);
  EXPECT_EQ(once.clip.front().mark->frame, 0);
  EXPECT_EQ(once.clip.back().mark->frame, 49);
  for (std::size_t i = 1; i < once.clip.size(); ++i)
    EXPECT_LE(once.clip[i].mark->frame - once.clip[i - 1].mark->frame, 1) << text_of(once.clip);
  // Two seconds of 30 pictures, or more when the machine made it stand still.
  EXPECT_GE(once.clip.size(), 60U);
  expect_in_sync(once.pictures, once.sound, spec, once.begin(), once.end());
}

TEST(Swap, BringsMorePicturesASecondToTheRaster) {
  const ClipSpec spec{.frames = 90, .fps_n = 60};
  Once once(spec, {}, std::string(small_raster) + ",framerate=30/1");
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_ordered(once.clip);
  EXPECT_EQ(once.clip.front().mark->frame, 0);
  EXPECT_GE(once.clip.back().mark->frame, 88);
  for (std::size_t i = 1; i < once.clip.size(); ++i)
    EXPECT_LE(once.clip[i].mark->frame - once.clip[i - 1].mark->frame, 3) << text_of(once.clip);
  EXPECT_GE(once.clip.size(), 45U);
  expect_in_sync(once.pictures, once.sound, spec, once.begin(), once.end());
}

TEST(Swap, GivesSilenceForAClipWithoutSound) {
  const ClipSpec spec{.frames = 30, .audio = false};
  Once once(spec);
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_whole(once.pictures, spec.tag, spec.frames);
  EXPECT_GE(once.sound.back().end(), once.end());
  EXPECT_EQ(loudness(once.sound, 0, GST_CLOCK_TIME_NONE), 0);
}

TEST(Swap, ResamplesSoundOfAnotherKind) {
  const ClipSpec spec{.frames = 60, .rate = 44'100, .channels = 1};
  Once once(spec);
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_in_sync(once.pictures, once.sound, spec, once.begin(), once.end());
}

// A clip of 4:3 in a raster of 16:9: 144 of 192 columns.
constexpr Rect narrow{24, 0, 144, 108};

TEST(Swap, KeepsTheShapeOfThePictureOnBlack) {
  const ClipSpec spec{.frames = 20, .width = 96, .height = 72};
  Once once(spec, {}, small_raster, narrow);
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_whole(once.pictures, spec.tag, spec.frames);
  for (const int x : {2, 18, 173, 189}) {
    EXPECT_NEAR(once.clip.front().component(0, x, 54), 16, 3) << x;
    EXPECT_NEAR(once.clip.front().component(1, x, 54), 128, 3) << x;
  }
}

TEST(Swap, KeepsTheShapeOfAnUprightPicture) {
  const ClipSpec spec{.frames = 20, .width = 96, .height = 160};
  // 108 * 96 / 160, to an even number.
  Once once(spec, {}, small_raster, Rect{64, 0, 64, 108});
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_whole(once.pictures, spec.tag, spec.frames);
  EXPECT_NEAR(once.clip.front().component(0, 30, 54), 16, 3);
  EXPECT_NEAR(once.clip.front().component(0, 160, 54), 16, 3);
}

TEST(Swap, HasBordersOfThePlaceholdersColour) {
  const ClipSpec spec{.frames = 20, .width = 96, .height = 72};
  {
    Once once(spec, {{"placeholder", "transparent"}},
              "video/x-raw,format=AYUV,width=192,height=108", narrow);
    ASSERT_NO_FATAL_FAILURE(once.run());
    // AYUV counts alpha as the last component, whatever lies first in memory.
    EXPECT_EQ(once.clip.front().component(3, 5, 54), 0);
    EXPECT_EQ(once.clip.front().component(3, 96, 54), 255);
  }
  Once once(spec, {{"placeholder", "slate"}}, "video/x-raw,format=RGBx,width=192,height=108",
            narrow);
  ASSERT_NO_FATAL_FAILURE(once.run());
  // The background of the slate around the clip, as on the slate itself.
  const Shown& slate = once.pictures.back();
  for (int component = 0; component < 3; ++component) {
    const int wanted = slate.component(component, 1, 1);
    EXPECT_GT(wanted, 5) << "not black";
    EXPECT_NEAR(once.clip.front().component(component, 5, 54), wanted, 4);
  }
}

TEST(Swap, FillsARasterWhosePixelsAreNotSquare) {
  // 192 pixels of 4:3 are as wide as 256: a clip of 64:27 fills it.
  const ClipSpec spec{.frames = 20, .width = 256, .height = 108};
  Once once(spec, {}, std::string(small_raster) + ",pixel-aspect-ratio=4/3");
  ASSERT_NO_FATAL_FAILURE(once.run());
  expect_whole(once.pictures, spec.tag, spec.frames);
}

TEST(Swap, GoesFromOneClipToTheNextWithoutAPlaceholder) {
  const ClipSpec first{.tag = 1, .frames = 90};
  const ClipSpec second{.tag = 2, .frames = 30};
  LiveService service;
  service.set_clip(1, LiveService::plain_clip(clip_of(first)));
  service.set_clip(2, LiveService::plain_clip(clip_of(second)));
  service.hold_from(2);
  Studio studio(live_bin(service, {{"at-end", "loop"}, {"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  studio.generate();
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(studio.wait_for_picture({1, 40}));
  service.complete(2);
  ASSERT_TRUE(studio.wait_for_picture({2, 29}));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  expect_gapless(pictures);
  const Sound sound = studio.audio().sound();
  expect_gapless(sound);
  bool was_first = false;
  GstClockTime begin = 0;
  int last = 0;
  for (const Shown& shown : pictures) {
    if (shown.is_of(1)) was_first = true;
    if (!was_first || begin != 0) continue;
    ASSERT_TRUE(shown.mark) << text_of(pictures);
    if (shown.is_of(2)) {
      begin = shown.pts;
      EXPECT_EQ(shown.mark->frame, 0) << text_of(pictures);
    } else {
      last = shown.mark->frame;
    }
  }
  EXPECT_GE(last, 40);
  studio.expect_quiet();
}

}  // namespace
}  // namespace genpro::test
