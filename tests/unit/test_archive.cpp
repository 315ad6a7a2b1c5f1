// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a clip's writer does with a disk that is slow, full or gone.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "archive/lease.h"
#include "archive/writer.h"
#include "support/process.h"

namespace {

// Writes wait for as long as it is set, as on a network's disk that has gone away.
std::atomic<bool> is_hanging = false;
std::atomic<unsigned> hanging_writes = 0;

}  // namespace

// In the C library's place, for this program.
extern "C" ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  ++hanging_writes;
  is_hanging.wait(true);
  --hanging_writes;
  return syscall(SYS_pwrite64, file, bytes, size, offset);
}

namespace genpro::archive {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class WriterTest : public testing::Test {
 protected:
  static constexpr std::size_t block_size = 128 * 1024;

  Record record() const { return {.service = "https://api.example/v1", .generation_id = "9040"}; }
  Writer writer() const { return Writer(Archive(folder()), record()); }
  const std::string& folder() const { return folder_; }
  // Each byte tells where it is.
  static BytesPtr block(std::uint64_t offset, std::size_t size = block_size) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<char>((offset + at) / 7);
    return BytesPtr(g_bytes_new(bytes.data(), bytes.size()));
  }
  static std::string kept(const Archive& archive) {
    const Found found = archive.find("https://api.example/v1", "9040", "");
    return found.file.empty() ? "" : read_file(found.file);
  }
  static std::string bytes_of(std::uint64_t offset, std::size_t size) {
    const BytesPtr bytes = block(offset, size);
    gsize length = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &length));
    return {data, length};
  }

  static std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  const std::string folder_ = take_string(g_dir_make_tmp("genpro-archive-XXXXXX", nullptr));
};

TEST_F(WriterTest, PiecesInAnyOrderAreTheClip) {
  Writer writer = this->writer();
  constexpr std::uint64_t size = 3 * block_size + 17;
  writer.add(2 * block_size, block(2 * block_size).get(), size);
  writer.add(0, block(0).get(), size);
  // What is read once more overlaps.
  writer.add(block_size / 2, block(block_size / 2).get(), size);
  writer.add(3 * block_size, block(3 * block_size, 17).get(), size);
  writer.add(block_size, block(block_size).get(), size);
  writer.wait({}, 1min);
  EXPECT_EQ(writer.take_problem(), "");
  EXPECT_TRUE(kept(Archive(folder())) == bytes_of(0, size));
}

TEST_F(WriterTest, ADiskThatHangsHoldsNobodyUpForLongAndIsTold) {
  is_hanging = true;
  {
    Writer writer = this->writer();
    std::stop_source stop;
    std::uint64_t offset = 0;
    const auto add = [&](const std::stop_token& interrupted) {
      writer.add(offset, block(offset).get(), std::nullopt, interrupted);
      offset += block_size;
    };
    while (offset < Writer::longest_queue) add({});
    // An element that is stopped meanwhile does not wait.
    stop.request_stop();
    for (int count = 0; count < 10; ++count) add(stop.get_token());
    EXPECT_EQ(writer.take_problem(), "");
    std::string problem;
    while (problem.empty() && offset < 2 * Writer::longest_queue) {
      add({});
      problem = writer.take_problem();
    }
    EXPECT_NE(problem.find("does not keep up"), std::string::npos) << problem;
    EXPECT_NE(problem.find("9040"), std::string::npos) << problem;
    add({});
    EXPECT_EQ(writer.take_problem(), "");
  }
  is_hanging = false;
  is_hanging.notify_all();
  EXPECT_TRUE(test::eventually([] { return hanging_writes == 0; }));
  EXPECT_EQ(kept(Archive(folder())), "");
}

TEST_F(WriterTest, WhatFailsAtTheEndIsToldOnce) {
  for (const char* name : {"clips", "generations"}) {
    const std::string place = folder() + "/" + name;
    fs::remove_all(place);
    std::ofstream(place) << "a file where a folder is to be";
    Writer writer = this->writer();
    writer.add(0, block(0).get(), block_size);
    writer.wait({}, 1min);
    const std::string problem = writer.take_problem();
    EXPECT_NE(problem.find(place), std::string::npos) << problem;
    EXPECT_EQ(writer.take_problem(), "");
    fs::remove(place);
  }
}

// No lock tells of it, as on a network's disk.
TEST_F(WriterTest, WhoIsSilentOnAnotherMachineLosesTheDownload) {
  const Archive archive(folder());
  {
    const auto lease = Lease::take(archive, "https://api.example/v1", "9040");
    ASSERT_TRUE(lease);
    EXPECT_FALSE(Lease::take(archive, "https://api.example/v1", "9040"));
    EXPECT_TRUE(Lease::take(archive, "https://api.example/v1", "9041"));
    std::vector<fs::path> files(fs::directory_iterator(folder() + "/downloads"), {});
    ASSERT_EQ(files.size(), 1U);
    std::ofstream(files.front()) << "another-machine 4711 131072\n";
    unsigned waits = 0;
    const Turn turn =
        await_turn(archive, "https://api.example/v1", "9040", "", {}, {}, [&waits] { ++waits; });
    EXPECT_TRUE(turn.lease);
    EXPECT_EQ(turn.found.file, "");
    EXPECT_EQ(waits, 1U);
    EXPECT_FALSE(Lease::take(archive, "https://api.example/v1", "9040"));
  }
  // Both are given back, and the one that was lost takes nothing of another's away.
  EXPECT_TRUE(fs::is_empty(folder() + "/downloads"));
  EXPECT_TRUE(Lease::take(archive, "https://api.example/v1", "9040"));
}

}  // namespace
}  // namespace genpro::archive
