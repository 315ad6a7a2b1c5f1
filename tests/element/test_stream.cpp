// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The good path: the clip comes out as it is served, and the bus tells its story.
#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Stream : public testing::Test {
 protected:
  Stream() { service.set_clip({.bytes = small_clip()}); }
  FakeService service;
};

std::string text_field(const GstStructure* structure, const char* name) {
  const GValue* value = gst_structure_get_value(structure, name);
  if (value == nullptr) return "(none)";
  if (G_VALUE_HOLDS_STRING(value)) {
    const char* text = g_value_get_string(value);
    return text != nullptr ? text : "(null)";
  }
  return take_string(gst_value_serialize(value));
}

std::string tag_text(const Outcome& outcome, const char* tag) {
  char* text = nullptr;
  if (!outcome.tags || !gst_tag_list_get_string(outcome.tags.get(), tag, &text)) return "";
  return take_string(text);
}

TEST_F(Stream, TheBytesAreTheServedClip) {
  for (const bool moov_at_end : {true, false}) {
    const std::string clip = make_mp4({.frames = 30, .moov_at_end = moov_at_end});
    service.set_clip({.bytes = clip});
    const TempDir folder;
    Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
    ElementPtr src = seed_src(service);
    ElementPtr sink = launch("filesink location=" + folder.file("out.mp4"));
    gst_bin_add_many(GST_BIN(pipeline.get()), src.get(), sink.get(), nullptr);
    ASSERT_TRUE(gst_element_link(src.get(), sink.get()));
    const Outcome outcome = run(pipeline.get());
    ASSERT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(read_file(folder.file("out.mp4"))), sha256(clip)) << moov_at_end;
  }
}

TEST_F(Stream, DecodesWithMoovAtEitherEnd) {
  for (const bool moov_at_end : {true, false}) {
    service.set_clip({.bytes = make_mp4({.frames = 30, .moov_at_end = moov_at_end})});
    EXPECT_EQ(decoded_frames(seed_src(service)), 30) << "moov at end: " << moov_at_end;
  }
  EXPECT_EQ(service.count(is_generate), 2U) << "one generation a run, whatever the demuxer seeks";
}

// As a demuxer's pad that has had all that it needs while more is in the queue before it.
class ContentedPad {
 public:
  explicit ContentedPad(GstElement* queue)
      : sink_(PadPtr::adopt(gst_element_get_static_pad(queue, "sink"))),
        src_(PadPtr::adopt(gst_element_get_static_pad(queue, "src"))) {
    gst_pad_add_probe(sink_.get(),
                      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER |
                                                   GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM),
                      on_entry, this, nullptr);
    gst_pad_add_probe(src_.get(), GST_PAD_PROBE_TYPE_BUFFER, on_first, this, nullptr);
  }

 private:
  // Who asks waits for the answer: nothing more comes.
  static GstPadProbeReturn on_entry(GstPad*, GstPadProbeInfo* info, gpointer self) {
    auto& pad = *static_cast<ContentedPad*>(self);
    const bool is_buffer = (info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0;
    if (!is_buffer && GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) != GST_QUERY_ALLOCATION) {
      return GST_PAD_PROBE_OK;
    }
    std::unique_lock lock(pad.mutex_);
    // All but the first come after the question whether they are wanted in another way.
    pad.changed_.wait_for(lock, generous, [&] { return pad.entries_ == 0 || pad.is_asked_; });
    pad.entries_ += is_buffer ? 1 : enough;
    pad.changed_.notify_all();
    return GST_PAD_PROBE_OK;
  }
  static GstPadProbeReturn on_first(GstPad*, GstPadProbeInfo* info, gpointer self) {
    auto& pad = *static_cast<ContentedPad*>(self);
    gst_pad_push_event(pad.sink_.get(), gst_event_new_reconfigure());
    std::unique_lock lock(pad.mutex_);
    pad.is_asked_ = true;
    pad.changed_.notify_all();
    pad.changed_.wait_for(lock, generous, [&] { return pad.entries_ > enough; });
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = nullptr;
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
    return GST_PAD_PROBE_HANDLED;
  }

  static constexpr int enough = 3;
  PadPtr sink_;
  PadPtr src_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_:
  int entries_ = 0;
  bool is_asked_ = false;
};

TEST_F(Stream, EndsBehindAQueueWhoseReaderHasEnough) {
  service.set_clip({.bytes = large_clip(4U << 20U)});
  const ElementPtr src = seed_src(service);
  Running pipeline(launch("queue name=queue max-size-buffers=8 ! fakesink async=false"));
  const ElementPtr queue = child(pipeline.get(), "queue");
  gst_bin_add(GST_BIN(pipeline.get()), src.get());
  ASSERT_TRUE(gst_element_link(src.get(), queue.get()));
  ContentedPad contented(queue.get());
  const Outcome outcome = run(pipeline.get(), std::chrono::seconds(20));
  EXPECT_TRUE(outcome.eos) << outcome.summary();
}

