// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Queries and seeks in bytes: what a demuxer needs to find a moov at the end.
#include <atomic>
#include <future>
#include <random>

#include <gst/check/gstharness.h>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Seek : public testing::Test {
 protected:
  Seek() : clip(large_clip(3U << 20U)) { service.set_clip({.bytes = clip}); }
  FakeService service;
  const std::string clip;
};

TEST_F(Seek, QueriesHaveTheirAnswers) {
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  GstElement* src = collector.src();

  gint64 size = 0;
  EXPECT_TRUE(gst_element_query_duration(src, GST_FORMAT_BYTES, &size));
  EXPECT_EQ(size, static_cast<gint64>(clip.size()));

  QueryPtr seeking(gst_query_new_seeking(GST_FORMAT_BYTES));
  ASSERT_TRUE(gst_element_query(src, seeking.get()));
  gboolean seekable = FALSE;
  gint64 start = -1;
  gint64 stop = -1;
  gst_query_parse_seeking(seeking.get(), nullptr, &seekable, &start, &stop);
  EXPECT_TRUE(seekable);
  EXPECT_EQ(start, 0);
  EXPECT_EQ(stop, size);

  QueryPtr scheduling(gst_query_new_scheduling());
  PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(src, "src"));
  ASSERT_TRUE(gst_pad_query(pad.get(), scheduling.get()));
  GstSchedulingFlags flags{};
  gst_query_parse_scheduling(scheduling.get(), &flags, nullptr, nullptr, nullptr);
  EXPECT_TRUE(gst_query_has_scheduling_mode(scheduling.get(), GST_PAD_MODE_PUSH));
  EXPECT_FALSE(gst_query_has_scheduling_mode(scheduling.get(), GST_PAD_MODE_PULL));
  EXPECT_NE(flags & GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED, 0) << "a network is behind it";
}

// Whoever knows the signature can fetch the clip.
TEST_F(Seek, TheUriQueryDoesNotTellTheSignature) {
  const std::string address = service.clip_url();
  service.push_poll(
      json_answer(200, FakeService::completed_json(address + "?Expires=1&Signature=s1gnature")));
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(collector.src(), "src"));
  for (const bool of_element : {true, false}) {
    QueryPtr uri(gst_query_new_uri());
    ASSERT_TRUE(of_element ? gst_element_query(collector.src(), uri.get())
                           : gst_pad_query(pad.get(), uri.get()));
    char* text = nullptr;
    gst_query_parse_uri(uri.get(), &text);
    const std::string told = take_string(text);
    EXPECT_TRUE(told.starts_with("genpro://101/3300?")) << told;
    EXPECT_EQ(told.find("s1gnature"), std::string::npos) << told;
  }
}

// Its demuxer could not do without, see below; a clip of unknown length is read as it comes.
TEST_F(Seek, AClipWithoutRangesIsSeekableWhereItsLengthIsKnown) {
  for (const bool says_length : {true, false}) {
    service.set_clip({.bytes = clip, .ranges = false, .says_length = says_length});
    Collector collector(seed_src(service, {{"reuse", "completed"}}));
    ASSERT_TRUE(collector.preroll());
    QueryPtr seeking(gst_query_new_seeking(GST_FORMAT_BYTES));
    ASSERT_TRUE(gst_element_query(collector.src(), seeking.get()));
    gboolean seekable = !says_length;
    gst_query_parse_seeking(seeking.get(), nullptr, &seekable, nullptr, nullptr);
    EXPECT_EQ(seekable, says_length);
    const Outcome outcome = collector.play_out();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(collector.bytes()), sha256(clip));
  }
  EXPECT_EQ(service.count(is_cdn), 2U) << "it is not read twice where nobody seeks";
}

