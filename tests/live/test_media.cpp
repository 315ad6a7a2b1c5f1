// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a clip says about itself counts: which way up it is, its tracks, their times and formats.
#include <array>
#include <cmath>
#include <numeric>

#include "live/case_clips.h"
#include "live/live_test.h"
#include "support/media.h"

namespace genpro::test {
namespace {

// What leaves a genprobin from before a clip until after it.
Decoded play(const std::string& clip, const std::string& video_caps = case_raster) {
  LiveService service;
  service.set_clip(clip);
  Studio studio(live_bin(service), video_caps);
  studio.play();
  EXPECT_TRUE(studio.signals().wait_for("clip-started 9041"));
  EXPECT_TRUE(studio.video().wait_for_next([](const Shown& shown) {
    return shown.component(0, shown.info.width / 4, shown.info.height / 5) < 20;
  }));
  EXPECT_TRUE(studio.video().wait_for_more(10));
  EXPECT_TRUE(studio.wait_for_sound());
  studio.stop();
  studio.expect_quiet();
  return {studio.video().pictures(), studio.audio().sound()};
}

std::vector<int> up_to(int number) {
  std::vector<int> numbers(static_cast<std::size_t>(number));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// From the first to the last sample that is not silent.
GstClockTime length_of(const Sound& sound) {
  GstClockTime first = GST_CLOCK_TIME_NONE;
  GstClockTime last = 0;
  for (const Heard& heard : sound) {
    for (std::size_t i = 0; i < heard.samples.size(); ++i) {
      if (std::abs(heard.samples[i]) < 0.02F) continue;
      if (!GST_CLOCK_TIME_IS_VALID(first)) first = heard.time_of(i);
      last = heard.time_of(i);
    }
  }
  return last - first;
}

// When the first picture of that number comes on, from when something is heard.
GstClockTimeDiff time_of(int number, const Decoded& decoded) {
  GstClockTimeDiff heard = -1;
  for (const Heard& block : decoded.sound) {
    for (std::size_t i = 0; i < block.samples.size() && heard < 0; ++i) {
      if (std::abs(block.samples[i]) >= 0.02F) {
        heard = static_cast<GstClockTimeDiff>(block.time_of(i));
      }
    }
  }
  for (const Shown& shown : decoded.pictures) {
    if (number_in(shown) == number) return static_cast<GstClockTimeDiff>(shown.pts) - heard;
  }
  return -1;
}

// A transformation as a track's header has it: x' = a x + c y, y' = b x + d y.
struct Matrix {
  int a, b, c, d;
};

void PrintTo(const Matrix& matrix, std::ostream* out) {
  *out << matrix.a << " " << matrix.b << " " << matrix.c << " " << matrix.d;
}

std::string transformed(std::string clip, const Matrix& matrix) {
  const auto write = [&](std::size_t at, int value) {
    const auto fixed = static_cast<std::uint32_t>(value * 65536);
    for (std::size_t byte = 0; byte < 4; ++byte) {
      clip.at(at + byte) = static_cast<char>(fixed >> (24 - 8 * byte));
    }
  };
  // The first track is the film; all up to there is of a fixed size.
  const std::size_t at = clip.find("tkhd") + 44;
  write(at, matrix.a);
  write(at + 4, matrix.b);
  write(at + 12, matrix.c);
  write(at + 16, matrix.d);
  return clip;
}

class Orientation : public testing::TestWithParam<Matrix> {};

TEST_P(Orientation, IsUpright) {
  const Matrix matrix = GetParam();
  LiveService service;
  service.set_clip(transformed(case_clip("audio_longer"), matrix));
  Studio studio(live_bin(service), "video/x-raw,format=RGBx,width=320,height=320");
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  ASSERT_TRUE(studio.video().wait_for_more(5));
  studio.stop();
  studio.expect_quiet();
  const Pictures pictures = studio.video().pictures();
  const Shown& shown = pictures.back();
  const bool is_turned = matrix.a == 0;
  // Red, green; blue, yellow.
  const std::array<std::array<std::array<int, 3>, 2>, 2> stored = {
      {{{{1, 0, 0}, {0, 1, 0}}}, {{{0, 0, 1}, {1, 1, 0}}}}};
  for (const int x : {-1, 1}) {
    for (const int y : {-1, 1}) {
      const int from_x = matrix.a * x + matrix.b * y;
      const int from_y = matrix.c * x + matrix.d * y;
      const auto& colour = stored.at(from_y > 0 ? 1 : 0).at(from_x > 0 ? 1 : 0);
      for (int component = 0; component < 3; ++component) {
        const int value = shown.component(component, 160 + x * (is_turned ? 45 : 80),
                                          160 + y * (is_turned ? 100 : 60));
        EXPECT_EQ(value > 120 ? 1 : 0, colour.at(static_cast<std::size_t>(component)))
            << "component " << component << " at " << x << ", " << y;
      }
    }
  }
  // The whole is there with its shape, and nothing beside it.
  EXPECT_LT(shown.component(0, is_turned ? 60 : 160, is_turned ? 160 : 60), 20);
  EXPECT_LT(shown.component(0, is_turned ? 260 : 160, is_turned ? 160 : 260), 20);
}

INSTANTIATE_TEST_SUITE_P(Media, Orientation,
                         testing::Values(Matrix{1, 0, 0, 1}, Matrix{0, 1, -1, 0},
                                         Matrix{-1, 0, 0, -1}, Matrix{0, -1, 1, 0},
                                         Matrix{-1, 0, 0, 1}, Matrix{1, 0, 0, -1},
                                         Matrix{0, 1, 1, 0}));

TEST(Media, OfAPhoneIsUprightAndPortrait) {
  const Decoded seen = play(case_clip("rotated90"), "video/x-raw,format=RGBx,width=180,height=320");
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
}

TEST(Media, PassesOverCoverArt) {
  const Decoded seen = play(case_clip("cover_track_first"));
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
}

TEST(Media, IsAsDecodebinHasIt) {
  for (const char* name : {"last_gop3", "trimmed", "unmixed_audio_first", "many_mdat"}) {
    SCOPED_TRACE(name);
    const std::string clip = case_clip(name);
    const Decoded expected = decode(clip);
    const Decoded seen = play(clip);
    EXPECT_EQ(numbers_in(seen.pictures), numbers_in(expected.pictures));
    EXPECT_NEAR(static_cast<double>(length_of(seen.sound)),
                static_cast<double>(length_of(expected.sound)), 0.04 * GST_SECOND);
  }
}

TEST(Media, IsHeardAfterItsLastPicture) {
  const std::string clip = case_clip("audio_longer");
  const Decoded seen = play(clip);
  EXPECT_NEAR(static_cast<double>(length_of(seen.sound)),
              static_cast<double>(length_of(decode(clip).sound)), 0.01 * GST_SECOND);
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
  // It stands for that second.
  const auto is_last = [](const Shown& shown) { return number_in(shown) == 59; };
  EXPECT_GE(std::count_if(seen.pictures.begin(), seen.pictures.end(), is_last), 30);
}

TEST(Media, IsHeardBeforeItsFirstPicture) {
  const std::string clip = case_clip("video_late");
  const Decoded expected = decode(clip);
  const Decoded seen = play(clip);
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
  EXPECT_NEAR(static_cast<double>(length_of(seen.sound)),
              static_cast<double>(length_of(expected.sound)), 0.04 * GST_SECOND);
  // The first one is on from the beginning of the sound.
  EXPECT_LT(std::abs(time_of(0, seen)), GST_SECOND / 15);
  EXPECT_LT(std::abs(time_of(10, seen) - (GST_SECOND / 2 + GST_SECOND / 3)), GST_SECOND / 15);
}

TEST(Media, IsNeverTooLoud) {
  const Decoded seen = play(case_clip("surround"));
  const double loudest = loudness(seen.sound, 0, GST_CLOCK_TIME_NONE);
  EXPECT_GT(loudest, 0.9);
  EXPECT_LE(loudest, 1.0);
}

// Lines of one field are bright, those of the other dark.
TEST(Media, IsDeinterlaced) {
  constexpr int width = 64;
  constexpr int height = 64;
  std::string raw;
  for (int frame = 0; frame < 30; ++frame) {
    for (int y = 0; y < height; ++y) raw.append(width, static_cast<char>(y % 2 == 0 ? 210 : 40));
    raw.append(width * height / 2, static_cast<char>(128));
  }
  const TempDir folder;
  write_file(folder.file("raw"), raw);
  const Outcome made = run_launch(
      "filesrc location=" + folder.file("raw") +
      " ! rawvideoparse format=i420 width=64 height=64 framerate=25/1 interlaced=true"
      " top-field-first=true ! x264enc interlaced=true speed-preset=ultrafast tune=zerolatency"
      " pass=quant quantizer=10 ! h264parse ! mp4mux ! filesink location=" +
      folder.file("made.mp4"));
  ASSERT_TRUE(made.eos) << made.summary();
  const Decoded seen = play(read_file(folder.file("made.mp4")),
                            "video/x-raw,format=I420,width=64,height=64,framerate=50/1");
  int bright = 0;
  for (const Shown& shown : seen.pictures) {
    EXPECT_LT(std::abs(shown.component(0, 32, 32) - shown.component(0, 32, 33)), 30);
    if (shown.component(0, 32, 32) > 190) ++bright;
  }
  EXPECT_GT(bright, 20) << "the clip was not on";
}

TEST(Media, TellsOnceThatItIsHdr) {
  const TempDir folder;
  const Outcome made = run_launch(
      "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=64,height=64,framerate=30/1,"
      "colorimetry=bt2100-pq ! x264enc speed-preset=ultrafast tune=zerolatency ! h264parse !"
      " mp4mux ! filesink location=" +
      folder.file("made.mp4"));
  ASSERT_TRUE(made.eos) << made.summary();
  LiveService service;
  service.set_clip(read_file(folder.file("made.mp4")));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 2));
  studio.stop();
  const Outcome outcome = studio.bus().outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("HDR (PQ)"), std::string::npos);
}

}  // namespace
}  // namespace genpro::test
