// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A live output goes on, whatever its clips are like.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

bool is_warning(GstMessage* message) {
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING;
}

// One warning that says something, no error, and the placeholder is on and goes on.
void expect_survived(Studio& studio) {
  ASSERT_TRUE(studio.bus().wait_for(is_warning));
  ASSERT_TRUE(studio.wait_for_placeholder());
  ASSERT_TRUE(studio.video().wait_for_more(15));
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Outcome outcome = studio.outcome();
  SCOPED_TRACE(outcome.summary());
  EXPECT_TRUE(outcome.errors.empty());
  ASSERT_EQ(outcome.warnings.size(), 1U);
  EXPECT_GE(outcome.warnings[0].text.size(), 40U);
  EXPECT_EQ(outcome.warnings[0].text.find("Internal data"), std::string::npos);
  EXPECT_FALSE(studio.video().pictures().back().mark);
  expect_gapless(studio.video().pictures());
  expect_gapless(studio.audio().sound());
}

// Half of the clip comes, and never again a byte. It breaks when the gate opens, since one that
// breaks before its first frame is decoded is not shown.
void break_in_half(LiveService& service, const std::string& clip,
                   const std::shared_ptr<Gate>& gate) {
  service.set_clip(clip);
  service.fake().files().add_trouble(
      {.kind = Trouble::Kind::cut, .at = clip.size() / 2, .gate = gate});
  service.fake().files().set_script([](const Seen&, int number) {
    return number > 1 ? std::optional<Answer>(closing_answer()) : std::nullopt;
  });
}

TEST(Survival, OfAClipThatBreaksForGood) {
  const ClipSpec spec{.frames = 90, .index_first = true};
  LiveService service;
  const auto gate = std::make_shared<Gate>();
  break_in_half(service, clip_of(spec), gate);
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 10}));
  gate->open();
  expect_survived(studio);
  // What came was shown, from the beginning and without a hole.
  const Pictures shown = part_of(studio.video().pictures(), 1);
  int last = 0;
  for (const Shown& one : shown) {
    ASSERT_TRUE(one.mark) << text_of(shown);
    ASSERT_LE(one.mark->frame, last + 1) << text_of(shown);
    last = one.mark->frame;
  }
  EXPECT_EQ(shown.front().mark->frame, 0);
  EXPECT_GE(last, 20);
  EXPECT_LT(last, 89);
}

TEST(Survival, OfAnOutageOfTheServiceWhileTheGenerationIsAwaited) {
  LiveService service;
  service.set_clip(clip_of({}));
  service.hold_from(1);
  Studio studio(live_bin(service, {{"retries", "0"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  service.set_poll(closing_answer());
  ASSERT_TRUE(studio.bus().wait_for([](GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_PROGRESS) return false;
    char* text = nullptr;
    gst_message_parse_progress(message, nullptr, nullptr, &text);
    return take_string(text).find("Waiting for the service") != std::string::npos;
  }));
  ASSERT_TRUE(service.fake().wait_for(is_poll, service.fake().count(is_poll) + 2));
  service.complete(1);
  service.set_poll({});
  EXPECT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  EXPECT_EQ(service.posts(), 1);
  EXPECT_FALSE(service.was_stopped(1));
  studio.stop();
  studio.expect_quiet();
}

// The server has no more of it than this, and says so.
TEST(Survival, OfATruncatedClip) {
  const std::string clip = clip_of({.frames = 90, .index_first = true});
  LiveService service;
  service.set_clip(clip.substr(0, clip.size() * 2 / 3));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  expect_survived(studio);
  const Outcome outcome = studio.outcome();
  ASSERT_FALSE(outcome.warnings.empty());
  EXPECT_NE(outcome.warnings[0].text.find("truncated"), std::string::npos)
      << outcome.warnings[0].text;
  EXPECT_NE(outcome.warnings[0].text.find("s of 3.0 s"), std::string::npos)
      << outcome.warnings[0].text;
  const auto told = outcome.named("genpro-clip");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_STREQ(gst_structure_get_string(told[1], "reason"), "truncated");
}

TEST(Survival, OfALoopThatBreaks) {
  LiveService service;
  const auto gate = std::make_shared<Gate>();
  break_in_half(service, clip_of({.frames = 60, .index_first = true}), gate);
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 5}));
  gate->open();
  expect_survived(studio);
}

TEST(Survival, OfGarbage) {
  const std::string clip = clip_of({});
  std::string garbage = clip.substr(0, box_position(clip, "mdat"));
  std::uint32_t state = 1;
  while (garbage.size() < 60'000) {
    state = state * 1664525U + 1013904223U;
    garbage.push_back(static_cast<char>(state >> 24));
  }
  LiveService service;
  service.set_clip(garbage);
  Studio studio(live_bin(service));
  studio.play();
  expect_survived(studio);
  EXPECT_TRUE(studio.signals().wait_for("failed 9041"));
}

TEST(Survival, OfPicturesThatDoNotDecode) {
  // The index is right and the pictures are not.
  std::string clip = clip_of({.frames = 60, .audio = false});
  const std::size_t data = box_position(clip, "mdat") + 16;
  const std::size_t end = box_position(clip, "moov");
  ASSERT_LT(data, end);
  for (std::size_t at = data; at < end; ++at) clip[at] = static_cast<char>(0xff);
  LiveService service;
  service.set_clip(clip);
  Studio studio(live_bin(service));
  studio.play();
  expect_survived(studio);
}

