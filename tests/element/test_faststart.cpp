// SPDX-License-Identifier: LGPL-2.1-or-later
//
// faststart: an index that comes last is given first, and leads to the same samples.
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "clip/box_walker.h"
#include "element/element_fixture.h"

namespace genpro::test {
namespace {

// Of each track each sample: its time and content.
using Samples = std::map<std::string, std::vector<std::tuple<GstClockTime, std::string>>>;

class Demuxing {
 public:
  explicit Demuxing(const std::string& mp4) : pipeline_(sink_ref(gst_pipeline_new(nullptr))) {
    write_file(folder_.file("clip.mp4"), mp4);
    GstElement* src = gst_element_factory_make("filesrc", nullptr);
    g_object_set(src, "location", folder_.file("clip.mp4").c_str(), nullptr);
    GstElement* demuxer = gst_element_factory_make("qtdemux", nullptr);
    gst_bin_add_many(GST_BIN(pipeline_.get()), src, demuxer, nullptr);
    gst_element_link(src, demuxer);
    g_signal_connect(demuxer, "pad-added", G_CALLBACK(on_pad), this);
    EXPECT_TRUE(run(pipeline_.get()).eos);
  }
  Samples samples() {
    const std::lock_guard lock(mutex_);
    return samples_;
  }

 private:
  static void on_pad(GstElement*, GstPad* pad, Demuxing* self) {
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
    gst_bin_add(GST_BIN(self->pipeline_.get()), sink);
    gst_element_sync_state_with_parent(sink);
    const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
    gst_pad_link(pad, target.get());
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, nullptr);
  }
  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<Demuxing*>(data);
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    std::string content(gst_buffer_get_size(buffer), '\0');
    gst_buffer_extract(buffer, 0, content.data(), content.size());
    const std::lock_guard lock(self->mutex_);
    self->samples_[take_string(gst_pad_get_name(pad))].emplace_back(GST_BUFFER_PTS(buffer),
                                                                    sha256(content));
    return GST_PAD_PROBE_OK;
  }

  TempDir folder_;
  Running pipeline_;
  std::mutex mutex_;
  Samples samples_;  // under mutex_
};

class FastStart : public testing::Test {
 protected:
  std::string given(const std::string& clip, bool ranges, bool says_length,
                    const Settings& settings = {}) {
    service.set_clip({.bytes = clip, .ranges = ranges, .says_length = says_length});
    Settings all = {{"faststart", "true"}};
    all.insert(all.end(), settings.begin(), settings.end());
    const Streamed streamed = stream(seed_src(service, all));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    return streamed.bytes;
  }

  FakeService service;
};

TEST_F(FastStart, GivesTheIndexBeforeTheMedia) {
  const std::string clip = read_file(CLIPS "/audio_longer.mp4");
  ASSERT_LT(box_position(clip, "mdat"), box_position(clip, "moov"));
  const Samples expected = Demuxing(clip).samples();
  ASSERT_EQ(expected.size(), 2U);
  for (const bool ranges : {true, false}) {
    for (const bool says_length : {true, false}) {
      const std::string moved = given(clip, ranges, says_length);
      ASSERT_EQ(moved.size(), clip.size());
      const std::size_t media = box_position(clip, "mdat");
      const std::size_t index = clip.size() - box_position(clip, "moov");
      EXPECT_EQ(box_position(moved, "moov"), media);
      EXPECT_EQ(moved.substr(0, media), clip.substr(0, media));
      EXPECT_EQ(moved.substr(media + index),
                clip.substr(media, box_position(clip, "moov") - media));
      EXPECT_EQ(Demuxing(moved).samples(), expected);
    }
  }
}

TEST_F(FastStart, GivesBuffersOfAnySize) {
  const std::string clip = make_mp4({.frames = 4});
  const std::string moved = given(clip, true, true);
  for (const char* size : {"1", "0", "1000000"}) {
    EXPECT_EQ(given(clip, true, true, {{"blocksize", size}}), moved) << size;
  }
}

TEST_F(FastStart, LeavesWhatNeedsNoMove) {
  const std::string clip = make_mp4({.moov_at_end = false});
  EXPECT_EQ(given(clip, true, true), clip);
  const std::string fragmented = read_file(CLIPS "/fmp4_moov_samples.mp4");
  EXPECT_EQ(given(fragmented, true, true), fragmented);
}

// ---- The index itself ----

using Box = std::vector<unsigned char>;

Box number(std::uint64_t value, std::size_t width) {
  Box bytes(width);
  for (std::size_t at = width; at > 0; value >>= 8) {
    bytes[--at] = static_cast<unsigned char>(value);
  }
  return bytes;
}

Box joined(std::initializer_list<Box> parts) {
  Box all;
  for (const Box& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Box box(std::string_view type, const Box& content) {
  return joined({number(content.size() + 8, 4), Box(type.begin(), type.end()), content});
}

Box index_with(const Box& table) {
  return box("moov", box("trak", box("mdia", box("minf", box("stbl", table)))));
}

Box offsets(std::string_view type, std::size_t width, std::initializer_list<std::uint64_t> values) {
  Box content = joined({number(0, 4), number(values.size(), 4)});
  for (const std::uint64_t value : values) content = joined({content, number(value, width)});
  return box(type, content);
}

TEST(ChunkOffsets, AreShiftedWhereTheirBytesMove) {
  for (const auto& [type, width] : {std::pair("stco", std::size_t{4}), {"co64", std::size_t{8}}}) {
    Box moov = index_with(offsets(type, width, {10, 100, 999, 1000}));
    const std::size_t by = moov.size();
    EXPECT_TRUE(clip::shift_chunks(moov, 100, 1000));
    EXPECT_EQ(moov, index_with(offsets(type, width, {10, 100 + by, 999 + by, 1000})));
  }
}

TEST(ChunkOffsets, OfADamagedOrTooLargeIndexAreNotShifted) {
  Box long_count = index_with(offsets("stco", 4, {100}));
  long_count[long_count.size() - 8] = 0xff;
  Box no_room = index_with(offsets("stco", 4, {0xfffffff0}));
  Box cut = index_with(offsets("stco", 4, {100}));
  cut.pop_back();
  Box compressed = box("moov", box("cmov", {}));
  Box short_table = index_with(box("stco", {0}));
  for (Box* moov : {&long_count, &no_room, &cut, &compressed, &short_table}) {
    EXPECT_FALSE(clip::shift_chunks(*moov, 100, 0x100000000));
  }
}

}  // namespace
}  // namespace genpro::test
