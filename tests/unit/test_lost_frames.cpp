// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/lost_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace genpro::bin {
namespace {

constexpr std::int64_t frame = 40 * GST_MSECOND;
constexpr gsize coded = 500;

// Frames of a clip in the order of its file: each group of some, after the first one, begins with
// its last frame, to which the others refer.
std::vector<int> decoding_order(int frames, int group) {
  std::vector<int> order{0};
  for (int first = 1; first < frames; first += group) {
    const int last = std::min(first + group, frames) - 1;
    order.push_back(last);
    for (int number = first; number < last; ++number) order.push_back(number);
  }
  return order;
}

TEST(LostFrames, AreThoseThatWereReadAndNeverCame) {
  std::mt19937 random(1);
  for (int run = 0; run < 2000; ++run) {
    SCOPED_TRACE(run);
    const int frames = 5 + static_cast<int>(random() % 200);
    const std::size_t ahead = 8 + random() % 60;
    const std::int64_t begin = frame * static_cast<std::int64_t>(random() % 3);
    const int excused = random() % 2 == 0 ? 0 : static_cast<int>(random() % 50);
    // Of a file whose times are wrong.
    const std::int64_t shift = random() % 5 == 0 ? frame / 3 : 0;
    std::set<int> lost;
    if (shift == 0) {
      for (auto more = random() % 4; more > 0; --more) {
        lost.insert(static_cast<int>(random() % static_cast<unsigned>(frames)));
      }
    }
    const auto time = [&](int number) { return begin + frame * number; };
    const std::vector<int> order = decoding_order(frames, 1 + static_cast<int>(random() % 4));
    LostFrames account;
    account.excuse(time(excused));
    std::size_t read = 0;
    for (int number = 0; number < frames; ++number) {
      const std::size_t until = static_cast<std::size_t>(number) + ahead;
      for (; read < std::min(order.size(), until); ++read) {
        account.add_read(time(order[read]), coded);
      }
      if (!lost.contains(number)) account.add_decoded(time(number) + shift);
    }
    account.end();
    std::erase_if(lost, [&](int number) { return number < excused; });
    EXPECT_EQ(account.count(), lost.size());
    if (!lost.empty()) {
      EXPECT_EQ(account.first(), time(*lost.begin()));
    }
  }
}

TEST(LostFrames, AreNotThoseThatNeedFramesBeforeTheFirst) {
  LostFrames account;
  for (const int number : {2, 0, 1, 3}) account.add_read(frame * number, coded);
  for (const int number : {2, 3}) account.add_decoded(frame * number);
  account.end();
  EXPECT_EQ(account.count(), 0U);
}

TEST(LostFrames, AreNotThoseOfWhichAnEditLeavesNothing) {
  LostFrames account;
  account.add_read(0, coded, false);
  for (const int number : {0, 1}) account.add_read(frame * number, coded);
  for (const int number : {0, 1}) account.add_decoded(frame * number);
  account.end();
  EXPECT_EQ(account.count(), 0U);
}

TEST(LostFrames, AreNotSamplesWithoutAFrame) {
  LostFrames account;
  for (const int number : {0, 1, 2}) account.add_read(frame * number, number == 1 ? 7 : coded);
  for (const int number : {0, 2}) account.add_decoded(frame * number);
  account.end();
  EXPECT_EQ(account.count(), 0U);
}

}  // namespace
}  // namespace genpro::bin
