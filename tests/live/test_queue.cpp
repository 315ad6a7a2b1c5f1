// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Items that are queued: one after the other without a gap, each paid for once.
#include "live/queue_fixture.h"

namespace genpro::test {
namespace {

class Queue : public QueueTest {};

TEST_F(Queue, ItemsOfAnySizeAndRateFollowEachOtherWithoutAGap) {
  const ClipSpec specs[] = {
      {.tag = 1, .frames = 45},
      {.tag = 2, .frames = 35, .fps_n = 25, .width = 320, .height = 180},
      {.tag = 3, .frames = 20, .fps_n = 24'000, .fps_d = 1001, .width = 384, .height = 216},
  };
  make({{"prefetch", "3"}});
  for (int i = 0; i < 3; ++i) {
    service.set_clip(i + 1, LiveService::plain_clip(clip_of(specs[i])));
    EXPECT_EQ(enqueue_prompt(bin(), "Item " + std::to_string(i + 1)), i + 1U);
  }
  service.hold_from(1);
  service.complete(2);
  service.complete(3);
  studio->play();
  ASSERT_TRUE(wait_for_item(2, "ready"));
  ASSERT_TRUE(wait_for_item(3, "ready"));
  EXPECT_TRUE(on_air().empty()) << "the first one is waited for";
  service.complete(1);
  ASSERT_TRUE(wait_for_end(3));
  ASSERT_NO_FATAL_FAILURE(stop());
  for (const ClipSpec& spec : specs) expect_whole(pictures, spec.tag, spec.frames);
  expect_no_gap(1, 3);
  EXPECT_EQ(reasons(), (std::vector<std::string>{"end", "end", "end"}));
  EXPECT_EQ(service.posts(), 3) << "the element's own prompt is the items' default";
  // Each one's sound begins where that of the one before has ended, to the sample. What begins with
  // a burst is faded in, so that those within the clips are compared.
  const std::vector<GstClockTime> heard = bursts(sound);
  const std::vector<int> expected = {0, 500, 1000, 1500, 2000, 2500, 2900, 3400};
  ASSERT_EQ(heard.size(), expected.size());
  EXPECT_NEAR(static_cast<double>(heard[0]), static_cast<double>(part_of(pictures, 1).front().pts),
              5.0 * GST_MSECOND);
  for (const std::size_t i : {2, 4, 5, 7}) {
    EXPECT_NEAR(static_cast<double>(heard[i] - heard[1]), (expected[i] - 500.0) * GST_MSECOND,
                GST_SECOND / 48'000.0)
        << i;
  }
  studio->expect_quiet();
}

TEST_F(Queue, TheClipOfTheElementsOwnPromptComesFirst) {
  service.set_clip(2, LiveService::plain_clip(clip_of({.tag = 2, .frames = 15})));
  make();
  service.hold_from(1);
  service.complete(2);
  studio->play();
  EXPECT_EQ(enqueue(bin(), "item, prompt=\"A plane\", duration=5"), 1U);
  ASSERT_TRUE(service.wait_for_posts(1));
  service.complete(1);
  ASSERT_TRUE(wait_for_end(2));
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_EQ(on_air(), (std::vector<int>{1, 2}));
  EXPECT_NE(service.bodies()[0].find(seed_prompt), std::string::npos);
  EXPECT_NE(service.bodies()[1].find("A plane"), std::string::npos);
  EXPECT_NE(service.bodies()[1].find("\"duration\":5"), std::string::npos) << service.bodies()[1];
  studio->expect_quiet();
}

TEST_F(Queue, AnItemThatIsRemovedIsNotPaidForOrIsStopped) {
  make();
  service.hold_from(1);
  const unsigned first = enqueue_prompt(bin(), "First");
  const unsigned second = enqueue_prompt(bin(), "Second");
  const unsigned third = enqueue_prompt(bin(), "Third");
  const unsigned fourth = enqueue_prompt(bin(), "Fourth");
  EXPECT_TRUE(remove_item(bin(), fourth)) << "before the start";
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(1));
  ASSERT_TRUE(studio->signals().wait_for("started 9041"));
  EXPECT_TRUE(remove_item(bin(), second));
  EXPECT_FALSE(remove_item(bin(), second)) << "it is gone";
  EXPECT_TRUE(remove_item(bin(), first));
  EXPECT_TRUE(service.wait_for_stop(1));
  service.complete(2);
  ASSERT_TRUE(wait_for_start(2));
  EXPECT_FALSE(remove_item(bin(), third)) << "it is on air";
  ASSERT_TRUE(wait_for_end(2));
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_EQ(service.posts(), 2);
  EXPECT_NE(service.bodies()[0].find("First"), std::string::npos);
  EXPECT_NE(service.bodies()[1].find("Third"), std::string::npos);
  EXPECT_FALSE(service.was_stopped(2));
  studio->expect_quiet();
}

TEST_F(Queue, AnItemThatIsMovedIsOnBeforeTheOthers) {
  make();
  service.hold_from(1);
  const unsigned first = enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  const unsigned third = enqueue_prompt(bin(), "Third");
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(1));
  EXPECT_TRUE(move_item(bin(), third, 1));
  ASSERT_TRUE(service.wait_for_posts(2)) << "what is the next one is asked for";
  service.complete(1);
  ASSERT_TRUE(wait_for_item(first, "ready"));
  EXPECT_TRUE(on_air().empty()) << "it is not its turn";
  service.complete(2);
  ASSERT_TRUE(wait_for_start(2));
  EXPECT_FALSE(move_item(bin(), third, 2)) << "it is on air";
  ASSERT_TRUE(service.wait_for_posts(3));
  service.complete(3);
  ASSERT_TRUE(wait_for_end(3));
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_EQ(on_air(), (std::vector<int>{2, 1, 3}));
  EXPECT_EQ(items(), (std::vector<guint>{3, 1, 2}));
  EXPECT_NE(service.bodies()[1].find("Third"), std::string::npos);
  EXPECT_NE(service.bodies()[2].find("Second"), std::string::npos);
  EXPECT_FALSE(service.was_stopped(1)) << "what was begun is not given up";
  studio->expect_quiet();
}

TEST_F(Queue, WhatIsSkippedGivesWayToTheNextOneWhenThatIsReady) {
  service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 2, .frames = 1800})));
  make();
  service.hold_from(2);
  enqueue_prompt(bin(), "First");
  studio->play();
  ASSERT_TRUE(wait_for_start(1));
  EXPECT_FALSE(skip(bin())) << "nothing follows";
  enqueue_prompt(bin(), "Second");
  EXPECT_TRUE(skip(bin()));
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  EXPECT_EQ(on_air(), std::vector<int>{1});
  service.complete(2);
  ASSERT_TRUE(wait_for_end(2));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, 1, 30);
  expect_no_gap(2, 1);
  EXPECT_EQ(reasons(), (std::vector<std::string>{"replaced", "end"}));
  studio->expect_quiet();
}

