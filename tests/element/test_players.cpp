// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What opens any URI opens genpro URIs: players and decoders of GStreamer's own.
#include <atomic>
#include <memory>
#include <optional>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Player {
 public:
  Player(const std::string& factory, const std::string& uri) {
    const bool is_player = factory.starts_with("playbin");
    GstElement* element = gst_element_factory_make(factory.c_str(), nullptr);
    if (element == nullptr) throw std::runtime_error("no element " + factory);
    g_object_set(element, "uri", uri.c_str(), nullptr);
    if (is_player) {
      g_object_set(element, "video-sink", make_sink(), "audio-sink", make_sink(), nullptr);
      pipeline_.emplace(sink_ref(element));
    } else {
      pipeline_.emplace(sink_ref(gst_pipeline_new(nullptr)));
      gst_bin_add(GST_BIN(pipeline_->get()), element);
      g_signal_connect(element, "pad-added", G_CALLBACK(on_pad), this);
    }
    listener_.emplace(pipeline_->get());
  }

  GstElement* pipeline() const { return pipeline_->get(); }
  BusListener& listener() { return *listener_; }
  Outcome play() {
    gst_element_set_state(pipeline(), GST_STATE_PLAYING);
    const bool has_ended = listener_->wait_for_end();
    Outcome outcome = listener_->outcome();
    outcome.timed_out = !has_ended;
    return outcome;
  }
  int frames() const { return frames_; }

 private:
  GstElement* make_sink() {
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(sink, "sync", FALSE, nullptr);
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer, this, nullptr);
    return sink;
  }

  static void on_pad(GstElement*, GstPad* pad, Player* self) {
    GstElement* sink = self->make_sink();
    gst_bin_add(GST_BIN(self->pipeline()), sink);
    const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
    gst_pad_link(pad, target.get());
    gst_element_sync_state_with_parent(sink);
  }

  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo*, gpointer self) {
    const CapsPtr caps(gst_pad_get_current_caps(pad));
    if (gst_structure_has_name(gst_caps_get_structure(caps.get(), 0), "video/x-raw")) {
      ++static_cast<Player*>(self)->frames_;
    }
    return GST_PAD_PROBE_OK;
  }

  std::optional<Running> pipeline_;
  std::optional<BusListener> listener_;
  std::atomic<int> frames_ = 0;
};

class Players : public testing::TestWithParam<const char*> {
 protected:
  std::string uri(const std::string& more = {}) const {
    return "genpro://101/3300?agent-id=42&prompt=A%20boat&asset-ids=501&poll-interval=20" + more;
  }

  FakeService service;
  const ScopedEnv base{"GEN_API_BASE_URL", service.api_base()};
  const ScopedEnv key{"GEN_API_KEY", test_key};
};

// Also of clips that a demuxer which is pushed to does not give whole.
TEST_P(Players, PlayEachFrame) {
  for (const std::string& clip : {read_file(CLIPS + std::string("/last_gop3.mp4")),
                                  read_file(CLIPS + std::string("/trimmed.mp4")),
                                  make_mp4({.frames = 36, .moov_at_end = true}),
                                  make_mp4({.frames = 36, .moov_at_end = false})}) {
    service.set_clip({.bytes = clip});
    Player player(GetParam(), uri());
    const Outcome outcome = player.play();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(player.frames(), decoded_frames(clip));
  }
  EXPECT_EQ(service.count(is_generate), 1U) << "a URI is paid for once";
}

// As editors and thumbnailers do.
TEST_P(Players, OpenItAtTheSameTime) {
  service.set_clip({.bytes = small_clip()});
  service.push_status("processing");
  std::vector<std::unique_ptr<Player>> players;
  for (int i = 0; i < 3; ++i) {
    players.push_back(std::make_unique<Player>(GetParam(), uri()));
    gst_element_set_state(players.back()->pipeline(), GST_STATE_PAUSED);
  }
  ASSERT_TRUE(service.wait_for(is_poll, 5));
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  for (const auto& player : players) {
    const Outcome outcome = player->play();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(player->frames(), 24);
  }
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_P(Players, WaitForTheClip) {
  service.set_clip({.bytes = small_clip()});
  service.push_status("processing");
  {
    Player player(GetParam(), uri());
    ASSERT_TRUE(changes_in_time(player.pipeline(), GST_STATE_PAUSED));
    ASSERT_TRUE(service.wait_for(is_poll, 10));
    EXPECT_TRUE(stops_in_time(player.pipeline()));
    EXPECT_TRUE(player.listener().outcome().errors.empty());
  }
  EXPECT_EQ(service.count(is_stop), 0U) << "who gives up leaves it for the next try";
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  Player player(GetParam(), uri());
  const Outcome outcome = player.play();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(player.frames(), 24);
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_P(Players, TellWhatIsWrong) {
  Player misspelt(GetParam(), uri("&modle=pika"));
  const Outcome refused = misspelt.play();
  ASSERT_EQ(refused.errors.size(), 1U) << refused.summary();
  EXPECT_NE(refused.errors[0].text.find("\"modle\""), std::string::npos) << refused.summary();
  EXPECT_EQ(service.count(), 0U);

  service.push_post(json_answer(401, R"({"error": "Bad token", "error_code": "unauthorized"})"));
  Player player(GetParam(), uri());
  const Outcome outcome = player.play();
  ASSERT_GE(outcome.errors.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.errors[0].text.find("Bad token"), std::string::npos) << outcome.summary();
}

INSTANTIATE_TEST_SUITE_P(Of, Players,
                         testing::Values("playbin", "playbin3", "uridecodebin", "uridecodebin3"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace genpro::test
