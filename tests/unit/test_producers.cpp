// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The times of the frames and of the audio where running times begin anew.
#include <gtest/gtest.h>

#include "bin/playout/producers.h"
#include "gst/gst_ptr.h"

namespace genpro::test {
namespace {

using bin::Producer;
using bin::Time;
using Make = std::unique_ptr<Producer> (*)(std::shared_ptr<bin::CurrentPlayout>);

constexpr Time max_lateness = 10 * GST_SECOND;

class Producers : public testing::TestWithParam<Make> {
 protected:
  void SetUp() override {
    producer->start();
    const PadPtr pad = sink_ref(gst_pad_new("src", GST_PAD_SRC));
    ASSERT_TRUE(producer->negotiate(pad.get()));
  }
  // Up to where `time` is reached.
  Producer::Step produce_until(Time time) {
    Producer::Step step;
    do {
      step = producer->produce(step.due, max_lateness);
    } while (step.buffer && step.due < time);
    return step;
  }
  const std::shared_ptr<bin::Playout> playout = std::make_shared<bin::Playout>(
      bin::Timeline::Events{[](const auto&, const auto&, Time) {}, [](const auto&) {}});
  const std::unique_ptr<Producer> producer =
      GetParam()(std::make_shared<bin::CurrentPlayout>(playout));
};

TEST_P(Producers, BeginAnewWithRunningTimesThatAreBehindThem) {
  const Producer::Step last = produce_until(5 * GST_SECOND);
  ASSERT_TRUE(last.buffer);
  playout->timeline.move_back(5 * GST_SECOND + 700 * GST_MSECOND);
  Time due = -1;
  for (int number = 0; number < 100; ++number) {
    const Producer::Step step = producer->produce(std::max<Time>(0, due), max_lateness);
    ASSERT_TRUE(step.buffer);
    ASSERT_GE(step.due, 0);
    EXPECT_GT(step.due, due);
    EXPECT_EQ(GST_BUFFER_PTS(step.buffer.get()), static_cast<GstClockTime>(step.due));
    EXPECT_EQ(GST_BUFFER_FLAG_IS_SET(step.buffer.get(), GST_BUFFER_FLAG_DISCONT), number == 0);
    if (number == 0) {
      EXPECT_LE(step.due, 50 * GST_MSECOND);
    }
    due = step.due;
  }
}

TEST_P(Producers, GoOnWithRunningTimesThatGoBackToWhereTheyAre) {
  const Producer::Step last = produce_until(5 * GST_SECOND);
  ASSERT_TRUE(last.buffer);
  playout->timeline.move_back(4 * GST_SECOND);
  const Producer::Step step = producer->produce(GST_SECOND, max_lateness);
  ASSERT_TRUE(step.buffer);
  const auto end =
      static_cast<Time>(GST_BUFFER_PTS(last.buffer.get()) + GST_BUFFER_DURATION(last.buffer.get()));
  EXPECT_EQ(step.due, end - 4 * GST_SECOND);
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(step.buffer.get(), GST_BUFFER_FLAG_DISCONT));
}

INSTANTIATE_TEST_SUITE_P(Of, Producers,
                         testing::Values(bin::make_video_producer, bin::make_audio_producer));

}  // namespace
}  // namespace genpro::test
