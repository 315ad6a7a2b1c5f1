// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is seen and heard in the kinds of clips that are not made of ingredients.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "decoded_clip.h"
#include "media_fixture.h"
#include "render_run.h"

namespace genpro::emulator::render::test {
namespace {

// Of one frequency, which a clip's own audio (1000 Hz) is told from.
void write_tone(const std::string& path, int hertz, int tenths) {
  run_pipeline("audiotestsrc freq=" + std::to_string(hertz) +
               " volume=0.4 num-buffers=" + std::to_string(tenths) + " samplesperbuffer=4800 ! " +
               "audio/x-raw,rate=48000,channels=1 ! wavenc ! filesink location=" + path);
}

class Kinds : public testing::Test {
 protected:
  DecodedClip render() {
    const RenderRun run = run_render(spec_, folder_);
    EXPECT_EQ(run.exit_code, 0) << run.error;
    EXPECT_TRUE(run.done);
    if (run.exit_code != 0) return {};
    DecodedClip clip = decode_clip(spec_.output);
    EXPECT_EQ(static_cast<int>(clip.frames.size()), run.frames);
    return clip;
  }
  std::string refusal() {
    const RenderRun run = run_render(spec_, folder_);
    EXPECT_NE(run.exit_code, 0);
    return run.error;
  }
  void add(const std::string& name) { add_ingredient(spec_, folder_, name); }
  void add_plain(const std::string& name, int width, int height, Rgba colour) {
    write_plain_picture(path(name), "pngenc", width, height, colour);
    add(name);
  }
  std::string path(const std::string& name) const { return folder_.path(name); }

  const TemporaryFolder folder_;
  RenderSpec spec_ = make_spec(folder_);
};

TEST_F(Kinds, AnImageBecomesAnotherOne) {
  spec_.kind = Kind::image;
  spec_.duration = 2;
  add_plain("first.png", 640, 360, kRed);
  add_plain("last.png", 640, 360, kBlue);
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 48U);
  const auto red = [&](std::size_t index) { return clip.frames[index].mean(0.2, 0.2, 0.8, 0.6).r; };
  expect_near(clip.frames.front().mean(0.1, 0.1, 0.9, 0.6), kRed, 12, "first frame");
  expect_near(clip.frames.back().mean(0.1, 0.1, 0.9, 0.6), kBlue, 12, "last frame");
  // From the one to the other all the way, not by a short fade in the middle.
  for (std::size_t index = 12; index <= 36; index += 6) {
    EXPECT_LT(red(index), red(index - 6) - 15) << index;
  }
}

TEST_F(Kinds, AnImageAloneBeginsAsItIsAndMoves) {
  spec_.kind = Kind::image;
  // A frame around the edge, which any zoom would cut away.
  write_picture(path("framed.png"), "pngenc", "RGB", 640, 360, [](int x, int y) {
    const bool is_edge = x < 30 || y < 30 || x >= 610 || y >= 330;
    return is_edge ? kYellow : kBlue;
  });
  add("framed.png");
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 24U);
  expect_near(clip.frames.front().mean(0, 0, 0.03, 0.6), kYellow, 16, "left edge at the start");
  EXPECT_GT(distance(clip.frames.front(), clip.frames.back(), 0, 0, 1, 0.6), 8);
}

TEST_F(Kinds, ATextIsACaptionOnABackdrop) {
  spec_.prompt = "A truck";
  const DecodedClip with_text = render();
  spec_.prompt = "";
  const DecodedClip without = render();
  ASSERT_FALSE(with_text.frames.empty() || without.frames.empty());
  EXPECT_GT(distance(with_text.frames[20], without.frames[20], 0.3, 0.8, 0.7, 0.95), 40);
}

