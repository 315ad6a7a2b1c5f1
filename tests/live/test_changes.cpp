// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What changes around a clip that is on: clocks and times, states, latency, caps, links and bins.
// After each change the next frame is the right one. Time is simulated and goes on frame by frame,
// so that nothing here depends on how fast the machine is.
#include <gst/check/gsttestclock.h>

#include <algorithm>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr GstClockTime clip_frame = GST_SECOND / 30;
constexpr GstClockTime audio_block = 20 * GST_MSECOND;
// Of the clock.
constexpr GstClockTime start = 1000 * GST_SECOND;

// Sinks that hold nothing back, whatever state they are in.
constexpr const char* open_sinks =
    "%s ! fakesink sync=false async=false enable-last-sample=false "
    "%s ! fakesink sync=false async=false enable-last-sample=false";

class SimulatedClock {
 public:
  explicit SimulatedClock(GstClockTime start)
      : clock_(ObjectPtr<GstClock>::adopt(gst_test_clock_new_with_start_time(start))) {}
  GstClock* get() const { return clock_.get(); }
  GstTestClock* test() const { return GST_TEST_CLOCK(clock_.get()); }
  void add(GstClockTime time) const { gst_test_clock_advance_time(test(), time); }
  // Until both sources wait for it; false when one does not.
  bool wait_for_both() const {
    const auto until = std::chrono::steady_clock::now() + generous;
    while (gst_test_clock_peek_id_count(test()) < 2) {
      if (std::chrono::steady_clock::now() > until) return false;
      g_usleep(20);
    }
    return true;
  }
  // To when the next one that waits wants to go on.
  bool go_on() const { return gst_test_clock_crank(test()) != FALSE; }
  bool step() const { return wait_for_both() && go_on(); }

 private:
  const ObjectPtr<GstClock> clock_;
};

class Changes : public testing::Test {
 protected:
  void make(const Settings& changes = {}) {
    service.set_clip(clip_of(spec));
    Settings settings = {{"framerate", "30/1"}, {"preroll", "whole"}, {"reuse", "never"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    studio = std::make_unique<Studio>(live_bin(service, settings), small_raster, plain_sound,
                                      Rect{}, open_sinks);
    gst_pipeline_use_clock(GST_PIPELINE(studio->pipeline()), clock.get());
  }
  void play(const Settings& changes = {}) {
    if (!studio) make(changes);
    ASSERT_NE(studio->set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_TRUE(wait_until_read());
  }
  bool wait_until_read() {
    return eventually([this] { return get_property(studio->bin(), "status") == "done"; });
  }
  StructurePtr stats() const {
    GstStructure* fields = nullptr;
    g_object_get(studio->bin(), "stats", &fields, nullptr);
    return StructurePtr(fields);
  }
  // That what comes next of the clip that is on has been decoded.
  bool wait_for_decoding() {
    return eventually([this] {
      const StructurePtr fields = stats();
      guint64 audio = 0;
      guint64 left = 0;
      guint pictures = 0;
      gst_structure_get_uint(fields.get(), "buffered-frames", &pictures);
      gst_structure_get_uint64(fields.get(), "buffered-audio", &audio);
      gst_structure_get_uint64(fields.get(), "read-ahead", &left);
      const bool is_on = g_strcmp0(gst_structure_get_string(fields.get(), "on-air"), "clip") == 0;
      // At its end all of it.
      const bool has_all = pictures * clip_frame + 3 * clip_frame / 2 > left;
      return !is_on || ((pictures >= 3 || has_all) && (audio >= 3 * audio_block || has_all));
    });
  }
  void step() {
    ASSERT_TRUE(wait_for_decoding());
    ASSERT_TRUE(clock.step()) << "nothing comes out";
  }
  // Until a picture that passes from now on is that one.
  void step_to(Mark mark) {
    const std::size_t before = studio->video().count();
    const auto until = std::chrono::steady_clock::now() + generous;
    while (std::chrono::steady_clock::now() < until) {
      ASSERT_NO_FATAL_FAILURE(step());
      const auto is_it = [mark](const Shown& shown) { return shown.mark == mark; };
      if (studio->video().count() > before && studio->video().last_is(is_it)) return;
    }
    FAIL() << "picture " << mark.frame << " did not come: " << text_of(studio->video().pictures());
  }
  void steps(int number) {
    for (int i = 0; i < number; ++i) ASSERT_NO_FATAL_FAILURE(step());
  }
  void pause() { ASSERT_TRUE(changes_in_time(studio->pipeline(), GST_STATE_PAUSED)); }
  void go_on() { ASSERT_TRUE(changes_in_time(studio->pipeline(), GST_STATE_PLAYING)); }
  void play_to_end() {
    ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, spec.frames - 1}));
    ASSERT_NO_FATAL_FAILURE(steps(10));
    ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
    studio->stop();
  }
  // Each picture of the clip once and in order, and all sound with it, without a gap.
  void expect_untouched() {
    const Pictures pictures = studio->video().pictures();
    const Sound sound = studio->audio().sound();
    SCOPED_TRACE(text_of(pictures));
    expect_gapless(pictures);
    expect_gapless(sound);
    expect_whole(pictures, spec.tag, spec.frames);
    const Pictures clip = part_of(pictures, spec.tag);
    EXPECT_EQ(clip.size(), static_cast<std::size_t>(spec.frames));
    expect_in_sync(pictures, sound, spec, clip.front().pts, clip.back().end());
    studio->expect_quiet();
  }

