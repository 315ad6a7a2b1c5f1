// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The renderer's parts that can be asked without rendering anything.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "emulator/media/render/drawing.h"
#include "emulator/media/render/prepare.h"
#include "emulator/media/render/sniff.h"
#include "media_fixture.h"

namespace genpro::emulator::render {
namespace {

TEST(Schedule, CoversEveryFrameForAnyNumberOfSlots) {
  for (const int fps : {24, 25, 30}) {
    const int grid = schedule_grid(fps);
    EXPECT_EQ(grid, fps == 25 ? 1 : 3);
    for (const int total : {fps, 2 * fps, 5 * fps, 60 * fps}) {
      for (int count = 1; count <= std::min(24, total / grid); ++count) {
        const auto slots = make_schedule(count, total, 12, grid);
        ASSERT_EQ(slots.size(), static_cast<std::size_t>(count));
        EXPECT_EQ(slots.front().start, 0);
        EXPECT_EQ(slots.back().start + slots.back().frames, total);
        for (std::size_t i = 0; i < slots.size(); ++i) {
          const Slot& slot = slots[i];
          EXPECT_GT(slot.frames, 0);
          EXPECT_EQ(slot.start % grid, 0);
          EXPECT_EQ(slot.frames % grid, 0);
          EXPECT_EQ(slot.fade_in % grid, 0);
          EXPECT_GE(slot.frames, slot.fade_in + slot.fade_out) << count << " in " << total;
          if (i == 0) continue;
          EXPECT_EQ(slots[i - 1].start + slots[i - 1].frames, slot.start + slot.fade_in);
          EXPECT_EQ(slots[i - 1].fade_out, slot.fade_in);
        }
      }
    }
  }
}

TEST(Schedule, CrossFadesForHalfASecondWhenThereIsTime) {
  const auto slots = make_schedule(2, 120, 12, 3);
  EXPECT_EQ(slots[0].fade_out, 12);
  EXPECT_LE(std::abs(slots[0].frames - slots[1].frames), 3);
}

TEST(Caption, KeepsMarkupAndDropsControlCharacters) {
  EXPECT_EQ(caption_text("<b>a</b> & b"), "<b>a</b> & b");
  EXPECT_EQ(caption_text("a\x01\x7f\x1b[b"), "a[b");
  EXPECT_EQ(caption_text("  a \t\t b  "), "a b");
  EXPECT_EQ(caption_text("a \r\n\n b"),
            "a\xe2\x80\xa8"
            "b");
  EXPECT_EQ(caption_text(" \n\t "), "");
  EXPECT_EQ(caption_text("bad \xff byte"), "bad \xef\xbf\xbd byte");
}

TEST(Caption, ShortensALongPromptWithAnEllipsis) {
  const std::string text = caption_text(std::string(100000, 'x'));
  EXPECT_LT(text.size(), 1000U);
  EXPECT_EQ(text.substr(text.size() - 3), "\xe2\x80\xa6");
}

TEST(Caption, FitsTheLowerThirdOfEachRaster) {
  for (const Size raster : {Size{1280, 720}, Size{720, 1280}, Size{720, 720}}) {
    const auto one = make_caption("One line", raster);
    const auto many = make_caption(std::string(3000, 'w') + " many words", raster);
    ASSERT_TRUE(one && many);
    EXPECT_EQ(one->size().width, raster.width);
    EXPECT_LT(one->size().height, many->size().height);
    EXPECT_LE(many->size().height, raster.height * 0.42);
  }
  EXPECT_FALSE(make_caption("  ", {1280, 720}).has_value());
}

struct Header {
  const char* encoder;
  // How the file says that it is 64 by 48 pixels large, and how it would say that it is huge.
  std::string small;
  std::string huge;
};

template <std::size_t size>
std::string bytes(const char (&text)[size]) {
  return {text, size - 1};
}

TEST(Sniff, RefusesAPictureOfTooManyPixelsByItsHeader) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("picture");
  for (const Header& header : {
           Header{"pngenc", bytes("\0\0\0\x40\0\0\0\x30"), bytes("\0\0\x40\0\0\0\x40\0")},
           Header{"jpegenc", bytes("\0\x30\0\x40"), bytes("\x40\0\x40\0")},
           Header{"videoconvert ! avenc_bmp", bytes("\x40\0\0\0\x30\0\0\0"),
                  bytes("\0\x40\0\0\0\xc0\xff\xff")},
           Header{"gif", bytes("\x40\0\x30\0"), bytes("\0\x40\0\x40")},
           Header{"webpenc", bytes("\x40\0\x30\0"), bytes("\xff\x3f\xff\x3f")},
           Header{"webpenc lossless=true", bytes("\x3f\xc0\x0b"), bytes("\xff\xff\xff\x0f")},
       }) {
    if (header.encoder == std::string("gif")) {
      test::write_gif(path, 1, 64, 48, test::kRed);
    } else {
      test::write_plain_picture(path, header.encoder, 64, 48, test::kRed);
    }
    EXPECT_EQ(find_fault(path, ""), "") << header.encoder;
    std::string file = test::read_file(path);
    const auto at = file.find(header.small);
    ASSERT_NE(at, std::string::npos) << header.encoder;
    test::write_file(path, file.replace(at, header.huge.size(), header.huge));
    EXPECT_NE(find_fault(path, "").find("120 million"), std::string::npos)
        << header.encoder << ": " << find_fault(path, "");
  }
  // Little endian: two entries of a directory at 8, and what fills a file.
  test::write_file(path, bytes("II*\0\x08\0\0\0\x02\0"
                               "\0\x01\x03\0\x01\0\0\0\0\x40\0\0"
                               "\x01\x01\x04\0\x01\0\0\0\0\x40\0\0"));
  EXPECT_NE(find_fault(path, "").find("16384 by 16384"), std::string::npos);
}

}  // namespace
}  // namespace genpro::emulator::render
