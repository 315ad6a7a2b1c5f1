// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Leaving while something hangs, and what must not end a generation.
#include <future>

#include "element/element_fixture.h"
#include "support/process.h"
#include "support/silent_peer.h"

namespace genpro::test {
namespace {

// Long enough for a request that ought not to come; its absence cannot be waited for.
constexpr std::chrono::milliseconds a_while{300};

enum class Hang {
  post,
  post_head,
  post_retry_after,
  poll,
  poll_wait,
  poll_retry_after,
  cdn,
  cdn_body,
  cdn_retry_after
};

struct HangCase {
  const char* name;
  Hang hang;
};

void PrintTo(const HangCase& hang, std::ostream* out) {
  *out << hang.name;
}

class Cancel : public testing::TestWithParam<HangCase> {
 protected:
  Cancel() { service.set_clip({.bytes = small_clip()}); }

  Answer later() {
    Answer answer = json_answer(503, R"({"error": "Busy"})");
    answer.headers = {{"Retry-After", "3600"}};
    return answer;
  }
  // Scripts the service, and gives what to wait for until the element hangs there.
  FakeService::Match script(Hang hang) {
    switch (hang) {
      case Hang::post:
        service.push_post(silent_answer());
        return is_generate;
      case Hang::post_head:
        service.push_post(Answer{.raw = [](Wire& wire) {
          wire.write(
              "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
              "Content-Length: 100\r\n\r\n{\"generation_id\"");
          wire.wait_until_client_leaves();
        }});
        return is_generate;
      case Hang::post_retry_after:
        service.push_post(later());
        return is_generate;
      case Hang::poll:
        service.push_poll(silent_answer());
        return is_poll;
      case Hang::poll_wait:
        service.push_status("processing");
        return is_poll;
      case Hang::poll_retry_after:
        service.push_poll(later());
        return is_poll;
      case Hang::cdn:
        service.files().push_answer(silent_answer());
        return is_cdn;
      case Hang::cdn_body:
        service.files().add_trouble({.kind = Trouble::Kind::stall, .at = 4});
        return is_cdn;
      case Hang::cdn_retry_after:
        service.files().push_answer(later());
        return is_cdn;
    }
    return nullptr;
  }
  ElementPtr patient_src() {
    return seed_src(
        service,
        {{"stall-timeout", "600"}, {"generation-timeout", "0"}, {"poll-interval", "600000"}});
  }

