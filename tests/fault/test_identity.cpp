// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The parts of a download are of one clip: what tells, when headers are missing or lie.
#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;
constexpr const char* date = "Wed, 01 Jan 2025 00:00:00 GMT";
constexpr const char* later_date = "Thu, 02 Jan 2025 00:00:00 GMT";

// What a server may tell of a clip, beside its length.
struct Tells {
  const char* name;
  std::string etag;
  std::string last_modified;
  bool ranges = true;
};

void PrintTo(const Tells& tells, std::ostream* out) {
  *out << tells.name;
}

class Identity : public Delivery, public testing::WithParamInterface<Tells> {
 protected:
  static Clip served(const std::string& bytes) {
    return {.bytes = bytes,
            .etag = GetParam().etag,
            .last_modified = GetParam().last_modified,
            .ranges = GetParam().ranges};
  }
};

TEST_P(Identity, TheSameClipGoesOn) {
  service.set_clip(served(long_clip()));
  service.files().add_trouble({.kind = Kind::cut, .at = 100});
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  expect_whole(run_it(), long_clip());
  EXPECT_EQ(gets(), 3U);
}

// All that the server tells is the same, only the bytes are not: what was pushed tells.
TEST_P(Identity, AnotherClipUnderTheSameHeadersIsAnError) {
  service.set_clip(served(long_clip()));
  service.files().add_trouble(
      {.kind = Kind::cut, .at = late, .replacement = served(other_long_clip())});
  expect_error(run_it(), long_clip(), {"changed"});
}

TEST_P(Identity, AClipOfAnotherLengthIsAnError) {
  for (const std::size_t size : {late + 1, late, late - 1, late - overlap - 1, long_size + 1}) {
    service.set_clip(served(long_clip()));
    service.files().add_trouble({.kind = Kind::cut,
                                 .at = late,
                                 .replacement = served((long_clip() + "more").substr(0, size))});
    expect_error(run_it(), long_clip());
  }
}

// Nothing has been pushed before there are enough bytes to tell an MP4, so nothing is lost.
TEST_P(Identity, AClipThatChangesBeforeTheFirstBufferIsReadAnew) {
  // Of another length where the rest tells nothing.
  const bool is_told = !GetParam().etag.empty() || !GetParam().last_modified.empty();
  const std::string other = is_told ? other_short_clip() : large_clip(short_size + 1, 3);
  Clip changed = served(other);
  if (!changed.etag.empty()) changed.etag = "\"second\"";
  if (!changed.last_modified.empty()) changed.last_modified = later_date;
  service.files().add_trouble({.kind = Kind::cut, .at = 11, .replacement = changed});
  service.set_clip(served(short_clip()));
  expect_whole(run_it(), other);
}

INSTANTIATE_TEST_SUITE_P(Each, Identity,
                         testing::Values(Tells{"tag", "\"first\"", ""},
                                         Tells{"weak_tag", "W/\"first\"", ""},
                                         Tells{"date", "", date}, Tells{"nothing", "", ""},
                                         Tells{"tag_without_ranges", "\"first\"", "", false},
                                         Tells{"date_without_ranges", "", date, false},
                                         Tells{"nothing_without_ranges", "", "", false}),
                         [](const auto& tested) { return std::string(tested.param.name); });

class Continued : public Delivery {};

TEST_F(Continued, AsksForSomeBytesBeforeTheBreakAgain) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  expect_whole(run_it(), long_clip());
  const auto seen = service.requests(is_cdn);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(range_begin(seen[1]), late - overlap);
  EXPECT_EQ(seen[1].header("if-range"), "\"first\"");
  EXPECT_EQ(seen[1].header("accept-encoding"), "identity");
}

// Its headers say what was asked for, but its bytes are those from the beginning.
TEST_F(Continued, AServerThatOnlySaysThatItGoesOnIsAnError) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::cut, .at = late});
  service.files().set_script([](const Seen& seen, int number) -> std::optional<Answer> {
    if (number == 1) return std::nullopt;
    const std::size_t first = range_begin(seen);
    return wire_answer(partial_head(first, long_size) + long_clip().substr(0, long_size - first));
  });
  expect_error(run_it(), long_clip(), {"changed"});
}

// As a server does that reads its file in pieces and forgets to go on. It gets no further when it
// is asked for bytes before the break each time.
TEST_F(Continued, AnswersThatEndAtFixedOffsetsAreJoined) {
  constexpr std::size_t piece = 50'000;
  for (const bool has_tag : {true, false}) {
    service.files().set_script([has_tag](const Seen& seen, int) -> std::optional<Answer> {
      const std::size_t first = range_begin(seen);
      const std::size_t end = std::min((first / piece + 1) * piece, short_size);
      std::string text = partial_head(first, short_size);
      if (!has_tag) text.replace(text.find("ETag"), 4, "Gone");
      return wire_answer(text + short_clip().substr(first, end - first));
    });
    expect_whole(run_it({{"retries", "1"}}), short_clip());
  }
}

