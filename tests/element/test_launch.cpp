// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The lines that a user types: the real gst-launch-1.0 against the fake service.
#include <thread>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Launch : public testing::Test {
 protected:
  Launch() { service.set_clip({.bytes = clip}); }

  std::vector<std::string> command(const std::vector<std::string>& options,
                                   const std::vector<std::string>& rest) const {
    std::vector<std::string> words{"gst-launch-1.0"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(),
                 {"genprosrc", "sheet-id=101", "cell-id=3300", "agent-id=42",
                  "prompt=" + std::string(seed_prompt), "model=pika", "asset-ids=501,502",
                  "aspect-ratio=16:9", "duration=5", "poll-interval=20", "retries=1"});
    words.insert(words.end(), rest.begin(), rest.end());
    return words;
  }
  Environment environment() const {
    Environment result = tool_environment();
    result.insert(result.end(),
                  {{"GEN_API_BASE_URL", service.api_base()}, {"GEN_API_KEY", test_key}});
    return result;
  }

  // Started and left running, with its output on a pipe.
  ObjectPtr<GSubprocess> spawn(const std::vector<std::string>& words) const {
    auto launcher = ObjectPtr<GSubprocessLauncher>::adopt(
        g_subprocess_launcher_new(static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                                G_SUBPROCESS_FLAGS_STDERR_MERGE)));
    for (const auto& [name, value] : environment())
      g_subprocess_launcher_setenv(launcher.get(), name.c_str(), value.c_str(), TRUE);
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    arguments.push_back(nullptr);
    return ObjectPtr<GSubprocess>::adopt(
        g_subprocess_launcher_spawnv(launcher.get(), arguments.data(), nullptr));
  }

  const std::string clip = make_mp4({.frames = 36, .moov_at_end = true});
  FakeService service;
};

TEST_F(Launch, SavesTheClip) {
  const TempDir folder;
  const Finished finished = run_command(
      command({}, {"!", "filesink", "location=" + folder.file("out.mp4")}), environment());
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(sha256(read_file(folder.file("out.mp4"))), sha256(clip));
  EXPECT_EQ(service.count(is_generate), 1U);
  EXPECT_EQ(finished.out.find(test_key), std::string::npos);
}

// Such a request is in the clear: a proxy would see the key.
TEST_F(Launch, TakesNoProxyToThisMachine) {
  FakeService proxy;
  Environment with_proxy = environment();
  with_proxy.emplace_back("http_proxy", proxy.api_url());
  const Finished finished = run_command(command({}, {"!", "fakesink"}), with_proxy);
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(proxy.count(), 0U);
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Launch, DecodesAndTranscodes) {
  const TempDir folder;
  const Finished finished = run_command(
      command({}, {"!", "decodebin", "!", "videoconvert", "!", "x264enc", "speed-preset=ultrafast",
                   "!", "mp4mux", "!", "filesink", "location=" + folder.file("again.mp4")}),
      environment());
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(decoded_frames(read_file(folder.file("again.mp4"))), 36);
}

TEST_F(Launch, PrintsProgressAndStatus) {
  service.push_status("pending");
  service.push_status("processing");
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  const Finished finished =
      run_command(command({"-m"}, {"!", "fakesink", "sync=false"}), environment());
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  for (const char* word : {"Progress: (generate)", "genpro-generation", "(string)processing",
                           "generation-id=(string)9040"})
    EXPECT_NE(finished.out.find(word), std::string::npos) << word << "\n" << finished.out;
  EXPECT_EQ(finished.out.find(test_key), std::string::npos);
}

TEST_F(Launch, TellsWhatIsWrong) {
  service.push_post(json_answer(401, R"({"error": "Bad token", "error_code": "unauthorized"})"));
  const Finished finished = run_command(command({}, {"!", "fakesink"}), environment());
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("Bad token"), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("Internal data stream error"), std::string::npos) << finished.out;
}

// By GStreamer's parser, or by the element.
TEST_F(Launch, RefusesWhatASettingCannotBe) {
  const std::pair<std::string, std::string> wrong[] = {
      {"dialect", "nope"},    {"generation-type", "film"},  {"native-audio", "loud"},
      {"reuse", "always"},    {"on-shutdown", "go"},        {"when-in-doubt", "guess"},
      {"duration", "five"},   {"duration", "5000"},         {"retries", "101"},
      {"max-cost", "-1"},     {"daily-cost-limit", "lots"}, {"max-clip-size", "0"},
      {"stall-timeout", "0"}, {"faststart", "perhaps"},
  };
  for (const auto& [name, value] : wrong) {
    const Finished finished =
        run_command(command({}, {name + "=" + value, "!", "fakesink"}), environment());
    EXPECT_NE(finished.exit_code, 0) << name << "=" << value;
    EXPECT_NE(finished.out.find(name), std::string::npos) << finished.out;
    EXPECT_NE(finished.out.find(value), std::string::npos) << finished.out;
  }
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(Launch, TellsWhatIsMissing) {
  const Finished finished =
      run_command({"gst-launch-1.0", "genprosrc", "!", "fakesink"}, environment());
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("sheet-id"), std::string::npos) << finished.out;
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(Launch, EndsOnAnInterruptWhileTheGenerationRuns) {
  service.push_status("processing");
  for (const char* option : {"-q", "-e"}) {
    const std::size_t before = service.count(is_poll);
    auto process = spawn(command({option}, {"!", "fakesink"}));
    ASSERT_TRUE(process);
    EXPECT_TRUE(service.wait_for(is_poll, before + 2));
    g_subprocess_send_signal(process.get(), SIGINT);
    std::atomic<bool> ended = false;
    std::thread waiter([&] {
      g_subprocess_wait(process.get(), nullptr, nullptr);
      ended = true;
    });
    EXPECT_TRUE(eventually([&] { return ended.load(); })) << option;
    if (!ended) g_subprocess_force_exit(process.get());
    waiter.join();
  }
}

}  // namespace
}  // namespace genpro::test