TEST_F(Queue, AnItemThatFailsIsToldOnceAndTheNextOneFollows) {
  service.set_clip(3, LiveService::plain_clip(clip_of({.tag = 3, .frames = 15})));
  make({{"prefetch", "3"}});
  service.hold_from(1);
  service.fail(2, "The model refused");
  service.complete(3);
  enqueue_prompt(bin(), "First");
  enqueue_prompt(bin(), "Second");
  enqueue_prompt(bin(), "Third");
  studio->play();
  ASSERT_TRUE(wait_for_item(2, "failed"));
  ASSERT_TRUE(wait_for_item(3, "ready"));
  EXPECT_NE(queue().find("The model refused"), std::string::npos) << queue();
  service.complete(1);
  ASSERT_TRUE(wait_for_end(3));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, 1, 30);
  expect_whole(pictures, 3, 15);
  expect_no_gap(1, 3);
  EXPECT_EQ(on_air(), (std::vector<int>{1, 3}));
  const Outcome outcome = studio->bus().outcome();
  EXPECT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_TRUE(outcome.errors.empty());
}

TEST_F(Queue, WhatIsNoItemIsRefusedBeforeAnythingIsSent) {
  make({{"prompt", ""}});
  const std::vector<std::string> wrong = {
      "",
      "{",
      "no structure at all",
      R"(["prompt"])",
      R"({"prompt": null})",
      R"({"prompt": "A boat", "no-such-setting": 1})",
      R"({"prompt": "A boat", "duration": "long"})",
      R"({"prompt": "A boat", "reuse": "sometimes"})",
      R"({"prompt": "A boat", "faststart": true})",
      R"({"prompt": "A boat", "width": 1280})",
      R"({"prompt": "A boat", "asset-ids": [{"id": 1}]})",
      R"({"generation-id": "../9041"})",
      R"({"duration": 5})",
  };
  for (const std::string& text : wrong) EXPECT_EQ(enqueue(bin(), text), 0U) << text;
  EXPECT_EQ(queue(), "[]");
  EXPECT_NE(enqueue_prompt(bin(), "A boat"), 0U);
  service.hold_from(1);
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(1));
  for (const std::string& text : wrong) EXPECT_EQ(enqueue(bin(), text), 0U) << text;
  ASSERT_TRUE(eventually([&] { return studio->bus().outcome().warnings.size() >= wrong.size(); }));
  ASSERT_TRUE(studio->video().wait_for_more(10));
  EXPECT_EQ(service.posts(), 1);
  const Outcome outcome = studio->bus().outcome();
  for (const BusError& warning : outcome.warnings) {
    EXPECT_TRUE(warning.is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS)) << warning.text;
    EXPECT_TRUE(warning.text.ends_with("The item was not queued.")) << warning.text;
    EXPECT_EQ(warning.detail("charged"), "no");
  }
}