// What is compared of each answer is little beside what is new in it, whether it is a part that is
// told or a connection that breaks, and bytes that come are no failure.
TEST_F(Continued, WhatComesInSmallPiecesIsAskedForLittleTwice) {
  constexpr std::size_t piece = 10'000;
  for (const bool is_told : {true, false}) {
    SCOPED_TRACE(is_told);
    service.files().set_script([is_told](const Seen& seen, int) -> std::optional<Answer> {
      const std::size_t first = range_begin(seen);
      const std::size_t end = std::min(first + piece, short_size);
      const std::string part = short_clip().substr(first, end - first);
      if (!is_told) return wire_answer(partial_head(first, short_size) + part);
      return Answer{.status = 206,
                    .body = part,
                    .content_type = "video/mp4",
                    .headers = {{"ETag", "\"first\""},
                                {"Content-Range", "bytes " + std::to_string(first) + "-" +
                                                      std::to_string(end - 1) + "/" +
                                                      std::to_string(short_size)}}};
    });
    const std::size_t before = gets();
    expect_whole(run_it({{"retries", "1"}}), short_clip());
    EXPECT_LE(gets() - before, short_size / piece * 3 / 2);
  }
}

// Its pieces are compared all the same.
TEST_F(Continued, AClipThatChangesBetweenSmallPiecesIsAnError) {
  service.files().set_script([](const Seen& seen, int) -> std::optional<Answer> {
    const std::size_t first = range_begin(seen);
    const std::size_t end = std::min<std::size_t>(first + 50'000, long_size);
    const std::string& clip = end < late ? long_clip() : other_long_clip();
    return wire_answer(partial_head(first, long_size) + clip.substr(first, end - first));
  });
  expect_error(run_it({{"retries", "1"}}), long_clip(), {"changed"});
}

TEST_F(Continued, ALengthBelowZeroIsUnknown) {
  service.files().set_script([](const Seen&, int) -> std::optional<Answer> {
    return wire_answer(head("200 OK", {"Content-Length: -1", "Connection: close"}) + short_clip());
  });
  expect_whole(run_it(), short_clip());
}

TEST_F(Continued, ADownloadThatIsCutAllTheTimeGoesOnWithoutDelay) {
  service.set_clip({.bytes = long_clip()});
  for (std::size_t at = 100'000; at < long_size; at += 100'000)
    service.files().add_trouble({.kind = Kind::cut, .at = at});
  const auto begin = std::chrono::steady_clock::now();
  expect_whole(run_it({{"retries", "1"}}), long_clip());
  EXPECT_EQ(gets(), 40U);
  // A back-off each time would be ten seconds and more.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(9));
}

// Servers behind one name do not always tell the same.
TEST_F(Continued, ATagThatIsMissingOrWeakLaterIsNoOther) {
  for (const char* tag : {"", "W/\"first\""}) {
    service.set_clip({.bytes = long_clip()});
    service.files().add_trouble(
        {.kind = Kind::cut,
         .at = late,
         .replacement = Clip{.bytes = long_clip(), .etag = tag, .honours_if_range = false}});
    expect_whole(run_it(), long_clip());
  }
}

// A 200 to If-Range says that the tag is another one; one without a tag does not take that back.
TEST_F(Continued, TheWholeClipWithoutTheTagItHadIsNotJoined) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble(
      {.kind = Kind::cut, .at = late, .replacement = Clip{.bytes = long_clip(), .etag = ""}});
  expect_error(run_it(), long_clip(), {"changed"});
}

TEST_F(Continued, AClipThatChangesAllTheTimeIsAnError) {
  int number = 0;
  service.files().set_script([&number](const Seen&, int) -> std::optional<Answer> {
    const std::string tag = "ETag: \"" + std::to_string(++number) + "\"";
    return wire_answer(head("200 OK", {tag, "Content-Length: 400000"}) + short_clip().substr(0, 5));
  });
  expect_error(run_it(), short_clip());
  EXPECT_LE(gets(), 20U);
}

class Sought : public Delivery {
 protected:
  // Prerolls, changes the clip, then reads from somewhere else on.
  Streamed seek_after_change(const Clip& before, const Clip& after) {
    service.set_clip(before);
    Collector collector(src());
    EXPECT_TRUE(collector.preroll());
    service.set_clip(after);
    EXPECT_TRUE(collector.seek(position));
    Outcome outcome = collector.play_out();
    return {std::move(outcome), collector.bytes(), ""};
  }
  static constexpr std::int64_t position = 3'500'000;
};

TEST_F(Sought, TheSameClipIsReadFromThere) {
  const Clip clip{.bytes = long_clip()};
  expect_whole(seek_after_change(clip, clip), long_clip().substr(position));
  EXPECT_EQ(gets(), 2U);
}

TEST_F(Sought, WithoutTagAndDateKnownBytesAreLookedAtFirst) {
  const Clip clip{.bytes = long_clip(), .etag = ""};
  expect_whole(seek_after_change(clip, clip), long_clip().substr(position));
  const auto seen = service.requests(is_cdn);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_LT(range_begin(seen[1]), late);
  EXPECT_EQ(range_begin(seen[2]), static_cast<std::size_t>(position));
}

TEST_F(Sought, AnotherClipIsAnError) {
  for (const bool has_tag : {true, false}) {
    const Streamed streamed =
        seek_after_change({.bytes = long_clip(), .etag = has_tag ? "\"first\"" : ""},
                          {.bytes = other_long_clip(), .etag = has_tag ? "\"second\"" : ""});
    expect_one_error(streamed.outcome, {.mentions = {"changed"}, .generation_id = "9040"});
    EXPECT_EQ(streamed.bytes, "") << "wrong bytes came out";
  }
}

}  // namespace
}  // namespace genpro::test
