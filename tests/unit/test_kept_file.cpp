// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip of the archive as a Reader gives it, from a disk that may have gone away.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "clip/reader.h"
#include "support/process.h"

namespace {

// Reads wait for as long as it is set.
std::atomic<bool> reads_hang = false;
std::atomic<unsigned> hanging_reads = 0;

}  // namespace

// In the C library's place, for this program.
extern "C" ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  ++hanging_reads;
  reads_hang.wait(true);
  --hanging_reads;
  return syscall(SYS_pread64, file, bytes, size, offset);
}

namespace genpro::clip {
namespace {

class KeptFileTest : public testing::Test {
 protected:
  KeptFileTest() {
    for (std::size_t at = 0; at < clip_.size(); ++at) clip_[at] = static_cast<char>(at / 7 % 251);
    std::ofstream(path_, std::ios::binary) << clip_;
  }
  ~KeptFileTest() override { std::filesystem::remove(path_); }

  Reader reader() const { return Reader(Runtime::acquire_for_clip(), {.file = path_}); }
  static std::string bytes_of(const Reader::Outcome& outcome) {
    const auto* block = std::get_if<Reader::Block>(&outcome);
    if (block == nullptr) return "";
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(block->bytes.get(), &size));
    return {data, size};
  }
  static std::string drain(Reader& reader) {
    std::string all;
    while (true) {
      const std::string bytes = bytes_of(reader.read());
      if (bytes.empty()) return all;
      all += bytes;
    }
  }

  std::string clip_ = std::string(1'000'003, '\0');
  const std::string path_ =
      std::filesystem::temp_directory_path() / ("genpro-kept-file-" + std::to_string(getpid()));
};

TEST_F(KeptFileTest, IsReadInOrderAndFromAnywhere) {
  Reader reader = this->reader();
  EXPECT_TRUE(drain(reader) == clip_);
  EXPECT_EQ(reader.info()->size, clip_.size());
  for (const std::size_t offset : {500'000U, 3U, 1'000'002U, 0U}) {
    reader.seek(offset);
    EXPECT_TRUE(drain(reader) == clip_.substr(offset)) << offset;
  }
  reader.seek(clip_.size() + 5);
  EXPECT_TRUE(std::holds_alternative<Reader::End>(reader.read()));
}

TEST_F(KeptFileTest, OneThatIsGoneIsAnErrorThatNamesIt) {
  std::filesystem::remove(path_);
  Reader reader = this->reader();
  const auto outcome = reader.read();
  ASSERT_TRUE(std::holds_alternative<Error>(outcome));
  EXPECT_NE(std::get<Error>(outcome).message.find(path_), std::string::npos);
}

// Whatever the disk does, an element is stopped at once.
TEST_F(KeptFileTest, ADiskThatHangsHoldsNobodyUp) {
  {
    Reader reader = this->reader();
    std::string begin = bytes_of(reader.read());
    EXPECT_TRUE(begin == clip_.substr(0, begin.size()));
    reads_hang = true;
    reader.seek(900'000);
    std::stop_source stop;
    std::jthread stopping([&] {
      EXPECT_TRUE(test::eventually([] { return hanging_reads > 0; }));
      stop.request_stop();
    });
    EXPECT_TRUE(std::holds_alternative<Reader::Interrupted>(reader.read(stop.get_token())));
  }
  EXPECT_GT(hanging_reads, 0U);
  reads_hang = false;
  reads_hang.notify_all();
  EXPECT_TRUE(test::eventually([] { return hanging_reads == 0; }));
}

}  // namespace
}  // namespace genpro::clip