TEST_F(Queue, IsNotifiedWhenAnItemIsReady) {
  make({{"prefetch", "2"}});
  service.hold_from(1);
  const auto on_notify = +[](GstElement* element, GParamSpec*, gpointer seen) {
    static_cast<Guarded<std::string>*>(seen)->lock()->assign(get_property(element, "queue"));
  };
  Guarded<std::string> seen;
  const gulong handler = g_signal_connect(bin(), "notify::queue", G_CALLBACK(on_notify), &seen);
  for (const char* prompt : {"First", "Second"}) enqueue_prompt(bin(), prompt);
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  service.complete(2);
  EXPECT_TRUE(eventually([&] {
    const std::string text = *seen.lock();
    const std::size_t second = text.find(R"("number":2,"state":"ready")");
    return second != std::string::npos && text.find("\"length\":", second) != std::string::npos;
  }));
  studio->stop();
  EXPECT_TRUE(eventually([&] { return *seen.lock() == "[]"; }));
  g_signal_handler_disconnect(bin(), handler);
}

TEST_F(Queue, NoMoreGenerationsRunAheadThanIsSet) {
  make({{"prefetch", "2"}});
  service.hold_from(1);
  for (int i = 1; i <= 5; ++i) enqueue_prompt(bin(), "Item " + std::to_string(i));
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(studio->video().wait_for_more(30));
  EXPECT_EQ(service.posts(), 2);
  service.complete(1);
  ASSERT_TRUE(service.wait_for_posts(3));
  ASSERT_TRUE(wait_for_end(1));
  ASSERT_TRUE(studio->video().wait_for_more(15));
  EXPECT_EQ(service.posts(), 3);
  set_property(bin(), "prefetch", "3");
  ASSERT_TRUE(service.wait_for_posts(4));
  EXPECT_TRUE(wait_for_item(5, "waiting"));
}

TEST_F(Queue, EachOfTwoEqualItemsIsAGenerationOfItsOwn) {
  make({{"prefetch", "2"}});
  service.hold_from(1);
  enqueue(bin(), "{}");
  enqueue(bin(), "{}");
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  service.complete(1);
  service.complete(2);
  ASSERT_TRUE(wait_for_end(2));
  EXPECT_EQ(on_air(), (std::vector<int>{1, 2}));
  EXPECT_EQ(service.posts(), 2);
  studio->expect_quiet();
}

