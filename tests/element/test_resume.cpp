// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Downloads that break: the clip whole and in order, or an error; never a wrong byte.
#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;

class Resume : public testing::Test {
 protected:
  Resume() : clip(large_clip(size)), other(large_clip(size, 99)) {
    service.set_clip({.bytes = clip});
  }

  Streamed run_it(const Settings& changes = {}) {
    Settings settings{{"stall-timeout", "1"}, {"retries", "3"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    return stream(seed_src(service, settings));
  }
  void expect_whole(const Streamed& streamed) {
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_EQ(streamed.bytes.size(), clip.size());
    EXPECT_EQ(sha256(streamed.bytes), sha256(clip));
    EXPECT_EQ(service.count(is_generate), 1U) << "a broken download is no reason to pay again";
    expect_cdn_saw_no_key(service);
  }
  // Whatever came out before the error is the beginning of the clip.
  void expect_error_and_no_wrong_byte(const Streamed& streamed) {
    expect_one_error(
        streamed.outcome,
        {.codes = {resource(GST_RESOURCE_ERROR_READ), resource(GST_RESOURCE_ERROR_OPEN_READ),
                   resource(GST_RESOURCE_ERROR_FAILED), resource(GST_RESOURCE_ERROR_NOT_FOUND)},
         .generation_id = "9040"});
    EXPECT_LT(streamed.bytes.size(), clip.size());
    EXPECT_EQ(streamed.bytes, clip.substr(0, streamed.bytes.size())) << "wrong bytes came out";
  }
  // Either of the two.
  void expect_no_wrong_byte(const Streamed& streamed) {
    if (streamed.outcome.eos)
      expect_whole(streamed);
    else
      expect_error_and_no_wrong_byte(streamed);
  }

  // From some bytes before byte 300,000 on, which are compared with those of before.
  static void expect_resumed(const Seen& seen) {
    EXPECT_EQ(seen.header("range"), "bytes=" + std::to_string(300'000 - 64 * 1024) + "-");
  }

  static constexpr std::size_t size = 4'000'000;
  // Beyond what is read ahead: when a connection gets there, the first bytes have been pushed.
  static constexpr std::size_t late = 3'000'000;
  FakeService service;
  const std::string clip;
  const std::string other;
};

TEST_F(Resume, GoesOnWhereTheConnectionWasCut) {
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  expect_whole(run_it());
  const auto gets = service.requests(is_cdn);
  ASSERT_GE(gets.size(), 2U);
  expect_resumed(gets[1]);
  EXPECT_EQ(gets[1].header("if-range"), "\"first\"") << "the server is asked for the same clip";
}

TEST_F(Resume, GoesOnAfterAReset) {
  service.files().add_trouble({.kind = Kind::reset, .at = 300'000});
  expect_whole(run_it());
}

TEST_F(Resume, ReconnectsWhenTheServerFallsSilent) {
  service.files().add_trouble({.kind = Kind::stall, .at = 300'000});
  expect_whole(run_it());
  const auto gets = service.requests(is_cdn);
  ASSERT_GE(gets.size(), 2U);
  expect_resumed(gets[1]);
  EXPECT_GE(gets[1].at - gets[0].at, std::chrono::milliseconds(900)) << "not before stall-timeout";
}

TEST_F(Resume, ReconnectsWhenNotEvenAHeadComes) {
  service.files().push_answer(silent_answer());
  expect_whole(run_it());
}

TEST_F(Resume, SurvivesSeveralBreaks) {
  for (const std::size_t at : {std::size_t{1}, std::size_t{9}, std::size_t{250'000},
                               std::size_t{600'000}, std::size_t{999'999}})
    service.files().add_trouble({.kind = Kind::cut, .at = at});
  expect_whole(run_it());
}

TEST_F(Resume, SurvivesAServerErrorInBetween) {
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  const std::size_t before = service.count(is_cdn);
  EXPECT_EQ(before, 0U);
  service.files().push_answer(html_answer(503, "<h1>busy</h1>"));
  expect_whole(run_it());
}

TEST_F(Resume, GivesUpWhenNoByteComesAnyMore) {
  for (int i = 0; i < 50; ++i) service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  const Streamed streamed = run_it({{"retries", "2"}});
  expect_error_and_no_wrong_byte(streamed);
  EXPECT_LE(service.count(is_cdn), 4U);
}

TEST_F(Resume, AClipThatChangedIsAnError) {
  service.files().add_trouble(
      {.kind = Kind::cut, .at = late, .replacement = Clip{.bytes = other, .etag = "\"second\""}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipThatChangedUnderAServerWithoutIfRangeIsAnError) {
  service.files().add_trouble(
      {.kind = Kind::cut,
       .at = late,
       .replacement = Clip{.bytes = other, .etag = "\"second\"", .honours_if_range = false}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipThatChangedItsSizeIsAnError) {
  service.files().add_trouble(
      {.kind = Kind::cut, .at = late, .replacement = Clip{.bytes = large_clip(size + 100'000)}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipThatChangedItsDateIsAnError) {
  service.set_clip({.bytes = clip, .etag = "", .last_modified = "Wed, 01 Jan 2025 00:00:00 GMT"});
  service.files().add_trouble({.kind = Kind::cut,
                               .at = late,
                               .replacement = Clip{.bytes = other,
                                                   .etag = "",
                                                   .last_modified = "Thu, 02 Jan 2025 00:00:00 GMT",
                                                   .honours_if_range = false}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipThatIsGoneIsAnError) {
  service.files().add_trouble({.kind = Kind::cut,
                               .at = late,
                               .replacement = Clip{.bytes = clip.substr(0, late - 100'000)}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, WithoutRangesNoWrongByteComes) {
  service.set_clip({.bytes = clip, .ranges = false});
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  expect_no_wrong_byte(run_it());
}

TEST_F(Resume, WithoutRangesAChangedClipIsAnError) {
  service.set_clip({.bytes = clip, .ranges = false});
  service.files().add_trouble(
      {.kind = Kind::cut,
       .at = late,
       .replacement = Clip{.bytes = other, .etag = "\"second\"", .ranges = false}});
  expect_error_and_no_wrong_byte(run_it());
}

TEST_F(Resume, WithoutIdentityNoWrongByteComes) {
  service.set_clip({.bytes = clip, .etag = ""});
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  expect_no_wrong_byte(run_it());
}

TEST_F(Resume, AnotherRangeThanAskedForGivesNoWrongByte) {
  service.set_clip({.bytes = clip, .range_shift = -4096});
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  expect_no_wrong_byte(run_it());
  service.set_clip({.bytes = clip, .range_shift = 4096});
  service.files().add_trouble({.kind = Kind::cut, .at = 300'000});
  const Streamed streamed = run_it();
  EXPECT_EQ(streamed.bytes, clip.substr(0, streamed.bytes.size()));
  EXPECT_TRUE(streamed.outcome.eos == (streamed.bytes.size() == clip.size()));
}

std::string chunk_of(const std::string& bytes, std::size_t promised) {
  char length[32];
  g_snprintf(length, sizeof length, "%zx\r\n", promised);
  return length + bytes;
}

constexpr const char* chunked_head =
    "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(Resume, AClipWithoutALengthThatIsCutWithinAChunkIsNoEnd) {
  const std::string text = chunked_head + chunk_of(clip.substr(0, 300'000), 400'000);
  service.files().push_answer(Answer{.raw = [text](Wire& wire) { wire.write(text); }});
  expect_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipWithoutALengthThatIsCutBetweenChunksIsNoEnd) {
  const std::string text = chunked_head + chunk_of(clip.substr(0, 300'000), 300'000) + "\r\n";
  service.files().push_answer(Answer{.raw = [text](Wire& wire) { wire.write(text); }});
  expect_no_wrong_byte(run_it());
}

TEST_F(Resume, AClipThatEndsWithItsConnectionMustBeWhole) {
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n";
  const std::string text = head + clip.substr(0, 300'000);
  service.files().push_answer(Answer{.raw = [text](Wire& wire) { wire.write(text); }});
  expect_no_wrong_byte(run_it());
}

TEST_F(Resume, ABrokenDownloadDecodesAllTheSame) {
  const std::string video = make_mp4({.frames = 48, .moov_at_end = true});
  service.set_clip({.bytes = video});
  service.files().add_trouble({.kind = Kind::cut, .at = 20});
  service.files().add_trouble({.kind = Kind::cut, .at = video.size() - 30});
  EXPECT_EQ(decoded_frames(seed_src(service, {{"retries", "3"}})), 48);
}

// A sink that stands still must stop the download: the memory is bounded.
TEST_F(Resume, AStandingPipelineDoesNotTakeTheWholeClip) {
  constexpr std::size_t size = 256U << 20U;
  auto sent = std::make_shared<std::atomic<std::size_t>>(0);
  const std::string beginning = small_clip();
  service.files().push_answer(Answer{.raw = [sent, beginning](Wire& wire) {
    wire.write(
        "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nAccept-Ranges: bytes\r\n"
        "ETag: \"first\"\r\nContent-Length: " +
        std::to_string(size) + "\r\n\r\n");
    wire.write(beginning);
    const std::string piece(256 * 1024, 'x');
    for (std::size_t at = beginning.size(); at + piece.size() < size; at += piece.size()) {
      if (!wire.write(piece)) return;
      *sent = wire.written();
    }
    wire.wait_until_client_leaves();
  }});
  Collector collector(seed_src(service, {{"stall-timeout", "15"}}));
  ASSERT_TRUE(collector.preroll());
  // Standing still cannot be waited for; the count has to keep its value for a while.
  std::size_t before = 0;
  ASSERT_TRUE(eventually([&] {
    const std::size_t now = *sent;
    const bool still = now == before && now > 0;
    before = now;
    if (!still) g_usleep(300'000);
    return still;
  }));
  EXPECT_LT(before, 64U << 20U) << "the element reads ahead without a bound";
  EXPECT_TRUE(stops_in_time(collector.pipeline()));
}

}  // namespace
}  // namespace genpro::test
