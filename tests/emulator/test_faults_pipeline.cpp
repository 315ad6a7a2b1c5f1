// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The real gst-launch-1.0 with genprosrc against an emulator with faults: what a user of both sees.
#include <cstdlib>
#include <filesystem>

#include "child_process.h"
#include "faults_fixture.h"

namespace genpro::emulator::test {

class FaultsAndAPipeline : public FaultsTest {
 protected:
  // Clips have to be real ones here.
  void SetUp() override {
    start([](EmulatorSettings& settings) {
      settings.renderer.command = {EMULATOR_PROGRAM, "render"};
    });
    ASSERT_EQ(client_->upload("photo.jpg", read_file(EXAMPLE_PICTURE)).status, 201u);
  }

  // The exit code of a pipeline that saves the clip; what it says is in `said_`.
  int save_clip() {
    ChildProcess::Environment environment{{"GEN_API_BASE_URL", emulator_->origin() + "/v1"},
                                          {"GEN_API_KEY", test_key},
                                          {"XDG_STATE_HOME", folder_.path("state")}};
    // A program that is not built with a sanitizer needs its library first to load what is.
    const char* preload = std::getenv("GENPRO_TEST_PRELOAD");
    if (preload != nullptr && *preload != '\0') {
      environment.insert(environment.end(), {{"LD_PRELOAD", preload},
                                             {"ASAN_OPTIONS", "detect_leaks=0"},
                                             {"GST_REGISTRY_FORK", "no"}});
    }
    ChildProcess process(
        {"gst-launch-1.0", "genprosrc", "sheet-id=101", "cell-id=3300", "agent-id=42",
         "asset-ids=501", "prompt=A photo", "model=kling_1_6", "duration=1", "poll-interval=50",
         "retries=8", "!", "filesink", "location=" + folder_.path("saved.mp4")},
        environment);
    const int code = process.wait();
    said_ = process.output() + process.errors();
    return code;
  }
  void expect_the_right_bytes() {
    // From the disk: the faults are still on. There is one generation.
    const std::filesystem::directory_iterator outputs(folder_.path("data/outputs"));
    ASSERT_NE(outputs, std::filesystem::directory_iterator());
    const std::string clip = read_file(outputs->path());
    EXPECT_GT(clip.size(), 20'000u);
    EXPECT_TRUE(read_file(folder_.path("saved.mp4")) == clip) << "The bytes differ.";
  }

  std::string said_;
};

TEST_F(FaultsAndAPipeline, ALostAnswerIsPaidForOnce) {
  const double before = credit();
  set("lost-answers", "closed:count=1");
  ASSERT_EQ(save_clip(), 0) << said_;
  EXPECT_EQ(acted("lost-answers"), 1);
  EXPECT_EQ(job_count(), 1u);
  EXPECT_NEAR(credit(), before - 1, 0.001);
  expect_the_right_bytes();
}

TEST_F(FaultsAndAPipeline, ErrorsThatPassAreNotNoticed) {
  ASSERT_EQ(post_fault(R"({"faults":[{"name":"post-errors","value":"429:count=1,503:count=1"},
                           {"name":"poll-errors","value":"500:count=2"},
                           {"name":"download-errors","value":"503:count=1"}]})")
                .status,
            200u);
  ASSERT_EQ(save_clip(), 0) << said_;
  EXPECT_EQ(acted("post-errors"), 2);
  EXPECT_EQ(acted("poll-errors"), 2);
  EXPECT_EQ(acted("download-errors"), 1);
  EXPECT_EQ(job_count(), 1u);
  expect_the_right_bytes();
}

TEST_F(FaultsAndAPipeline, CutSlowAndExpiringDownloadsGiveTheRightBytes) {
  ASSERT_EQ(post_fault(R"({"faults":[{"name":"cut-downloads","value":"10k:count=2"},
                           {"name":"slow-downloads","value":"200k"},
                           {"name":"expiring-urls","value":"requests=2"}]})")
                .status,
            200u);
  ASSERT_EQ(save_clip(), 0) << said_;
  EXPECT_EQ(acted("cut-downloads"), 2);
  // The third request for the same address is refused, and a fresh one is asked for.
  EXPECT_EQ(acted("expiring-urls"), 1);
  expect_the_right_bytes();
}

TEST_F(FaultsAndAPipeline, AFailureIsToldWithItsReason) {
  set("failed-generations", "reason=The logo is not yours.");
  EXPECT_EQ(save_clip(), 1);
  EXPECT_NE(said_.find("The logo is not yours."), std::string::npos) << said_;
}

}  // namespace genpro::emulator::test
