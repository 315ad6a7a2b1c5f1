// SPDX-License-Identifier: LGPL-2.1-or-later
//
// States, pads that come and go, and what is left when the element is gone.
#include <future>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr GstClockTime long_wait = 30 * GST_SECOND;

ElementPtr make(const char* factory) {
  ElementPtr element = sink_ref(gst_element_factory_make(factory, nullptr));
  if (!element) throw std::runtime_error(std::string("no element ") + factory);
  return element;
}

PadPtr pad_of(const ElementPtr& element, const char* name) {
  return PadPtr::adopt(gst_element_get_static_pad(element.get(), name));
}

// A sink that does not wait, with what it takes in front of it.
class Reader {
 public:
  Reader(GstElement* pipeline, const std::string& caps)
      : pipeline_(pipeline), filter_(make("capsfilter")), sink_(make("fakesink")) {
    const CapsPtr filter(gst_caps_from_string(caps.c_str()));
    g_object_set(filter_.get(), "caps", filter.get(), nullptr);
    g_object_set(sink_.get(), "sync", FALSE, "async", FALSE, nullptr);
    gst_bin_add_many(GST_BIN(pipeline_), filter_.get(), sink_.get(), nullptr);
    gst_element_link(filter_.get(), sink_.get());
    recorder_ = std::make_unique<Recorder>(sink_.get(), "sink");
    gst_element_sync_state_with_parent(sink_.get());
    gst_element_sync_state_with_parent(filter_.get());
  }
  ~Reader() {
    gst_element_set_state(filter_.get(), GST_STATE_NULL);
    gst_element_set_state(sink_.get(), GST_STATE_NULL);
    recorder_.reset();
    gst_bin_remove_many(GST_BIN(pipeline_), filter_.get(), sink_.get(), nullptr);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool link(const PadPtr& source) const {
    return gst_pad_link(source.get(), pad_of(filter_, "sink").get()) == GST_PAD_LINK_OK;
  }
  void unlink(const PadPtr& source) const {
    gst_pad_unlink(source.get(), pad_of(filter_, "sink").get());
  }
  Recorder& data() { return *recorder_; }

 private:
  GstElement* const pipeline_;
  ElementPtr filter_;
  ElementPtr sink_;
  std::unique_ptr<Recorder> recorder_;
};

// A pipeline with nothing but the element.
class Alone {
 public:
  explicit Alone(const LiveService& service, const Settings& changes = {})
      : pipeline_(sink_ref(gst_pipeline_new(nullptr))), bin_(live_bin(service, changes)) {
    bus_ = std::make_unique<BusListener>(pipeline_.get());
    gst_bin_add(GST_BIN(pipeline_.get()), bin_.get());
  }
  GstElement* pipeline() const { return pipeline_.get(); }
  const ElementPtr& bin() const { return bin_; }
  GstStateChangeReturn set(GstState state) const {
    return gst_element_set_state(pipeline_.get(), state);
  }
  void expect_no_errors() {
    const Outcome outcome = bus_->outcome();
    EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  }

