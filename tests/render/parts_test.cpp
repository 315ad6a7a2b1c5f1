// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The renderer's parts that can be asked without rendering anything.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <string>

#include "emulator/render/caption.h"
#include "emulator/render/schedule.h"

namespace genpro::emulator::render {
namespace {

TEST(Schedule, CoversEveryFrameForAnyNumberOfSlots) {
  for (const int total : {24, 48, 120, 125, 1440}) {
    for (int count = 1; count <= 24; ++count) {
      const auto slots = make_schedule(count, total, 12);
      ASSERT_EQ(slots.size(), static_cast<std::size_t>(count));
      EXPECT_EQ(slots.front().start, 0);
      EXPECT_EQ(slots.back().start + slots.back().frames, total);
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const Slot& slot = slots[i];
        EXPECT_GT(slot.frames, 0);
        EXPECT_GE(slot.frames, slot.fade_in + slot.fade_out) << count << " in " << total;
        if (i == 0) continue;
        EXPECT_EQ(slots[i - 1].start + slots[i - 1].frames, slot.start + slot.fade_in);
        EXPECT_EQ(slots[i - 1].fade_out, slot.fade_in);
      }
    }
  }
}

TEST(Schedule, CrossFadesForHalfASecondWhenThereIsTime) {
  const auto slots = make_schedule(2, 120, 12);
  EXPECT_EQ(slots[0].fade_out, 12);
  EXPECT_EQ(slots[0].frames, slots[1].frames);
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

}  // namespace
}  // namespace genpro::emulator::render
