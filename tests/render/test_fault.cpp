// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ingredients and specifications that cannot be rendered: each ends in one sentence that says which
// one it is and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "emulator/media/render/render_spec.h"
#include "media_fixture.h"
#include "render_run.h"

namespace genpro::emulator::render::test {
namespace {

using testing::HasSubstr;

struct FaultCase {
  const char* name;
  const char* file_name;
  void (*write)(const std::string& path);
  const char* expected;  // a part of the sentence
};

class Fault : public testing::TestWithParam<FaultCase> {};

TEST_P(Fault, EndsInASentenceThatNamesTheIngredient) {
  const TemporaryFolder folder;
  write_plain_picture(folder.path("good.png"), "pngenc", 64, 64, kRed);
  GetParam().write(folder.path(GetParam().file_name));
  RenderSpec spec = make_spec(folder);
  spec.audio = true;
  add_ingredient(spec, folder, "good.png");
  add_ingredient(spec, folder, GetParam().file_name);
  const RenderRun run = run_render(spec, folder);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, HasSubstr("Ingredient 2 \"" + std::string(GetParam().file_name) + "\""));
  EXPECT_THAT(run.error, HasSubstr(GetParam().expected));
  EXPECT_THAT(run.error, HasSubstr("; ")) << "says what to do";
  EXPECT_EQ(run.error.back(), '.');
  EXPECT_EQ(folder.listing().find("out."), std::string::npos) << folder.listing();
}

void truncate(const std::string& path, double share) {
  std::string bytes = read_file(path);
  bytes.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * share));
  write_file(path, bytes);
}

Rgba noise(int x, int y) {
  const unsigned value = static_cast<unsigned>(x) * 2654435761U ^ static_cast<unsigned>(y) * 40503U;
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 24)};
}

