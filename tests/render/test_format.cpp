// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files that come out, and the kinds of files that go in.
#include <gtest/gtest.h>

#include "decoded_clip.h"
#include "media_fixture.h"
#include "render_run.h"

namespace genpro::emulator::render::test {
namespace {

struct RasterCase {
  const char* name;
  int width, height, thumbnail_width, thumbnail_height;
};

class Raster : public testing::TestWithParam<RasterCase> {};

TEST_P(Raster, IsExactInPixelsFramesAndRate) {
  const RasterCase& raster = GetParam();
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.jpg"), "jpegenc", 640, 480, kRed);
  RenderSpec spec = make_spec(folder);
  spec.width = raster.width;
  spec.height = raster.height;
  spec.duration = 1;
  spec.prompt = "A prompt";
  add_ingredient(spec, folder, "photo.jpg");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_TRUE(run.done);
  EXPECT_EQ(run.frames, 24);
  EXPECT_EQ(run.width, raster.width);
  EXPECT_EQ(run.height, raster.height);
  const DecodedClip clip = decode_clip(spec.output);
  EXPECT_EQ(clip.width, raster.width);
  EXPECT_EQ(clip.height, raster.height);
  EXPECT_EQ(clip.fps_n, 24);
  EXPECT_EQ(clip.fps_d, 1);
  ASSERT_EQ(clip.frames.size(), 24U);
  EXPECT_EQ(clip.duration, 1000000000);
  for (std::size_t i = 0; i < clip.frames.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(clip.frames[i].pts), static_cast<double>(i) * 1e9 / 24, 1e5);
  }
  EXPECT_NE(clip.video_caps.find("video/x-h264"), std::string::npos);
  EXPECT_NE(clip.video_caps.find("chroma-format=(string)4:2:0"), std::string::npos);
  EXPECT_EQ(folder.listing(), "out.jpg out.mp4 photo.jpg spec.json") << "nothing is left over";

  const auto thumbnail = decode_picture(spec.thumbnail);
  ASSERT_TRUE(thumbnail.has_value());
  EXPECT_NE(thumbnail->video_caps.find("image/jpeg"), std::string::npos);
  EXPECT_EQ(thumbnail->width, raster.thumbnail_width);
  EXPECT_EQ(thumbnail->height, raster.thumbnail_height);
  EXPECT_LT(distance(thumbnail->frames.front(), clip.frames[8], 0, 0, 1, 1), 12)
      << "the thumbnail is the picture at a third of the clip";
}

INSTANTIATE_TEST_SUITE_P(Render, Raster,
                         testing::Values(RasterCase{"Landscape", 1280, 720, 480, 270},
                                         RasterCase{"Portrait", 720, 1280, 270, 480},
                                         RasterCase{"Square", 720, 720, 480, 480}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Container, HasItsIndexWhereItWasAskedFor) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.width = 320;
  spec.height = 180;
  for (const bool at_end : {false, true}) {
    spec.moov_at_end = at_end;
    const RenderRun run = run_render(spec, folder);
    ASSERT_EQ(run.exit_code, 0) << run.error;
    const std::string order = box_order(spec.output);
    ASSERT_NE(order.find("moov"), std::string::npos) << order;
    ASSERT_NE(order.find("mdat"), std::string::npos) << order;
    EXPECT_EQ(order.find("damaged"), std::string::npos) << order;
    EXPECT_EQ(order.find("mdat") < order.find("moov"), at_end) << order;
    EXPECT_EQ(decode_clip(spec.output).frames.size(), 24U);
    EXPECT_EQ(folder.listing(), "out.jpg out.mp4 spec.json");
  }
}

TEST(Container, NeedsNoThumbnail) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.width = spec.height = 240;
  spec.thumbnail.clear();
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(folder.listing(), "out.mp4 spec.json");
}

TEST(Container, SaysWhoMadeItAndWhatFor) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.width = spec.height = 240;
  spec.prompt = "A fox & <i>a hound</i>, \xc3\xbc\x62\x65r alles";
  ASSERT_EQ(run_render(spec, folder).exit_code, 0);
  const DecodedClip clip = decode_clip(spec.output);
  EXPECT_EQ(clip.title, spec.prompt) << clip.tags;
  EXPECT_EQ(clip.application, "genpro-emulator") << clip.tags;
  EXPECT_EQ(clip.encoder, "genpro-emulator") << clip.tags;
  EXPECT_NE(clip.comment.find("genpro-emulator"), std::string::npos) << clip.tags;
  EXPECT_NE(clip.comment.find("kling_1_6"), std::string::npos) << clip.tags;
  EXPECT_NE(clip.comment.find("9040"), std::string::npos) << clip.tags;
}

// Writes one ingredient under the folder's path.
struct IngredientCase {
  const char* name;
  const char* file_name;
  void (*write)(const std::string& path);
};

class Ingredient : public testing::TestWithParam<IngredientCase> {};

