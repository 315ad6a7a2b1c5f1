// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "base/web/byte_ranges.h"
#include "clip/box_walker.h"
#include "clip/container.h"
#include "clip/content_range.h"
#include "clip/identity.h"
#include "clip/overlap.h"
#include "clip/redirect.h"
#include "http/soup.h"

namespace genpro::clip {
namespace {

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

TEST(ContentRange, ReadsWhatTheStandardAllows) {
  const auto range = parse_content_range("bytes 100-199/1000");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 100U);
  EXPECT_EQ(range->last, 199U);
  EXPECT_EQ(range->total, 1000U);
  EXPECT_TRUE(parse_content_range("Bytes 0-0/1"));
  EXPECT_FALSE(parse_content_range("bytes 0-9/*")->total);
}

TEST(ContentRange, RefusesWhatContradictsItself) {
  for (const char* text : {"", "bytes", "bytes */100", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9",
                           "bytes -5/10", "lines 0-9/10", "bytes 0-9/10/11", "bytes a-b/c",
                           "bytes=0-9/10", "bytes 0-9/-1", "bytes 0-99999999999999999999999/*"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(Container, IsToldByTheFirstBox) {
  using namespace std::string_view_literals;
  using namespace std::string_literals;
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x20"
                                        "ftypisom....."sv)),
            Container::iso);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x20"
                                        "ftypqt  ....."sv)),
            Container::quicktime);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x20"
                                        "ftyp3gp5....."sv)),
            Container::mpeg4_3gpp);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x20"
                                        "styp........."sv)),
            Container::fragmented);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x20"
                                        "moov........."sv)),
            Container::quicktime);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x01"
                                        "ftyp\0\0\0\0"sv)),
            Container::iso);
  EXPECT_EQ(identify_container(bytes_of("\0\0\0\x0c"
                                        "ftypqt  "sv)),
            Container::quicktime);
  for (const std::string type : {"moof", "sidx", "ssix", "emsg", "prft"}) {
    const std::string text = "\0\0\0\x30"s + type + ".....";
    EXPECT_EQ(identify_container(bytes_of(text)), Container::fragmented) << type;
  }
  for (const std::string type : {"PICT", "prfl", "pdin", "meta"}) {
    const std::string text = "\0\0\0\x30"s + type + ".....";
    EXPECT_EQ(identify_container(bytes_of(text)), Container::quicktime) << type;
  }
  for (const std::string_view text :
       {"<!DOCTYPE html><html>"sv, "{\"error\": \"gone\"}"sv, "\x89PNG\r\n\x1a\n............"sv,
        "\x1a\x45\xdf\xa3............"sv,
        "\0\0\0\x20"
        "ftyp"sv,
        ""sv,
        "\0\0\0\x04"
        "ftypisom"sv}) {
    EXPECT_FALSE(identify_container(bytes_of(text)));
  }
}

TEST(BoxWalker, KnowsABoundaryHoweverTheBytesAreCut) {
  using namespace std::string_view_literals;
  // A box of 12 bytes, one of 20 with a 64-bit size, one without a body.
  constexpr auto file =
      "\0\0\0\x0c"
      "freeabcd"
      "\0\0\0\x01"
      "mdat"
      "\0\0\0\0\0\0\0\x14"
      "efgh"
      "\0\0\0\x08"
      "free"sv;
  for (std::size_t step = 1; step <= file.size(); ++step) {
    BoxWalker walker;
    EXPECT_TRUE(walker.at_boundary());
    for (std::size_t at = 0; at < file.size(); at += step) {
      const auto piece = file.substr(at, step);
      walker.add(bytes_of(piece));
      const std::size_t end = at + piece.size();
      const bool boundary = end == 12 || end == 32 || end == 40;
      EXPECT_EQ(walker.at_boundary(), boundary) << "step " << step << ", end " << end;
    }
  }
}

TEST(BoxWalker, ABoxToTheEndOfTheFileEndsAnywhere) {
  using namespace std::string_view_literals;
  BoxWalker walker;
  walker.add(bytes_of("\0\0\0\0mdatabc"sv));
  EXPECT_TRUE(walker.at_boundary());
}