INSTANTIATE_TEST_SUITE_P(
    Render, Fault,
    testing::Values(
        FaultCase{"Empty", "nothing.png", [](const std::string& path) { write_file(path, ""); },
                  "is empty"},
        FaultCase{"Missing", "gone.png", [](const std::string&) {}, "cannot be read"},
        FaultCase{"Text", "notes.png",
                  [](const std::string& path) { write_file(path, "These are only words.\n"); },
                  "is not an image, video or audio"},
        FaultCase{"Playlist", "list.mp4",
                  [](const std::string& path) {
                    write_file(path, "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\n");
                  },
                  "is not an image, video or audio"},
        FaultCase{"RandomBytes", "noise.mp4",
                  [](const std::string& path) {
                    std::string bytes(5000, '\0');
                    for (std::size_t i = 0; i < bytes.size(); ++i) {
                      bytes[i] = static_cast<char>(i * i * 31 + i * 7 + 3);
                    }
                    write_file(path, bytes);
                  },
                  "noise.mp4"},
        FaultCase{"Archive", "things.zip",
                  [](const std::string& path) {
                    write_file(path, std::string("PK\x03\x04\x14\0\0\0\0\0", 10) + "abcdefgh");
                  },
                  "ZIP archive"},
        FaultCase{"Model", "style.safetensors",
                  [](const std::string& path) {
                    write_file(path, std::string("\x10\0\0\0\0\0\0\0{\"a\":{}}        ", 24) +
                                         std::string(64, '\0'));
                  },
                  "safetensors"},
        FaultCase{"TruncatedPng", "half.png",
                  [](const std::string& path) {
                    write_picture(path, "pngenc", "RGB", 200, 200, noise);
                    truncate(path, 0.5);
                  },
                  "ends before its data is complete"},
        FaultCase{"CorruptPng", "broken.png",
                  [](const std::string& path) {
                    write_picture(path, "pngenc", "RGB", 200, 200, noise);
                    std::string bytes = read_file(path);
                    for (std::size_t i = 60; i < 4000; ++i) bytes[i] = static_cast<char>(i * 37);
                    write_file(path, bytes);
                  },
                  "cannot be decoded"},
        FaultCase{"TruncatedJpeg", "half.jpg",
                  [](const std::string& path) {
                    write_picture(path, "jpegenc", kJpeg, 400, 400, noise);
                    truncate(path, 0.5);
                  },
                  "ends before its data is complete"},
        FaultCase{"TruncatedMp4", "half.mp4",
                  [](const std::string& path) {
                    write_clip(path,
                               {.frames = 48, .colour = "", .muxer = "mp4mux faststart=true"});
                    truncate(path, 0.6);
                  },
                  "ends before its data is complete"},
        FaultCase{"TruncatedMatroska", "half.mkv",
                  [](const std::string& path) {
                    write_clip(path, {.frames = 48, .colour = "", .muxer = "matroskamux"});
                    truncate(path, 0.6);
                  },
                  "ends before its data is complete"},
        FaultCase{"CorruptMp4", "broken.mp4",
                  [](const std::string& path) {
                    write_clip(path, {.frames = 48, .colour = ""});
                    std::string bytes = read_file(path);
                    const std::size_t index = bytes.find("stsd");
                    for (std::size_t i = index; i < index + 60; ++i) bytes[i] = '\x55';
                    write_file(path, bytes);
                  },
                  "broken.mp4"},
        FaultCase{"Invisible", "invisible.png",
                  [](const std::string& path) {
                    write_plain_picture(path, "pngenc", 50, 50, {0, 0, 0, 0});
                  },
                  "wholly transparent"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Fault, EndsAnIngredientThatNeverAnswers) {
  const TemporaryFolder folder;
  // Nobody writes into it: whoever opens it waits for ever.
  ASSERT_EQ(mkfifo(folder.path("pipe.png").c_str(), 0600), 0);
  RenderSpec spec = make_spec(folder);
  // The start has as long, too.
  spec.stall_timeout = 20;
  add_ingredient(spec, folder, "pipe.png");
  const RenderRun run = run_render(spec, folder);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, HasSubstr("no progress for 20 seconds"));
  EXPECT_THAT(run.error, HasSubstr("\"pipe.png\""));
}

TEST(Fault, NamesTheMemberOfABadSpecification) {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& json) {
    const RenderRun run = run_render_json(json, folder);
    EXPECT_EQ(run.exit_code, 1) << json;
    return run.error;
  };
  EXPECT_THAT(error_of("not json"), HasSubstr("not JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("\"output\" is missing"));
  EXPECT_THAT(error_of(R"({"output":"x","duration":0})"), HasSubstr("\"duration\""));
  EXPECT_THAT(error_of(R"({"output":"x","width":721})"), HasSubstr("\"width\" must be even"));
  EXPECT_THAT(error_of(R"({"output":"x","audio":1})"), HasSubstr("\"audio\""));
  EXPECT_THAT(error_of(R"({"output":"x","ingredients":[{"file_name":"a"}]})"),
              HasSubstr("ingredients[0].path"));
}

TEST(Fault, SaysThatTheOutputCannotBeWritten) {
  const TemporaryFolder folder;
  RenderSpec spec = make_spec(folder);
  spec.width = spec.height = 64;
  spec.output = folder.path("no/such/folder/out.mp4");
  const RenderRun run = run_render(spec, folder);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, HasSubstr("try again"));
}

TEST(Spec, SurvivesItsJson) {
  RenderSpec spec;
  spec.output = "/a \"b\".mp4";
  spec.thumbnail = "/t.jpg";
  spec.width = 720;
  spec.height = 1280;
  spec.fps = 25;
  spec.duration = 8;
  spec.prompt = "line\nline \xe2\x82\xac \"q\" <b>";
  spec.model = "veo_3_1";
  spec.generation_id = "9041";
  spec.audio = true;
  spec.moov_at_end = true;
  spec.stall_timeout = 33;
  spec.ingredients = {{"/p.png", "image/png", "p.png"}, {"/c.mp4", "video/mp4", "c.mp4"}};
  const TemporaryFolder folder;
  write_file(folder.path("spec.json"), spec_json(spec));
  const RenderSpec read = RenderSpec::load(folder.path("spec.json"));
  EXPECT_EQ(spec_json(read), spec_json(spec));
  EXPECT_EQ(read.prompt, spec.prompt);
  EXPECT_EQ(read.ingredients.size(), 2U);
  EXPECT_TRUE(read.audio);
  EXPECT_TRUE(read.moov_at_end);
  EXPECT_EQ(read.stall_timeout, 33);
}

}  // namespace
}  // namespace genpro::emulator::render::test