// Each of these shows blue in the middle.
TEST_P(Ingredient, IsShown) {
  const TemporaryFolder folder;
  GetParam().write(folder.path(GetParam().file_name));
  RenderSpec spec = make_spec(folder);
  spec.width = 640;
  spec.height = 360;
  spec.audio = true;
  add_ingredient(spec, folder, GetParam().file_name);
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const DecodedClip clip = decode_clip(spec.output);
  ASSERT_EQ(clip.frames.size(), 24U);
  for (const std::size_t i : {0U, 12U, 23U}) {
    const Colour colour = clip.frames[i].mean(0.4, 0.4, 0.6, 0.6);
    EXPECT_GT(colour.b, 150) << "frame " << i;
    EXPECT_LT(colour.r, 90) << "frame " << i;
  }
}

void plain(const std::string& path, const char* encoder, const char* format, int width,
           int height) {
  write_picture(path, encoder, format, width, height, [](int, int) { return kBlue; });
}

INSTANTIATE_TEST_SUITE_P(
    Render, Ingredient,
    testing::Values(
        IngredientCase{"OnePixel", "dot.png",
                       [](const std::string& path) { plain(path, "pngenc", "RGB", 1, 1); }},
        IngredientCase{"OddSize", "odd.jpg",
                       [](const std::string& path) { plain(path, "jpegenc", kJpeg, 333, 77); }},
        IngredientCase{"Huge", "huge.jpg",
                       [](const std::string& path) { plain(path, "jpegenc", kJpeg, 8000, 6000); }},
        IngredientCase{"WebP", "picture.webp",
                       [](const std::string& path) { plain(path, "webpenc", "RGB", 400, 300); }},
        IngredientCase{"Bmp", "picture.bmp",
                       [](const std::string& path) { plain(path, "avenc_bmp", "BGR", 400, 300); }},
        IngredientCase{"OddClip", "odd.mkv",
                       [](const std::string& path) {
                         write_clip(path, {.width = 322,
                                           .height = 182,
                                           .rate = "30000/1001",
                                           .frames = 60,
                                           .muxer = "matroskamux"});
                       }},
        IngredientCase{"WebM", "clip.webm",
                       [](const std::string& path) {
                         write_clip(path, {.rate = "15/1",
                                           .frames = 10,
                                           .encoder = "vp8enc deadline=1",
                                           .muxer = "webmmux"});
                       }},
        IngredientCase{"OneFrame", "one.mp4",
                       [](const std::string& path) { write_clip(path, {.frames = 1}); }},
        IngredientCase{"PortraitClip", "tall.mp4",
                       [](const std::string& path) {
                         write_clip(path, {.width = 180, .height = 320, .frames = 30});
                       }},
        IngredientCase{"Tiff", "picture.tiff",
                       [](const std::string& path) { plain(path, "avenc_tiff", "RGB", 400, 300); }},
        IngredientCase{"Gif", "still.gif",
                       [](const std::string& path) { write_gif(path, 1, 200, 100, kBlue); }},
        IngredientCase{"Animation", "moving.gif",
                       [](const std::string& path) { write_gif(path, 20, 200, 100, kBlue); }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Ingredients, GreyAndSixteenBitPicturesKeepTheirLight) {
  for (const char* format : {"GRAY8", "GRAY16_BE"}) {
    const TemporaryFolder folder;
    write_picture(folder.path("grey.png"), "pngenc", format, 320, 180, [](int, int) {
      return Rgba{128, 128, 128};
    });
    RenderSpec spec = make_spec(folder);
    spec.width = 320;
    spec.height = 180;
    add_ingredient(spec, folder, "grey.png");
    const RenderRun run = run_render(spec, folder);
    ASSERT_EQ(run.exit_code, 0) << format << ": " << run.error;
    const Colour colour = decode_clip(spec.output).frames.at(5).mean(0, 0, 1, 1);
    EXPECT_NEAR(colour.r, 128, 8) << format;
    EXPECT_NEAR(colour.b, 128, 8) << format;
  }
}

// Slots that do not divide the clip evenly: no frame may be lost or won at any cut.
TEST(Ingredients, ShareTheClipToTheFrame) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("photo.jpg"), "jpegenc", 320, 180, kRed);
  write_clip(folder.path("clip.mp4"), {.frames = 12});
  for (const int count : {3, 5, 7, 8}) {
    RenderSpec spec = make_spec(folder);
    spec.width = 160;
    spec.height = 90;
    for (int i = 0; i < count; ++i) {
      add_ingredient(spec, folder, i % 2 == 0 ? "photo.jpg" : "clip.mp4");
    }
    const RenderRun run = run_render(spec, folder);
    ASSERT_EQ(run.exit_code, 0) << count << ": " << run.error;
    EXPECT_EQ(decode_clip(spec.output).frames.size(), 24U) << count;
  }
}

TEST(Ingredients, MayBeTwenty) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.duration = 2;
  spec.audio = true;
  write_plain_picture(folder.path("photo.jpg"), "jpegenc", 1600, 1200, kRed);
  write_clip(folder.path("clip.mp4"), {.frames = 30, .sound = true});
  write_picture(folder.path("logo.png"), "pngenc", "RGBA", 100, 100, [](int x, int) {
    return x < 50 ? kGreen : Rgba{0, 0, 0, 0};
  });
  for (int i = 0; i < 20; ++i) {
    add_ingredient(spec, folder, i % 5 == 4 ? "logo.png" : i % 2 == 0 ? "photo.jpg" : "clip.mp4");
  }
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(decode_clip(spec.output).frames.size(), 48U);
}

}  // namespace
}  // namespace genpro::emulator::render::test
