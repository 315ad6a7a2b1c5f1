// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Timecodes as running times.
#include <gtest/gtest.h>

#include "bin/output/timecode.h"

namespace genpro::bin {
namespace {

using Count = Owned<GstVideoTimeCode, gst_video_time_code_free>;

Count at(unsigned fps_n, unsigned fps_d, const char* text) {
  const auto parsed = parse_timecode(text);
  const auto flags = parsed->text.find(';') == std::string::npos
                         ? GST_VIDEO_TIME_CODE_FLAGS_NONE
                         : GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME;
  return Count(gst_video_time_code_new(fps_n, fps_d, nullptr, flags, parsed->hours, parsed->minutes,
                                       parsed->seconds, parsed->frames, 0));
}

// How many frames the wanted one is from the one that was seen at 100 s.
std::optional<std::int64_t> frames(const char* wanted, const Count& seen) {
  const Time from = 100 * GST_SECOND;
  const auto time = time_of(*parse_timecode(wanted), from, *seen);
  if (!time) return std::nullopt;
  // It is less than a frame before the frame's own time, which may be rounded.
  const Time distance = *time - from;
  const auto per_second = static_cast<double>(seen->config.fps_n) / seen->config.fps_d;
  const double exact = static_cast<double>(distance) / GST_SECOND * per_second;
  EXPECT_LT(exact, std::round(exact));
  EXPECT_NEAR(exact, std::round(exact), 0.001);
  return std::llround(exact);
}

TEST(Timecode, IsFourNumbers) {
  const auto timecode = parse_timecode("10:20:30:12");
  ASSERT_TRUE(timecode);
  EXPECT_EQ(timecode->hours, 10U);
  EXPECT_EQ(timecode->minutes, 20U);
  EXPECT_EQ(timecode->seconds, 30U);
  EXPECT_EQ(timecode->frames, 12U);
  for (const char* text : {"10:20:30;12", "1:2:3.4", "23:59:59:119"}) {
    EXPECT_TRUE(parse_timecode(text)) << text;
  }
  for (const char* text :
       {"", "10:20:30", "10:20:30:", "24:00:00:00", "10:60:00:00", "10:00:60:00", "10:00:00:00 ",
        " 10:00:00:00", "+1:00:00:00", "-1:00:00:00", "10:00:00-00", "10:00:00:0000", "ten"}) {
    EXPECT_FALSE(parse_timecode(text)) << text;
  }
}

TEST(Timecode, IsCountedInFrames) {
  const Count pal = at(25, 1, "10:00:00:00");
  EXPECT_EQ(frames("10:00:00:00", pal), 0);
  EXPECT_EQ(frames("10:00:00:24", pal), 24);
  EXPECT_EQ(frames("10:01:00:00", pal), 1500);
  EXPECT_EQ(frames("09:59:59:24", pal), -1);
  EXPECT_EQ(frames("10:00:00:25", pal), std::nullopt) << "there are 25";
  const Count ntsc = at(30000, 1001, "00:00:59;28");
  EXPECT_EQ(frames("00:00:59;29", ntsc), 1);
  EXPECT_EQ(frames("00:01:00;02", ntsc), 2) << "two numbers are left out";
  EXPECT_EQ(frames("00:01:00:02", ntsc), 2) << "also where a colon is written";
  EXPECT_EQ(frames("00:01:00;01", ntsc), std::nullopt);
  EXPECT_EQ(frames("00:10:00;00", ntsc), 17982 - 1798);
  EXPECT_EQ(frames("00:00:02:00", at(60000, 1001, "00:00:00:00")), 120);
}

TEST(Timecode, GoesOnAfterMidnightAndNotBeforeTheBeginning) {
  EXPECT_EQ(frames("00:00:01:00", at(25, 1, "23:59:59:00")), 50);
  EXPECT_EQ(frames("23:59:59:00", at(25, 1, "00:00:01:00")), -50);
  EXPECT_EQ(frames("00:00:00;00", at(30000, 1001, "23:59:59;29")), 1);
  EXPECT_EQ(time_of(*parse_timecode("00:00:00:00"), GST_SECOND, *at(25, 1, "01:00:00:00")), 0);
}

TEST(Timecode, OfNoCountIsNone) {
  const GstVideoTimeCode none{};
  EXPECT_FALSE(time_of(*parse_timecode("00:00:00:00"), 0, none));
}

}  // namespace
}  // namespace genpro::bin