TEST_F(Kinds, LipsyncHasTheFramesOfTheOneAndTheAudioOfTheOther) {
  spec_.kind = Kind::lipsync;
  spec_.audio = true;
  spec_.duration = 0;
  write_clip(path("face.mp4"), {.width = 320, .height = 240, .frames = 36, .sound = true});
  write_tone(path("speech.wav"), 440, 25);
  add("face.mp4");
  add("speech.wav");
  const DecodedClip clip = render();
  EXPECT_EQ(clip.frames.size(), 72U) << "as long as the speech, in whole seconds";
  EXPECT_EQ(clip.width, 320);
  EXPECT_EQ(clip.height, 240);
  for (const std::size_t index : {0U, 30U, 71U}) {
    expect_near(clip.frames.at(index).mean(0, 0, 1, 1), kBlue, 12, "the whole frame is the clip's");
  }
  EXPECT_GT(clip.tone(440, 0.1, 2.0), 0.15);
  EXPECT_LT(clip.tone(1000, 0.1, 2.0), 0.01) << "the clip's own audio is gone";
  EXPECT_LT(clip.loudness(2.6, 2.9), 0.01) << "speech is not begun anew";
}

TEST_F(Kinds, LipsyncNeedsAudio) {
  spec_.kind = Kind::lipsync;
  spec_.audio = true;
  spec_.duration = 0;
  write_clip(path("face.mp4"), {});
  write_clip(path("silent.mp4"), {});
  add("face.mp4");
  add("silent.mp4");
  const std::string error = refusal();
  EXPECT_NE(error.find("silent.mp4"), std::string::npos) << error;
  EXPECT_NE(error.find("holds no audio"), std::string::npos) << error;
}

TEST_F(Kinds, LayersLieOneOverTheOther) {
  spec_.kind = Kind::layers;
  spec_.duration = 0;
  spec_.audio = true;
  add_plain("ground.png", 640, 360, kBlue);
  write_picture(path("disc.png"), "pngenc", "RGBA", 640, 360, [](int x, int y) {
    return std::hypot(x - 320, y - 180) < 90 ? kGreen : Rgba{255, 0, 255, 0};
  });
  write_tone(path("music.wav"), 440, 20);
  add("disc.png");
  add("music.wav");
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 120U) << "five seconds of stills";
  for (const std::size_t index : {0U, 119U}) {
    expect_near(clip.frames.at(index).mean(0.45, 0.4, 0.55, 0.6), kGreen, 12, "disc");
    expect_near(clip.frames.at(index).mean(0.0, 0.0, 0.2, 1.0), kBlue, 12, "ground");
    expect_near(clip.frames.at(index).mean(0.4, 0.02, 0.6, 0.2), kBlue, 12, "ground above");
  }
  EXPECT_GT(clip.tone(440, 0.1, 1.9), 0.15);
  // In the other order, the ground hides the disc.
  std::swap(spec_.ingredients[0], spec_.ingredients[1]);
  expect_near(render().frames.at(60).mean(0.45, 0.4, 0.55, 0.6), kBlue, 12, "hidden disc");
}

TEST_F(Kinds, ALayerOfAnotherShapeIsShownWhole) {
  spec_.kind = Kind::layers;
  spec_.duration = 1;
  add_plain("ground.png", 640, 360, kBlue);
  add_plain("square.png", 360, 360, kRed);
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 24U);
  EXPECT_TRUE(clip.audio_caps.empty());
  expect_near(clip.frames[12].mean(0.3, 0.1, 0.7, 0.9), kRed, 12, "square");
  expect_near(clip.frames[12].mean(0.0, 0.1, 0.18, 0.9), kBlue, 12, "ground beside it");
}