 private:
  Running pipeline_;
  ElementPtr bin_;
  std::unique_ptr<BusListener> bus_;
};

TEST(States, GoToPlayingWhileTheServiceIsSilent) {
  LiveService service;
  service.set_post(silent_answer());
  Studio studio(live_bin(service));
  EXPECT_EQ(studio.set(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  ASSERT_NE(studio.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  GstState state = GST_STATE_NULL;
  EXPECT_EQ(gst_element_get_state(studio.pipeline(), &state, nullptr, long_wait),
            GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(state, GST_STATE_PLAYING);
  EXPECT_TRUE(studio.video().wait_for_more(5));
  EXPECT_TRUE(studio.audio().wait_for_more(5));
  studio.stop();
  EXPECT_GT(studio.video().count(), 0U);
}

TEST(States, GiveNothingBeforePlaying) {
  LiveService service;
  service.set_clip(clip_of({}));
  Studio studio(live_bin(service));
  EXPECT_EQ(studio.set(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  // The generation begins all the same, so that no time is lost.
  ASSERT_TRUE(service.wait_for_posts(1));
  EXPECT_EQ(studio.video().count(), 0U);
  EXPECT_EQ(studio.audio().count(), 0U);
  studio.play();
  EXPECT_TRUE(studio.wait_for_picture({1, 0}));
}

TEST(States, ChangeInAnyOrder) {
  LiveService service;
  service.set_clip(clip_of({}));
  Studio studio(live_bin(service, {{"reuse", "never"}}));
  unsigned seed = 7;
  const GstState states[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING};
  for (int i = 0; i < 60; ++i) {
    seed = seed * 1664525U + 1013904223U;
    const GstState state = states[seed >> 30];
    ASSERT_TRUE(changes_in_time(studio.pipeline(), state)) << i;
    if ((seed >> 20 & 3) == 0) studio.generate();
    if ((seed >> 22 & 7) == 0 && state == GST_STATE_PLAYING) {
      ASSERT_TRUE(studio.video().wait_for_more(2));
    }
  }
  ASSERT_TRUE(changes_in_time(studio.pipeline(), GST_STATE_NULL));
  studio.play();
  EXPECT_TRUE(studio.video().wait_for_next([](const Shown& shown) { return shown.is_of(1); }));
  studio.stop();
  studio.expect_quiet();
}

TEST(States, PlayAgainFromTheBeginning) {
  LiveService service;
  service.set_clip(clip_of({.frames = 20}));
  Studio studio(live_bin(service, {{"reuse", "never"}}));
  for (int round = 1; round <= 3; ++round) {
    studio.play();
    ASSERT_TRUE(studio.signals().wait_for("clip-started " + LiveService::id(round)));
    ASSERT_TRUE(studio.signals().wait_for("clip-ended " + LiveService::id(round)));
    studio.stop();
    ASSERT_TRUE(changes_in_time(studio.pipeline(), GST_STATE_READY));
  }
  EXPECT_EQ(service.posts(), 3);
  studio.stop();
}

TEST(States, GoOnAfterAPause) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 10}));
  ASSERT_TRUE(changes_in_time(studio.pipeline(), GST_STATE_PAUSED));
  const std::size_t before = studio.video().count();
  ASSERT_NE(studio.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(studio.wait_for_picture({1, 59}));
  EXPECT_GT(studio.video().count(), before);
  ASSERT_TRUE(studio.wait_for_sound());
  studio.stop();
  // The running time stands still in PAUSED, so there is no gap either.
  expect_gapless(studio.video().pictures());
  expect_gapless(studio.audio().sound());
  expect_whole(studio.video().pictures(), 1, 60);
}

// A pipeline that plays already when the element is added to it, by itself or within a bin.
class RunningAround {
 public:
  RunningAround(const ElementPtr& bin, bool is_nested) : added_(bin.get()) {
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    if (is_nested) {
      added_ = gst_bin_new(nullptr);
      gst_bin_add(GST_BIN(added_), bin.get());
    }
    gst_bin_add(GST_BIN(pipeline_.get()), added_);
  }
  bool start() const { return gst_element_sync_state_with_parent(added_); }
  GstStateChangeReturn set(GstState state) const {
    return gst_element_set_state(pipeline_.get(), state);
  }
  BusListener& bus() { return bus_; }

 private:
  Running pipeline_{sink_ref(gst_pipeline_new(nullptr))};
  BusListener bus_{pipeline_.get()};
  GstElement* added_;
};

TEST(States, LetAPipelineStopAroundAnElementThatCannotStart) {
  LiveService service;
  for (const GstState stopped : {GST_STATE_READY, GST_STATE_NULL}) {
    for (const bool is_nested : {false, true}) {
      const ElementPtr bin = live_bin(service, {{"framerate", "no rate"}});
      RunningAround pipeline(bin, is_nested);
      EXPECT_FALSE(pipeline.start());
      EXPECT_EQ(pipeline.set(stopped), GST_STATE_CHANGE_SUCCESS) << is_nested;
    }
  }
}

TEST(States, AreNotRaisedByAPipelineThatStops) {
  LiveService service;
  for (const bool is_nested : {false, true}) {
    const ElementPtr bin = live_bin(service);
    RunningAround pipeline(bin, is_nested);
    EXPECT_EQ(pipeline.set(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    const auto has_started = [&bin](GstMessage* message) {
      if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_STATE_CHANGED) return false;
      GstState state = GST_STATE_NULL;
      gst_message_parse_state_changed(message, nullptr, &state, nullptr);
      return GST_MESSAGE_SRC(message) == GST_OBJECT(bin.get()) && state == GST_STATE_PAUSED;
    };
    EXPECT_FALSE(pipeline.bus().wait_for(has_started, std::chrono::milliseconds(0))) << is_nested;
    // As usual with the next start.
    pipeline.set(GST_STATE_PLAYING);
    EXPECT_TRUE(pipeline.bus().wait_for(has_started)) << is_nested;
  }
}

TEST(States, LetPadsBeUnlinked) {
  for (const bool has_video : {false, true}) {
    for (const bool has_audio : {false, true}) {
      LiveService service;
      service.set_clip(clip_of({.frames = 20}));
      Alone alone(service);
      const Signals signals(alone.bin().get());
      std::unique_ptr<Reader> video;
      std::unique_ptr<Reader> audio;
      if (has_video) {
        video = std::make_unique<Reader>(alone.pipeline(), small_raster);
        ASSERT_TRUE(video->link(pad_of(alone.bin(), "video")));
      }
      if (has_audio) {
        audio = std::make_unique<Reader>(alone.pipeline(), plain_sound);
        ASSERT_TRUE(audio->link(pad_of(alone.bin(), "audio")));
      }
      ASSERT_NE(alone.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
      // The clip runs, looked at or not.
      EXPECT_TRUE(signals.wait_for("clip-started 9041"));
      EXPECT_TRUE(signals.wait_for("clip-ended 9041"));
      EXPECT_TRUE(!video || video->data().wait_for_more(5));
      EXPECT_TRUE(!audio || audio->data().wait_for_more(5));
      EXPECT_TRUE(stops_in_time(alone.pipeline()));
      alone.expect_no_errors();
    }
  }
}

TEST(States, LetPadsBeLinkedAndUnlinkedInPlaying) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Alone alone(service, {{"at-end", "loop"}});
  ASSERT_NE(alone.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const PadPtr video_pad = pad_of(alone.bin(), "video");
  const PadPtr audio_pad = pad_of(alone.bin(), "audio");
  for (int round = 0; round < 6; ++round) {
    Reader video(alone.pipeline(), small_raster);
    Reader audio(alone.pipeline(), plain_sound);
    ASSERT_TRUE(video.link(video_pad)) << round;
    ASSERT_TRUE(video.data().wait_for_more(5)) << round;
    ASSERT_TRUE(audio.link(audio_pad)) << round;
    ASSERT_TRUE(audio.data().wait_for_more(5)) << round;
    expect_gapless(video.data().pictures());
    video.unlink(video_pad);
    ASSERT_TRUE(audio.data().wait_for_more(5)) << "the other pad goes on";
    expect_gapless(audio.data().sound());
    audio.unlink(audio_pad);
  }
  EXPECT_TRUE(stops_in_time(alone.pipeline()));
  alone.expect_no_errors();
}

TEST(States, LetAPadBeLinkedToWhatTakesOtherCaps) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Alone alone(service, {{"at-end", "loop"}});
  ASSERT_NE(alone.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const PadPtr video_pad = pad_of(alone.bin(), "video");
  const PadPtr audio_pad = pad_of(alone.bin(), "audio");
  for (const char* caps :
       {small_raster, "video/x-raw,format=RGBA,width=320,height=180,framerate=25/1",
        "video/x-raw,format=NV12,width=128,height=96", "video/x-raw,format=I420,framerate=15/1"}) {
    Reader video(alone.pipeline(), caps);
    ASSERT_TRUE(video.link(video_pad)) << caps;
    ASSERT_TRUE(video.data().wait_for_more(5)) << caps;
    const CapsPtr wanted(gst_caps_from_string(caps));
    const CapsPtr got = video.data().caps();
    ASSERT_TRUE(got) << caps;
    EXPECT_TRUE(gst_caps_is_subset(got.get(), wanted.get()))
        << take_string(gst_caps_to_string(got.get()));
    video.unlink(video_pad);
  }
  for (const char* caps : {"audio/x-raw,format=S16LE,rate=44100,channels=1",
                           "audio/x-raw,format=F32LE,rate=48000,channels=2"}) {
    Reader audio(alone.pipeline(), caps);
    ASSERT_TRUE(audio.link(audio_pad)) << caps;
    ASSERT_TRUE(audio.data().wait_for_more(5)) << caps;
    const CapsPtr wanted(gst_caps_from_string(caps));
    EXPECT_TRUE(gst_caps_is_subset(audio.data().caps().get(), wanted.get())) << caps;
    audio.unlink(audio_pad);
  }
  EXPECT_TRUE(stops_in_time(alone.pipeline()));
  alone.expect_no_errors();
}

TEST(States, EndWhenToldTo) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 5}));
  ASSERT_TRUE(gst_element_send_event(studio.pipeline(), gst_event_new_eos()));
  EXPECT_TRUE(studio.bus().wait_for_end());
  EXPECT_TRUE(studio.video().has_ended());
  EXPECT_TRUE(studio.audio().has_ended());
  EXPECT_TRUE(studio.bus().outcome().eos);
  studio.stop();
}

TEST(States, TakeAnEndWhileASinkWaits) {
  LiveService service;
  Studio studio(live_bin(service), small_raster, plain_sound, {},
                "%s ! fakesink name=waits sync=false enable-last-sample=false "
                "%s ! fakesink sync=false enable-last-sample=false");
  studio.play();
  const ElementPtr sink = child(studio.pipeline(), "waits");
  gst_element_set_locked_state(sink.get(), TRUE);
  gst_element_set_state(sink.get(), GST_STATE_PAUSED);
  // It has a frame then, and keeps the thread that brought it.
  ASSERT_EQ(gst_element_get_state(sink.get(), nullptr, nullptr, long_wait),
            GST_STATE_CHANGE_SUCCESS);
  const MiniObjectPtr<GstEvent> end(gst_event_new_eos());
  auto sent = std::async(std::launch::async, [&] {
    gst_element_send_event(studio.pipeline(), gst_event_ref(end.get()));
  });
  const bool is_sent = sent.wait_for(generous) == std::future_status::ready;
  EXPECT_TRUE(is_sent) << "the sender hangs";
  gst_element_set_locked_state(sink.get(), FALSE);
  gst_element_set_state(sink.get(), GST_STATE_PLAYING);
  EXPECT_TRUE(studio.bus().wait_for([&](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS &&
           gst_message_get_seqnum(message) == gst_event_get_seqnum(end.get());
  }));
  studio.stop();
}

TEST(States, StopTheGenerationThatIsUnderWay) {
  LiveService service;
  service.hold_from(1);
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  studio.stop();
  EXPECT_TRUE(service.wait_for_stop(1)) << "it would be paid for in vain";
}

TEST(States, DetachFromTheGenerationThatIsUnderWay) {
  LiveService service;
  service.hold_from(1);
  Studio studio(live_bin(service, {{"on-shutdown", "detach"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  studio.stop();
  EXPECT_FALSE(service.was_stopped(1));
  // The next run takes it up.
  service.set_clip(clip_of({}));
  service.complete(1);
  studio.play();
  EXPECT_TRUE(studio.wait_for_clip(1));
  studio.stop();
  EXPECT_EQ(service.posts(), 1);
}

TEST(States, OfAnElementThatIsNeverUsedCostNothing) {
  // What GStreamer itself loads at the first use stays.
  ElementPtr(make("genprobin")).reset();
  // Tests before this one leave threads that come and go on their own: what is asked is that there
  // is a moment at which fifty elements add none.
  EXPECT_TRUE(eventually([] {
    const int threads = thread_count();
    const int files = fd_count();
    std::vector<ElementPtr> bins;
    for (int i = 0; i < 50; ++i) bins.push_back(make("genprobin"));
    return fd_count() <= files && thread_count() <= threads;
  })) << "creating an element starts no thread and opens no file";
}

TEST(States, OfManyElementsLeaveNothingBehind) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  const auto play_some = [&](int number) {
    std::vector<std::unique_ptr<Studio>> studios;
    for (int i = 0; i < number; ++i) {
      studios.push_back(std::make_unique<Studio>(live_bin(
          service, {{"reuse", "never"}, {"placeholder", i % 2 == 0 ? "slate" : "black"}})));
      ASSERT_NE(studios.back()->set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    }
    for (const auto& studio : studios) ASSERT_TRUE(studio->wait_for_clip(1));
    for (const auto& studio : studios) studio->stop();
  };
  play_some(1);
  g_thread_pool_stop_unused_threads();
  const Held before;
  for (int round = 0; round < 4; ++round) play_some(4);
  expect_no_more_than(before);
}

TEST(States, AreReachedWithoutACompleteSetting) {
  LiveService service;
  Studio studio(live_bin(service, {{"prompt", ""}, {"agent-id", ""}}));
  studio.play();
  EXPECT_TRUE(studio.bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING; }));
  EXPECT_TRUE(studio.video().wait_for_more(5));
  studio.stop();
  EXPECT_EQ(service.posts(), 0);
}

}  // namespace
}  // namespace genpro::test
