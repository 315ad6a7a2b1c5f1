// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <dirent.h>

#include <random>
#include <thread>

#include "clip/random_reader.h"
#include "clip/storage/page_cache.h"
#include "clip/storage/spool.h"
#include "support/fake_service.h"

namespace genpro::clip {
namespace {

using namespace std::chrono_literals;
using test::FakeService;
using test::Trouble;

std::string noise(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::mt19937 random(seed);
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string box(const std::string& type, const std::string& content) {
  const auto size = static_cast<std::uint32_t>(content.size() + 8);
  std::string header;
  for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(size >> shift & 0xFFU);
  return header + type + content;
}

// Larger than what is kept in memory.
const std::string& film() {
  static const std::string bytes =
      box("ftyp", "isom____") + box("mdat", noise(12'000'000, 1)) + box("moov", noise(50'000, 2));
  return bytes;
}

class RandomReaderTest : public testing::Test {
 protected:
  RandomReaderTest() { serve({.bytes = film()}); }

  void serve(test::Clip clip) { service_.set_clip(std::move(clip)); }

  void open(ReaderSettings settings = {}) {
    settings.url = *parse_url(service_.clip_url());
    settings.retries = 2;
    reader_ = std::make_shared<Reader>(Runtime::acquire_for_clip(), settings);
    random_ = std::make_unique<RandomReader>(reader_);
  }

  // The bytes, or why there are none.
  std::string read(std::uint64_t offset, std::size_t length) {
    const Reader::Outcome outcome = random_->read(offset, length, interruption_.get_token());
    if (std::holds_alternative<Reader::End>(outcome)) return "end";
    if (std::holds_alternative<Reader::Interrupted>(outcome)) return "interrupted";
    if (const auto* error = std::get_if<Error>(&outcome)) return "error: " + error->message;
    const auto& block = std::get<Reader::Block>(outcome);
    EXPECT_EQ(block.offset, offset);
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(block.bytes.get(), &size));
    return {data, size};
  }

  static std::string expected(std::uint64_t offset, std::size_t length) {
    return offset < film().size() ? film().substr(offset, length) : "end";
  }

  // `count` reads of odd sizes, anywhere and one after the other, are what the film has there. The
  // number of the first one that is not, and what it said.
  std::optional<std::string> wander(int count, unsigned seed) {
    std::mt19937 random(seed);
    std::uint64_t next = 0;
    for (int i = 0; i < count; ++i) {
      const std::size_t length = random() % 20 == 0 ? random() % 2'000'000 : random() % 70'000;
      if (length == 0) continue;
      if (random() % 30 == 0) next = random() % (film().size() + 1000);
      if (random() % 6 == 0) next -= std::min<std::uint64_t>(next, random() % 300'000);
      const std::string got = read(next, length);
      if (got != expected(next, length)) {
        return std::to_string(i) + ", bytes from " + std::to_string(next) +
               " on: " + got.substr(0, 200);
      }
      next += length;
    }
    return std::nullopt;
  }

  std::size_t requests() { return service_.count(test::is_cdn); }

  FakeService service_;
  std::shared_ptr<Reader> reader_;
  std::unique_ptr<RandomReader> random_;
  std::stop_source interruption_;
};

TEST_F(RandomReaderTest, ThousandsOfOddReadsAreTheClip) {
  open();
  EXPECT_EQ(wander(3000, 1), std::nullopt);
  EXPECT_EQ(random_->size(), film().size());
}

TEST_F(RandomReaderTest, AlsoWithoutRangesAndWithoutLength) {
  for (const test::Clip& served :
       {test::Clip{.bytes = film(), .ranges = false},
        test::Clip{.bytes = film(), .ranges = false, .says_length = false}}) {
    serve(served);
    const std::size_t before = requests();
    open();
    EXPECT_EQ(wander(3000, 2), std::nullopt);
    EXPECT_EQ(read(film().size() - 5, 100), film().substr(film().size() - 5));
    EXPECT_EQ(random_->size(), film().size());
    EXPECT_EQ(requests() - before, 1U) << "the clip is fetched once";
  }
}

TEST_F(RandomReaderTest, AlsoWithoutAnythingThatTellsItsIdentity) {
  serve({.bytes = film(), .etag = ""});
  open();
  EXPECT_EQ(wander(500, 3), std::nullopt);
}

TEST_F(RandomReaderTest, AlsoWhenConnectionsBreak) {
  std::mt19937 random(4);
  for (int i = 0; i < 20; ++i) {
    service_.files().add_trouble({.kind = i % 2 == 0 ? Trouble::Kind::cut : Trouble::Kind::reset,
                                  .at = random() % film().size()});
  }
  open();
  EXPECT_EQ(wander(1000, 5), std::nullopt);
}

TEST_F(RandomReaderTest, AlsoWhenConnectionsBreakAndThereAreNoRanges) {
  serve({.bytes = film(), .ranges = false});
  // It is read from the first byte on each time, and has to get further.
  for (std::size_t at = 600'000; at < film().size(); at += 600'000) {
    service_.files().add_trouble({.kind = Trouble::Kind::cut, .at = at});
  }
  open();
  EXPECT_EQ(wander(1000, 5), std::nullopt);
}

// Whatever the moment, nothing of the other clip is given.
TEST_F(RandomReaderTest, AClipThatChangesIsAnErrorBeforeAWrongByte) {
  const std::string other = noise(film().size(), 6);
  for (const bool ranges : {true, false}) {
    for (const char* etag : {"\"second\"", ""}) {
      serve({.bytes = film(), .etag = *etag != '\0' ? "\"first\"" : "", .ranges = ranges});
      service_.files().add_trouble({.kind = Trouble::Kind::cut,
                                    .at = 9'000'000,
                                    .replacement = test::Clip{.bytes = other, .etag = etag}});
      open();
      const auto difference = wander(3000, 7);
      ASSERT_TRUE(difference);
      EXPECT_NE(difference->find("error: The clip changed"), std::string::npos) << *difference;
    }
  }
}

TEST_F(RandomReaderTest, AnIndexAtTheEndTakesThreeRequests) {
  open();
  const std::size_t moov = film().size() - 50'008;
  EXPECT_EQ(read(0, 16), expected(0, 16));
  EXPECT_EQ(read(16, 16), expected(16, 16));
  EXPECT_EQ(read(moov, 16), expected(moov, 16));
  EXPECT_EQ(read(moov, 50'008), expected(moov, 50'008));
  // Sound and pictures in turns, each half a second of some 10 Mbit/s ahead of the other.
  constexpr std::size_t piece = 600'000;
  for (std::size_t at = 24; at + 2 * piece < moov; at += piece) {
    for (std::size_t part = 0; part < piece; part += 100'000) {
      ASSERT_EQ(read(at + part, 100'000), expected(at + part, 100'000));
      ASSERT_EQ(read(at + piece + part / 100, 1000), expected(at + piece + part / 100, 1000));
    }
  }
  EXPECT_EQ(requests(), 3U);
}

TEST_F(RandomReaderTest, GoesBackToTheMediaAfterTheIndexAtTheEnd) {
  open();
  const std::size_t moov = film().size() - 50'008;
  EXPECT_EQ(read(0, 32), expected(0, 32));
  EXPECT_EQ(read(moov, 50'008), expected(moov, 50'008));
  EXPECT_TRUE(service_.wait_for(test::is_cdn, 3)) << "before it is asked to";
  EXPECT_EQ(read(0, 2'000'000), expected(0, 2'000'000));
  EXPECT_EQ(requests(), 3U);
}

// All sound behind all pictures, as some programs write it.
TEST_F(RandomReaderTest, WhoHopsBetweenFarPlacesOpensNoConnectionAHop) {
  open();
  constexpr std::size_t far = 10'500'000;
  for (std::size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(read(24 + i * 20'000, 20'000), expected(24 + i * 20'000, 20'000));
    ASSERT_EQ(read(far + i * 1000, 1000), expected(far + i * 1000, 1000));
  }
  EXPECT_LE(requests(), 8U);
}

TEST_F(RandomReaderTest, AWaitEndsWhenItIsInterrupted) {
  service_.files().add_trouble({.kind = Trouble::Kind::stall, .at = 5'000'000});
  open({.stall_timeout = 1s});
  EXPECT_EQ(read(0, 100), expected(0, 100));
  std::jthread other([this] { interruption_.request_stop(); });
  EXPECT_EQ(read(0, 6'000'000), "interrupted");
  const Reader::Outcome outcome = random_->read(4'900'000, 200'000);
  EXPECT_TRUE(std::holds_alternative<Reader::Block>(outcome)) << "it goes on";
}

TEST_F(RandomReaderTest, KnowsWhetherItsMediaWasRead) {
  // What a demuxer passes over need not be read, what it leaves out of the media has to.
  const std::string clip = box("ftyp", "isom____") + box("free", noise(500'000, 8)) +
                           box("mdat", noise(900'000, 9)) + box("moov", noise(10'000, 10)) +
                           box("free", noise(300'000, 11));
  serve({.bytes = clip});
  const std::size_t mdat = 16 + 500'008;
  for (const std::size_t hole : {0U, 1000U, 300'000U}) {
    open();
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{16}, mdat, mdat + 900'008, mdat + 900'008 + 10'008}) {
      read(at, 16);
    }
    read(mdat, 400'000);
    EXPECT_FALSE(random_->is_read());
    read(mdat + 400'000 + hole, 500'008 - hole);
    EXPECT_EQ(random_->is_read(), hole < 300'000U) << hole;
  }
}

TEST(PageCache, KeepsWhatIsStillToBeReadAndIsBounded) {
  PageCache cache;
  const std::string bytes = noise(32 << 20, 12);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  // Read ahead, and then much that is read at once.
  cache.put(0, {data, 500'000});
  std::vector<unsigned char> page(PageCache::page_size);
  for (std::size_t at = 1 << 20; at < bytes.size(); at += page.size()) {
    cache.put(at, {data + at, page.size()});
    ASSERT_EQ(*cache.get(at, page), page.size());
  }
  EXPECT_TRUE(cache.has(0));
  EXPECT_TRUE(cache.has(499'999));
  EXPECT_FALSE(cache.has(500'000));
  std::size_t kept = 0;
  for (std::size_t at = 0; at < bytes.size(); at += page.size()) kept += cache.has(at) ? 1 : 0;
  EXPECT_EQ(kept, PageCache::size_limit / PageCache::page_size);
}

int open_files() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

TEST(Spool, TakesAFileOnlyForWhatIsLarge) {
  const std::string bytes = noise(Spool::memory_limit + 100'000, 13);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const int before = open_files();
  Spool spool;
  for (std::size_t at = 0; at < bytes.size(); at += 50'000) {
    EXPECT_EQ(open_files() - before, at > Spool::memory_limit ? 1 : 0) << at;
    ASSERT_FALSE(spool.put(at, {data + at, std::min<std::size_t>(50'000, bytes.size() - at)}));
  }
  std::string got(bytes.size(), '\0');
  ASSERT_EQ(*spool.get(0, {reinterpret_cast<unsigned char*>(got.data()), got.size()}), got.size());
  EXPECT_TRUE(got == bytes);
  EXPECT_EQ(*spool.get(bytes.size(), {reinterpret_cast<unsigned char*>(got.data()), 1}), 0U);
}

}  // namespace
}  // namespace genpro::clip
