// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever happens to clips, what leaves the element has times without a gap or an overlap.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

void expect_regular(Studio& studio) {
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  const Sound sound = studio.audio().sound();
  SCOPED_TRACE(text_of(pictures));
  expect_gapless(pictures);
  expect_gapless(sound);
  // A segment each, of running time, which nothing that happens to a clip changes.
  EXPECT_EQ(studio.video().segments(), 1U);
  EXPECT_EQ(studio.audio().segments(), 1U);
}

TEST(Timestamps, GoOnWhileTheServiceIsSilent) {
  LiveService service;
  service.set_post(silent_answer());
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.video().wait_for_more(60));
  expect_regular(studio);
}

TEST(Timestamps, GoOnThroughALoop) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 3));
  expect_regular(studio);
}

TEST(Timestamps, GoOnThroughAStillPicture) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "hold"}}));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 14}));
  ASSERT_TRUE(studio.video().wait_for_more(30));
  expect_regular(studio);
}

TEST(Timestamps, GoOnThroughFailures) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  service.hold_from(2);
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.generate();
  ASSERT_TRUE(service.wait_for_posts(2));
  service.fail(2, "the model had a bad day");
  ASSERT_TRUE(studio.signals().wait_for("failed 9042"));
  ASSERT_TRUE(studio.video().wait_for_more(15));
  expect_regular(studio);
}

TEST(Timestamps, GoOnThroughSwaps) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service, {{"reuse", "never"}}));
  studio.play();
  for (int number = 1; number <= 4; ++number) {
    ASSERT_TRUE(studio.signals().wait_for("clip-started " + LiveService::id(number)));
    if (number < 4) studio.generate();
  }
  ASSERT_TRUE(studio.video().wait_for_more(15));
  expect_regular(studio);
}

TEST(Timestamps, OfPicturesLieOnOneGrid) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service), std::string(small_raster) + ",framerate=30000/1001");
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  expect_regular(studio);
  const Pictures pictures = studio.video().pictures();
  std::size_t first = 0;
  for (std::size_t i = 1; i < pictures.size(); ++i) {
    if (pictures[i].is_discont) first = i;
    const GstClockTime expected =
        pictures[first].pts + gst_util_uint64_scale(i - first, 1001 * GST_SECOND, 30000);
    EXPECT_EQ(pictures[i].pts, expected) << i;
  }
}

// What is heard lasts as long as it has samples: clocks do not drift apart.
TEST(Timestamps, OfSoundCountItsSamples) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  expect_regular(studio);
  for (const Heard& heard : studio.audio().sound()) {
    const GstClockTime length = gst_util_uint64_scale(heard.samples.size(), GST_SECOND, 48'000);
    EXPECT_NEAR(static_cast<double>(heard.duration), static_cast<double>(length), 2);
  }
}

TEST(Timestamps, TellATrueLatency) {
  LiveService service;
  service.set_post(silent_answer());
  Studio studio(live_bin(service));
  studio.play();
  for (const char* name : {"video", "audio"}) {
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(studio.bin(), name));
    const QueryPtr query(gst_query_new_latency());
    ASSERT_TRUE(gst_pad_query(pad.get(), query.get())) << name;
    gboolean live = FALSE;
    GstClockTime least = 0;
    GstClockTime most = 0;
    gst_query_parse_latency(query.get(), &live, &least, &most);
    EXPECT_TRUE(live) << name;
    // Something, and little enough for a production.
    EXPECT_GT(least, 0U) << name;
    EXPECT_LE(least, 200 * GST_MSECOND) << name;
    EXPECT_GE(most, least) << name;
  }
}

}  // namespace
}  // namespace genpro::test