TEST(ByteRanges, JoinsRangesInAnyOrder) {
  ByteRanges coverage;
  EXPECT_FALSE(coverage.covers(1));
  coverage.add(50, 100);
  coverage.add(0, 10);
  EXPECT_TRUE(coverage.covers(10));
  EXPECT_FALSE(coverage.covers(100));
  coverage.add(20, 50);
  EXPECT_FALSE(coverage.covers(100));
  coverage.add(5, 25);
  EXPECT_TRUE(coverage.covers(100));
  EXPECT_FALSE(coverage.covers(101));
  coverage.add(100, 100);
  EXPECT_FALSE(coverage.covers(101));
}

TEST(Identity, DiffersByLengthTagOrDate) {
  const Identity first{"\"a\"", "Mon", 100};
  EXPECT_EQ(difference(first, first), "");
  EXPECT_EQ(difference(first, Identity{}), "");
  EXPECT_NE(difference(first, {"\"b\"", "Mon", 100}), "");
  EXPECT_NE(difference(first, {"\"a\"", "Mon", 99}), "");
  EXPECT_NE(difference({"", "Mon", {}}, {"", "Tue", {}}), "");
  // The same tag says more than a date, which may be that of a replica.
  EXPECT_EQ(difference(first, {"\"a\"", "Tue", 100}), "");
}

TEST(Identity, OnlyAStrongTagMayBeUsedForRanges) {
  EXPECT_EQ((Identity{"\"a\"", "Mon", {}}).validator(), "\"a\"");
  EXPECT_EQ((Identity{"W/\"a\"", "Mon", {}}).validator(), "Mon");
  EXPECT_EQ((Identity{"W/\"a\"", "", {}}).validator(), "");
}

TEST(Part, HasOneLength) {
  ASSERT_FALSE(soup::load());
  const auto read = [](unsigned status, std::initializer_list<const char*> lengths) {
    const Owned<SoupMessageHeaders, soup_message_headers_unref> headers(
        soup_message_headers_new(SOUP_MESSAGE_HEADERS_RESPONSE));
    soup_message_headers_append(headers.get(), "Content-Range", "bytes 0-99/100");
    for (const char* length : lengths) {
      soup_message_headers_append(headers.get(), "Content-Length", length);
    }
    return read_part(status, headers.get(), 0);
  };
  for (const unsigned status : {200U, 206U}) {
    EXPECT_EQ(read(status, {"100"}).wrong, "");
    EXPECT_EQ(read(status, {"100"}).length, 100U);
    EXPECT_EQ(read(status, {"100", "100"}).wrong, "") << "as a proxy may repeat it";
    EXPECT_EQ(read(status, {"100", "100"}).length, 100U);
    EXPECT_NE(read(status, {"90", "100"}).wrong, "");
    EXPECT_NE(read(status, {"100", "90"}).wrong, "");
  }
}

TEST(ContentRange, TellsTheLengthWhenThereIsNoSuchRange) {
  EXPECT_EQ(parse_unsatisfied_range("bytes */1000"), 1000U);
  EXPECT_EQ(parse_unsatisfied_range("Bytes */0"), 0U);
  for (const char* text : {"", "bytes", "bytes */", "bytes */*", "bytes 0-9/10", "bytes=*/10",
                           "lines */10", "bytes */-1", "bytes */1 0"}) {
    EXPECT_FALSE(parse_unsatisfied_range(text)) << text;
  }
}

TEST(BoxWalker, AClipHasAnIndexAndMedia) {
  const auto box = [](const std::string& type) {
    return std::string("\0\0\0\x0c", 4) + type + "body";
  };
  const auto may_end = [](const std::string& file) {
    BoxWalker walker;
    walker.add(bytes_of(file));
    return walker.may_end();
  };
  EXPECT_TRUE(may_end(box("ftyp") + box("mdat") + box("moov")));
  EXPECT_TRUE(may_end(box("ftyp") + box("moov") + box("mdat")));
  EXPECT_TRUE(may_end(box("styp") + box("moof") + box("mdat")));
  EXPECT_FALSE(may_end(box("ftyp") + box("mdat")));
  EXPECT_FALSE(may_end(box("ftyp") + box("moov")));
  EXPECT_FALSE(may_end(box("ftyp") + box("mdat") + box("moov") + "\x01"));
  // A box to the end of the file, behind its index.
  EXPECT_TRUE(may_end(box("moov") + std::string("\0\0\0\0mdat", 8) + "any"));
  EXPECT_FALSE(may_end(std::string("\0\0\0\0mdat", 8) + "any"));
}