TEST(Survival, OfAClipWithoutPictures) {
  LiveService service;
  service.set_clip(clip_of({.video = false}));
  Studio studio(live_bin(service));
  studio.play();
  expect_survived(studio);
  EXPECT_TRUE(studio.signals().wait_for("failed 9041"));
  EXPECT_EQ(loudness(studio.audio().sound(), 0, GST_CLOCK_TIME_NONE), 0)
      << "no sound without a picture";
}

TEST(Survival, OfAPageInPlaceOfAClip) {
  LiveService service;
  service.set_clip("<html><body>Not found</body></html>");
  Studio studio(live_bin(service));
  studio.play();
  expect_survived(studio);
}

TEST(Survival, OfAServiceThatIsNotThere) {
  LiveService service;
  Studio studio(live_bin(
      service, {{"api-base-url", "http://127.0.0.1:" + std::to_string(closed_port()) + "/v1"}}));
  studio.play();
  expect_survived(studio);
}

TEST(Survival, OfAMissingDecoderIsFree) {
  const auto feature =
      ObjectPtr<GstPluginFeature>::adopt(GST_PLUGIN_FEATURE(gst_element_factory_find("decodebin")));
  ASSERT_TRUE(feature);
  gst_registry_remove_feature(gst_registry_get(), feature.get());
  LiveService service;
  Studio studio(live_bin(service));
  studio.play();
  expect_survived(studio);
  EXPECT_EQ(service.posts(), 0) << "it pays for what it cannot show";
  gst_registry_add_feature(gst_registry_get(), feature.get());
}

// What is behind one pad stands still; the other has the whole clip all the same, in its time.
TEST(Survival, OfABranchThatTakesNoSound) {
  const ClipSpec spec{.frames = 120};
  LiveService service;
  service.set_clip(clip_of(spec));
  service.hold_from(1);
  Studio studio(live_bin(service));
  studio.play();
  const PadPtr sound = PadPtr::adopt(gst_element_get_static_pad(studio.bin(), "audio"));
  const gulong block = gst_pad_add_probe(
      sound.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  service.complete(1);
  ASSERT_TRUE(studio.wait_for_clip(1));
  ASSERT_TRUE(studio.wait_for_placeholder());
  gst_pad_remove_probe(sound.get(), block);
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  const Pictures shown = part_of(studio.video().pictures(), 1);
  SCOPED_TRACE(text_of(shown));
  EXPECT_EQ(shown.back().mark, (Mark{1, spec.frames - 1}));
  EXPECT_LE(shown.size(), spec.frames + 30U) << "it stood for more than a second";
  expect_gapless(studio.video().pictures());
  studio.expect_quiet();
}

TEST(Survival, OfAFailureIsFollowedByTheNextClip) {
  LiveService service;
  service.set_clip(1, LiveService::plain_clip("<html><body>Not found</body></html>"));
  service.set_clip(clip_of({.tag = 2}));
  Studio studio(live_bin(service, {{"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(is_warning));
  studio.generate();
  EXPECT_TRUE(studio.wait_for_clip(2));
  studio.stop();
}

TEST(Survival, OfManySwapsLeavesNothingBehind) {
  const int swaps = is_sanitized ? 20 : 200;
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"reuse", "never"}, {"at-end", "hold"}}));
  studio.video().keep_no_pictures();
  studio.play();
  Held before;
  for (int number = 1; number <= swaps; ++number) {
    ASSERT_TRUE(studio.signals().wait_for("clip-started " + LiveService::id(number))) << number;
    if (number == swaps / 4) before = {};
    if (number < swaps) studio.generate();
  }
  expect_no_more_than(before);
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  expect_gapless(studio.video().pictures());
  expect_gapless(studio.audio().sound());
  studio.expect_quiet();
}

TEST(Survival, OfAStopAtAnyMoment) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"reuse", "never"}, {"at-end", "loop"}, {"fade", "100"}}));
  unsigned seed = 3;
  for (int round = 0; round < 25; ++round) {
    seed = seed * 1664525U + 1013904223U;
    ASSERT_NE(studio.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_TRUE(studio.video().wait_for_more(seed >> 28));
    if ((seed >> 20 & 1) != 0) studio.generate();
    ASSERT_TRUE(studio.video().wait_for_more(seed >> 24 & 7));
    ASSERT_TRUE(stops_in_time(studio.pipeline())) << round;
  }
  studio.expect_quiet();
}

TEST(Survival, TellsTheKeyToNobody) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  const std::string graph =
      take_string(gst_debug_bin_to_dot_data(GST_BIN(studio.pipeline()), GST_DEBUG_GRAPH_SHOW_ALL));
  EXPECT_NE(graph.find("genprobin"), std::string::npos);
  EXPECT_EQ(graph.find(test_key), std::string::npos) << "the key is in the graph";
  service.set_post(json_answer(401, R"({"error": "No", "error_code": "unauthorized"})"));
  studio.generate();
  ASSERT_TRUE(studio.bus().wait_for(is_warning));
  studio.stop();
  EXPECT_EQ(studio.outcome().everything.find(test_key), std::string::npos)
      << "the key is on the bus";
  expect_cdn_saw_no_key(service.fake());
}

}  // namespace
}  // namespace genpro::test
