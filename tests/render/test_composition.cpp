// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is seen and heard in a composed clip.
#include <gtest/gtest.h>

#include <cmath>

#include "decoded_clip.h"
#include "media_fixture.h"
#include "render_run.h"

namespace genpro::emulator::render::test {
namespace {

Colour middle(const Frame& frame) {
  return frame.mean(0.2, 0.3, 0.8, 0.6);
}

TEST(Composition, CrossFadesFromAPhotoToAClip) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.jpg"), "jpegenc quality=95", 800, 450, kRed);
  write_clip(folder.path("clip.mp4"), {.frames = 72});
  RenderSpec spec = make_spec(folder);
  spec.duration = 2;
  add_ingredient(spec, folder, "photo.jpg");
  add_ingredient(spec, folder, "clip.mp4");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  ASSERT_EQ(clip.frames.size(), 48U);
  expect_near(middle(clip.frames.front()), kRed, 12, "first frame");
  expect_near(middle(clip.frames[14]), kRed, 12, "frame before the fade");
  const Colour between = middle(clip.frames[24]);
  EXPECT_GT(between.r, 70);
  EXPECT_LT(between.r, 180);
  EXPECT_GT(between.b, 70);
  EXPECT_LT(between.b, 180);
  expect_near(middle(clip.frames[34]), kBlue, 12, "frame after the fade");
  expect_near(middle(clip.frames.back()), kBlue, 12, "last frame");
}

TEST(Composition, MovesAPhotoSlowly) {
  const TemporaryFolder folder;
  write_picture(folder.path("board.png"), "pngenc", "RGB", 640, 360,
                [](int x, int y) { return (x / 40 + y / 40) % 2 == 0 ? kYellow : kBlue; });
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "board.png");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  ASSERT_EQ(clip.frames.size(), 24U);
  EXPECT_GT(distance(clip.frames.front(), clip.frames.back(), 0, 0, 1, 1), 40);
  for (std::size_t i = 1; i < clip.frames.size(); ++i) {
    const double step = distance(clip.frames[i - 1], clip.frames[i], 0, 0, 1, 1);
    EXPECT_GT(step, 0.5) << "frame " << i << " stands still";
    EXPECT_LT(step, 60) << "frame " << i << " jumps";
  }
}

TEST(Composition, LaysATransparentPictureOverTheWholeClip) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.png"), "pngenc", 640, 360, kBlue);
  write_picture(folder.path("logo.png"), "pngenc", "RGBA", 300, 300, [](int x, int y) {
    return std::hypot(x - 150, y - 150) < 140 ? kGreen : Rgba{255, 0, 255, 0};
  });
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "logo.png");
  add_ingredient(spec, folder, "photo.png");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  for (const std::size_t index : {std::size_t{12}, clip.frames.size() - 1}) {
    const Frame& frame = clip.frames.at(index);
    // 36 pixels from the upper right edges, about 129 pixels wide.
    expect_near(frame.mean(0.90, 0.11, 0.95, 0.17), kGreen, 16, "logo");
    expect_near(frame.mean(0.985, 0.0, 1.0, 0.3), kBlue, 12, "margin beside the logo");
    expect_near(frame.mean(0.0, 0.0, 0.8, 1.0), kBlue, 12, "photo");
    expect_near(frame.mean(0.8, 0.3, 1.0, 1.0), kBlue, 12, "photo below the logo");
  }
}

TEST(Composition, TellsALogoByItsPixelsNotByItsFormat) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("opaque.png"), "pngenc", 320, 180, kRed);
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "opaque.png");
  ASSERT_EQ(run_render(spec, folder).exit_code, 0);
  const DecodedClip clip = decode_clip(spec.output);
  expect_near(clip.frames.at(12).mean(0, 0, 1, 1), kRed, 12,
              "an opaque RGBA picture fills the clip");
}

TEST(Composition, CaptionsInTheLowerThirdOnly) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.png"), "pngenc", 640, 360, kBlue);
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "photo.png");
  ASSERT_EQ(run_render(spec, folder).exit_code, 0);
  const DecodedClip plain = decode_clip(spec.output);
  spec.prompt = "<b>5 > 3</b> & \"quotes\"\nan endless sentence about \xc3\xa4\xe2\x82\xac\x01 " +
                std::string(3000, 'w');
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip captioned = decode_clip(spec.output);
  const Frame& before = plain.frames.at(20);
  const Frame& after = captioned.frames.at(20);
  EXPECT_LT(distance(before, after, 0, 0, 1, 0.5), 6) << "the upper half stays as it is";
  EXPECT_GT(distance(before, after, 0.2, 0.75, 0.8, 0.95), 60) << "the caption is seen";
  // White letters: the brightest cells of the lower third are far brighter than the photo.
  double brightest = 0;
  for (int row = Frame::kRows * 2 / 3; row < Frame::kRows; ++row) {
    for (const Colour& cell : after.cells.at(static_cast<std::size_t>(row))) {
      brightest = std::max(brightest, cell.g);
    }
  }
  EXPECT_GT(brightest, 110);
}

