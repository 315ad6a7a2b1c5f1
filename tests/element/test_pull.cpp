// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pull mode: a demuxer behind genprosrc reads where it wants to, as from a file.
#include <algorithm>
#include <random>
#include <thread>

#include "element/decoding.h"

namespace genpro::test {
namespace {

bool offers_pull(const ElementPtr& src) {
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(src.get(), "src"));
  GstQuery* query = gst_query_new_scheduling();
  EXPECT_TRUE(gst_pad_query(pad.get(), query));
  const bool offers = gst_query_has_scheduling_mode_with_flags(query, GST_PAD_MODE_PULL,
                                                               GST_SCHEDULING_FLAG_SEEKABLE);
  gst_query_unref(query);
  return offers;
}

// What arrives at a sink behind an element that pulls and pushes.
Streamed stream_through(const char* factory, const ElementPtr& src) {
  ElementPtr bin = sink_ref(gst_bin_new(nullptr));
  GstElement* puller = gst_element_factory_make(factory, nullptr);
  gst_bin_add_many(GST_BIN(bin.get()), src.get(), puller, nullptr);
  gst_element_link(src.get(), puller);
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(puller, "src"));
  gst_element_add_pad(bin.get(), gst_ghost_pad_new("src", pad.get()));
  return stream(bin);
}

// Stands in for a demuxer: the test pulls.
class Puller {
 public:
  explicit Puller(const ElementPtr& src)
      : pipeline_(sink_ref(gst_pipeline_new(nullptr))),
        pad_(PadPtr::adopt(gst_element_get_static_pad(src.get(), "src"))),
        listener_(pipeline_.get()) {
    gst_bin_add(GST_BIN(pipeline_.get()), src.get());
    EXPECT_TRUE(gst_pad_activate_mode(pad_.get(), GST_PAD_MODE_PULL, TRUE));
    gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED);
  }

  GstElement* pipeline() const { return pipeline_.get(); }
  Outcome outcome() { return listener_.outcome(); }
  std::pair<GstFlowReturn, std::string> pull(guint64 offset, guint length) {
    GstBuffer* buffer = nullptr;
    const GstFlowReturn flow = gst_pad_get_range(pad_.get(), offset, length, &buffer);
    if (flow != GST_FLOW_OK) return {flow, ""};
    const BufferPtr owned(buffer);
    EXPECT_EQ(GST_BUFFER_OFFSET(buffer), offset);
    std::string bytes(gst_buffer_get_size(buffer), '\0');
    gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
    return {flow, bytes};
  }

 private:
  Running pipeline_;
  PadPtr pad_;
  BusListener listener_;
};

class Pull : public testing::Test {
 protected:
  Pull() { service.set_clip({.bytes = small_clip()}); }

  // Not completed before it has been asked for some times.
  void let_it_take_a_while() {
    for (int i = 0; i < 20; ++i) service.push_status(i < 10 ? "pending" : "processing");
    service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  }

  FakeService service;
};

TEST_F(Pull, TellsThatAWebPageCameInPlaceOfTheClip) {
  service.set_clip({.bytes = "<!doctype html><html><body>Sign in to the network</body></html>",
                    .content_type = "text/html"});
  Puller puller(seed_src(service));
  EXPECT_EQ(puller.pull(0, 100).first, GST_FLOW_ERROR);
  expect_one_error(puller.outcome(), {.codes = {stream_error(GST_STREAM_ERROR_WRONG_TYPE)},
                                      .mentions = {"web page"}});
}

class PullClips : public Pull, public testing::WithParamInterface<const char*> {};

