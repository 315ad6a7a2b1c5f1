// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A queue beside what else puts a clip on or takes it off.
#include "live/queue_fixture.h"

namespace genpro::test {
namespace {

class QueueControl : public QueueTest {
 protected:
  // Two that are ready, the first one of 12 s.
  void play_two() {
    service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 2, .frames = 360})));
    service.hold_from(1);
    enqueue_prompt(bin(), "First");
    enqueue_prompt(bin(), "Second");
    studio->play();
    ASSERT_TRUE(service.wait_for_posts(2));
    service.complete(2);
    ASSERT_TRUE(wait_for_item(2, "ready"));
    service.complete(1);
  }
  // Where they began on the output.
  std::vector<guint64> starts() {
    std::vector<guint64> times;
    const Outcome outcome = studio->bus().outcome();
    for (const GstStructure* fields : outcome.named("genpro-clip")) {
      guint64 time = 0;
      gst_structure_get_uint64(fields, "running-time", &time);
      if (g_strcmp0(gst_structure_get_string(fields, "event"), "started") == 0) {
        times.push_back(time);
      }
    }
    return times;
  }
  // With a fade of 6 s; 3 s are what is read ahead anyhow.
  void expect_faded_in_time() {
    const std::vector<guint64> times = starts();
    ASSERT_EQ(times.size(), 2U);
    EXPECT_GE(times[1], times[0] + 6 * GST_SECOND - GST_SECOND / 30);
    EXPECT_LT(times[1], times[0] + 8 * GST_SECOND);
  }
};

TEST_F(QueueControl, AFadeOfSecondsBeginsThatMuchBeforeTheEnd) {
  make({{"prefetch", "2"}, {"fade", "6000"}});
  ASSERT_NO_FATAL_FAILURE(play_two());
  ASSERT_TRUE(wait_for_start(2));
  expect_faded_in_time();
}

TEST_F(QueueControl, AFadeThatIsSetWhileItRunsBeginsInTime) {
  make({{"prefetch", "2"}});
  ASSERT_NO_FATAL_FAILURE(play_two());
  ASSERT_TRUE(wait_for_start(1));
  set_property(bin(), "fade", "6000");
  ASSERT_TRUE(wait_for_start(2));
  expect_faded_in_time();
}

TEST_F(QueueControl, ALoopEndsWhenTheNextItemIsReady) {
  service.set_clip(2, LiveService::plain_clip(clip_of({.tag = 2, .frames = 15})));
  make({{"at-end", "loop"}});
  service.hold_from(2);
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  ASSERT_TRUE(studio->signals().wait_for("clip-started 9041", 2));
  EXPECT_TRUE(wait_for_item(1, "on-air"));
  service.complete(2);
  ASSERT_TRUE(studio->signals().wait_for("clip-started 9042", 2)) << "the last one goes on";
  EXPECT_TRUE(wait_for_item(1, "ended"));
  EXPECT_TRUE(wait_for_item(2, "on-air"));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_no_gap(1, 2);
  const Pictures first = part_of(pictures, 1);
  EXPECT_EQ(first.back().mark->frame, 29) << text_of(pictures);
  studio->expect_quiet();
}

TEST_F(QueueControl, StatsTellWhichItemIsOnAndWhichOneIsCued) {
  make({{"start-mode", "cue"}, {"at-end", "hold"}});
  const auto has = [&](guint item, guint cued) {
    return eventually([&] {
      GstStructure* fields = nullptr;
      g_object_get(bin(), "stats", &fields, nullptr);
      const StructurePtr stats(fields);
      guint on = G_MAXUINT;
      guint next = G_MAXUINT;
      gst_structure_get(fields, "item", G_TYPE_UINT, &on, "cued-item", G_TYPE_UINT, &next, nullptr);
      return on == item && next == cued;
    });
  };
  EXPECT_TRUE(has(0, 0));
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  EXPECT_TRUE(has(0, 1));
  gboolean is_taken = FALSE;
  g_signal_emit_by_name(bin(), "take", GST_CLOCK_TIME_NONE, &is_taken);
  EXPECT_TRUE(is_taken);
  EXPECT_TRUE(has(1, 2));
  studio->stop();
}

TEST_F(QueueControl, EachItemIsCuedAndWaitsForItsTake) {
  make({{"start-mode", "cue"}});
  const auto take = [&] {
    gboolean is_done = FALSE;
    g_signal_emit_by_name(bin(), "take", GST_CLOCK_TIME_NONE, &is_done);
    return is_done != FALSE;
  };
  const auto cued = [&](std::size_t times) {
    return eventually([&] {
      const Outcome outcome = studio->bus().outcome();
      const auto clips = outcome.named("genpro-clip");
      return static_cast<std::size_t>(std::ranges::count_if(clips, [](const GstStructure* fields) {
               return g_strcmp0(gst_structure_get_string(fields, "event"), "cued") == 0;
             })) >= times;
    });
  };
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  ASSERT_TRUE(cued(1));
  EXPECT_TRUE(on_air().empty());
  EXPECT_TRUE(take());
  ASSERT_TRUE(wait_for_end(1));
  ASSERT_TRUE(cued(2));
  ASSERT_TRUE(studio->wait_for_placeholder());
  EXPECT_EQ(on_air(), std::vector<int>{1});
  EXPECT_TRUE(take());
  ASSERT_TRUE(wait_for_end(2));
  EXPECT_FALSE(take()) << "nothing is left";
  studio->expect_quiet();
}

