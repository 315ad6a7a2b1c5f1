// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A folder that keeps what was paid: clips are read from there when the service has none any more.
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "fault/fault_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

struct ArchiveTest : testing::Test {
  Bench bench;
  const std::string folder = bench.folder.file("archive");

  // Until the clips are there: their files are written out while pipelines have ended already.
  std::vector<fs::path> kept(std::size_t number) const {
    std::vector<fs::path> found;
    const bool is_there = eventually([&] {
      found.clear();
      std::size_t records = 0;
      std::error_code ignored;
      for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".mp4") found.push_back(entry.path());
        if (extension == ".json") ++records;
      }
      return found.size() >= number && records >= number;
    });
    EXPECT_TRUE(is_there);
    return found;
  }

  std::string keep_one(const Settings& changes = {}) {
    Settings settings = changes;
    settings.emplace_back("archive", folder);
    EXPECT_TRUE(one_charge(bench, bench.run(settings)));
    EXPECT_EQ(kept(1).size(), 1U);
    return bench.books().generations.at(0).id;
  }
};

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(ArchiveTest, AClipIsKeptAsTheServiceSentIt) {
  const std::string id = keep_one();
  EXPECT_EQ(bytes_of(kept(1).at(0)), bench.service.clip(id));
}

TEST_F(ArchiveTest, WithFaststartAsWell) {
  const Streamed streamed = bench.run({{"archive", folder}, {"faststart", "true"}});
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  const std::string id = bench.books().generations.at(0).id;
  EXPECT_EQ(bytes_of(kept(1).at(0)), bench.service.clip(id));
}

TEST_F(ArchiveTest, AGenerationIsPlayedWithoutTheService) {
  const std::string id = keep_one();
  const unsigned requests = bench.books().clip_requests;
  bench.service.behave({.away = Loss::closed});
  const Streamed again = bench.run({{"archive", folder}, {"generation-id", id}, {"retries", "0"}});
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_EQ(again.bytes, bench.service.clip(id));
  EXPECT_EQ(bench.books().clip_requests, requests);
}

TEST_F(ArchiveTest, ACompletedOneServesTheSameRequestWithoutADownload) {
  const std::string id = keep_one();
  const Books before = bench.books();
  EXPECT_TRUE(one_charge(bench, bench.run({{"archive", folder}, {"reuse", "completed"}})));
  EXPECT_EQ(bench.books().clip_requests, before.clip_requests);
  EXPECT_EQ(bench.books().polls, before.polls);
}

TEST_F(ArchiveTest, ACompletedOneServesTheSameRequestWithoutTheService) {
  const std::string id = keep_one();
  bench.service.behave({.away = Loss::closed});
  const Streamed again = bench.run({{"archive", folder}, {"reuse", "completed"}, {"retries", "0"}});
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_EQ(again.bytes, bench.service.clip(id));
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

// A service that counts its generations anew gives an id to another request.
TEST_F(ArchiveTest, TheClipOfAnotherRequestIsNoneOfThisOne) {
  (void)keep_one();
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::string text = bytes_of(entry.path());
    const std::size_t at = text.find(":", text.find("fingerprint")) + 3;
    text[at] = text[at] == '0' ? '1' : '0';
    std::ofstream(entry.path(), std::ios::binary) << text;
  }
  const unsigned requests = bench.books().clip_requests;
  EXPECT_TRUE(one_charge(bench, bench.run({{"archive", folder}, {"reuse", "completed"}})));
  EXPECT_GT(bench.books().clip_requests, requests);
}

TEST_F(ArchiveTest, AFlippedBitIsToldAndTheClipFetchedAnew) {
  const std::string id = keep_one();
  const fs::path clip = kept(1).at(0);
  std::string bytes = bytes_of(clip);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(clip, std::ios::binary) << bytes;
  const Streamed again = bench.run({{"archive", folder}, {"generation-id", id}});
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_EQ(again.bytes, bench.service.clip(id));
  EXPECT_NE(again.outcome.everything.find(clip.filename().string()), std::string::npos)
      << again.outcome.summary();
  EXPECT_TRUE(eventually([&] { return bytes_of(clip) == bench.service.clip(id); }));
  EXPECT_TRUE(fs::exists(clip.string() + ".damaged"));
}