BytesPtr bytes_from(const std::string& text) {
  return BytesPtr(g_bytes_new(text.data(), text.size()));
}

TEST(Overlap, KnowsTheLatestBytesHoweverTheyCame) {
  std::mt19937 random(5);
  std::string clip(500'000, '\0');
  for (char& byte : clip) byte = static_cast<char>(random());
  for (const std::size_t largest : {1U, 100U, 70'000U, 300'000U}) {
    Overlap tail;
    EXPECT_TRUE(tail.empty());
    std::size_t at = 0;
    while (at < clip.size() && at < 300 * largest) {
      const std::string block = clip.substr(at, 1 + random() % largest);
      tail.add(at, bytes_from(block));
      at += block.size();
      ASSERT_EQ(tail.end(), at);
      ASSERT_EQ(tail.end() - tail.begin(), std::min<std::size_t>(at, Overlap::size_limit));
    }
    EXPECT_TRUE(tail.agrees(0, bytes_of(clip)));
    for (const std::size_t wrong :
         {tail.begin(), (tail.begin() + tail.end()) / 2, tail.end() - 1}) {
      std::string other = clip;
      other[wrong] = static_cast<char>(~other[wrong]);
      EXPECT_FALSE(tail.agrees(0, bytes_of(other))) << largest << ", byte " << wrong;
      EXPECT_TRUE(tail.agrees(wrong + 1, bytes_of(other.substr(wrong + 1))));
      EXPECT_TRUE(tail.agrees(0, bytes_of(other.substr(0, wrong))));
    }
  }
}

TEST(Overlap, BeginsAnewAfterAGap) {
  Overlap tail;
  tail.add(0, bytes_from("abc"));
  tail.add(10, bytes_from("xyz"));
  EXPECT_EQ(tail.begin(), 10U);
  EXPECT_EQ(tail.end(), 13U);
  EXPECT_TRUE(tail.agrees(0, bytes_of("zzzzzzzzzzxy")));
  EXPECT_FALSE(tail.agrees(9, bytes_of("zxz")));
}

TEST(Redirect, NeverLeadsFromHttpsToHttp) {
  const Url secure = *parse_url("https://127.0.0.1:8443/a/clip.mp4?signature=x");
  EXPECT_FALSE(follow_redirect(secure, "http://127.0.0.1/clip.mp4", 0)) << "not even to loopback";
  EXPECT_EQ(follow_redirect(secure, "/b.mp4", 9)->text, "https://127.0.0.1:8443/b.mp4");
  EXPECT_EQ(follow_redirect(secure, "//cdn.example/b.mp4", 0)->text, "https://cdn.example/b.mp4");
  EXPECT_FALSE(follow_redirect(secure, "/b.mp4", max_redirects));
  EXPECT_FALSE(follow_redirect(secure, "https://me:word@cdn.example/b.mp4", 0));
  const Url plain = *parse_url("http://127.0.0.1/a");
  EXPECT_EQ(follow_redirect(plain, "https://cdn.example/b", 0)->scheme, "https");
  EXPECT_FALSE(follow_redirect(plain, "http://cdn.example/b", 0));
}

TEST(Redirect, NeverLeadsFromElsewhereToThisMachine) {
  const Url cdn = *parse_url("https://cdn.example/clip.mp4");
  for (const char* target :
       {"https://127.0.0.1:8443/b", "https://localhost/b", "https://LOCALHOST./b",
        "https://cdn.localhost/b", "https://[::1]/b", "https://[::ffff:127.0.0.1]/b",
        "https://0.0.0.0/b", "https://[::]/b", "//127.1.2.3/b"}) {
    EXPECT_FALSE(follow_redirect(cdn, target, 0)) << target;
  }
  EXPECT_TRUE(follow_redirect(cdn, "https://localhost.example/b", 0));
}

}  // namespace
}  // namespace genpro::clip
