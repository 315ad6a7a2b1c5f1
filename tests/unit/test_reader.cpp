// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <random>

#include "clip/reader.h"
#include "support/fake_service.h"

namespace genpro::clip {
namespace {

using namespace std::chrono_literals;
using test::FakeService;
using test::Trouble;

// Bytes of which each tells where it is from, far larger than the read-ahead.
std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::mt19937 random(seed);
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class ReaderTest : public testing::Test {
 protected:
  ReaderTest() { serve({.bytes = clip_}); }

  void serve(test::Clip clip) { service_.set_clip(std::move(clip)); }

  std::unique_ptr<Reader> open(ReaderSettings settings = {}) {
    settings.url = *parse_url(service_.clip_url());
    settings.retries = 1;
    return std::make_unique<Reader>(Runtime::acquire_for_clip(), settings);
  }

  struct All {
    std::string bytes;
    std::optional<Error> error;
  };
  // Everything up to the end, or up to `limit` bytes.
  static All drain(Reader& reader, std::size_t limit = SIZE_MAX) {
    All all;
    while (all.bytes.size() < limit) {
      Reader::Outcome outcome = reader.read();
      if (auto* block = std::get_if<Reader::Block>(&outcome)) {
        gsize size = 0;
        const auto* data = static_cast<const char*>(g_bytes_get_data(block->bytes.get(), &size));
        all.bytes.append(data, size);
      } else {
        if (auto* error = std::get_if<Error>(&outcome)) all.error = *error;
        break;
      }
    }
    return all;
  }

  const std::string clip_ = pattern(6'000'000, 1);
  FakeService service_;
};

TEST_F(ReaderTest, GivesTheWholeClipInOrder) {
  auto reader = open();
  const All all = drain(*reader);
  EXPECT_FALSE(all.error);
  EXPECT_TRUE(all.bytes == clip_);
  EXPECT_EQ(reader->info()->size, clip_.size());
  EXPECT_TRUE(reader->info()->seekable);
  EXPECT_EQ(reader->info()->content_type, "video/mp4");
  EXPECT_TRUE(std::holds_alternative<Reader::End>(reader->read())) << "again";
}

TEST_F(ReaderTest, WaitsNoLongerThanItMayWhateverTheServerAsksFor) {
  test::Answer later = test::html_answer(503, "<h1>later</h1>");
  later.headers = {{"Retry-After", "3600"}};
  service_.files().push_answer(later);
  auto reader = open({.longest_wait = 50ms});
  EXPECT_TRUE(drain(*reader).bytes == clip_);
}

TEST_F(ReaderTest, SeeksBeforeDuringAndAfter) {
  auto reader = open();
  reader->seek(5'999'990);
  EXPECT_EQ(drain(*reader).bytes, clip_.substr(5'999'990));
  reader->seek(1000);
  const std::string part = drain(*reader, 50'000).bytes;
  EXPECT_TRUE(part == clip_.substr(1000, part.size()));
  reader->seek(clip_.size());
  EXPECT_TRUE(std::holds_alternative<Reader::End>(reader->read()));
  reader->seek(0);
  EXPECT_TRUE(drain(*reader).bytes == clip_);
}

TEST_F(ReaderTest, RandomSeeksGiveTheRightBytes) {
  auto reader = open();
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const std::size_t offset = random() % clip_.size();
    reader->seek(offset);
    const std::string part = drain(*reader, 1).bytes;
    ASSERT_TRUE(part == clip_.substr(offset, part.size())) << offset;
  }
}

TEST_F(ReaderTest, ResumesAtTheRightByte) {
  service_.files().add_trouble({.kind = Trouble::Kind::cut, .at = 100'000});
  service_.files().add_trouble({.kind = Trouble::Kind::reset, .at = 3'000'001});
  service_.files().add_trouble({.kind = Trouble::Kind::stall, .at = 5'000'000});
  auto reader = open({.stall_timeout = 5s});
  EXPECT_TRUE(drain(*reader).bytes == clip_);
  const auto requests = service_.requests(test::is_cdn);
  ASSERT_EQ(requests.size(), 4U);
  // From some bytes before the break on, which are compared.
  EXPECT_EQ(requests[1].header("range"), "bytes=34464-");
  EXPECT_EQ(requests[2].header("if-range"), "\"first\"");
  EXPECT_EQ(requests[1].header("if-range"), "\"first\"");
}

TEST_F(ReaderTest, AClipThatIsSwappedIsAnErrorAndNoWrongByte) {
  service_.files().add_trouble(
      {.kind = Trouble::Kind::cut,
       .at = 4'000'000,  // beyond the read-ahead, so that bytes have been taken
       .replacement = test::Clip{.bytes = pattern(clip_.size(), 2), .etag = "\"second\""}});
  auto reader = open();
  const All all = drain(*reader);
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.error->kind, ErrorKind::read);
  EXPECT_TRUE(all.bytes == clip_.substr(0, all.bytes.size()));
}

TEST_F(ReaderTest, AClipThatIsSwappedBeforeAnyBlockWasTakenIsReadAnew) {
  const std::string other = pattern(clip_.size() - 1, 2);
  service_.files().add_trouble({.kind = Trouble::Kind::cut,
                                .at = 100'000,
                                .replacement = test::Clip{.bytes = other, .etag = "\"second\""}});
  auto reader = open();
  // The first clip, the answer that tells that it is gone, and the one from the beginning on.
  ASSERT_TRUE(service_.wait_for(test::is_cdn, 3));
  const All all = drain(*reader);
  EXPECT_FALSE(all.error) << all.error->message;
  EXPECT_TRUE(all.bytes == other);
  EXPECT_EQ(reader->info()->size, other.size());
}

TEST_F(ReaderTest, TheFirstBlockTellsWhatItIs) {
  for (const std::size_t at : {3U, 5U, 11U})
    service_.files().add_trouble({.kind = Trouble::Kind::cut, .at = at});
  auto reader = open();
  Reader::Outcome outcome = reader->read();
  auto* block = std::get_if<Reader::Block>(&outcome);
  ASSERT_TRUE(block);
  EXPECT_GE(g_bytes_get_size(block->bytes.get()), 12U);
  EXPECT_EQ(block->offset, 0U);
}

TEST_F(ReaderTest, AClipOfAFewBytesIsGivenAsItIs) {
  serve({.bytes = "short"});
  auto reader = open();
  EXPECT_EQ(drain(*reader).bytes, "short");
}

TEST_F(ReaderTest, SkipsWhatItHasWhenAServerKnowsNoRanges) {
  serve({.bytes = clip_, .ranges = false});
  service_.files().add_trouble({.kind = Trouble::Kind::cut, .at = 2'500'000});
  auto reader = open();
  EXPECT_TRUE(drain(*reader).bytes == clip_);
  EXPECT_FALSE(reader->info()->seekable);
}

TEST_F(ReaderTest, ReadsNoFurtherAheadThanAllowed) {
  auto reader = open();
  // The first block is there, and nobody takes more: the rest stays with the server.
  ASSERT_TRUE(std::holds_alternative<Reader::Block>(reader->read()));
  std::stop_source interruption;
  interruption.request_stop();
  EXPECT_TRUE(std::holds_alternative<Reader::Interrupted>(reader->read(interruption.get_token())));
  std::string rest;
  while (true) {
    Reader::Outcome outcome = reader->read();
    auto* block = std::get_if<Reader::Block>(&outcome);
    if (block == nullptr) break;
    rest.append(static_cast<const char*>(g_bytes_get_data(block->bytes.get(), nullptr)),
                g_bytes_get_size(block->bytes.get()));
  }
  EXPECT_TRUE(rest == clip_.substr(clip_.size() - rest.size()));
}

TEST_F(ReaderTest, CanBeDroppedAtAnyMoment) {
  for (int i = 0; i < 50; ++i) {
    auto reader = open();
    if (i % 2 == 1) drain(*reader, static_cast<std::size_t>(i) * 10'000);
    if (i % 3 == 1) reader->seek(1'000'000);
  }
}

}  // namespace
}  // namespace genpro::clip