TEST_P(PullClips, DecodeAsFromAFile) {
  const std::string path = CLIPS + std::string("/") + GetParam() + ".mp4";
  const Decoded expected = decoded_from_file(path);
  ASSERT_FALSE(expected.empty());
  for (const bool ranges : {true, false}) {
    for (const bool says_length : {true, false}) {
      service.set_clip({.bytes = read_file(path), .ranges = ranges, .says_length = says_length});
      Decoding decoding(seed_src(service));
      const Outcome outcome = decoding.play();
      EXPECT_TRUE(outcome.eos) << outcome.summary();
      EXPECT_EQ(decoding.decoded(), expected)
          << "ranges: " << ranges << ", length: " << says_length;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PullClips,
                         testing::Values("audio_longer", "cover_track_first", "empty_mdat_front",
                                         "fmp4_moov_samples", "fps24", "frames3", "last_gop3",
                                         "many_mdat", "trimmed", "unmixed_audio_first",
                                         "video_late"),
                         [](const auto& tested) { return std::string(tested.param); });

// A rate, flags and a range, as applications seek.
struct DemuxedSeek {
  const char* name;
  double rate;
  int flags;
  GstClockTime start;
  GstClockTime stop;
};

class PullSeeks : public Pull, public testing::WithParamInterface<DemuxedSeek> {};

// What the demuxer gives, since decoders do not start alike after each flush.
TEST_P(PullSeeks, DemuxAsFromAFile) {
  const auto [name, rate, flags, start, stop] = GetParam();
  for (const char* clip : {"last_gop3", "trimmed", "unmixed_audio_first"}) {
    const std::string path = CLIPS + std::string("/") + clip + ".mp4";
    Decoding from_file(file_src(path), "identity", "qtdemux");
    EXPECT_TRUE(from_file.play(rate, static_cast<GstSeekFlags>(flags), start, stop).eos) << path;
    const Decoded expected = from_file.decoded();
    ASSERT_FALSE(expected.empty()) << path;
    service.set_clip({.bytes = read_file(path)});
    Decoding decoding(seed_src(service), "identity", "qtdemux");
    const Outcome outcome = decoding.play(rate, static_cast<GstSeekFlags>(flags), start, stop);
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(decoding.decoded(), expected) << clip;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PullSeeks,
    testing::Values(
        DemuxedSeek{"Backwards", -1, GST_SEEK_FLAG_NONE, 0, GST_SECOND},
        DemuxedSeek{"BackwardsExactly", -1, GST_SEEK_FLAG_ACCURATE, 300 * GST_MSECOND, GST_SECOND},
        DemuxedSeek{"BackwardsFast", -2, GST_SEEK_FLAG_TRICKMODE_KEY_UNITS, 0, GST_SECOND},
        DemuxedSeek{"Fast", 2, GST_SEEK_FLAG_NONE, 0, GST_SECOND},
        DemuxedSeek{"KeyUnits", 2, GST_SEEK_FLAG_TRICKMODE_KEY_UNITS, 0, GST_SECOND},
        DemuxedSeek{"Slow", 0.5, GST_SEEK_FLAG_ACCURATE, 400 * GST_MSECOND, GST_SECOND}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Pull, SettingsOfTheBaseClassAreThoseOfAFile) {
  const std::string path = CLIPS + std::string("/last_gop3.mp4");
  const std::string clip = read_file(path);
  service.set_clip({.bytes = clip});
  for (const auto& [name, value] : {std::pair("do-timestamp", "true"),
                                    {"blocksize", "0"},
                                    {"blocksize", "1"},
                                    {"blocksize", "4294967295"}}) {
    Decoding decoding(seed_src(service, {{name, value}}));
    const Outcome outcome = decoding.play();
    EXPECT_TRUE(outcome.eos) << name << ": " << outcome.summary();
    EXPECT_EQ(decoding.decoded(), decoded_from_file(path)) << name << " is " << value;
  }
  ElementPtr file = file_src(path);
  set_property(file.get(), "num-buffers", "3");
  for (const ElementPtr& src : {file, seed_src(service, {{"num-buffers", "3"}})}) {
    Puller puller(src);
    for (const guint at : {0U, 5000U, 100U}) {
      EXPECT_EQ(puller.pull(at, 1000), std::pair(GST_FLOW_OK, clip.substr(at, 1000)));
    }
    EXPECT_EQ(puller.pull(0, 10).first, GST_FLOW_EOS);
    EXPECT_TRUE(stops_in_time(puller.pipeline()));
  }
}

TEST_F(Pull, AnyDemuxerWaitsForTheGeneration) {
  let_it_take_a_while();
  const std::string clip = make_mp4({.frames = 48, .pattern = 1});
  service.set_clip({.bytes = clip});
  const Decoded expected = [&] {
    const TempDir folder;
    write_file(folder.file("clip.mp4"), clip);
    return decoded_from_file(folder.file("clip.mp4"));
  }();
  std::size_t runs = 0;
  for (const char* between : {"identity", "queue2", "typefind"}) {
    Decoding decoding(seed_src(service), between);
    const Outcome outcome = decoding.play();
    EXPECT_TRUE(outcome.eos) << between << outcome.summary();
    EXPECT_EQ(outcome.errors.size() + outcome.warnings.size(), 0U) << outcome.summary();
    expect_progress(outcome, "progress-complete");
    EXPECT_EQ(decoding.decoded(), expected) << between;
    EXPECT_EQ(service.count(is_generate), ++runs) << between << ": it was delivered before";
  }
}

TEST_F(Pull, ATypefindInFrontOfASinkGivesTheWholeClip) {
  let_it_take_a_while();
  const std::string clip = large_clip(3U << 20U);
  service.set_clip({.bytes = clip});
  for (std::size_t runs = 1; runs <= 2; ++runs) {
    const Streamed streamed = stream_through("typefind", seed_src(service));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_TRUE(streamed.bytes == clip);
    EXPECT_EQ(service.count(is_generate), runs) << "it was delivered before";
  }
}

TEST_F(Pull, WhatTheClipWasMadeFromIsTold) {
  Decoding decoding(seed_src(service));
  const Outcome outcome = decoding.play();
  char* title = nullptr;
  gst_tag_list_get_string(outcome.tags.get(), GST_TAG_TITLE, &title);
  EXPECT_EQ(take_string(title), seed_prompt);
}

TEST_F(Pull, OffersBothModesUntilItPushes) {
  ElementPtr src = seed_src(service);
  EXPECT_TRUE(offers_pull(src));
  EXPECT_EQ(service.count(), 0U) << "a question is no request";
  Collector collector(src);
  ASSERT_TRUE(collector.preroll());
  EXPECT_FALSE(offers_pull(src)) << "that would begin another run";
}

// A demuxer that is plugged while the pipeline shuts down would begin another run, which is paid.
TEST_F(Pull, NothingBeginsWhenAPipelineShutsDown) {
  ElementPtr src = seed_src(service);
  Puller puller(src);
  EXPECT_EQ(puller.pull(0, 100).first, GST_FLOW_OK);
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(src.get(), "src"));
  ASSERT_TRUE(gst_pad_activate_mode(pad.get(), GST_PAD_MODE_PULL, FALSE));
  EXPECT_FALSE(offers_pull(src));
  EXPECT_FALSE(gst_pad_activate_mode(pad.get(), GST_PAD_MODE_PULL, TRUE));
  EXPECT_TRUE(stops_in_time(puller.pipeline()));
  EXPECT_TRUE(puller.outcome().errors.empty()) << puller.outcome().summary();
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Pull, OddReadsAreTheClip) {
  const std::string clip = large_clip(3U << 20U);
  for (const bool ranges : {true, false}) {
    service.set_clip({.bytes = clip, .ranges = ranges});
    Puller puller(seed_src(service));
    std::mt19937 random(1);
    for (int i = 0; i < 1000; ++i) {
      const std::size_t offset = random() % (clip.size() + 100);
      const guint length = 1 + random() % (i % 50 == 0 ? 2'000'000 : 5000);
      const auto [flow, bytes] = puller.pull(offset, length);
      ASSERT_EQ(flow, offset < clip.size() ? GST_FLOW_OK : GST_FLOW_EOS) << offset;
      ASSERT_TRUE(offset >= clip.size() || bytes == clip.substr(offset, length)) << offset;
    }
    EXPECT_TRUE(stops_in_time(puller.pipeline()));
  }
}

TEST_F(Pull, AClipThatChangesIsOneErrorBeforeAWrongByte) {
  const std::string clip = large_clip(8U << 20U);
  service.set_clip({.bytes = clip});
  service.files().add_trouble(
      {.kind = Trouble::Kind::cut,
       .at = 5'000'000,
       .replacement = Clip{.bytes = large_clip(8U << 20U, 2), .etag = "\"second\""}});
  Puller puller(seed_src(service));
  GstFlowReturn flow = GST_FLOW_OK;
  for (std::size_t at = 0; flow == GST_FLOW_OK; at += 100'000) {
    auto [result, bytes] = puller.pull(at, 100'000);
    flow = result;
    ASSERT_TRUE(flow != GST_FLOW_OK || bytes == clip.substr(at, 100'000)) << at;
  }
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_EQ(puller.pull(0, 10).first, GST_FLOW_ERROR) << "also afterwards";
  ASSERT_TRUE(stops_in_time(puller.pipeline()));
  expect_one_error(
      puller.outcome(),
      {.codes = {resource(GST_RESOURCE_ERROR_READ)}, .mentions = {"changed"}, .charged = "yes"});
}

TEST_F(Pull, WhatFailsIsToldByTheElementFirst) {
  service.push_status("failed");
  Decoding decoding(seed_src(service));
  const Outcome outcome = decoding.play();
  ASSERT_FALSE(outcome.errors.empty());
  EXPECT_TRUE(outcome.errors[0].source.starts_with("genprosrc")) << outcome.summary();
  EXPECT_TRUE(outcome.errors[0].is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED));
  expect_progress(outcome, "progress-error");
}

TEST_F(Pull, NullEndsEachWait) {
  // For the generation, for the clip's server, and for more of the clip.
  for (int wait = 0; wait < 3; ++wait) {
    FakeService slow;
    slow.set_clip({.bytes = large_clip(3U << 20U)});
    if (wait == 0) slow.push_status("processing");
    if (wait == 1) slow.files().push_answer(silent_answer());
    if (wait == 2) slow.files().add_trouble({.kind = Trouble::Kind::stall, .at = 1'000'000});
    Decoding decoding(seed_src(slow));
    BusListener listener(decoding.pipeline());
    gst_element_set_state(decoding.pipeline(), GST_STATE_PLAYING);
    ASSERT_TRUE(slow.wait_for(wait == 0 ? is_poll : is_cdn));
    EXPECT_TRUE(stops_in_time(decoding.pipeline())) << wait;
    EXPECT_TRUE(listener.outcome().errors.empty()) << listener.outcome().summary();
  }
}

TEST_F(Pull, AnEndFromTheApplicationEndsTheWait) {
  service.push_status("processing");
  Puller puller(seed_src(service));
  ASSERT_TRUE(service.wait_for(is_generate));
  std::thread application([&] {
    EXPECT_TRUE(service.wait_for(is_poll));
    gst_element_send_event(puller.pipeline(), gst_event_new_eos());
  });
  EXPECT_EQ(puller.pull(0, 100).first, GST_FLOW_EOS);
  application.join();
  expect_progress(puller.outcome(), "progress-canceled");
}

// What was not played to its end is there for the next run; what was left out of it, too.
TEST_F(Pull, OnlyWhatWasReadToItsEndIsDelivered) {
  const std::string clip = make_mp4({.frames = 600, .pattern = 1});
  ASSERT_GT(clip.size(), 1'000'000U);
  service.set_clip({.bytes = clip});
  {
    Decoding decoding(seed_src(service), "identity", "qtdemux");
    BusListener listener(decoding.pipeline());
    gst_element_set_state(decoding.pipeline(), GST_STATE_PAUSED);
    ASSERT_TRUE(listener.wait_for(
        [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ASYNC_DONE; }));
    // The last second, when little of it has been read.
    ASSERT_TRUE(gst_element_seek_simple(decoding.pipeline(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        24 * GST_SECOND));
    gst_element_set_state(decoding.pipeline(), GST_STATE_PLAYING);
    ASSERT_TRUE(listener.wait_for_end());
    EXPECT_TRUE(listener.outcome().eos) << listener.outcome().summary();
    const Decoded decoded = decoding.decoded();
    ASSERT_FALSE(decoded.empty());
    EXPECT_LT(decoded.begin()->second.size(), 150U);
    EXPECT_TRUE(stops_in_time(decoding.pipeline()));
  }
  Decoding decoding(seed_src(service), "identity", "qtdemux");
  const Outcome outcome = decoding.play();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(decoding.decoded().begin()->second.size(), 600U);
  EXPECT_EQ(service.count(is_generate), 1U) << "the one that was paid for is used";
  Decoding another(seed_src(service), "identity", "qtdemux");
  EXPECT_TRUE(another.play().eos);
  EXPECT_EQ(service.count(is_generate), 2U);
}

TEST_F(Pull, TakesThreeRequestsWithTheIndexAtTheEnd) {
  const std::string clip = make_mp4({.frames = 480, .width = 320, .height = 240, .pattern = 1});
  ASSERT_GT(clip.size(), 3'000'000U);
  service.set_clip({.bytes = clip});
  Decoding decoding(seed_src(service));
  EXPECT_TRUE(decoding.play().eos);
  EXPECT_LE(service.count(is_cdn), 3U);
}

TEST_F(Pull, RunsAgainInEitherMode) {
  ElementPtr src = seed_src(service);
  for (std::size_t run = 1; run <= 4; ++run) {
    if (run % 2 == 1) {
      const Streamed streamed = stream(src);
      EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
      EXPECT_TRUE(streamed.bytes == small_clip());
    } else {
      Decoding decoding(src);
      EXPECT_TRUE(decoding.play().eos);
      EXPECT_EQ(decoding.decoded().begin()->second.size(), 24U);
      gst_element_set_state(decoding.pipeline(), GST_STATE_NULL);
      gst_bin_remove(GST_BIN(decoding.pipeline()), src.get());
    }
    EXPECT_EQ(service.count(is_generate), run);
  }
}

}  // namespace
}  // namespace genpro::test
