// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SIGKILL while the queue of a genprobin is under way, then the same items again: each is paid for
// once, and all of them go on air.
#include "fault/fault_fixture.h"

namespace genpro::test {
namespace {

struct Moment {
  const char* name;
  Manners manners;  // until the kill
  PaidService::Condition condition;

  friend void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }
};

Manners unanswered_after(std::size_t answered) {
  Manners manners = endless;
  manners.next_posts.assign(answered, PostFate::answered);
  manners.next_posts.push_back(PostFate::unanswered);
  manners.loss = Loss::silent;
  return manners;
}

Manners held_clip() {
  Manners manners;
  manners.clip_held_at = 50'000;
  return manners;
}

std::vector<Moment> moments() {
  return {{"OneIsMade", endless, created(1)},
          {"TwoAreMade", endless, created(2)},
          {"AllArePolled", endless,
           [](const Books& books) { return books.created().size() == 3 && books.polls > 6; }},
          {"TheFirstIsNotAnswered", unanswered_after(0), created(1)},
          {"TheLastIsNotAnswered", unanswered_after(2), created(3)},
          {"AClipIsRead", held_clip(), clip_bytes(50'000)}};
}

class KilledQueue : public testing::TestWithParam<std::tuple<Moment, bool>> {
 protected:
  std::unique_ptr<Child> start(const std::string& name) const {
    std::string line = "genprobin name=bin";
    Settings settings = bench.settings({{"prefetch", "3"},
                                        {"at-end", "eos"},
                                        {"width", "64"},
                                        {"height", "36"},
                                        {"framerate", "10/1"}});
    for (const auto& [property, value] : settings) {
      if (property != "api-key") line += " " + property + "=\"" + value + "\"";
    }
    line += " bin.video ! fakesink bin.audio ! fakesink";
    Environment environment = tool_environment();
    environment.emplace_back("GEN_API_KEY", test_key);
    // Two of them ask for the same.
    const std::vector<std::string> words = {QUEUE_APP, line, R"({"prompt": "A boat"})",
                                            R"({"prompt": "A plane"})", R"({"prompt": "A plane"})"};
    return std::make_unique<Child>(words, environment, bench.file(name));
  }
  Bench bench;
};

TEST_P(KilledQueue, IsPaidForOnce) {
  auto [moment, honours_keys] = GetParam();
  moment.manners.honours_keys = honours_keys;
  bench.service.behave(moment.manners);
  const auto killed = start("killed.log");
  ASSERT_TRUE(bench.wait_for(moment.condition)) << bench.books().text() << killed->output();
  ASSERT_TRUE(killed->kill()) << killed->output();

  bench.service.behave({.honours_keys = honours_keys});
  const auto child = start("again.log");
  ASSERT_TRUE(child->wait(std::chrono::minutes(3))) << child->output();
  EXPECT_TRUE(child->succeeded()) << child->output();
  const Books books = bench.books();
  EXPECT_EQ(books.created().size(), 3U) << books.text() << child->output();
  EXPECT_EQ(books.charged().size(), 3U) << books.text() << child->output();
  for (const PaidGeneration& generation : books.created()) {
    EXPECT_NE(child->output().find("on air: " + generation.id), std::string::npos)
        << generation.id << " is paid for and not shown: " << books.text() << child->output();
  }
}

INSTANTIATE_TEST_SUITE_P(When, KilledQueue,
                         testing::Combine(testing::ValuesIn(moments()), testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  std::string(std::get<1>(info.param) ? "" : "WithoutKeys");
                         });

}  // namespace
}  // namespace genpro::test