  ClipSpec spec{.frames = 60};
  const SimulatedClock clock{start};
  LiveService service;
  std::unique_ptr<Studio> studio;
};

TEST_F(Changes, OfPausedAndPlayingLoseNothing) {
  play();
  for (const int frame : {5, 17, 40}) {
    ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, frame}));
    pause();
    clock.add(7 * GST_SECOND + 3 * GST_MSECOND);
    go_on();
  }
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  expect_untouched();
}

TEST_F(Changes, OfTheClockLoseNothing) {
  play();
  const SimulatedClock others[] = {SimulatedClock(5000 * GST_SECOND),
                                   SimulatedClock(50 * GST_SECOND)};
  ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 10}));
  for (const SimulatedClock& other : others) {
    pause();
    gst_pipeline_use_clock(GST_PIPELINE(studio->pipeline()), other.get());
    go_on();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(wait_for_decoding());
      ASSERT_TRUE(other.step());
    }
  }
  pause();
  gst_pipeline_use_clock(GST_PIPELINE(studio->pipeline()), clock.get());
  go_on();
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  expect_untouched();
}

TEST_F(Changes, OfTheRunningTimeLeadToTheFrameOfTheNewOne) {
  play({{"at-end", "hold"}});
  for (const int seconds : {100, 50, 0}) {
    const GstClockTime running = static_cast<GstClockTime>(seconds) * GST_SECOND;
    SCOPED_TRACE(seconds);
    ASSERT_NO_FATAL_FAILURE(steps(30));
    pause();
    gst_element_set_start_time(studio->pipeline(), running);
    const std::size_t pictures = studio->video().count();
    const std::size_t blocks = studio->audio().count();
    go_on();
    ASSERT_NO_FATAL_FAILURE(steps(30));
    const Pictures all = studio->video().pictures();
    const Sound sound = studio->audio().sound();
    ASSERT_GT(all.size(), pictures + 5);
    ASSERT_GT(sound.size(), blocks + 5);
    EXPECT_GE(all[pictures + 1].pts + clip_frame, running);
    EXPECT_LE(all[pictures + 1].pts, running + GST_SECOND);
    EXPECT_GE(sound[blocks + 1].pts, running);
    EXPECT_LE(sound[blocks + 1].pts, running + GST_SECOND);
  }
  studio->stop();
}