TEST_F(Kinds, AGreenScreenBecomesTransparent) {
  spec_.kind = Kind::matte;
  spec_.duration = 0;
  spec_.audio = true;
  spec_.output = path("out.mov");
  run_pipeline("mp4mux name=mux ! filesink location=" + path("screen.mp4") +
               " videotestsrc num-buffers=36 pattern=solid-color foreground-color=0xff14c828 ! "
               "video/x-raw,format=I420,width=320,height=240,framerate=24/1 ! mixer.sink_0 "
               "compositor name=mixer sink_1::xpos=100 sink_1::ypos=80 ! video/x-raw,format=I420 ! "
               "x264enc speed-preset=ultrafast ! queue ! mux. "
               "videotestsrc num-buffers=36 pattern=solid-color foreground-color=0xffdc1e1e ! "
               "video/x-raw,format=I420,width=120,height=80,framerate=24/1 ! mixer.sink_1 "
               "audiotestsrc freq=1000 num-buffers=16 samplesperbuffer=4800 ! "
               "audio/x-raw,rate=48000,channels=1 ! voaacenc ! queue ! mux.");
  add("screen.mp4");
  const DecodedClip clip = render();
  EXPECT_EQ(clip.frames.size(), 36U);
  EXPECT_EQ(clip.width, 320);
  EXPECT_EQ(clip.height, 240);
  EXPECT_NE(clip.video_caps.find("video/x-prores"), std::string::npos) << clip.video_caps;
  EXPECT_GT(clip.tone(1000, 0.1, 1.3), 0.2);
  EXPECT_EQ(clip.application, "genpro-emulator");
  for (const std::size_t index : {0U, 35U}) {
    const Frame& frame = clip.frames.at(index);
    EXPECT_LT(frame.mean(0.0, 0.0, 0.25, 1.0).a, 8) << "the screen is gone";
    expect_near(frame.mean(0.4, 0.4, 0.6, 0.6), {220, 30, 30, 255}, 20, "what stood before it");
  }
  ASSERT_TRUE(decode_picture(spec_.thumbnail));
}

TEST_F(Kinds, AGroundWithoutColourIsToldByItsBrightness) {
  spec_.kind = Kind::matte;
  spec_.duration = 1;
  spec_.output = path("out.mov");
  run_pipeline(
      "videotestsrc num-buffers=24 pattern=ball background-color=0xffffffff "
      "foreground-color=0xff202020 ! video/x-raw,format=I420,width=320,height=240,"
      "framerate=24/1 ! x264enc speed-preset=ultrafast ! mp4mux ! filesink location=" +
      path("ball.mp4"));
  add("ball.mp4");
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 24U);
  double most = 0;
  for (const auto& row : clip.frames[12].cells) {
    for (const Colour& cell : row) most = std::max(most, cell.a);
  }
  EXPECT_GT(most, 240) << "the ball stays";
  EXPECT_LT(clip.frames[12].mean(0, 0, 1, 1).a, 60) << "most of it is the ground";
}

TEST_F(Kinds, AClipWithoutABackgroundIsALayer) {
  spec_.kind = Kind::matte;
  spec_.duration = 1;
  spec_.output = path("cut.mov");
  run_pipeline(
      "videotestsrc num-buffers=24 pattern=ball background-color=0xff14c828 "
      "foreground-color=0xffdc1e1e ! video/x-raw,format=I420,width=320,height=180,"
      "framerate=24/1 ! x264enc speed-preset=ultrafast ! mp4mux ! filesink location=" +
      path("ball.mp4"));
  add("ball.mp4");
  render();
  spec_ = make_spec(folder_);
  spec_.kind = Kind::layers;
  spec_.duration = 0;
  add_plain("ground.png", 640, 360, kBlue);
  add("cut.mov");
  const DecodedClip clip = render();
  ASSERT_EQ(clip.frames.size(), 24U) << "as long as its clip";
  const Colour whole = clip.frames[12].mean(0, 0, 1, 1);
  EXPECT_NEAR(whole.g, kBlue.g, 14) << "no green is left";
  double reddest = 0;
  for (const auto& row : clip.frames[12].cells) {
    for (const Colour& cell : row) reddest = std::max(reddest, cell.r - cell.b);
  }
  EXPECT_GT(reddest, 120) << "the ball is seen";
}

TEST_F(Kinds, AStillHasNoBackgroundToTakeOut) {
  spec_.kind = Kind::matte;
  spec_.duration = 0;
  add_plain("still.png", 64, 64, kRed);
  const std::string error = refusal();
  EXPECT_NE(error.find("still.png"), std::string::npos) << error;
}

}  // namespace
}  // namespace genpro::emulator::render::test