TEST_F(QueueControl, AFirstItemThatIsTooLateIsGivenUpAndTheNextOneFollows) {
  make({{"needed-by", std::to_string(4 * GST_SECOND)}});
  service.hold_from(1);
  service.complete(2);
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  ASSERT_TRUE(wait_for_item(1, "failed"));
  EXPECT_TRUE(service.wait_for_stop(1));
  ASSERT_TRUE(wait_for_end(2));
  EXPECT_EQ(on_air(), std::vector<int>{2});
  EXPECT_EQ(service.posts(), 2);
  EXPECT_EQ(studio->bus().outcome().warnings.size(), 1U);
}

TEST_F(QueueControl, ATakeHasTheNextItemOnAtItsTime) {
  service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 2, .frames = 1800})));
  make();
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  ASSERT_TRUE(wait_for_start(1));
  ASSERT_TRUE(wait_for_item(2, "ready"));
  const GstClockTime time = studio->video().pictures().back().pts + 2 * GST_SECOND;
  set_property(bin(), "take-at", std::to_string(time));
  ASSERT_TRUE(wait_for_end(2));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, 1, 30);
  const Pictures clip = part_of(pictures, 1);
  EXPECT_GE(clip.front().pts, time);
  EXPECT_LT(clip.front().pts, time + clip.front().duration);
  studio->expect_quiet();
}

TEST_F(QueueControl, WhatIsAskedForMeanwhileIsOnFirst) {
  service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 2, .frames = 1800})));
  make();
  service.hold_from(2);
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(wait_for_start(1));
  studio->generate();
  ASSERT_TRUE(service.wait_for_posts(3));
  service.complete(2);
  ASSERT_TRUE(wait_for_item(2, "ready"));
  service.complete(3);
  ASSERT_TRUE(wait_for_end(2));
  EXPECT_EQ(on_air(), (std::vector<int>{1, 3, 2}));
  EXPECT_EQ(items(), (std::vector<guint>{1, 0, 2}));
  EXPECT_FALSE(service.was_stopped(2));
  studio->expect_quiet();
}

TEST_F(QueueControl, CanBeChangedFromHandlers) {
  service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 2, .frames = 1800})));
  make();
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  const auto on_started = +[](GstElement* element, const char* id, gpointer) {
    if (id == LiveService::id(1)) {
      EXPECT_TRUE(skip(element));
    }
  };
  const auto on_ended = +[](GstElement* element, const char* id, gpointer) {
    if (id == LiveService::id(1)) {
      EXPECT_EQ(enqueue_prompt(element, "Third"), 3U);
      EXPECT_FALSE(remove_item(element, 2)) << "it is on air";
    }
  };
  g_signal_connect(bin(), "clip-started", G_CALLBACK(on_started), nullptr);
  g_signal_connect(bin(), "clip-ended", G_CALLBACK(on_ended), nullptr);
  studio->play();
  ASSERT_TRUE(wait_for_end(3));
  EXPECT_EQ(on_air(), (std::vector<int>{1, 2, 3}));
  studio->expect_quiet();
}

TEST_F(QueueControl, IsNotifiedWhenItIsEmptied) {
  make();
  service.hold_from(1);
  Guarded<std::string> seen;
  const auto on_notify = +[](GstElement* element, GParamSpec*, gpointer text) {
    static_cast<Guarded<std::string>*>(text)->lock()->assign(get_property(element, "queue"));
  };
  const gulong handler = g_signal_connect(bin(), "notify::queue", G_CALLBACK(on_notify), &seen);
  enqueue_prompt(bin(), "First");
  studio->play();
  ASSERT_TRUE(eventually([&] { return seen.lock()->find("generating") != std::string::npos; }));
  studio->set(GST_STATE_READY);
  EXPECT_TRUE(eventually([&] { return *seen.lock() == "[]"; }));
  g_signal_handler_disconnect(bin(), handler);
}

TEST_F(QueueControl, IsNotifiedOfWhatIsChangedBeforeARun) {
  make();
  int notified = 0;
  const auto on_notify =
      +[](GstElement*, GParamSpec*, gpointer times) { ++*static_cast<int*>(times); };
  const gulong handler = g_signal_connect(bin(), "notify::queue", G_CALLBACK(on_notify), &notified);
  enqueue_prompt(bin(), "First");
  EXPECT_EQ(notified, 1);
  enqueue_prompt(bin(), "Second");
  EXPECT_EQ(notified, 2);
  EXPECT_TRUE(move_item(bin(), 2, 1));
  EXPECT_EQ(notified, 3);
  EXPECT_TRUE(remove_item(bin(), 1));
  EXPECT_EQ(notified, 4);
  EXPECT_FALSE(remove_item(bin(), 1));
  EXPECT_EQ(notified, 4) << "nothing was changed";
  g_signal_handler_disconnect(bin(), handler);
}

