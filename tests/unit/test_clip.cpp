// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <string_view>

#include "clip/box_walker.h"
#include "clip/container.h"
#include "clip/content_range.h"
#include "clip/coverage.h"
#include "clip/identity.h"

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

TEST(Coverage, JoinsRangesInAnyOrder) {
  Coverage coverage;
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

}  // namespace
}  // namespace genpro::clip
