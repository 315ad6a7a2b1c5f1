// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "support/json_text.h"
#include "support/media.h"
#include "support/process.h"

namespace genpro::test {
namespace {

TEST(Media, MoovIsWhereItWasAskedFor) {
  const std::string at_end = make_mp4({.frames = 24, .moov_at_end = true});
  EXPECT_GT(box_position(at_end, "moov"), box_position(at_end, "mdat"));
  const std::string at_start = make_mp4({.frames = 24, .moov_at_end = false});
  EXPECT_LT(box_position(at_start, "moov"), box_position(at_start, "mdat"));
  EXPECT_EQ(box_position(at_end, "ftyp"), 0U);
  EXPECT_EQ(decoded_frames(at_end), 24);
  EXPECT_EQ(decoded_frames(at_start), 24);
}

TEST(Media, APaddedFileIsStillTheSameVideo) {
  const std::string mp4 = padded_mp4(make_mp4({.frames = 10}), 300'000, 7);
  EXPECT_EQ(mp4.size(), 300'000U);
  EXPECT_NE(box_position(mp4, "free"), std::string::npos);
  EXPECT_EQ(decoded_frames(mp4), 10);
}

TEST(Media, WhatIsNoVideoHasNoFrames) {
  EXPECT_EQ(decoded_frames("<html></html>"), -1);
}

TEST(JsonText, IsCanonical) {
  EXPECT_EQ(canonical_json(R"({"b": [1, 2.0, "x\n"], "a": {"d": null, "c": true}})"),
            R"({"a":{"c":true,"d":null},"b":[1,2.0,"x\u000a"]})");
  EXPECT_NE(canonical_json(R"({"a": 5})"), canonical_json(R"({"a": 5.0})"));
  EXPECT_NE(canonical_json(R"({"a": 5})"), canonical_json(R"({"a": "5"})"));
  EXPECT_TRUE(canonical_json("{").starts_with("not JSON"));
}

TEST(Process, RunsWithEnvironmentAndInput) {
  const Finished finished =
      run_command({"/bin/sh", "-c", "cat; echo $WORD >&2; exit 3"}, {{"WORD", "there"}}, "hello ");
  EXPECT_TRUE(finished.in_time);
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_EQ(finished.out, "hello there\n");
}

TEST(Process, EndsWhatDoesNotEnd) {
  const Finished finished =
      run_command({"/bin/sleep", "600"}, {}, "", std::chrono::milliseconds(100));
  EXPECT_FALSE(finished.in_time);
}

}  // namespace
}  // namespace genpro::test
