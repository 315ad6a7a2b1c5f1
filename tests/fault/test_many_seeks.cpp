// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Flushing seeks in a row, one after the other and on top of each other.
#include <cstdlib>
#include <random>

#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;

// Fewer where each one takes longer.
int seeks() {
  const char* number = g_getenv("GENPRO_TEST_SEEKS");
  return number != nullptr ? std::atoi(number) : 1000;
}

class ManySeeks : public Delivery {
 protected:
  std::size_t anywhere() { return anywhere_(random_); }

  // A seek, and the bytes of the first buffer that comes then.
  void check_seek(Collector& collector, std::size_t position) {
    ASSERT_TRUE(collector.seek(static_cast<std::int64_t>(position))) << position;
    ASSERT_TRUE(collector.settle()) << position << collector.listener().outcome().summary();
    ASSERT_TRUE(eventually([&] {
      return collector.segment_start() == static_cast<std::int64_t>(position) &&
             !collector.bytes().empty();
    })) << position;
    const std::string bytes = collector.bytes();
    ASSERT_TRUE(bytes == short_clip().substr(position, bytes.size())) << "from " << position;
  }

  // From anywhere to the end of the clip.
  void check_end(Collector& collector) {
    const std::size_t last = anywhere();
    ASSERT_TRUE(collector.seek(static_cast<std::int64_t>(last)));
    const Outcome outcome = collector.play_out();
    expect_whole(outcome, collector.bytes(), short_clip().substr(last));
  }

 private:
  std::mt19937 random_{11};
  std::uniform_int_distribution<std::size_t> anywhere_{0, short_size - 1};
};

TEST_F(ManySeeks, EachGivesTheRightBytes) {
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  for (int i = 0; i < seeks(); ++i) {
    check_seek(collector, anywhere());
    if (HasFatalFailure()) return;
  }
  check_end(collector);
}

TEST_F(ManySeeks, EachGivesTheRightBytesWithoutTagAndDate) {
  service.set_clip({.bytes = short_clip(), .etag = ""});
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  for (int i = 0; i < seeks() / 10; ++i) {
    check_seek(collector, anywhere());
    if (HasFatalFailure()) return;
  }
}

// Nobody waits for what a seek brings before the next one comes.
TEST_F(ManySeeks, TheLastOneOfManyCounts) {
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  for (int i = 0; i < seeks(); ++i)
    ASSERT_TRUE(collector.seek(static_cast<std::int64_t>(anywhere())));
  check_seek(collector, anywhere());
}

// The connections that seeks make break like any other.
TEST_F(ManySeeks, BrokenConnectionsInBetweenDoNoHarm) {
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  for (int i = 0; i < seeks() / 10; ++i) {
    const std::size_t position = anywhere();
    const std::size_t broken_at = position + anywhere() % (short_size - position);
    service.files().add_trouble({.kind = i % 2 == 0 ? Kind::cut : Kind::reset, .at = broken_at});
    ASSERT_TRUE(collector.seek(static_cast<std::int64_t>(position)));
    if (i % 8 == 0) {
      check_seek(collector, anywhere());
      if (HasFatalFailure()) return;
    }
  }
  check_end(collector);
}

}  // namespace
}  // namespace genpro::test