  FakeService service;
};

TEST_P(Cancel, ToNullReturnsAndAsksForNothingMore) {
  for (const GstState from : {GST_STATE_PAUSED, GST_STATE_PLAYING}) {
    const FakeService::Match hangs = script(GetParam().hang);
    const std::size_t before = service.count(hangs);
    ElementPtr src = patient_src();
    // The attached generation gets to its first poll at once, whatever the interval.
    if (GetParam().hang != Hang::post && GetParam().hang != Hang::post_head &&
        GetParam().hang != Hang::post_retry_after)
      set_property(src.get(), "generation-id", "9040");
    Collector collector(src);
    gst_element_set_state(collector.pipeline(), from);
    ASSERT_TRUE(service.wait_for(hangs, before + 1));
    ASSERT_TRUE(changes_in_time(collector.pipeline(), GST_STATE_READY));
    const Outcome outcome = collector.listener().outcome();
    EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
    EXPECT_FALSE(outcome.eos);
    expect_progress(outcome, "progress-canceled");
    ASSERT_TRUE(stops_in_time(collector.pipeline()));
    const std::size_t asked = service.count();
    EXPECT_FALSE(service.wait_for([](const Seen&) { return true; }, asked + 1, a_while))
        << service.requests().back().dump();
    EXPECT_TRUE(eventually([&] { return service.raw_connections() == 0; }))
        << "the connection stays open";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, Cancel,
    testing::Values(HangCase{"post", Hang::post}, HangCase{"post_head", Hang::post_head},
                    HangCase{"post_retry_after", Hang::post_retry_after},
                    HangCase{"poll", Hang::poll}, HangCase{"poll_wait", Hang::poll_wait},
                    HangCase{"poll_retry_after", Hang::poll_retry_after},
                    HangCase{"cdn", Hang::cdn}, HangCase{"cdn_body", Hang::cdn_body},
                    HangCase{"cdn_retry_after", Hang::cdn_retry_after}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(CancelBelowHttp, ToNullWhileTheTlsHandshakeHangs) {
  FakeService service;
  for (int i = 0; i < 10; ++i) {
    SilentPeer peer;
    ElementPtr src = seed_src(
        service, {{"api-base-url", "https://127.0.0.1:" + std::to_string(peer.port()) + "/v1"},
                  {"stall-timeout", "600"}});
    Collector collector(src);
    gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
    ASSERT_TRUE(eventually([&] { return peer.received() > 0; }));
    ASSERT_TRUE(stops_in_time(collector.pipeline()));
  }
}

class Undisturbed : public testing::Test {
 protected:
  Undisturbed() {
    service.set_clip({.bytes = small_clip()});
    held = json_answer(200, FakeService::completed_json(service.clip_url()));
    held.hold = gate;
  }
  FakeService service;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  Answer held;
};

TEST_F(Undisturbed, FlushingSeeksDoNotEndTheGeneration) {
  service.push_status("processing");
  service.push_poll(held);
  Collector collector(seed_src(service));
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  ASSERT_TRUE(service.wait_for(is_poll, 2));
  auto seeks = std::async(std::launch::async, [&] {
    for (int i = 0; i < 10; ++i) {
      GstEvent* seek = gst_event_new_seek(1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                                          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1);
      gst_element_send_event(collector.src(), seek);
    }
  });
  ASSERT_EQ(seeks.wait_for(generous), std::future_status::ready) << "a seek hangs";
  EXPECT_TRUE(collector.listener().outcome().errors.empty());
  gate->open();
  ASSERT_TRUE(collector.listener().wait_for_end());
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_progress(outcome, "progress-complete");
  EXPECT_EQ(sha256(collector.bytes()), sha256(small_clip()));
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Undisturbed, ASeekDuringThePostDoesNotPostTwice) {
  Answer post = json_answer(201, R"({"generation_id": 9040, "status": "pending"})");
  post.hold = gate;
  service.push_post(post);
  Collector collector(seed_src(service));
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  ASSERT_TRUE(service.wait_for(is_generate));
  gst_element_send_event(collector.src(),
                         gst_event_new_seek(1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                                            GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1));
  gate->open();
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(service.count(is_generate), 1U);
  EXPECT_EQ(sha256(collector.bytes()), sha256(small_clip()));
}

TEST_F(Undisturbed, PlayingAndPausedDoNotEndTheGeneration) {
  service.push_status("processing");
  service.push_poll(held);
  Collector collector(seed_src(service));
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  ASSERT_TRUE(service.wait_for(is_poll, 2));
  for (int i = 0; i < 5; ++i) {
    gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
    gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  }
  gate->open();
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_progress(outcome, "progress-complete");
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Undisturbed, AnEosSentByTheApplicationEndsTheWait) {
  service.push_poll(held);
  Collector collector(seed_src(service));
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  ASSERT_TRUE(service.wait_for(is_poll));
  gst_element_send_event(collector.pipeline(), gst_event_new_eos());
  ASSERT_TRUE(collector.listener().wait_for_end());
  // gst-launch-1.0 -e waits for this before it goes on to the end.
  EXPECT_TRUE(collector.listener().wait_for(
      [](GstMessage* message) {
        GstProgressType type = GST_PROGRESS_TYPE_START;
        if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_PROGRESS) return false;
        gst_message_parse_progress(message, &type, nullptr, nullptr);
        return type == GST_PROGRESS_TYPE_CANCELED;
      },
      std::chrono::seconds(5)))
      << "the progress goes on after the end of the stream";
  gst_element_set_state(collector.pipeline(), GST_STATE_READY);
  const Outcome outcome = collector.listener().outcome();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_progress(outcome, "progress-canceled");
  gate->open();
}

TEST_F(Undisturbed, AStreamOfNoBuffersEndsTheWait) {
  service.push_poll(held);
  Collector collector(seed_src(service, {{"num-buffers", "0"}}));
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_progress(outcome, "progress-canceled");
  gate->open();
}

TEST_F(Undisturbed, AnOldAnswerDoesNotReachTheNextRun) {
  Answer old = json_answer(201, R"({"generation_id": 111, "status": "pending"})");
  old.hold = gate;
  service.push_post(old);
  service.push_post(json_answer(201, R"({"generation_id": 222, "status": "pending"})"));
  ElementPtr src = seed_src(service);
  Collector collector(src);
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  ASSERT_TRUE(service.wait_for(is_generate));
  ASSERT_TRUE(stops_in_time(collector.pipeline()));
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  ASSERT_TRUE(service.wait_for(is_generate, 2));
  gate->open();
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  for (const Seen& poll : service.requests(is_poll)) EXPECT_EQ(poll.path, "/v1/generations/222");
}

TEST_F(Undisturbed, APipelineThatStopsDoesNotStartWhatItNeverStarted) {
  Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
  BusListener bus(pipeline.get());
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstElement* added = gst_bin_new(nullptr);
  const ElementPtr src = seed_src(service);
  gst_bin_add(GST_BIN(added), src.get());
  gst_bin_add(GST_BIN(pipeline.get()), added);
  EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_TRUE(bus.outcome().progress.empty());
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  EXPECT_TRUE(service.wait_for(is_generate));
}

TEST_F(Undisturbed, AnAnswerAfterTheElementIsGoneHarmsNobody) {
  service.push_poll(held);
  {
    Collector collector(seed_src(service));
    gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
    ASSERT_TRUE(service.wait_for(is_poll));
    ASSERT_TRUE(stops_in_time(collector.pipeline()));
  }
  gate->open();
  FakeService other;
  other.set_clip({.bytes = small_clip()});
  EXPECT_TRUE(stream(seed_src(other)).outcome.eos);
}

}  // namespace
}  // namespace genpro::test