TEST_F(Seek, WithoutRangesTheClipIsReadOnceMore) {
  service.set_clip({.bytes = clip, .etag = "", .ranges = false});
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  for (const std::int64_t position : {2'000'000, 5, 3'000'000, 1'000'000}) {
    ASSERT_TRUE(collector.seek(position)) << position;
    ASSERT_TRUE(collector.settle()) << position;
  }
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(sha256(collector.bytes()), sha256(clip.substr(1'000'000)));
  EXPECT_EQ(service.count(is_cdn), 2U);
}

TEST_F(Seek, WithoutRangesAClipThatHasChangedIsAnError) {
  service.set_clip({.bytes = clip, .etag = "", .ranges = false});
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  // Of the same length and with the same beginning.
  service.set_clip({.bytes = large_clip(clip.size(), 2), .etag = "", .ranges = false});
  collector.seek(2'000'000);
  const Outcome outcome = collector.play_out();
  expect_one_error(outcome,
                   {.codes = {resource(GST_RESOURCE_ERROR_READ)}, .mentions = {"changed"}});
  EXPECT_EQ(collector.bytes(), "");
}

// An index behind more media than the demuxer keeps, which is pushed to.
TEST_F(Seek, WithoutRangesADemuxerFindsAnIndexAtTheEnd) {
  std::string film = make_mp4({.frames = 24, .moov_at_end = true});
  const std::size_t index = box_position(film, "moov");
  const std::size_t media = box_position(film, "mdat");
  ASSERT_LT(media, index);
  constexpr std::uint32_t more = 11U << 20U;
  const std::uint32_t size = GUINT32_TO_BE(static_cast<std::uint32_t>(index - media) + more);
  film.replace(media, sizeof size, reinterpret_cast<const char*>(&size), sizeof size);
  film.insert(index, more, '\0');
  service.set_clip({.bytes = film, .ranges = false});
  const Running pipeline(launch(
      "queue name=entry ! qtdemux name=demux demux.video_0 ! fakesink name=sink sync=false"));
  const ElementPtr src = seed_src(service);
  gst_bin_add(GST_BIN(pipeline.get()), src.get());
  const ElementPtr entry = child(pipeline.get(), "entry");
  ASSERT_TRUE(gst_element_link(src.get(), entry.get()));
  std::atomic<int> frames = 0;
  const ElementPtr sink = child(pipeline.get(), "sink");
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer count) {
        ++*static_cast<std::atomic<int>*>(count);
        return GST_PAD_PROBE_OK;
      },
      &frames, nullptr);
  const Outcome outcome = run(pipeline.get());
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(frames, 24);
}

TEST_F(Seek, AQueryBeforeTheClipIsThereReturns) {
  service.push_status("processing");
  Collector collector(seed_src(service));
  gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
  ASSERT_TRUE(service.wait_for(is_poll));
  auto asked = std::async(std::launch::async, [&] {
    gint64 size = 0;
    gst_element_query_duration(collector.src(), GST_FORMAT_BYTES, &size);
    QueryPtr seeking(gst_query_new_seeking(GST_FORMAT_BYTES));
    gst_element_query(collector.src(), seeking.get());
    QueryPtr uri(gst_query_new_uri());
    gst_element_query(collector.src(), uri.get());
  });
  EXPECT_EQ(asked.wait_for(generous), std::future_status::ready);
  EXPECT_TRUE(stops_in_time(collector.pipeline()));
}

TEST_F(Seek, AFlushingSeekGivesTheBytesFromThere) {
  const auto size = static_cast<std::int64_t>(clip.size());
  for (const std::int64_t position : {std::int64_t{0}, std::int64_t{1}, size / 2, size - 1}) {
    Collector collector(seed_src(service, {{"reuse", "never"}}));
    ASSERT_TRUE(collector.preroll());
    ASSERT_TRUE(collector.seek(position)) << position;
    ASSERT_TRUE(collector.settle());
    const Outcome outcome = collector.play_out();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(collector.segment_start(), position);
    EXPECT_EQ(sha256(collector.bytes()), sha256(clip.substr(static_cast<std::size_t>(position))))
        << "from " << position << ", got " << collector.bytes().size();
  }
  EXPECT_EQ(service.count(is_generate), 4U) << "a seek is no new generation";
}