TEST_F(ArchiveTest, AClipThatWasCutShortLeavesNothing) {
  bench.service.behave({.polls = 1, .clip_held_at = 50'000});
  Production production(bench.src({{"archive", folder}}));
  production.play();
  ASSERT_TRUE(bench.wait_for(clip_bytes(50'000)));
  EXPECT_TRUE(production.stop());
  // By a thread of its own, since the disk may hold it.
  EXPECT_TRUE(eventually([&] {
    return std::all_of(fs::recursive_directory_iterator(folder), fs::recursive_directory_iterator(),
                       [](const auto& entry) { return entry.is_directory(); });
  }));
}

TEST_F(ArchiveTest, AFolderThatCannotBeMadeIsAnErrorBeforeAnythingIsPaid) {
  std::ofstream(folder) << "a file";
  const Streamed streamed = bench.run({{"archive", folder + "/clips"}});
  ASSERT_EQ(streamed.outcome.errors.size(), 1U);
  EXPECT_NE(streamed.outcome.everything.find(folder), std::string::npos);
  EXPECT_EQ(bench.books().posts.size(), 0U);
}

TEST_F(ArchiveTest, AFolderThatCannotBeWrittenToIsAWarningAndTheClipPlays) {
  // Nobody makes files there.
  const Streamed streamed = bench.run({{"archive", "/proc"}});
  EXPECT_TRUE(one_charge(bench, streamed));
  EXPECT_NE(streamed.outcome.everything.find("is not kept"), std::string::npos)
      << streamed.outcome.summary();
}

// The last step is taken when all of the clip was read.
TEST_F(ArchiveTest, WhatFailsAtTheEndIsAWarningBeforeTheEndOfTheStream) {
  fs::create_directories(folder);
  std::ofstream(folder + "/clips") << "a file where a folder is to be";
  const Streamed streamed = bench.run({{"archive", folder}});
  EXPECT_TRUE(one_charge(bench, streamed));
  const std::string& told = streamed.outcome.everything;
  const std::size_t at = told.find("is not kept");
  ASSERT_NE(at, std::string::npos) << streamed.outcome.summary();
  EXPECT_EQ(told.find("is not kept", at + 1), std::string::npos) << streamed.outcome.summary();
}

TEST_F(ArchiveTest, TheCommandLineTellsItAsWell) {
  fs::create_directories(folder);
  std::ofstream(folder + "/generations") << "a file where a folder is to be";
  std::vector<std::string> words = {g_getenv("GENPRO"), "generate", "-o", bench.file("cli.mp4")};
  for (const auto& [name, value] : bench.settings({{"archive", folder}})) {
    if (name != "api-key") words.insert(words.end(), {"--" + name, value});
  }
  const Finished finished = run_command(words, {{"GEN_API_KEY", test_key}});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("is not kept"), std::string::npos) << finished.out;
  EXPECT_TRUE(one_charge_in_file(bench, bench.file("cli.mp4")));
}

TEST_F(ArchiveTest, AClipThatIsLargerThanAllowedIsAnErrorAsFromTheService) {
  const std::string id = keep_one();
  const Streamed again =
      bench.run({{"archive", folder}, {"generation-id", id}, {"max-clip-size", "1000"}});
  ASSERT_EQ(again.outcome.errors.size(), 1U) << again.outcome.summary();
  EXPECT_NE(again.outcome.everything.find("max-clip-size"), std::string::npos);
  EXPECT_EQ(again.bytes, "");
}

// ---- Many processes, one archive ----

struct ArchiveFleetTest : ArchiveTest {
  // One that is completed and that no archive has; what its download was is in `before`.
  std::string complete_one() {
    bench.service.behave({.polls = 1, .clip_size = clip_size});
    EXPECT_TRUE(one_charge(bench, bench.run()));
    before = bench.books();
    return bench.books().generations.at(0).id;
  }
  std::string file(std::size_t number) const { return "clip-" + std::to_string(number) + ".mp4"; }
  std::unique_ptr<Child> start(std::size_t number, const std::string& id) const {
    // Progress is told, and no slow machine has the clip asked for once more.
    return bench.start(file(number),
                       {{"archive", folder}, {"generation-id", id}, {"stall-timeout", "300"}},
                       "--no-fault");
  }
  void expect_clip(const Child& child, std::size_t number, const std::string& id) {
    EXPECT_TRUE(child.wait(3 * generous)) << child.output();
    EXPECT_TRUE(child.succeeded()) << child.output();
    EXPECT_TRUE(bytes_of(bench.file(file(number))) == bench.service.clip(id)) << child.output();
  }

  static constexpr std::size_t clip_size = 400'000;
  static constexpr std::size_t processes = 5;
  Books before;
};

TEST_F(ArchiveFleetTest, FiveProcessesFetchAClipOnce) {
  const std::string id = complete_one();
  bench.service.behave(
      {.clip_size = clip_size, .drip = 4'000, .drip_interval = std::chrono::milliseconds(20)});
  std::vector<std::unique_ptr<Child>> children;
  for (std::size_t number = 0; number < processes; ++number) {
    children.push_back(start(number, id));
  }
  for (std::size_t number = 0; number < processes; ++number) {
    expect_clip(*children[number], number, id);
  }
  EXPECT_EQ(bench.books().clip_requests, 2 * before.clip_requests);
  EXPECT_EQ(bench.books().clip_bytes, 2 * before.clip_bytes);
}

TEST_F(ArchiveFleetTest, TheDownloadOfOneThatDiesIsTakenOverByOneOfTheOthers) {
  const std::string id = complete_one();
  bench.service.behave({.clip_size = clip_size, .clip_held_at = 50'000});
  const auto first = start(0, id);
  ASSERT_TRUE(bench.wait_for(clip_bytes(before.clip_bytes + 50'000))) << first->output();
  std::vector<std::unique_ptr<Child>> others;
  for (std::size_t number = 1; number < processes; ++number) {
    others.push_back(start(number, id));
    ASSERT_TRUE(says(*others.back(), "another process, which fetches the same clip"));
  }
  EXPECT_EQ(bench.books().clip_requests, 2 * before.clip_requests);
  bench.service.behave({.clip_size = clip_size});
  EXPECT_TRUE(first->kill());
  for (std::size_t number = 1; number < processes; ++number) {
    expect_clip(*others[number - 1], number, id);
  }
  EXPECT_EQ(bench.books().clip_requests, 3 * before.clip_requests);
}

TEST_F(ArchiveFleetTest, OneThatStopsLetsAnotherOneFetchTheClip) {
  const std::string id = complete_one();
  bench.service.behave({.clip_size = clip_size, .clip_held_at = 50'000});
  Production first(
      bench.src({{"archive", folder}, {"generation-id", id}, {"stall-timeout", "300"}}));
  first.play();
  ASSERT_TRUE(bench.wait_for(clip_bytes(before.clip_bytes + 50'000)));
  const auto second = start(1, id);
  ASSERT_TRUE(says(*second, "another process, which fetches the same clip"));
  bench.service.behave({.clip_size = clip_size});
  EXPECT_TRUE(first.stop());
  expect_clip(*second, 1, id);
}

// ---- Without the service ----

// As a player opens it, without a key.
TEST_F(ArchiveTest, AnAddressIsPlayedWithoutTheServiceAndItsKey) {
  const std::string id = keep_one();
  const Books before = bench.books();
  bench.service.behave({.away = Loss::closed});
  Environment environment = tool_environment();
  environment.insert(environment.end(), {{"GEN_ARCHIVE", folder},
                                         {"GEN_API_BASE_URL", bench.service.api_base()},
                                         {"GEN_API_KEY", ""}});
  const Finished finished =
      run_command({"gst-launch-1.0", "-q", "playbin", "uri=genpro://generation/" + id,
                   "video-sink=fakesink", "audio-sink=fakesink"},
                  environment, "", 3 * generous);
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(bench.books().clip_requests, before.clip_requests);
  EXPECT_EQ(bench.books().polls, before.polls);
}

TEST_F(ArchiveTest, AGenerationThatItHasNotNeedsAKey) {
  fs::create_directories(folder);
  const Finished finished =
      run_command({g_getenv("GENPRO"), "generate", "--generation-id", "9040", "--archive", folder,
                   "--api-base-url", bench.service.api_base(), "-o", bench.file("cli.mp4")});
  EXPECT_EQ(finished.exit_code, 2) << finished.out;
  EXPECT_NE(finished.out.find("--api-key-file"), std::string::npos) << finished.out;
}

TEST_F(ArchiveTest, TheLedgerLearnsOfADeliveryWithoutTheService) {
  const std::string id = keep_one();
  const auto list = [&] {
    return run_command({g_getenv("GENPRO"), "ledger", "--ledger", bench.ledger, "list", "--columns",
                        "generation,bytes"})
        .out;
  };
  EXPECT_TRUE(eventually([&] { return list().find("whole") != std::string::npos; })) << list();
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(bench.ledger.c_str(), &opened), SQLITE_OK);
  const Owned<sqlite3, sqlite3_close> database(opened);
  sqlite3_busy_timeout(opened, 30'000);
  ASSERT_EQ(
      sqlite3_exec(opened, "UPDATE generations SET delivered_at = 0", nullptr, nullptr, nullptr),
      SQLITE_OK);
  EXPECT_EQ(list().find("whole"), std::string::npos) << list();
  bench.service.behave({.away = Loss::closed});
  const Streamed again = bench.run({{"archive", folder}, {"generation-id", id}, {"retries", "0"}});
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_TRUE(eventually([&] { return list().find("whole") != std::string::npos; })) << list();
}

}  // namespace
}  // namespace genpro::test