TEST_F(Changes, OfTheLatencyLoseNothing) {
  play();
  for (const int milliseconds : {2000, 500, 0}) {
    ASSERT_NO_FATAL_FAILURE(steps(40));
    gst_pipeline_set_latency(GST_PIPELINE(studio->pipeline()),
                             static_cast<GstClockTime>(milliseconds) * GST_MSECOND);
    ASSERT_TRUE(gst_bin_recalculate_latency(GST_BIN(studio->pipeline())));
  }
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  expect_untouched();
}

void set_caps(GstElement* pipeline, const char* filter, const char* text) {
  const CapsPtr caps(gst_caps_from_string(text));
  g_object_set(child(pipeline, filter).get(), "caps", caps.get(), nullptr);
}

TEST_F(Changes, OfTheSizeThatFollowsLoseNothing) {
  play();
  for (const char* caps : {"video/x-raw,format=RGBA,width=320,height=180",
                           "video/x-raw,format=NV12,width=96,height=54", small_raster}) {
    ASSERT_NO_FATAL_FAILURE(steps(25));
    set_caps(studio->pipeline(), "video", caps);
    set_caps(studio->pipeline(), "audio", plain_sound);
  }
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  expect_untouched();
}

TEST_F(Changes, OfTheRateThatFollowsGoOnWithTheFrameOfTheTime) {
  play();
  ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 11}));
  set_caps(studio->pipeline(), "video",
           "video/x-raw,format=I420,width=192,height=108,framerate=15/1");
  ASSERT_NO_FATAL_FAILURE(steps(50));
  set_caps(studio->pipeline(), "video", small_raster);
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  const Pictures pictures = studio->video().pictures();
  SCOPED_TRACE(text_of(pictures));
  expect_gapless(pictures);
  expect_gapless(studio->audio().sound());
  const Pictures clip = part_of(pictures, spec.tag);
  for (const Shown& shown : clip) {
    ASSERT_TRUE(shown.mark);
    const GstClockTime middle = shown.pts + clip_frame / 2 - clip.front().pts;
    EXPECT_EQ(shown.mark->frame, static_cast<int>(middle / clip_frame)) << shown.pts;
  }
  expect_in_sync(pictures, studio->audio().sound(), spec, clip.front().pts, clip.back().end());
}

TEST_F(Changes, OfLinksGoOnWithTheFrameOfTheTime) {
  make();
  const Recorder behind(child(studio->pipeline(), "video").get(), "src");
  play();
  const PadPtr source = PadPtr::adopt(gst_element_get_static_pad(studio->bin(), "video"));
  const PadPtr sink = PadPtr::adopt(gst_pad_get_peer(source.get()));
  ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 10}));
  ASSERT_TRUE(gst_pad_unlink(source.get(), sink.get()));
  ASSERT_NO_FATAL_FAILURE(steps(40));
  ASSERT_EQ(gst_pad_link(source.get(), sink.get()), GST_PAD_LINK_OK);
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  const Pictures all = part_of(studio->video().pictures(), spec.tag);
  const Pictures clip = part_of(behind.pictures(), spec.tag);
  ASSERT_FALSE(clip.empty());
  SCOPED_TRACE(text_of(clip));
  EXPECT_EQ(clip.back().mark, (Mark{spec.tag, spec.frames - 1}));
  EXPECT_LT(clip.size(), static_cast<std::size_t>(spec.frames - 10));
  for (const Shown& shown : clip) {
    const GstClockTime middle = shown.pts + clip_frame / 2 - all.front().pts;
    EXPECT_EQ(shown.mark->frame, static_cast<int>(middle / clip_frame)) << shown.pts;
  }
  expect_gapless(studio->audio().sound());
}