TEST(Composition, ShowsAPortraitPictureWholeInALandscapeRaster) {
  const TemporaryFolder folder;
  // Red above, green below: cut to 16:9, neither edge would be seen.
  write_picture(folder.path("portrait.jpg"), "jpegenc quality=95", kJpeg, 360, 640, [](int, int y) {
    return y < 100 ? kRed : y >= 540 ? kGreen : kYellow;
  });
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "portrait.jpg");
  ASSERT_EQ(run_render(spec, folder).exit_code, 0);
  const Frame frame = decode_clip(spec.output).frames.at(0);
  const Colour top = frame.mean(0.45, 0.02, 0.55, 0.08);
  const Colour bottom = frame.mean(0.45, 0.92, 0.55, 0.98);
  EXPECT_GT(top.r, 170);
  EXPECT_LT(top.g, 90);
  EXPECT_GT(bottom.g, 150);
  EXPECT_LT(bottom.r, 90);
  const Colour side = frame.mean(0.02, 0.4, 0.12, 0.6);
  EXPECT_GT(side.r, 60) << "the sides are not black";
  EXPECT_LT(side.r, 190) << "the sides are darker than the picture";
}

TEST(Composition, ShowsAPortraitClipWholeInALandscapeRaster) {
  // In formats that need a conversion and in one that needs none.
  for (const char* format : {"I420", "Y444", "I420_10LE"}) {
    const TemporaryFolder folder;
    run_pipeline(
        "videotestsrc num-buffers=30 pattern=solid-color foreground-color=0xff1e28dc ! "
        "video/x-raw,format=" +
        std::string(format) +
        ",width=180,height=320,framerate=30/1 ! x264enc speed-preset=ultrafast ! mp4mux ! "
        "filesink location=" +
        folder.path("tall.mp4"));
    RenderSpec spec = make_spec(folder);
    spec.width = 640;
    spec.height = 360;
    add_ingredient(spec, folder, "tall.mp4");
    const RenderRun run = run_render(spec, folder);
    ASSERT_EQ(run.exit_code, 0) << run.error;
    const Frame frame = decode_clip(spec.output).frames.at(12);
    expect_near(frame.mean(0.4, 0.05, 0.6, 0.95), kBlue, 12, format);
    for (const double x : {0.05, 0.85}) {
      const Colour side = frame.mean(x, 0.1, x + 0.1, 0.9);
      EXPECT_GT(side.b, 100) << format;
      EXPECT_LT(side.b, 170) << format;
      EXPECT_LT(side.g, 60) << format;
    }
  }
}

TEST(Composition, TurnsAPhotoAsItsExifDataAsks) {
  const TemporaryFolder folder;
  // Orientation 6: to be turned by 90 degrees to the right.
  write_picture(folder.path("plain.jpg"), "jpegenc quality=95", kJpeg, 640, 640,
                [](int x, int) { return x < 320 ? kRed : kBlue; });
  std::string jpeg = read_file(folder.path("plain.jpg"));
  const std::string exif(
      "\xff\xe1\x00\x22"
      "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      36);
  jpeg.insert(2, exif);
  write_file(folder.path("turned.jpg"), jpeg);
  RenderSpec spec = make_spec(folder);
  spec.width = spec.height = 720;
  add_ingredient(spec, folder, "turned.jpg");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const Frame frame = decode_clip(spec.output).frames.at(12);
  expect_near(frame.mean(0.1, 0.1, 0.9, 0.25), kRed, 16, "the stored left is above");
  expect_near(frame.mean(0.1, 0.75, 0.9, 0.9), kBlue, 16, "the stored right is below");
}

TEST(Composition, TurnsAClipAsItsContainerAsks) {
  const TemporaryFolder folder;
  run_pipeline(
      "videotestsrc num-buffers=24 pattern=smpte75 ! video/x-raw,width=320,height=180,"
      "framerate=24/1 ! x264enc speed-preset=ultrafast ! mp4mux ! filesink location=" +
      folder.path("straight.mp4"));
  // The matrix in the track's header, as a camera writes it that was held upside down.
  std::string bytes = read_file(folder.path("straight.mp4"));
  const std::size_t matrix = bytes.find("tkhd") + 44;
  ASSERT_LT(matrix + 36, bytes.size());
  bytes.replace(matrix, 36,
                std::string("\xff\xff\0\0\0\0\0\0\0\0\0\0"
                            "\0\0\0\0\xff\xff\0\0\0\0\0\0"
                            "\x01\x40\0\0\0\xb4\0\0\x40\0\0\0",
                            36));
  write_file(folder.path("turned.mp4"), bytes);
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "turned.mp4");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  // The bars begin with grey and end with blue.
  const Frame frame = decode_clip(spec.output).frames.at(12);
  const Colour left = frame.mean(0.02, 0.5, 0.1, 0.9);
  const Colour right = frame.mean(0.9, 0.5, 0.98, 0.9);
  EXPECT_GT(left.b, 150);
  EXPECT_LT(left.r, 60);
  EXPECT_GT(right.r, 150);
  EXPECT_GT(right.b, 150);
}

