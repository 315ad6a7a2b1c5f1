// SPDX-License-Identifier: LGPL-2.1-or-later
//
// That the beginning and the end of each clip are told once, by a signal and by a message, whatever
// its rate and that of the output.
#include <algorithm>
#include <atomic>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

using Words = std::vector<std::string>;

struct Told {
  std::vector<std::string> words;
  std::vector<std::uint64_t> times;
};

// Of the messages on the bus.
Told told(const Outcome& outcome) {
  Told result;
  for (const GstStructure* message : outcome.named("genpro-clip")) {
    const char* event = gst_structure_get_string(message, "event");
    const char* id = gst_structure_get_string(message, "generation-id");
    std::uint64_t time = GST_CLOCK_TIME_NONE;
    EXPECT_TRUE(gst_structure_get_clock_time(message, "running-time", &time));
    result.words.push_back(std::string(event == nullptr ? "?" : event) + " " +
                           (id == nullptr ? "?" : id));
    result.times.push_back(time);
  }
  return result;
}

class ClipSignals : public testing::TestWithParam<const char*> {};

// One frame more moves the clip's end to another place within a frame of the output.
TEST_P(ClipSignals, ComeOnceForAClipOf2997FramesASecond) {
  for (const int frames : {1, 2, 29, 30, 31, 32}) {
    SCOPED_TRACE(std::to_string(frames) + " frames");
    LiveService service;
    service.set_clip(clip_of({.frames = frames, .fps_n = 30'000, .fps_d = 1001}));
    Studio studio(live_bin(service, {{"framerate", GetParam()}}));
    studio.play();
    EXPECT_TRUE(studio.signals().wait_for("clip-ended 9041"));
    ASSERT_TRUE(studio.wait_for_placeholder());
    studio.stop();
    EXPECT_EQ(studio.signals().words(),
              (Words{"started 9041", "completed 9041", "clip-started 9041", "clip-ended 9041"}));
    EXPECT_EQ(told(studio.bus().outcome()).words, (Words{"started 9041", "ended 9041"}));
  }
}

TEST(ClipMessages, HaveTheRunningTimesOfTheFrames) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"framerate", "30/1"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  const Told messages = told(studio.bus().outcome());
  ASSERT_EQ(messages.words, (Words{"started 9041", "ended 9041"}));
  EXPECT_STREQ(gst_structure_get_string(studio.bus().outcome().named("genpro-clip")[1], "reason"),
               "end");
  std::uint64_t first = GST_CLOCK_TIME_NONE;
  for (const Shown& shown : studio.video().pictures()) {
    if (shown.mark && first == GST_CLOCK_TIME_NONE) first = shown.pts;
  }
  EXPECT_EQ(messages.times[0], first);
  EXPECT_NEAR(static_cast<double>(messages.times[1] - messages.times[0]) / GST_SECOND, 1, 0.04);
}

TEST(ClipMessages, OfAClipThatEndsTheStreamComeBeforeItsEnd) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "eos"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for_end());
  const Outcome outcome = studio.bus().outcome();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(told(outcome).words, (Words{"started 9041", "ended 9041"}));
  studio.stop();
  EXPECT_EQ(told(studio.bus().outcome()).words, (Words{"started 9041", "ended 9041"}));
}

// Also where handlers take their time.
TEST(ClipSignal, OfAClipThatEndsTheStreamComesBeforeItsEnd) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "eos"}}));
  struct Handler {
    Recorder& video;
    std::atomic<int> calls = 0;
    std::atomic<bool> had_ended = false;
  } handler{studio.video()};
  g_signal_connect(studio.bin(), "clip-ended",
                   G_CALLBACK(+[](GstElement*, const char*, gpointer data) {
                     auto& self = *static_cast<Handler*>(data);
                     using namespace std::chrono_literals;
                     self.had_ended = self.video.wait_for_end(200ms);
                     ++self.calls;
                   }),
                   &handler);
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for_end());
  EXPECT_TRUE(studio.bus().outcome().eos);
  EXPECT_EQ(handler.calls, 1);
  EXPECT_FALSE(handler.had_ended);
  studio.stop();
}

std::string rate_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(At, ClipSignals, testing::Values("25/1", "30/1"), rate_name);

}  // namespace
}  // namespace genpro::test