TEST_F(Queue, AnItemMayBeAGenerationThatExists) {
  make();
  EXPECT_EQ(enqueue(bin(), R"({"generation-id": 9055})"), 1U);
  studio->play();
  ASSERT_TRUE(wait_for_end(15));
  EXPECT_EQ(on_air(), std::vector<int>{15});
  EXPECT_EQ(service.posts(), 0);
  studio->expect_quiet();
}

TEST_F(Queue, AnItemOfAnotherCellIsNotTheElementsGeneration) {
  make({{"generation-id", "9055"}});
  EXPECT_EQ(enqueue(bin(), R"({"cell-id": "77"})"), 1U);
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(1));
}

TEST_F(Queue, WhatWasPaidForIsPickedUpAfterARestart) {
  const Settings settings = {{"prefetch", "2"}, {"on-shutdown", "detach"}};
  make(settings);
  service.hold_from(1);
  const auto fill = [&] {
    enqueue_prompt(bin(), "First");
    enqueue(bin(), "{}");
    enqueue(bin(), "{}");
  };
  fill();
  studio->play();
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(studio->signals().wait_for("started 9042"));
  studio->stop();
  EXPECT_EQ(queue(), "[]") << "it ends with the run";
  make(settings);
  fill();
  studio->play();
  service.complete(1);
  ASSERT_TRUE(wait_for_start(1));
  ASSERT_TRUE(service.wait_for_posts(3)) << "the third one was not paid for yet";
  service.complete(2);
  service.complete(3);
  ASSERT_TRUE(wait_for_end(3));
  EXPECT_EQ(on_air(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(service.posts(), 3);
  studio->expect_quiet();
}

TEST_F(Queue, TheStreamEndsAfterTheLastItem) {
  make({{"at-end", "eos"}});
  service.hold_from(2);
  service.fail(3, "The model refused");
  for (const char* prompt : {"First", "Second", "Third"}) enqueue_prompt(bin(), prompt);
  studio->play();
  ASSERT_TRUE(wait_for_end(1));
  ASSERT_TRUE(studio->wait_for_placeholder()) << "another one is waited for";
  service.complete(2);
  ASSERT_TRUE(wait_for_start(2));
  ASSERT_TRUE(studio->bus().wait_for_end());
  EXPECT_TRUE(studio->bus().outcome().eos);
  EXPECT_EQ(enqueue_prompt(bin(), "Fourth"), 0U) << "it would not be on";
  EXPECT_EQ(on_air(), (std::vector<int>{1, 2}));
}

class EndedQueue : public Queue, public testing::WithParamInterface<const char*> {
 protected:
  static GstPadProbeReturn refuse(GstPad*, GstPadProbeInfo* info, gpointer) {
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
    return GST_PAD_PROBE_HANDLED;
  }
  void end_output() {
    if (g_str_equal(GetParam(), "Event")) {
      EXPECT_TRUE(gst_element_send_event(bin(), gst_event_new_eos()));
      return;
    }
    for (const char* name : {"video", "audio"}) {
      const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(bin(), name));
      gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, refuse, nullptr, nullptr);
    }
  }
};

TEST_P(EndedQueue, AsksForNothingMore) {
  make();
  service.hold_from(2);
  for (const char* prompt : {"First", "Second", "Third"}) enqueue_prompt(bin(), prompt);
  studio->play();
  ASSERT_TRUE(wait_for_start(1));
  ASSERT_TRUE(service.wait_for_posts(2));
  ASSERT_TRUE(wait_for_item(2, "generating"));
  end_output();
  ASSERT_TRUE(studio->video().wait_for_end());
  ASSERT_TRUE(studio->audio().wait_for_end());
  set_property(bin(), "prefetch", "8");
  EXPECT_EQ(enqueue_prompt(bin(), "Fourth"), 0U) << "it would not be on";
  g_signal_emit_by_name(bin(), "generate");
  EXPECT_TRUE(eventually([&] {
    const Outcome outcome = studio->bus().outcome();
    return std::ranges::any_of(outcome.warnings, [](const BusError& warning) {
      return warning.text.starts_with("Nothing is asked for");
    });
  }));
  EXPECT_EQ(service.posts(), 2);
}

INSTANTIATE_TEST_SUITE_P(By, EndedQueue, testing::Values("Event", "Error"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace genpro::test
