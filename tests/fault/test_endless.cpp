// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers of clips whose answers have no end: an error of that clip alone, at once.
#include <future>

#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Less than the stalls that are waited for.
constexpr milliseconds at_once{60'000};

void repeat(Wire& wire, const std::string& piece) {
  std::string much;
  while (much.size() < 64 * 1024) much += piece;
  while (wire.write(much)) {
  }
}

struct Endless {
  const char* name;
  const char* word;  // what the error has to say
  std::function<void(Wire&)> write;
};

const Endless floods[] = {
    {"interim_answers", "interim answers",
     [](Wire& wire) { repeat(wire, "HTTP/1.1 100 Continue\r\n\r\n"); }},
    {"early_hints", "interim answers",
     [](Wire& wire) { repeat(wire, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); }},
    {"headers", "headers",
     [](Wire& wire) {
       wire.write("HTTP/1.1 200 OK\r\n");
       repeat(wire, "X-Filler: 0123456789\r\n");
     }},
    {"one_header", "headers",
     [](Wire& wire) {
       wire.write("HTTP/1.1 200 OK\r\nX-Filler: ");
       repeat(wire, "0123456789");
     }},
    {"headers_of_130_kb", "headers",
     [](Wire& wire) {
       std::string text = "HTTP/1.1 200 OK\r\nX-Filler: ";
       text.resize(130'000, 'a');
       wire.write(text + "\r\nContent-Length: 5\r\n\r\n12345");
     }},
};

class Flood : public Delivery, public testing::WithParamInterface<Endless> {
 protected:
  static Answer flood() { return Answer{.raw = GetParam().write}; }
};

TEST_P(Flood, FailsAtOnce) {
  service.files().set_script([](const Seen&, int) { return flood(); });
  const auto begin = steady_clock::now();
  expect_error(run_it({{"stall-timeout", "100"}, {"retries", "6"}}), short_clip(),
               {GetParam().word});
  EXPECT_LT(steady_clock::now() - begin, at_once);
  EXPECT_EQ(gets(), 1U);
  EXPECT_TRUE(eventually([&] { return service.raw_connections() == 0; })) << "it is still read";
}

TEST_P(Flood, FailsAtOnceWhenTheDownloadGoesOn) {
  service.set_clip({.bytes = long_clip()});
  service.files().add_trouble({.kind = Trouble::Kind::cut, .at = late});
  service.files().set_script([](const Seen&, int number) -> std::optional<Answer> {
    if (number == 1) return std::nullopt;
    return flood();
  });
  expect_error(run_it({{"stall-timeout", "100"}, {"retries", "6"}}), long_clip(),
               {GetParam().word});
  EXPECT_EQ(gets(), 2U);
}

TEST_P(Flood, HoldsUpNobodyElse) {
  service.files().set_script([](const Seen&, int) { return flood(); });
  std::vector<std::future<Streamed>> hostile;
  for (int count = 0; count < 4; ++count) {
    hostile.push_back(std::async(std::launch::async, [this] {
      return stream(src({{"stall-timeout", "100"}, {"retries", "6"}}));
    }));
  }
  FakeService good;
  good.set_clip({.bytes = long_clip()});
  const auto begin = steady_clock::now();
  const Streamed streamed = stream(seed_src(good, {{"stall-timeout", "100"}}));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(long_clip()));
  for (auto& run : hostile) expect_error(run.get(), short_clip(), {GetParam().word});
  EXPECT_LT(steady_clock::now() - begin, at_once);
}

INSTANTIATE_TEST_SUITE_P(Each, Flood, testing::ValuesIn(floods),
                         [](const auto& info) { return info.param.name; });

class EndlessClip : public Delivery {};

TEST_F(EndlessClip, ATrickleOfInterimAnswersIsAStall) {
  service.files().set_script([](const Seen&, int) {
    return Answer{.raw = [](Wire& wire) {
      while (wire.write("HTTP/1.1 102 Processing\r\n\r\n")) g_usleep(200'000);
    }};
  });
  const auto begin = steady_clock::now();
  expect_error(run_it({{"stall-timeout", "1"}, {"retries", "1"}}), short_clip(),
               {"no byte came for 1 s", "2 tries"});
  EXPECT_GE(steady_clock::now() - begin, milliseconds(1900));
  EXPECT_EQ(gets(), 2U);
}

TEST_F(EndlessClip, AFewInterimAnswersAreSkipped) {
  service.files().set_script([](const Seen&, int) {
    return Answer{.raw = [](Wire& wire) {
      for (int count = 0; count < 3; ++count) wire.write("HTTP/1.1 103 Early Hints\r\n\r\n");
      wire.write(head("200 OK", {"Content-Length: " + std::to_string(short_clip().size())}));
      wire.write(short_clip());
    }};
  });
  expect_whole(run_it(), short_clip());
  EXPECT_EQ(gets(), 1U);
}

// libsoup 3.2 ends a body with the first line of its trailers, later versions read them all.
TEST_F(EndlessClip, TrailersHoldNothingUp) {
  service.files().set_script([](const Seen&, int) {
    return Answer{.raw = [](Wire& wire) {
      std::string body = chunked_body(short_clip());
      body.resize(body.size() - 2);
      wire.write(head("200 OK", {"Transfer-Encoding: chunked"}) + body);
      repeat(wire, "X-Trailer: 0123456789\r\n");
    }};
  });
  const auto begin = steady_clock::now();
  const Streamed streamed = run_it({{"stall-timeout", "100"}, {"retries", "6"}});
  if (streamed.outcome.eos) {
    expect_whole(streamed, short_clip());
  } else {
    // All of its bytes may be there when that is noticed.
    expect_one_error(streamed.outcome, {.mentions = {"trailers"}, .generation_id = "9040"});
  }
  EXPECT_LT(steady_clock::now() - begin, at_once);
  EXPECT_EQ(gets(), 1U);
}

TEST_F(EndlessClip, RedirectsFailAtOnce) {
  service.files().set_script([](const Seen&, int number) {
    // With a body that nobody reads.
    return Answer{.raw = [number](Wire& wire) {
      wire.write("HTTP/1.1 302 Found\r\nLocation: /" + std::to_string(number) +
                 "\r\nContent-Length: 1000000000\r\n\r\n");
      repeat(wire, "nothing");
    }};
  });
  const auto begin = steady_clock::now();
  expect_error(run_it({{"stall-timeout", "100"}, {"retries", "6"}}), short_clip(),
               {"more than 10 times"}, "302");
  EXPECT_LT(steady_clock::now() - begin, at_once);
  EXPECT_EQ(gets(), 11U);
}

TEST_F(EndlessClip, TheProcessEndsInTime) {
  service.files().set_script([](const Seen&, int) { return Answer{.raw = floods[0].write}; });
  Environment environment = tool_environment();
  environment.insert(environment.end(),
                     {{"GEN_API_BASE_URL", service.api_base()}, {"GEN_API_KEY", test_key}});
  const auto begin = steady_clock::now();
  const Finished finished = run_command(
      {"gst-launch-1.0", "genprosrc", "generation-id=9040", "stall-timeout=100", "!", "fakesink"},
      environment);
  EXPECT_TRUE(finished.in_time);
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("interim answers"), std::string::npos) << finished.out;
  EXPECT_LT(steady_clock::now() - begin, at_once);
}

}  // namespace
}  // namespace genpro::test