// Out of the running pipeline with its links, and back: with its state, or from the beginning.
class Removal : public Changes {
 protected:
  void take_out() { gst_bin_remove(GST_BIN(studio->pipeline()), studio->bin()); }
  void put_back() {
    gst_bin_add(GST_BIN(studio->pipeline()), studio->bin());
    for (const char* pad : {"video", "audio"}) {
      const ElementPtr filter = child(studio->pipeline(), pad);
      ASSERT_TRUE(gst_element_link_pads(studio->bin(), pad, filter.get(), "sink"));
    }
    ASSERT_TRUE(gst_element_sync_state_with_parent(studio->bin()));
  }
};

// Out of the pipeline it has no clock, and goes on by the system's.
TEST_F(Removal, AndReturnGoOnWithTheFrameOfTheTime) {
  play();
  pause();
  gst_element_set_start_time(studio->pipeline(), 600 * GST_SECOND);
  go_on();
  ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 10}));
  ASSERT_TRUE(clock.wait_for_both());
  take_out();
  // They still do.
  ASSERT_TRUE(clock.go_on());
  ASSERT_TRUE(clock.go_on());
  ASSERT_TRUE(studio->video().wait_for_more(5));
  ASSERT_TRUE(studio->audio().wait_for_more(5));
  ASSERT_NO_FATAL_FAILURE(put_back());
  // Those that were made out of it are on their way.
  const std::size_t back = studio->video().count() + 2;
  ASSERT_NO_FATAL_FAILURE(steps(300));
  studio->stop();
  const Pictures pictures = studio->video().pictures();
  SCOPED_TRACE(text_of(pictures));
  const GstClockTime begin = part_of(pictures, spec.tag).front().pts;
  ASSERT_GT(pictures.size(), back);
  for (std::size_t i = back; i < pictures.size(); ++i) {
    const auto number = static_cast<int>((pictures[i].pts + clip_frame / 2 - begin) / clip_frame);
    if (number < spec.frames) {
      EXPECT_EQ(pictures[i].mark, (Mark{spec.tag, number}));
    } else {
      EXPECT_FALSE(pictures[i].mark);
    }
  }
}

TEST_F(Removal, AndReturnThroughNullBeginsAnew) {
  play();
  for (int round = 0; round < 3; ++round) {
    ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 10}));
    const GstClockTime before = studio->video().pictures().back().pts;
    take_out();
    ASSERT_TRUE(changes_in_time(studio->bin(), GST_STATE_NULL));
    clock.add(GST_SECOND);
    const std::size_t next = studio->video().count();
    ASSERT_NO_FATAL_FAILURE(put_back());
    ASSERT_TRUE(wait_until_read());
    ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, 0}));
    // The running time of the pipeline, which has gone on.
    EXPECT_GE(studio->video().pictures()[next].pts + clip_frame, before + GST_SECOND);
    EXPECT_LE(studio->video().pictures()[next].pts, before + GST_SECOND + 2 * clip_frame);
  }
  ASSERT_NO_FATAL_FAILURE(step_to({spec.tag, spec.frames - 1}));
  studio->stop();
  studio->expect_quiet();
}

// A quarter of an hour of output, after which a clip is on at the frame that was called for.
TEST_F(Changes, AfterALongTimeTheFrameThatIsCalledForIsTheRightOne) {
  spec.frames = 15;
  constexpr guint64 seconds = 900;
  constexpr GstClockTime take = seconds * GST_SECOND + 7 * GST_MSECOND;
  play({{"start-mode", "cue"}, {"take-at", std::to_string(take)}});
  studio->video().keep_no_pictures();
  GstClockTime now = start;
  while (now + GST_SECOND < start + take) {
    ASSERT_TRUE(clock.step());
    now = gst_clock_get_time(clock.get());
  }
  ASSERT_NO_FATAL_FAILURE(play_to_end());
  const Pictures pictures = studio->video().pictures();
  EXPECT_EQ(pictures.front().pts, 0U);
  EXPECT_GE(pictures.size(), seconds * 30);
  const Pictures clip = part_of(pictures, spec.tag);
  EXPECT_EQ(clip.front().pts, gst_util_uint64_scale(seconds * 30 + 1, GST_SECOND, 30));
  expect_untouched();
}