TEST(Composition, RepeatsAClipThatIsTooShort) {
  const TemporaryFolder folder;
  // Half a second, the ball moves: frame n and frame n + 12 are the same picture.
  write_clip(folder.path("short.mp4"), {.frames = 12, .colour = ""});
  RenderSpec spec = make_spec(folder);
  spec.duration = 2;
  add_ingredient(spec, folder, "short.mp4");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  ASSERT_EQ(clip.frames.size(), 48U);
  for (const std::size_t i : {0U, 5U, 11U}) {
    EXPECT_LT(distance(clip.frames[i], clip.frames[i + 36], 0, 0, 1, 1), 3) << "frame " << i;
  }
  EXPECT_GT(distance(clip.frames[0], clip.frames[6], 0, 0, 1, 1), 4);
}

TEST(Composition, DesignsABackgroundWhenThereIsNothingToShow) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.prompt = "Sunrise";
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  ASSERT_EQ(clip.frames.size(), 24U);
  EXPECT_GT(distance(clip.frames.front(), clip.frames.back(), 0, 0, 1, 0.6), 2) << "it moves";
  const Colour left = clip.frames[0].mean(0, 0, 0.2, 0.3);
  const Colour right = clip.frames[0].mean(0.8, 0.4, 1, 0.6);
  EXPECT_GT(std::abs(left.r - right.r) + std::abs(left.g - right.g) + std::abs(left.b - right.b),
            10)
      << "it is no plain colour";
}

TEST(Sound, IsTheClipsOwnInItsSlot) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.jpg"), "jpegenc", 640, 360, kRed);
  write_clip(folder.path("clip.mp4"), {.frames = 48, .sound = true});
  RenderSpec spec = make_spec(folder);
  spec.duration = 2;
  spec.audio = true;
  add_ingredient(spec, folder, "photo.jpg");
  add_ingredient(spec, folder, "clip.mp4");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  EXPECT_NEAR(static_cast<double>(clip.sound.size()) / 48000, 2, 0.05);
  EXPECT_LT(clip.tone(1000, 0.1, 0.6), 0.01) << "the photo's slot has no sound of the clip";
  EXPECT_GT(clip.loudness(0.3, 0.6), 0.003) << "but the bed";
  EXPECT_GT(clip.tone(1000, 1.2, 1.6), 0.2);
}

TEST(Sound, IsAQuietBedWithoutAnyOther) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.duration = 2;
  spec.audio = true;
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  EXPECT_NE(clip.audio_caps.find("audio/mpeg, mpegversion=(int)4"), std::string::npos);
  EXPECT_NE(clip.audio_caps.find("rate=(int)48000"), std::string::npos);
  EXPECT_NE(clip.audio_caps.find("channels=(int)2"), std::string::npos);
  EXPECT_NEAR(static_cast<double>(clip.sound.size()) / 48000, 2, 0.05);
  const double loudness = clip.loudness(0.5, 1.5);
  EXPECT_GT(loudness, 0.005);
  EXPECT_LT(loudness, 0.1);
}

TEST(Sound, ComesFromASoundIngredient) {
  const TemporaryFolder folder;
  // Half a second of 440 Hz, which is to be repeated.
  run_pipeline(
      "audiotestsrc freq=440 volume=0.4 num-buffers=24 samplesperbuffer=1000 ! "
      "audio/x-raw,rate=48000,channels=1 ! wavenc ! filesink location=" +
      folder.path("tone.wav"));
  RenderSpec spec = make_spec(folder);
  spec.audio = true;
  add_ingredient(spec, folder, "tone.wav");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  EXPECT_EQ(clip.frames.size(), 24U);
  EXPECT_GT(clip.tone(440, 0.1, 0.4), 0.15);
  EXPECT_GT(clip.loudness(0.52, 0.6), 0.1) << "repeated";
}

TEST(Sound, IsAbsentUnlessAskedFor) {
  const TemporaryFolder folder;
  write_clip(folder.path("clip.mp4"), {.frames = 30, .sound = true});
  RenderSpec spec = make_spec(folder);
  add_ingredient(spec, folder, "clip.mp4");
  ASSERT_EQ(run_render(spec, folder).exit_code, 0);
  EXPECT_EQ(decode_clip(spec.output).audio_caps, "");
}

}  // namespace
}  // namespace genpro::emulator::render::test