TEST_F(Stream, ALargeClipArrivesWhole) {
  const std::string clip = large_clip(24U << 20U);
  service.set_clip({.bytes = clip});
  const Streamed streamed = stream(seed_src(service));
  ASSERT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(clip));
}

TEST_F(Stream, ArrivesWithoutRangesOrLengthOrIdentity) {
  const std::string clip = large_clip(500'000);
  for (const Clip& served :
       {Clip{.bytes = clip, .ranges = false}, Clip{.bytes = clip, .says_length = false},
        Clip{.bytes = clip, .etag = ""}, Clip{.bytes = clip, .etag = "W/\"weak\""},
        Clip{.bytes = clip, .content_type = ""},
        Clip{.bytes = clip, .content_type = "application/octet-stream"},
        Clip{.bytes = clip, .content_type = "binary/octet-stream"}}) {
    service.set_clip(served);
    const Streamed streamed = stream(seed_src(service));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(clip)) << served.content_type << served.etag;
  }
}

TEST_F(Stream, CapsSayWhatTheBytesAre) {
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.caps.starts_with("video/quicktime")) << streamed.caps;
}

TEST_F(Stream, TagsSayWhereItComesFrom) {
  const Streamed streamed = stream(seed_src(service));
  EXPECT_EQ(tag_text(streamed.outcome, GST_TAG_TITLE), seed_prompt);
  EXPECT_NE(tag_text(streamed.outcome, GST_TAG_ENCODER).find("pika"), std::string::npos);
  EXPECT_NE((tag_text(streamed.outcome, GST_TAG_COMMENT) +
             tag_text(streamed.outcome, GST_TAG_EXTENDED_COMMENT))
                .find("9040"),
            std::string::npos);
}

TEST_F(Stream, ProgressTellsEachStatusAndOneEnd) {
  service.push_status("pending");
  service.push_status("processing");
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  const Streamed streamed = stream(seed_src(service));
  ASSERT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  expect_progress(streamed.outcome, "progress-complete");
  const auto& order = streamed.outcome.order;
  EXPECT_GE(std::count(order.begin(), order.end(), "progress-continue"), 2);
}

TEST_F(Stream, ElementMessagesTellEachStatus) {
  service.push_status("pending");
  service.push_status("pending");
  service.push_status("processing");
  service.push_status("processing");
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  const Streamed streamed = stream(seed_src(service));
  const auto messages = streamed.outcome.named("genpro-generation");
  std::vector<std::string> statuses;
  for (const GstStructure* message : messages) {
    statuses.push_back(text_field(message, "status"));
    EXPECT_TRUE(gst_structure_has_field(message, "elapsed"));
    EXPECT_EQ(text_field(message, "model"), "pika");
    EXPECT_TRUE(gst_structure_has_field_typed(message, "cost", G_TYPE_DOUBLE));
    if (statuses.back() == "pending" || statuses.back() == "processing") {
      EXPECT_EQ(text_field(message, "generation-id"), "9040");
    }
  }
  EXPECT_EQ(std::adjacent_find(statuses.begin(), statuses.end()), statuses.end())
      << "one message a change";
  for (const char* status : {"pending", "processing", "streaming", "done"})
    EXPECT_EQ(std::count(statuses.begin(), statuses.end(), status), 1)
        << status << streamed.outcome.summary();
  ASSERT_FALSE(messages.empty());
  double cost = 0;
  gst_structure_get_double(messages.back(), "cost", &cost);
  EXPECT_DOUBLE_EQ(cost, 3.5);
}

TEST_F(Stream, PropertiesTellTheResult) {
  // Large enough that the sink stands still long before its end.
  service.set_clip({.bytes = large_clip(3U << 20U)});
  ElementPtr src = seed_src(service);
  double cost = 0;
  g_object_get(src.get(), "cost", &cost, nullptr);
  EXPECT_DOUBLE_EQ(cost, -1);
  Collector collector(src);
  ASSERT_TRUE(collector.preroll());
  EXPECT_EQ(get_property(src.get(), "generation-id"), "9040");
  EXPECT_EQ(get_property(src.get(), "status"), "streaming");
  g_object_get(src.get(), "cost", &cost, nullptr);
  EXPECT_DOUBLE_EQ(cost, 3.5);
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  ASSERT_TRUE(collector.listener().wait_for_end());
  EXPECT_EQ(get_property(src.get(), "status"), "done");
}

