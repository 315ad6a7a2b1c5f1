// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What follows may hold frames and audio back for seconds, each as it likes: nothing is lost.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

struct Behind {
  std::string name;
  std::string pipeline;
  int latency_ms = 0;  // of the pipeline, when its sinks wait for the clock
};
// GTest prints it.
std::ostream& operator<<(std::ostream& out, const Behind& behind) {
  return out << behind.name;
}

std::string queue(int ms) {
  return " ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=" + std::to_string(ms) +
         "000000";
}

std::string delaying_queue(int ms) {
  return queue(2 * ms) + " min-threshold-time=" + std::to_string(ms) + "000000";
}

constexpr const char* sink = " ! fakesink sync=true enable-last-sample=false ";
constexpr const char* to_muxer = " ! mux. ";
constexpr const char* muxer = "matroskamux name=mux ! fakesink sync=false";

// A sink that waits holds back what has no queue before it.
Behind waiting(const std::string& name, int video_queue, int audio_queue, int latency) {
  const auto branch = [](int queued) { return "%s" + (queued > 0 ? queue(queued) : "") + sink; };
  return {name, branch(video_queue) + branch(audio_queue), latency};
}

std::vector<Behind> all() {
  return {
      {"Encoder", std::string("%s ! x264enc") + to_muxer + "%s" + to_muxer + muxer},
      {"DelayedVideo", "%s" + delaying_queue(2000) + to_muxer + "%s" + to_muxer + muxer},
      {"DelayedAudio",
       std::string("%s") + to_muxer + "%s" + delaying_queue(2000) + to_muxer + muxer},
      waiting("VideoFirstByOneSecond", 2000, 0, 1000),
      waiting("VideoFirstByFourSeconds", 6000, 0, 4000),
      waiting("AudioFirstByFourSeconds", 0, 6000, 4000),
  };
}

class Latency : public testing::TestWithParam<Behind> {
 protected:
  void play(const ClipSpec& spec, const Settings& changes) {
    service_.set_clip(clip_of(spec));
    service_.hold_from(1);
    studio = std::make_unique<Studio>(live_bin(service_, changes), small_raster, plain_sound,
                                      Rect(), GetParam().pipeline);
    studio->video().keep_no_pictures();
    if (GetParam().latency_ms > 0) {
      gst_pipeline_set_latency(GST_PIPELINE(studio->pipeline()),
                               static_cast<GstClockTime>(GetParam().latency_ms) * GST_MSECOND);
    }
    ASSERT_NO_FATAL_FAILURE(studio->play());
    // As far behind each other as they get.
    ASSERT_TRUE(
        studio->video().wait_for([](const Shown& shown) { return shown.pts >= 3 * GST_SECOND; }));
    service_.complete(1);
  }
  std::unique_ptr<Studio> studio;

 private:
  LiveService service_;
};

TEST_P(Latency, LosesNothingOfAClip) {
  const ClipSpec spec{.frames = 180};
  ASSERT_NO_FATAL_FAILURE(play(spec, {}));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio->wait_for_sound());
  studio->stop();
  const Pictures pictures = studio->video().pictures();
  const Sound sound = studio->audio().sound();
  expect_gapless(pictures);
  expect_gapless(sound);
  expect_whole(pictures, spec.tag, spec.frames);
  const Pictures clip = part_of(pictures, spec.tag);
  ASSERT_FALSE(clip.empty());
  expect_in_sync(pictures, sound, spec, clip.front().pts, clip.back().end());
  EXPECT_EQ(bursts(sound).size(), 12U);
  studio->expect_quiet();
}

TEST_P(Latency, DoesNotInterruptALoop) {
  const ClipSpec spec{.frames = 30};
  ASSERT_NO_FATAL_FAILURE(play(spec, {{"at-end", "loop"}}));
  ASSERT_TRUE(studio->signals().wait_for("clip-started 9041", 7));
  ASSERT_TRUE(studio->wait_for_sound());
  studio->stop();
  const Pictures clip = part_of(studio->video().pictures(), spec.tag);
  const Sound sound = studio->audio().sound();
  SCOPED_TRACE(text_of(clip));
  expect_gapless(clip);
  expect_gapless(sound);
  ASSERT_FALSE(clip.empty());
  // Each frame is that of its time, from the beginning on, but for a few where the machine is slow.
  std::size_t others = 0;
  for (std::size_t at = 0; at < clip.size(); ++at) {
    others += clip[at].mark == Mark{spec.tag, static_cast<int>(at % 30)} ? 0 : 1;
  }
  EXPECT_LE(others, clip.size() / 3);
  const auto heard = bursts(sound);
  ASSERT_GE(heard.size(), 12U);
  for (std::size_t at = 0; at < 12; ++at) {
    EXPECT_NEAR(static_cast<double>(heard[at]),
                static_cast<double>(clip.front().pts + at * burst_period), 5.0 * GST_MSECOND);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Latency, testing::ValuesIn(all()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace genpro::test