TEST(Nesting, IsNoDifference) {
  LiveService service;
  const ClipSpec spec{.frames = 60};
  service.set_clip(clip_of(spec));
  const SimulatedClock clock(start);
  const Running pipeline(launch("capsfilter name=video caps=" + std::string(small_raster) +
                                " ! fakesink sync=false async=false capsfilter name=audio caps=" +
                                plain_sound + " ! fakesink sync=false async=false"));
  gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
  GstElement* const outer = gst_bin_new(nullptr);
  const ElementPtr bin = live_bin(service, {{"preroll", "whole"}, {"framerate", "30/1"}});
  gst_bin_add(GST_BIN(outer), bin.get());
  gst_bin_add(GST_BIN(pipeline.get()), outer);
  for (const char* name : {"video", "audio"}) {
    const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(bin.get(), name));
    gst_element_add_pad(outer, gst_ghost_pad_new(name, target.get()));
    ASSERT_TRUE(gst_element_link_pads(outer, name, child(pipeline.get(), name).get(), "sink"));
  }
  BusListener bus(pipeline.get());
  const Signals signals(bin.get());
  const Recorder video(outer, "video");
  const Recorder audio(outer, "audio");
  ASSERT_NE(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(eventually([&] { return get_property(bin.get(), "status") == "done"; }));
  const auto step_until = [&](const std::string& word) {
    return eventually([&] {
      for (int i = 0; i < 5; ++i) EXPECT_TRUE(clock.step());
      return signals.text().find(word) != std::string::npos;
    });
  };
  ASSERT_TRUE(step_until("clip-started"));
  // The outer one alone.
  ASSERT_TRUE(changes_in_time(outer, GST_STATE_PAUSED));
  ASSERT_TRUE(changes_in_time(outer, GST_STATE_PLAYING));
  ASSERT_TRUE(step_until("clip-ended"));
  ASSERT_TRUE(stops_in_time(pipeline.get()));
  expect_gapless(video.pictures());
  expect_gapless(audio.sound());
  EXPECT_EQ(part_of(video.pictures(), spec.tag).size(), static_cast<std::size_t>(spec.frames));
}

TEST(EndOfTheBin, LeavesTheRestOfThePipelineOn) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service, {{"reuse", "never"}}), small_raster, plain_sound, {},
                "%s ! fakesink name=shown sync=false async=false enable-last-sample=false "
                "%s ! fakesink name=heard sync=false async=false enable-last-sample=false "
                "videotestsrc is-live=true ! video/x-raw,width=32,height=32 ! "
                "fakesink name=other sync=false async=false enable-last-sample=false");
  const Recorder other(child(studio.pipeline(), "other").get(), "sink");
  studio.play();
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(studio.signals().wait_for("clip-started " + LiveService::id(round)));
    ASSERT_TRUE(gst_element_send_event(studio.bin(), gst_event_new_eos()));
    ASSERT_TRUE(studio.video().wait_for_end());
    ASSERT_TRUE(studio.audio().wait_for_end());
    ASSERT_TRUE(other.wait_for_more(10)) << "the rest goes on";
    EXPECT_FALSE(other.has_ended());
    // And the bin again, with its branch, which has ended.
    const ElementPtr shown = child(studio.pipeline(), "shown");
    const ElementPtr heard = child(studio.pipeline(), "heard");
    for (GstElement* each : {studio.bin(), shown.get(), heard.get()}) {
      ASSERT_TRUE(changes_in_time(each, GST_STATE_READY));
    }
    for (GstElement* each : {shown.get(), heard.get(), studio.bin()}) {
      ASSERT_TRUE(gst_element_sync_state_with_parent(each));
    }
    ASSERT_TRUE(studio.video().wait_for_more(5));
    ASSERT_TRUE(studio.audio().wait_for_more(5));
  }
  EXPECT_FALSE(studio.bus().outcome().eos);
  studio.stop();
}

}  // namespace
}  // namespace genpro::test