TEST_F(Stream, StatusFollowsTheService) {
  auto gate = std::make_shared<Gate>();
  Answer held = json_answer(201, R"({"generation_id": 9040, "status": "pending"})");
  held.hold = gate;
  service.push_post(held);
  auto polling = std::make_shared<Gate>();
  Answer poll = json_answer(200, FakeService::status_json("processing"));
  service.push_poll(poll);
  poll = json_answer(200, FakeService::completed_json(service.clip_url()));
  poll.hold = polling;
  service.push_poll(poll);

  ElementPtr src = seed_src(service);
  EXPECT_EQ(get_property(src.get(), "status"), "idle");
  Collector collector(src);
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  ASSERT_TRUE(service.wait_for(is_generate));
  EXPECT_EQ(get_property(src.get(), "status"), "submitting");
  gate->open();
  EXPECT_TRUE(eventually([&] { return get_property(src.get(), "status") == "processing"; }));
  EXPECT_EQ(get_property(src.get(), "generation-id"), "9040");
  polling->open();
  ASSERT_TRUE(collector.listener().wait_for_end());
  EXPECT_EQ(get_property(src.get(), "status"), "done");
}

TEST_F(Stream, AttachesToAGenerationAndPostsNothing) {
  // No prompt, no ingredients, no cell: nothing of that is needed to fetch what exists.
  ElementPtr src = src_with({{"api-base-url", service.api_base()},
                             {"api-key", test_key},
                             {"generation-id", "9040"},
                             {"sheet-id", "101"},
                             {"cell-id", "3300"},
                             {"agent-id", "42"},
                             {"poll-interval", "20"}});
  const Streamed streamed = stream(src);
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
  expect_nothing_posted(service);
  EXPECT_GE(service.count(is_poll), 1U);
}

TEST_F(Stream, RunsAgainAfterNull) {
  ElementPtr src = seed_src(service);
  for (std::size_t run = 1; run <= 3; ++run) {
    const Streamed streamed = stream(src);
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
    expect_progress(streamed.outcome, "progress-complete");
    EXPECT_EQ(service.count(is_generate), run) << "each run is a generation of its own";
  }
}

// Properties of the base class that a file has no use for.
TEST_F(Stream, SettingsOfTheBaseClassDoNoHarm) {
  for (const auto& [name, value] :
       {std::pair("do-timestamp", "true"), {"blocksize", "0"}, {"blocksize", "7"}}) {
    const Streamed streamed = stream(seed_src(service, {{name, value}}));
    EXPECT_TRUE(streamed.outcome.eos) << name << ": " << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip())) << name;
  }
}

TEST_F(Stream, NoBufferIsLargerThanABlock) {
  for (const char* size : {"1", "7", "1000"}) {
    const Streamed streamed =
        stream(seed_src(service, {{"blocksize", size}, {"num-buffers", "3"}}));
    EXPECT_TRUE(streamed.outcome.eos) << size << ": " << streamed.outcome.summary();
    const std::size_t length = 3 * std::stoul(size);
    EXPECT_TRUE(streamed.bytes == small_clip().substr(0, length))
        << size << ": " << streamed.bytes.size() << " bytes";
  }
}

// In KiB, of this process.
std::uint64_t address_space_peak() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmPeak:")) return std::stoull(line.substr(7));
  }
  return 0;
}

TEST_F(Stream, ABlockSizeIsBoundedWhateverIsSet) {
  const std::string clip = large_clip(5U << 20U);
  service.set_clip({.bytes = clip});
  const std::uint64_t before = address_space_peak();
  ASSERT_GT(before, 0U);
  for (const char* size : {"8388608", "2147483648", "4294967295"}) {
    const Streamed streamed = stream(seed_src(service, {{"blocksize", size}}));
    EXPECT_TRUE(streamed.outcome.eos) << size << ": " << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(clip)) << size;
  }
  EXPECT_LT(address_space_peak() - before, 1024U * 1024U) << "a block takes a GiB";
}

TEST_F(Stream, FollowsARedirectOfTheCdn) {
  service.files().push_answer(redirect_answer(302, service.clip_url()));
  service.push_poll(
      json_answer(200, FakeService::completed_json(service.cdn_url() + "/moved.mp4")));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
  expect_cdn_saw_no_key(service);
}

TEST_F(Stream, KeepsTheSignatureOfTheUrl) {
  const std::string url = service.clip_url() + "?Expires=1&Signature=a%2Bb~c&Key-Pair-Id=K";
  service.push_poll(json_answer(200, FakeService::completed_json(url)));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  const auto gets = service.requests(is_cdn);
  ASSERT_FALSE(gets.empty());
  EXPECT_EQ(gets[0].query, "Expires=1&Signature=a%2Bb~c&Key-Pair-Id=K");
}

}  // namespace
}  // namespace genpro::test
