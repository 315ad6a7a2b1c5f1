// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "media_fixture.h"
#include "render_run.h"

namespace genpro::emulator::render::test {
namespace {

TEST(Stages, AreToldInTheOrderInWhichAParentNeedsThem) {
  const TemporaryFolder folder;
  write_picture(folder.path("photo.jpg"), "jpegenc", kJpeg, 1920, 1280, [](int x, int y) {
    return Rgba{static_cast<std::uint8_t>(x * 7 + y), static_cast<std::uint8_t>(y * 3),
                static_cast<std::uint8_t>(x ^ y)};
  });
  write_picture(folder.path("logo.png"), "pngenc", "RGBA", 400, 400, [](int x, int) {
    return x < 200 ? kGreen : Rgba{0, 0, 0, 0};
  });
  write_clip(
      folder.path("clip.mp4"),
      {.width = 1280, .height = 720, .rate = "30/1", .frames = 90, .colour = "", .sound = true});
  RenderSpec spec = make_spec(folder);
  spec.duration = 5;
  spec.audio = true;
  spec.prompt = "A dynamic product showcase video";
  add_ingredient(spec, folder, "photo.jpg");
  add_ingredient(spec, folder, "logo.png");
  add_ingredient(spec, folder, "clip.mp4");
  const RenderRun run = run_render(spec, folder);
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(run.frames, 120);
  // The order in which a parent learns what is being done.
  ASSERT_GE(run.lines.size(), 5U);
  EXPECT_EQ(run.lines.front(), R"({"stage":"ingredient","index":0,"file_name":"photo.jpg"})");
  EXPECT_TRUE(std::any_of(run.lines.begin(), run.lines.end(), [](const std::string& line) {
    return line.find(R"("stage":"encode")") != std::string::npos;
  }));
}

}  // namespace
}  // namespace genpro::emulator::render::test
