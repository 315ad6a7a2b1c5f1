// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Push mode: a demuxer behind a queue takes what comes.
#include <optional>

#include "element/decoding.h"

namespace genpro::test {
namespace {

class Push : public testing::Test {
 protected:
  // With each kind of server; fewer answers tell less.
  void serve(const std::string& clip, bool ranges, bool says_length) {
    service.set_clip({.bytes = clip, .ranges = ranges, .says_length = says_length});
  }
  FakeService service;
};

class PushClips : public Push, public testing::WithParamInterface<const char*> {};

// There is no other source beside it, since those of GStreamer 1.22 may wait for ever in a queue.
TEST_P(PushClips, AreDemuxedAlikeFromAnyServer) {
  const std::string clip = read_file(CLIPS + std::string("/") + GetParam() + ".mp4");
  std::optional<Decoded> expected;
  for (const auto& [ranges, says_length] :
       {std::pair(true, true), std::pair(false, true), std::pair(false, false)}) {
    serve(clip, ranges, says_length);
    Decoding decoding(seed_src(service), "queue", "qtdemux");
    const Outcome outcome = decoding.play();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    if (!expected) expected = decoding.decoded();
    EXPECT_FALSE(expected->empty());
    EXPECT_EQ(decoding.decoded(), *expected) << "ranges: " << ranges << ", length: " << says_length;
  }
}

// What qtdemux makes of many_mdat and empty_mdat_front when it is pushed to depends on how large
// the buffers are.
INSTANTIATE_TEST_SUITE_P(All, PushClips,
                         testing::Values("audio_longer", "cover_track_first", "encrypted",
                                         "fmp4_moov_samples", "fps24", "frames3", "last_gop3",
                                         "rotated90", "surround", "trimmed", "unmixed_audio_first",
                                         "video_late"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_F(Push, AnIndexAtTheEndIsWaitedForWithoutRangesAndLength) {
  const std::string clip = make_mp4({.frames = 48, .moov_at_end = true, .pattern = 1});
  const TempDir folder;
  write_file(folder.file("clip.mp4"), clip);
  serve(clip, false, false);
  Decoding decoding(seed_src(service), "queue");
  const Outcome outcome = decoding.play();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(decoding.decoded(), decoded_from_file(folder.file("clip.mp4")));
}

class Decodebin3 : public Push, public testing::WithParamInterface<const char*> {};

TEST_P(Decodebin3, DecodesAsFromAFile) {
  const Owned<GstElementFactory, gst_object_unref> factory(gst_element_factory_find("decodebin3"));
  if (!factory) GTEST_SKIP() << "there is no decodebin3";
  const std::string path = CLIPS + std::string("/") + GetParam() + ".mp4";
  Decoding file(file_src(path), "identity", "decodebin3");
  EXPECT_TRUE(file.play().eos);
  ASSERT_FALSE(file.decoded().empty());
  for (const bool ranges : {true, false}) {
    serve(read_file(path), ranges, ranges);
    Decoding decoding(seed_src(service), "identity", "decodebin3");
    const Outcome outcome = decoding.play();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(decoding.decoded(), file.decoded()) << "ranges: " << ranges;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Decodebin3,
                         testing::Values("audio_longer", "fmp4_moov_samples", "fps24", "last_gop3",
                                         "many_mdat", "rotated90", "trimmed", "video_late"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace genpro::test
