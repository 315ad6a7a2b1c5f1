// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an element costs that does nothing, and state changes in every order.
#include <atomic>

#include "base/sanitizer.h"
#include "element/element_fixture.h"
#include "support/process.h"

#if defined(GENPRO_ADDRESS_SANITIZER) || defined(GENPRO_THREAD_SANITIZER)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

namespace genpro::test {
namespace {

constexpr int many = SANITIZED ? 1000 : 10'000;

TEST(Economy, CreatingAndDroppingCostsNothing) {
  bare_src();  // the plugin itself is loaded now
  const int threads = thread_count();
  const int fds = fd_count();
  int finalized = 0;
  for (int i = 0; i < many; ++i) {
    GstElement* src = gst_element_factory_make("genprosrc", nullptr);
    ASSERT_NE(src, nullptr);
    g_object_weak_ref(
        G_OBJECT(src), [](gpointer data, GObject*) { ++*static_cast<int*>(data); }, &finalized);
    gst_object_ref_sink(src);
    if (i % 1000 == 0) {
      EXPECT_LE(thread_count(), threads);
      EXPECT_LE(fd_count(), fds);
    }
    gst_object_unref(src);
  }
  EXPECT_EQ(finalized, many);
  EXPECT_LE(thread_count(), threads);
  EXPECT_LE(fd_count(), fds);
}

TEST(Economy, SettingsAndReadyAskForNothing) {
  FakeService service;
  const int threads = thread_count();
  const int fds = fd_count();
  {
    std::vector<ElementPtr> all;
    for (int i = 0; i < 100; ++i) {
      all.push_back(seed_src(service));
      EXPECT_EQ(gst_element_set_state(all.back().get(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    }
    EXPECT_EQ(thread_count(), threads);
    EXPECT_EQ(fd_count(), fds);
    for (const ElementPtr& src : all) gst_element_set_state(src.get(), GST_STATE_NULL);
  }
  EXPECT_EQ(service.count(), 0U);
}

TEST(Economy, ARunLeavesNothingBehind) {
  const auto round = [] {
    // A service a round: the SoupServer of libsoup 3.2 keeps connections that its clients closed.
    FakeService service;
    service.set_clip({.bytes = small_clip()});
    std::atomic<int> finalized = 0;
    ElementPtr src = seed_src(service);
    g_object_weak_ref(
        G_OBJECT(src.get()),
        [](gpointer data, GObject*) { ++*static_cast<std::atomic<int>*>(data); }, &finalized);
    EXPECT_TRUE(stream(src).outcome.eos);
    src.reset();
    // Another thread may still be at a message of it.
    EXPECT_TRUE(eventually([&] { return finalized == 1; })) << finalized;
  };
  // The first rounds fill what the libraries keep for good: resolver threads, type tables.
  for (int i = 0; i < 3; ++i) round();
  const int threads = thread_count();
  const int sockets = socket_count();
  for (int i = 0; i < 20; ++i) round();
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads; })) << thread_count();
  EXPECT_TRUE(eventually([&] { return socket_count() <= sockets; })) << socket_count();
}

TEST(Economy, WaitingElementsShareOneThread) {
  FakeService service;
  service.push_status("processing");
  const auto wait_with = [&](std::size_t number) {
    std::vector<std::unique_ptr<Collector>> all;
    const std::size_t before = service.count(is_generate);
    for (std::size_t i = 0; i < number; ++i) {
      all.push_back(std::make_unique<Collector>(
          seed_src(service, {{"poll-interval", "200"}, {"reuse", "never"}})));
      gst_element_set_state(all.back()->pipeline(), GST_STATE_PAUSED);
    }
    EXPECT_TRUE(service.wait_for(is_generate, before + number));
    const int threads = thread_count();
    for (const auto& collector : all) EXPECT_TRUE(stops_in_time(collector->pipeline()));
    return threads;
  };
  wait_with(1);
  const int few = wait_with(2);
  const int more = wait_with(42);
  // Each has a streaming thread of GStreamer's own. Nothing else may grow with their number; GLib's
  // pool for name look-ups and the like comes and goes, and has ten threads at most.
  EXPECT_LE(more - few, 40 + 12) << few << " " << more;
}

// The changes that GStreamer's generic test makes with every element, and some more.
const std::vector<std::vector<GstState>> orders = {
    {GST_STATE_READY, GST_STATE_NULL},
    {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL},
    {GST_STATE_PAUSED, GST_STATE_NULL},
    {GST_STATE_PLAYING, GST_STATE_NULL},
    {GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_NULL},
    {GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL},
    {GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
     GST_STATE_NULL},
    {GST_STATE_READY, GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_NULL, GST_STATE_READY,
     GST_STATE_NULL},
};

void cycle(GstElement* element) {
  for (int round = 0; round < 3; ++round) {
    for (const auto& order : orders) {
      for (const GstState state : order)
        ASSERT_TRUE(changes_in_time(element, state)) << gst_element_state_get_name(state);
      GstState now = GST_STATE_VOID_PENDING;
      gst_element_get_state(element, &now, nullptr, 0);
      EXPECT_EQ(now, GST_STATE_NULL);
    }
  }
}

TEST(States, InEveryOrderWithoutSettings) {
  ElementPtr src = bare_src();
  cycle(src.get());
  EXPECT_EQ(gst_element_set_state(src.get(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state(src.get(), GST_STATE_NULL);
}

TEST(States, InEveryOrderInAPipelineWithoutSettings) {
  Collector collector(bare_src());
  cycle(collector.pipeline());
}

TEST(States, InEveryOrderAgainstASilentServer) {
  FakeService service;
  service.push_post(silent_answer());
  Collector collector(seed_src(service));
  cycle(collector.pipeline());
  EXPECT_TRUE(eventually([&] { return service.raw_connections() == 0; }));
}

TEST(States, InEveryOrderAgainstAGoodServer) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  Collector collector(seed_src(service));
  cycle(collector.pipeline());
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
}

TEST(States, ALoneElementWithoutAPipeline) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  ElementPtr src = seed_src(service);
  cycle(src.get());
}

}  // namespace
}  // namespace genpro::test
