// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers that fall silent, and pipelines that stand still meanwhile.
#include <atomic>

#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;
using std::chrono::milliseconds;

// Something ought not to happen, and its absence cannot be waited for: longer than stall-timeout.
constexpr milliseconds longer_than_a_stall{1500};

class Stalls : public Delivery {
 protected:
  // The clip up to its byte `at`, then nothing, until the gate opens and the connection is reset.
  void hold_at(std::size_t at, const std::shared_ptr<Gate>& gate) {
    service.files().add_trouble({.kind = Kind::reset, .at = at, .gate = gate});
  }
  bool asks_again(std::size_t after, milliseconds within) {
    return service.wait_for(is_cdn, after + 1, within);
  }
};

TEST_F(Stalls, BreakADownloadAndItGoesOn) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::stall, .at = 5});
  service.files().add_trouble({.kind = Kind::stall, .at = late});
  expect_whole(run_it(), long_clip());
  const auto seen = service.requests(is_cdn);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_GE(seen[1].at - seen[0].at, milliseconds(900)) << "not before stall-timeout";
}

TEST_F(Stalls, ASlowDripIsNone) {
  service.files().set_script([](const Seen&, int) -> std::optional<Answer> {
    return Answer{.raw = [](Wire& wire) {
      const std::string& clip = small_clip();
      wire.write(head("200 OK", {"Content-Length: " + std::to_string(clip.size())}));
      // Each piece comes in time, all of them together take longer than a stall.
      const std::size_t piece = clip.size() / 30 + 1;
      for (std::size_t at = 0; at < clip.size(); at += piece) {
        if (!wire.write(clip.substr(at, piece))) return;
        g_usleep(60'000);
      }
    }};
  });
  const auto begin = std::chrono::steady_clock::now();
  expect_whole(run_it(), small_clip());
  EXPECT_GT(std::chrono::steady_clock::now() - begin, milliseconds(1500));
  EXPECT_EQ(gets(), 1U);
}

TEST_F(Stalls, OnEachTryAreAnErrorInTheEnd) {
  service.set_clip({.bytes = long_clip()});
  for (int i = 0; i < 20; ++i) service.files().add_trouble({.kind = Kind::stall, .at = late});
  expect_error(run_it({{"retries", "1"}}), long_clip(), {"no byte came for 1 s"});
}

// Nobody reads, and all that may be read ahead is there: silence is what is to be expected.
TEST_F(Stalls, AStandingPipelineIsNone) {
  service.set_clip({.bytes = long_clip()});
  Collector collector(src());
  ASSERT_TRUE(collector.preroll());
  EXPECT_FALSE(asks_again(1, longer_than_a_stall)) << "it connects anew though nobody reads";
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), long_clip());
  EXPECT_EQ(gets(), 1U);
}

TEST_F(Stalls, AConnectionThatDiesDuringAPauseIsMadeAnew) {
  service.set_clip({.bytes = long_clip()});
  auto gate = std::make_shared<Gate>();
  hold_at(late, gate);
  Collector collector(src({{"retries", "1"}}));
  ASSERT_TRUE(collector.preroll());
  gate->open();
  ASSERT_TRUE(eventually([&] { return service.raw_connections() == 0; }));
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), long_clip());
  const auto seen = service.requests(is_cdn);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].header("if-range"), "\"first\"") << "it begins again";
}

TEST_F(Stalls, AServerThatForgetsAStandingPipelineIsAskedAgain) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Kind::stall, .at = late});
  Collector collector(src({{"retries", "1"}}));
  ASSERT_TRUE(collector.preroll());
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), long_clip());
  EXPECT_EQ(gets(), 2U);
}

// What may go wrong for as long as a pipeline stands still.
struct Trying {
  const char* name;
  std::function<Answer()> answer;
};

void PrintTo(const Trying& trying, std::ostream* out) {
  *out << trying.name;
}

class Standing : public Stalls, public testing::WithParamInterface<Trying> {};

// The clip is shorter than what is read ahead, so that the element goes on trying.
TEST_P(Standing, UsesUpNoRetries) {
  auto gate = std::make_shared<Gate>();
  hold_at(short_size / 2, gate);
  Collector collector(src({{"retries", "1"}}));
  ASSERT_TRUE(collector.preroll());
  auto well = std::make_shared<std::atomic<bool>>(false);
  service.files().set_script([well](const Seen&, int) -> std::optional<Answer> {
    if (*well) return std::nullopt;
    return GetParam().answer();
  });
  gate->open();
  // It tries, and at some time it lets it be.
  ASSERT_TRUE(asks_again(1, generous));
  ASSERT_TRUE(eventually([&] {
    const std::size_t before = gets();
    return !asks_again(before, longer_than_a_stall);
  }));
  EXPECT_LE(gets(), 5U) << "it tries all the time though nobody reads";
  EXPECT_TRUE(collector.listener().outcome().errors.empty())
      << collector.listener().outcome().summary();
  *well = true;
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), short_clip());
}

INSTANTIATE_TEST_SUITE_P(
    Each, Standing,
    testing::Values(Trying{"silence", silent_answer}, Trying{"closed", closing_answer},
                    Trying{"unavailable", [] { return html_answer(503, "<h1>busy</h1>"); }}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Stalls, AnAddressThatExpiresWhileTheServiceIsAwayIsAskedForOnceMore) {
  auto gate = std::make_shared<Gate>();
  hold_at(short_size / 2, gate);
  const std::string fresh = service.cdn_url() + "/fresh.mp4";
  service.files().set_clip("/fresh.mp4", {.bytes = short_clip()});
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  service.push_poll(json_answer(503, R"({"error": "Busy"})"));
  Collector collector(src({{"retries", "1"}}));
  ASSERT_TRUE(collector.preroll());
  service.files().set_script([](const Seen& seen, int) -> std::optional<Answer> {
    if (seen.path == "/fresh.mp4") return std::nullopt;
    return html_answer(403, "<h1>expired</h1>");
  });
  gate->open();
  ASSERT_TRUE(service.wait_for(is_poll, 3));
  ASSERT_FALSE(service.wait_for(is_poll, 4, longer_than_a_stall)) << "it asks though nobody reads";
  service.push_poll(json_answer(200, FakeService::completed_json(fresh)));
  const Outcome outcome = collector.play_out();
  expect_whole(outcome, collector.bytes(), short_clip());
}

}  // namespace
}  // namespace genpro::test