TEST_F(Seek, StopsWhereTheSeekSays) {
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  ASSERT_TRUE(collector.seek(1000, 200'000));
  ASSERT_TRUE(collector.settle());
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(sha256(collector.bytes()), sha256(clip.substr(1000, 199'000)))
      << collector.bytes().size();
}

TEST_F(Seek, ASeekToTheEndEnds) {
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  collector.seek(static_cast<std::int64_t>(clip.size()));
  const Outcome outcome = collector.play_out();
  EXPECT_FALSE(outcome.timed_out) << outcome.summary();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(collector.bytes(), "");
}

TEST_F(Seek, ManySeeksInARowEndAtTheLast) {
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int64_t> anywhere(0,
                                                       static_cast<std::int64_t>(clip.size()) - 1);
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  std::int64_t position = 0;
  for (int i = 0; i < 40; ++i) {
    position = anywhere(random);
    ASSERT_TRUE(collector.seek(position));
    if (i % 4 == 0) {
      ASSERT_TRUE(collector.settle());
    }
  }
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(sha256(collector.bytes()), sha256(clip.substr(static_cast<std::size_t>(position))))
      << "from " << position;
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Seek, SeeksWhilePlayingGiveNoWrongByte) {
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
  std::mt19937 random(8);
  std::uniform_int_distribution<std::int64_t> anywhere(0,
                                                       static_cast<std::int64_t>(clip.size()) / 4);
  std::int64_t position = 0;
  for (int i = 0; i < 20; ++i) {
    position = anywhere(random);
    collector.seek(position);
  }
  ASSERT_TRUE(collector.settle());
  // An EOS of an earlier round may have come before a seek: wait for the bytes and not for it.
  const std::string expected = clip.substr(static_cast<std::size_t>(position));
  EXPECT_TRUE(eventually([&] { return collector.bytes().size() >= expected.size(); }));
  EXPECT_EQ(sha256(collector.bytes()), sha256(expected));
  EXPECT_TRUE(collector.listener().outcome().errors.empty())
      << collector.listener().outcome().summary();
}

TEST_F(Seek, AServerThatAnswersAnotherRangeGivesNoWrongByte) {
  service.set_clip({.bytes = clip, .range_shift = -512});
  Collector collector(seed_src(service));
  ASSERT_TRUE(collector.preroll());
  collector.seek(1'000'000);
  const Outcome outcome = collector.play_out();
  EXPECT_FALSE(outcome.timed_out) << outcome.summary();
  const std::string got = collector.bytes();
  EXPECT_EQ(got, clip.substr(1'000'000, got.size())) << "wrong bytes came out";
  if (!outcome.eos) {
    expect_one_error(outcome, {});
  } else {
    EXPECT_EQ(got.size(), clip.size() - 1'000'000);
  }
}

TEST_F(Seek, WorksInAHarness) {
  ElementPtr src = seed_src(service);
  std::unique_ptr<GstHarness, decltype(&gst_harness_teardown)> harness(
      gst_harness_new_with_element(src.get(), nullptr, "src"), gst_harness_teardown);
  gst_harness_play(harness.get());
  std::string bytes;
  while (bytes.size() < clip.size()) {
    BufferPtr buffer(gst_harness_pull(harness.get()));
    ASSERT_TRUE(buffer) << "after " << bytes.size();
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(buffer.get(), &map, GST_MAP_READ));
    if (GST_BUFFER_OFFSET_IS_VALID(buffer.get())) {
      EXPECT_EQ(GST_BUFFER_OFFSET(buffer.get()), bytes.size());
    }
    bytes.append(reinterpret_cast<const char*>(map.data), map.size);
    gst_buffer_unmap(buffer.get(), &map);
  }
  EXPECT_EQ(sha256(bytes), sha256(clip));
}

}  // namespace
}  // namespace genpro::test
