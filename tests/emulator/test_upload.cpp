// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Large files go to the disk, not into memory.
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "child_process.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

constexpr std::size_t piece_size = 1024 * 1024;
constexpr std::size_t pieces = 64;

// The most memory that the process has had so far, in megabytes.
double peak_megabytes(pid_t pid) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return -1;
}

}  // namespace

TEST(Upload, LargeOnesAreNotHeldInMemory) {
  const TemporaryFolder folder;
  // A sanitizer keeps what was freed for a while.
  const char* options = std::getenv("ASAN_OPTIONS");
  ChildProcess process(
      {KILLABLE_EMULATOR, folder.path("data"), "0"},
      {{"ASAN_OPTIONS", std::string(options != nullptr ? options : "") + ":quarantine_size_mb=1"}});
  ASSERT_TRUE(process.wait_for_output("/v1\n")) << process.errors();
  const auto at = process.output().find("http://");
  Client client(process.output().substr(at, process.output().find("/v1") - at));
  ASSERT_EQ(client.upload("a.png", png_bytes()).status, 201u);
  const double before = peak_megabytes(process.pid());
  ASSERT_GT(before, 0);
  {
    const std::string bytes = mp4_bytes(piece_size * pieces);
    const Json announced =
        client
            .post("/v1/direct_upload",
                  R"({"blob":{"filename":"large.mp4","byte_size":)" + std::to_string(bytes.size()) +
                      R"(,"content_type":"video/mp4","checksum":")" + md5_base64(bytes) + "\"}}")
            .json();
    const auto put =
        client.send("PUT", announced["direct_upload"]["url"].text(), bytes,
                    {{"Content-Type", "video/mp4"}, {"Content-MD5", md5_base64(bytes)}});
    ASSERT_EQ(put.status, 200u) << put.body;
    const auto taken =
        client.post("/v1/content_resources?agent_id=42",
                    R"({"content_resource":{"file":")" + announced["signed_id"].text() + "\"}}");
    ASSERT_EQ(taken.status, 201u) << taken.body;
  }
  const std::string part = mp4_bytes(40 * piece_size);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(client.upload("b.mp4", part).status, 201u);
  {
    const std::string bytes = mp4_bytes(piece_size * pieces);
    const auto page = client.send("POST", "/_emulator/content_resources?agent_id=42", bytes);
    ASSERT_EQ(page.status, 201u) << page.body;
  }
  // 208 MB went through.
  EXPECT_LT(peak_megabytes(process.pid()) - before, 50);
  std::uintmax_t stored = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path("data/uploads"))) {
    stored += file.file_size();
  }
  EXPECT_EQ(stored, (2 * pieces + 2 * 40) * piece_size + png_bytes().size());
}

}  // namespace genpro::emulator::test
