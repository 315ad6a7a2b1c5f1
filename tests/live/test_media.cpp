// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a clip says about itself counts: which way up it is, its tracks, their times and formats.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include "live/case_clips.h"
#include "live/live_fixture.h"
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
                                         Matrix{0, 1, 1, 0}, Matrix{0, -1, -1, 0},
                                         // What is larger is no other way up.
                                         Matrix{2, 0, 0, 1}, Matrix{2, 0, 0, 2},
                                         Matrix{0, 2, -2, 0}));

TEST(Media, OfAPhoneIsUprightAndPortrait) {
  const Decoded seen = play(case_clip("rotated90"), "video/x-raw,format=RGBx,width=180,height=320");
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
}

// videoflip copies each frame that it is not told to pass.
TEST(Media, IsCopiedOnlyToBeTurned) {
  static std::atomic<int> copied;
  const GstLogFunction count = [](GstDebugCategory* category, GstDebugLevel, const char*,
                                  const char*, int, GObject*, GstDebugMessage* message, gpointer) {
    if (std::string_view(gst_debug_category_get_name(category)) == "videoflip" &&
        std::string_view(gst_debug_message_get(message)).find("flipping (") !=
            std::string_view::npos) {
      ++copied;
    }
  };
  gst_debug_set_threshold_from_string("videoflip:6", FALSE);
  // In brackets it is the function, and not the macro, which is no standard C++.
  (gst_debug_add_log_function)(count, nullptr, nullptr);
  play(case_clip("rotated90"), "video/x-raw,format=RGBx,width=180,height=320");
  EXPECT_GT(copied.exchange(0), 0) << "that it is not told any more";
  play(case_clip("audio_longer"));
  EXPECT_EQ(copied, 0);
  (gst_debug_remove_log_function)(count);
  gst_debug_set_threshold_from_string("", TRUE);
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

// Later than what is read ahead of what is shown.
TEST(Media, IsShownWhenItsVideoBeginsLongAfterItsSound) {
  std::string clip = case_clip("video_late");
  const std::size_t first_edit = clip.find("elst") + 12;
  constexpr std::string_view four_seconds("\0\0\x0f\xa0", 4);
  clip.replace(first_edit, four_seconds.size(), four_seconds);
  const Decoded seen = play(clip);
  EXPECT_EQ(numbers_in(seen.pictures), up_to(60));
  EXPECT_LT(std::abs(time_of(10, seen) - (4 * GST_SECOND + GST_SECOND / 3)), GST_SECOND / 15);
}

TEST(Media, IsNeverTooLoud) {
  const Decoded seen = play(case_clip("surround"));
  const double loudest = loudness(seen.sound, 0, GST_CLOCK_TIME_NONE);
  EXPECT_GT(loudest, 0.9);
  EXPECT_LE(loudest, 1.0);
}

// What is done to a buffer on its way; false: it is left out.
using Change = std::function<bool(GstBuffer*)>;

GstPadProbeReturn on_change(GstPad*, GstPadProbeInfo* info, gpointer change) {
  info->data = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  const bool stays = (*static_cast<const Change*>(change))(GST_PAD_PROBE_INFO_BUFFER(info));
  return stays ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

// A file of what leaves these elements, and leaves that of them which is called "changed" changed.
std::string made(const std::string& elements, const Change& change = {}) {
  const TempDir folder;
  const ElementPtr pipeline = launch(elements + " ! filesink location=" + folder.file("made"));
  if (change) {
    const PadPtr pad =
        PadPtr::adopt(gst_element_get_static_pad(child(pipeline.get(), "changed").get(), "src"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_change, const_cast<Change*>(&change),
                      nullptr);
  }
  const Outcome outcome = run(pipeline.get());
  if (!outcome.eos) throw std::runtime_error("test media: " + outcome.summary());
  return read_file(folder.file("made"));
}

constexpr const char* white_video =
    "videotestsrc pattern=white num-buffers=45 ! video/x-raw,format=I420,width=64,height=64,"
    "framerate=30/1 ! x264enc speed-preset=ultrafast tune=zerolatency ! h264parse ! queue ! mux. ";

// White pictures with a tone of a second and a half in those channels.
std::string with_tone(int channels, const std::vector<int>& in, const std::string& encoder,
                      const std::string& muxer) {
  std::string raw;
  for (int sample = 0; sample < 72'000; ++sample) {
    const auto value = static_cast<std::int16_t>(8000 * std::sin(0.06 * sample));
    for (int channel = 0; channel < channels; ++channel) {
      const bool is_in = std::find(in.begin(), in.end(), channel) != in.end();
      const auto bits = static_cast<std::uint16_t>(is_in ? value : 0);
      raw.push_back(static_cast<char>(bits & 0xff));
      raw.push_back(static_cast<char>(bits >> 8));
    }
  }
  const TempDir folder;
  write_file(folder.file("raw"), raw);
  return made(white_video + ("filesrc location=" + folder.file("raw")) +
              " ! rawaudioparse sample-rate=48000 num-channels=" + std::to_string(channels) +
              " ! " + encoder + "queue ! mux. " + muxer + " name=mux");
}

TEST(Media, IsHeardFromEachChannelOf51) {
  for (int channel = 0; channel < 6; ++channel) {
    // No usual downmix has the one for low frequencies.
    if (channel == 3) continue;
    const Decoded seen = play(with_tone(6, {channel}, "audioconvert ! avenc_alac ! ", "mp4mux"));
    EXPECT_NEAR(static_cast<double>(length_of(seen.sound)), 1.5 * GST_SECOND, 0.1 * GST_SECOND)
        << channel;
  }
}

TEST(Media, IsHeardFromChannelsWithoutPlaces) {
  for (const int channels : {6, 7, 16}) {
    const Decoded seen =
        play(with_tone(channels, {0, 1, 2},
                       "capssetter caps=\"audio/x-raw,channel-mask=(bitmask)0\" ! ", "qtmux"));
    EXPECT_NEAR(static_cast<double>(length_of(seen.sound)), 1.5 * GST_SECOND, 0.1 * GST_SECOND)
        << channels;
  }
}

TEST(Media, IsSilentInAGapOfItsSound) {
  const std::string clip =
      made(white_video + std::string("audiotestsrc num-buffers=72 samplesperbuffer=1000"
                                     " ! audio/x-raw,rate=48000,channels=2 ! avenc_alac"
                                     " ! identity name=changed ! queue ! mux. mp4mux name=mux"),
           [](GstBuffer* packet) {
             const GstClockTime time = GST_BUFFER_PTS(packet);
             return time < 400 * GST_MSECOND || time >= 900 * GST_MSECOND;
           });
  const Decoded seen = play(clip);
  const auto first = std::find_if(seen.pictures.begin(), seen.pictures.end(),
                                  [](const Shown& shown) { return shown.brightness() > 100; });
  ASSERT_NE(first, seen.pictures.end());
  expect_gapless(seen.sound);
  const auto loudness_at = [&](GstClockTime from, GstClockTime to) {
    return loudness(seen.sound, first->pts + from * GST_MSECOND, first->pts + to * GST_MSECOND);
  };
  EXPECT_GT(loudness_at(100, 300), 0.1);
  EXPECT_LT(loudness_at(550, 850), 0.01);
  EXPECT_GT(loudness_at(1050, 1400), 0.1);
}

TEST(Media, HasThePixelAspectThatItTells) {
  const Decoded seen =
      play(made("videotestsrc pattern=white num-buffers=20 ! video/x-raw,format=I420,width=64,"
                "height=64,framerate=30/1,pixel-aspect-ratio=2/1 ! x264enc speed-preset=ultrafast"
                " tune=zerolatency ! h264parse ! mp4mux"));
  const auto shown =
      std::find_if(seen.pictures.begin(), seen.pictures.end(),
                   [](const Shown& each) { return each.component(0, 160, 90) > 200; });
  ASSERT_NE(shown, seen.pictures.end());
  // Twice as wide as it is high, in a raster of 320 by 180.
  EXPECT_GT(shown->component(0, 4, 90), 200);
  EXPECT_GT(shown->component(0, 160, 14), 200);
  EXPECT_LT(shown->component(0, 160, 6), 50);
}

// The rate that such a clip tells is that of its time scale.
TEST(Media, ShowsTheLastPictureOfAVariableRate) {
  constexpr int width = 64;
  constexpr int pictures = 10;
  std::string raw;
  for (int picture = 0; picture < pictures; ++picture) {
    raw.append(width * width, static_cast<char>(40 + 20 * picture));
    raw.append(width * width / 2, static_cast<char>(128));
  }
  const TempDir folder;
  write_file(folder.file("raw"), raw);
  int picture = 0;
  const std::string clip =
      made("filesrc location=" + folder.file("raw") +
               " ! rawvideoparse name=changed format=i420 width=64 height=64 framerate=9000/1"
               " ! x264enc speed-preset=ultrafast tune=zerolatency pass=quant quantizer=10 ! "
               "h264parse ! mp4mux",
           [&](GstBuffer* buffer) {
             // Neither regular nor of the output's grid.
             GST_BUFFER_PTS(buffer) =
                 gst_util_uint64_scale_int(GST_SECOND, picture * 3 + picture % 2, 70);
             GST_BUFFER_DURATION(buffer) = GST_CLOCK_TIME_NONE;
             ++picture;
             return true;
           });
  const Decoded seen = play(clip, "video/x-raw,format=I420,width=64,height=64,framerate=30/1");
  EXPECT_TRUE(std::any_of(seen.pictures.begin(), seen.pictures.end(), [](const Shown& shown) {
    return std::abs(shown.component(0, 32, 32) - (40 + 20 * (pictures - 1))) < 8;
  }));
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
  for (const std::string format : {"I420", "I422_10LE"}) {
    SCOPED_TRACE(format);
    const Decoded seen =
        play(made("filesrc location=" + folder.file("raw") +
                  " ! rawvideoparse format=i420 width=64 height=64 framerate=25/1 interlaced=true"
                  " top-field-first=true ! videoconvert ! video/x-raw,format=" +
                  format +
                  " ! x264enc interlaced=true speed-preset=ultrafast tune=zerolatency"
                  " pass=quant quantizer=10 ! h264parse ! mp4mux"),
             "video/x-raw,format=I420,width=64,height=64,framerate=50/1");
    int bright = 0;
    for (const Shown& shown : seen.pictures) {
      EXPECT_LT(std::abs(shown.component(0, 32, 32) - shown.component(0, 32, 33)), 30);
      if (shown.component(0, 32, 32) > 190) ++bright;
    }
    EXPECT_GT(bright, 20) << "the clip was not on";
  }
}

// Each of its pictures is on for less than a twentieth of those of the output.
TEST(Media, KeepsPaceWithAHighRate) {
  const Decoded seen = play(clip_of({.frames = 240, .fps_n = 240}),
                            "video/x-raw,format=I420,width=192,height=108,framerate=10/1");
  const auto is_on = [](const Shown& shown) { return shown.mark.has_value(); };
  const auto on = std::count_if(seen.pictures.begin(), seen.pictures.end(), is_on);
  EXPECT_GE(on, 9);
  EXPECT_LE(on, 16);
}

TEST(Media, TellsOnceThatItIsHdr) {
  for (const std::string kind : {"PQ", "HLG"}) {
    LiveService service;
    service.set_clip(
        made("videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=64,height=64,"
             "framerate=30/1,colorimetry=bt2100-" +
             std::string(kind == "PQ" ? "pq" : "hlg") +
             " ! x264enc speed-preset=ultrafast tune=zerolatency ! h264parse ! mp4mux"));
    Studio studio(live_bin(service, {{"at-end", "loop"}}));
    studio.play();
    ASSERT_TRUE(studio.signals().wait_for("clip-started 9041", 2));
    studio.stop();
    const Outcome outcome = studio.outcome();
    ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
    EXPECT_NE(outcome.warnings[0].text.find("HDR (" + kind + ")"), std::string::npos);
  }
}

}  // namespace
}  // namespace genpro::test