TEST_F(QueueControl, AHandlerMayWaitForTheOneThatStops) {
  make();
  service.hold_from(1);
  struct Application {
    std::atomic<bool> is_stopping = false;
    std::atomic<bool> has_waited = false;
  } application;
  const auto on_notify = +[](GstElement* element, GParamSpec*, gpointer data) {
    auto* const self = static_cast<Application*>(data);
    EXPECT_TRUE(eventually([=] { return !self->is_stopping; })) << "they wait for each other";
    if (get_property(element, "queue") == "[]") self->has_waited = true;
  };
  const gulong handler =
      g_signal_connect(bin(), "notify::queue", G_CALLBACK(on_notify), &application);
  enqueue_prompt(bin(), "First");
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(1));
  application.is_stopping = true;
  studio->set(GST_STATE_READY);
  application.is_stopping = false;
  EXPECT_TRUE(eventually([&] { return application.has_waited.load(); }));
  g_signal_handler_disconnect(bin(), handler);
}

TEST_F(QueueControl, AnItemThatIsQueuedWhileARunEndsIsOfTheNextOne) {
  make();
  service.hold_from(1);
  enqueue_prompt(bin(), "First");
  studio->play();
  ASSERT_TRUE(studio->signals().wait_for("started 9041"));
  // What a run tells last.
  const auto on_message = +[](GstBus*, GstMessage* message, gpointer element) {
    GstProgressType type = GST_PROGRESS_TYPE_ERROR;
    gst_message_parse_progress(message, &type, nullptr, nullptr);
    if (type != GST_PROGRESS_TYPE_CANCELED) return;
    EXPECT_EQ(enqueue_prompt(GST_ELEMENT(element), "Second"), 2U);
  };
  const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(studio->pipeline()));
  gst_bus_enable_sync_message_emission(bus.get());
  g_signal_connect(bus.get(), "sync-message::progress", G_CALLBACK(on_message), bin());
  studio->set(GST_STATE_READY);
  gst_bus_disable_sync_message_emission(bus.get());
  EXPECT_EQ(queue(), R"([{"number":2,"state":"waiting","prompt":"Second"}])");
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  EXPECT_NE(service.bodies()[1].find("Second"), std::string::npos);
}

TEST_F(QueueControl, AnItemThatIsQueuedWhileTheSourcesStopIsOfTheNextRun) {
  make();
  service.hold_from(1);
  enqueue_prompt(bin(), "First");
  studio->play();
  ASSERT_TRUE(studio->signals().wait_for("started 9041"));
  const auto on_message = +[](GstBus*, GstMessage* message, gpointer element) {
    GstState before = GST_STATE_NULL;
    GstState now = GST_STATE_NULL;
    gst_message_parse_state_changed(message, &before, &now, nullptr);
    if (g_strcmp0(GST_MESSAGE_SRC_NAME(message), "genpro-video") != 0 ||
        before != GST_STATE_PAUSED || now != GST_STATE_READY) {
      return;
    }
    EXPECT_EQ(enqueue_prompt(GST_ELEMENT(element), "Second"), 2U);
    EXPECT_EQ(enqueue_prompt(GST_ELEMENT(element), "Third"), 3U);
    EXPECT_TRUE(remove_item(GST_ELEMENT(element), 2));
  };
  const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(studio->pipeline()));
  gst_bus_enable_sync_message_emission(bus.get());
  g_signal_connect(bus.get(), "sync-message::state-changed", G_CALLBACK(on_message), bin());
  studio->set(GST_STATE_READY);
  gst_bus_disable_sync_message_emission(bus.get());
  EXPECT_EQ(queue(), R"([{"number":3,"state":"waiting","prompt":"Third"}])");
  EXPECT_EQ(service.posts(), 1);
}

TEST_F(QueueControl, CanBeLeftFromAHandler) {
  make();
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  std::atomic<bool> was_stopped = false;
  const auto on_notify = +[](GstElement* element, GParamSpec*, gpointer stopped) {
    EXPECT_FALSE(static_cast<std::atomic<bool>*>(stopped)->load()) << "it is called once more";
    if (get_property(element, "queue").find("on-air") == std::string::npos) return;
    gst_element_set_state(element, GST_STATE_NULL);
    *static_cast<std::atomic<bool>*>(stopped) = true;
  };
  g_signal_connect(bin(), "notify::queue", G_CALLBACK(on_notify), &was_stopped);
  studio->play();
  ASSERT_TRUE(eventually([&] { return was_stopped.load(); }));
  EXPECT_EQ(queue(), "[]");
  studio->stop();
}

}  // namespace
}  // namespace genpro::test
