// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From ingredients to decoded video, by the commands that a user types: the real emulator, the real
// gst-launch-1.0, the examples as they stand.
#include "docs/markdown.h"
#include "on_emulator.h"

namespace genpro::test {
namespace {

// Programs that are not built with a sanitizer need its library first when they load what is.
Environment child_environment() {
  const std::string preload = variable("GENPRO_TEST_PRELOAD");
  if (preload.empty()) return {};
  return {{"LD_PRELOAD", preload}, {"ASAN_OPTIONS", "detect_leaks=0"}, {"GST_REGISTRY_FORK", "no"}};
}

class EndToEnd : public OnEmulator {
 protected:
  // Runs a launch line behind the emulator.
  Finished launch(const std::vector<std::string>& settings,
                  const std::vector<std::string>& rest) const {
    std::vector<std::string> words{
        "gst-launch-1.0", "genprosrc",     "sheet-id=101",     "cell-id=3300",
        "agent-id=42",    "asset-ids=501", "poll-interval=50", "prompt=A product, turning"};
    words.insert(words.end(), settings.begin(), settings.end());
    words.insert(words.end(), rest.begin(), rest.end());
    return exec({"--latency", "0.2"}, words, child_environment());
  }
  std::vector<std::string> save() const { return {"!", "filesink", "location=" + file("out.mp4")}; }
  std::string saved() const { return read_file(file("out.mp4")); }
};

TEST_F(EndToEnd, PikaHasItsMoovAtTheEndAndPlaysWhileItIsRead) {
  ASSERT_EQ(launch({"model=pika", "duration=2"}, save()).exit_code, 0);
  const std::string clip = saved();
  EXPECT_GT(box_position(clip, "moov"), box_position(clip, "mdat"));
  EXPECT_EQ(decoded_frames(clip), 48);

  const Finished decoded = launch(
      {"model=pika", "duration=1", "aspect-ratio=9:16"},
      {"!", "decodebin", "!", "video/x-raw,width=720,height=1280", "!", "fakesink", "sync=false"});
  EXPECT_EQ(decoded.exit_code, 0) << decoded.out;
}

TEST_F(EndToEnd, VeoHasItsMoovAtTheStartAndSound) {
  const Finished finished =
      launch({"model=veo_3_1_fast", "duration=1", "aspect-ratio=1:1"}, save());
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const std::string clip = saved();
  EXPECT_LT(box_position(clip, "moov"), box_position(clip, "mdat"));
  EXPECT_EQ(decoded_frames(clip), 24);
  EXPECT_NE(clip.find("mp4a"), std::string::npos);
  EXPECT_NE(finished.out.find("is completed, cost "), std::string::npos) << finished.out;
}

TEST_F(EndToEnd, WhatTheServiceRefusesIsTold) {
  const Finished finished = launch({"asset-ids=999"}, save());
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("content_resource_not_found"), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("Internal data stream error"), std::string::npos) << finished.out;
}

// The examples build by themselves, in the folder `build`; beside a sanitized build that would be
// another build than the one under test.
class Examples : public testing::Test {
 protected:
  void SetUp() override {
    if (!variable("GENPRO_TEST_PRELOAD").empty()) GTEST_SKIP() << "they run on the plain build";
  }
  Finished run(const std::string& script, const std::vector<std::string>& arguments,
               const Environment& environment = {}) const {
    std::vector<std::string> words{"sh", "-c", R"(cd "$0" && exec "$@")", folder_.path(),
                                   variable("GENPRO_EXAMPLES") + "/" + script};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_command(words, environment, "", patient);
  }
  const TempDir folder_;
};

TEST_F(Examples, QuickstartMakesDecodesAndTranscodesAClip) {
  write_file(folder_.file("my clip.mp4"), make_mp4({.frames = 48, .width = 320, .height = 240}));
  const Finished finished = run("quickstart.sh", {"my clip.mp4"});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_TRUE(finished.out.starts_with("gst-launch-1.0 genprosrc ")) << finished.out;
  EXPECT_NE(finished.out.find("quickstart.mp4: H.264"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("1280x720"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("120 frames decoded"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("It cost "), std::string::npos) << finished.out;
  EXPECT_EQ(decoded_frames(read_file(folder_.file("quickstart.mp4"))), 120);
  EXPECT_GT(read_file(folder_.file("quickstart.webm")).size(), 10'000U);

  ASSERT_EQ(run("contact-sheet.sh", {"quickstart.mp4", "sheet.jpg"}).exit_code, 0);
  EXPECT_TRUE(read_file(folder_.file("sheet.jpg")).starts_with("\xff\xd8"));
}

TEST_F(Examples, QuickstartNamesAFileThatIsNotThere) {
  const Finished finished = run("quickstart.sh", {"missing.png"});
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("missing.png"), std::string::npos) << finished.out;
}

TEST_F(Examples, IngredientsAreMade) {
  ASSERT_EQ(run("make-ingredients.sh", {"ingredients"}).exit_code, 0);
  EXPECT_TRUE(read_file(folder_.file("ingredients/photo.jpg")).starts_with("\xff\xd8"));
  EXPECT_TRUE(read_file(folder_.file("ingredients/logo.png")).starts_with("\x89PNG"));
  EXPECT_EQ(decoded_frames(read_file(folder_.file("ingredients/clip.mp4"))), 75);
}

// As a newcomer types them, but for the folder that they are typed in.
TEST_F(Examples, ThePipelinesOfTheReadmeWork) {
  const std::string wrapper = "examples/on-emulator.sh ";
  int pipelines = 0;
  for (const std::string& block :
       commands_of(read_file(variable("GENPRO_EXAMPLES") + "/../README.md"))) {
    if (!block.starts_with(wrapper)) continue;
    ++pipelines;
    const Finished finished =
        run("on-emulator.sh", {"sh", "-c", block.substr(wrapper.size())}, {{"LATENCY", "1"}});
    ASSERT_EQ(finished.exit_code, 0) << block << finished.out;
  }
  EXPECT_EQ(pipelines, 3);
  EXPECT_EQ(decoded_frames(read_file(folder_.file("clip.mp4"))), 120);
  EXPECT_GT(read_file(folder_.file("clip.webm")).size(), 10'000U);
  const Finished live = run_command({"gst-discoverer-1.0", folder_.file("live.mkv")});
  EXPECT_NE(live.out.find("video"), std::string::npos) << live.out;
  EXPECT_NE(live.out.find("audio"), std::string::npos) << live.out;
}

// The wrapper, and the picture of a live output that the README of the elements shows.
TEST_F(Examples, ASwapIsPictured) {
  const Finished finished =
      run("on-emulator.sh", {variable("GENPRO_EXAMPLES") + "/swap_sheet.py", "swap.jpg"},
          {{"LATENCY", "1"}});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_TRUE(read_file(folder_.file("swap.jpg")).starts_with("\xff\xd8"));
}

TEST_F(Examples, TheWrapperSaysWhatItWants) {
  const Finished finished = run("on-emulator.sh", {});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.out.find("Give the command to run"), std::string::npos) << finished.out;
}

}  // namespace
}  // namespace genpro::test
