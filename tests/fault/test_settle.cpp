// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro ledger settle`, and stops that a run of another request sends.
#include "fault/rules_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

Finished settle(const Bench& bench, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"ledger", "settle", "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return genpro(bench, words);
}

testing::AssertionResult has(const Finished& finished, int exit_code,
                             const std::vector<std::string>& texts) {
  if (finished.exit_code != exit_code) {
    return testing::AssertionFailure() << "exit code " << finished.exit_code << "\n"
                                       << finished.out;
  }
  for (const std::string& text : texts) {
    if (finished.out.find(text) == std::string::npos) {
      return testing::AssertionFailure() << "without " << text << "\n" << finished.out;
    }
  }
  return testing::AssertionSuccess();
}

// A run has ended before its ledger has noted everything, and other programs may see that.
bool wait_for_delivery(const Bench& bench) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    const Finished listed =
        run_command({g_getenv("GENPRO"), "ledger", "list", "--ledger", bench.ledger, "--json"});
    if (listed.out.find("\"delivered\" : true") != std::string::npos) return true;
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

// A run whose request is lost, and after which the service cannot be reached.
void lose(Bench& bench, PostFate fate) {
  auto gate = std::make_shared<Gate>();
  Production production(bench.src({{"retries", "0"}}));
  bench.service.behave({.next_posts = {fate}, .cell_gate = gate});
  production.play();
  ASSERT_TRUE(bench.wait_for(cell_readings(1)));
  gate->open();
  ASSERT_TRUE(bench.wait_for(posts(1)));
  bench.service.behave({.away = Loss::closed});
  const Outcome ended = production.finish();
  ASSERT_EQ(ended.errors.size(), 1U) << ended.summary();
}

TEST(Settle, FindsTheGenerationOfALostRequest) {
  Bench bench;
  lose(bench, PostFate::unanswered);
  ASSERT_EQ(bench.books().created().size(), 1U);
  bench.service.behave(endless);
  EXPECT_TRUE(has(settle(bench), 0, {bench.books().generations[0].id, "\"running\"", "likely"}));
  bench.service.end(bench.books().generations[0].id, "completed");
  EXPECT_TRUE(has(settle(bench), 0, {"\"settled\"", "\"completed\""}));
  EXPECT_TRUE(has(settle(bench), 0, {"[]"}));
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

// What the cell does not list after the settling time may still have been taken: no proof, no
// refusal. The next run asks once more, with its key.
TEST(Settle, LeavesALostRequestThatTheCellDoesNotListInDoubt) {
  Bench bench;
  lose(bench, PostFate::dropped);
  bench.service.behave({});
  const Finished settled = settle(bench);
  EXPECT_TRUE(has(settled, 1, {"\"left\"", "in doubt", "counts as taken"}));
  EXPECT_EQ(settled.out.find("refused"), std::string::npos) << settled.out;
  EXPECT_GE(std::chrono::steady_clock::now() - bench.books().posts[0].at,
            boot_time(std::chrono::seconds(30)))
      << "it did not wait until the service must have listed it";
  EXPECT_TRUE(bench.books().created().empty());
  EXPECT_EQ(bench.books().posts.size(), 1U);
  EXPECT_TRUE(has(settle(bench), 1, {"\"left\""})) << "nor does that time make it another one";
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_TRUE(one_key(bench));
}

TEST(Settle, SendsAStopThatIsOwed) {
  Bench bench({.polls = never, .stop = StopFate::dropped});
  {
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(polls(2)));
    ASSERT_TRUE(production.stop());
  }
  ASSERT_EQ(bench.books().charged().size(), 1U);
  bench.service.behave(endless);
  EXPECT_TRUE(has(settle(bench), 0, {"\"settled\"", "\"stopped\"", "refund is not proven"}));
  EXPECT_TRUE(bench.books().charged().empty());
}

TEST(Settle, LeavesWhatAProcessIsAt) {
  Bench bench(endless);
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(polls(2)));
  EXPECT_TRUE(has(settle(bench), 0, {"\"in_use\""}));
  EXPECT_TRUE(bench.books().stops.empty());
}

TEST(Settle, SendsTheKeyToItsOwnApiOnly) {
  Bench bench(endless);
  {
    Production production(bench.src({{"on-shutdown", "detach"}}));
    production.play();
    ASSERT_TRUE(bench.wait_for(polls(2)));
    ASSERT_TRUE(production.stop());
  }
  const PaidService other(small_clip());
  const unsigned before = bench.books().polls;
  EXPECT_TRUE(has(settle(bench, {"--api-base-url", other.api_base()}), 1, {"\"foreign\""}));
  EXPECT_EQ(bench.books().polls, before);
  EXPECT_EQ(other.books().polls + other.books().others, 0U);
}

TEST(Settle, TellsOfAServiceThatIsAway) {
  Bench bench;
  lose(bench, PostFate::unanswered);
  EXPECT_TRUE(has(settle(bench), 1, {"\"left\"", "GEN API"}));
}

TEST(Settle, NeedsNoKeyWhenThereIsNothingToDo) {
  Bench bench;
  ASSERT_TRUE(bench.run().outcome.eos);
  ASSERT_TRUE(wait_for_delivery(bench));
  EXPECT_TRUE(has(run_command({g_getenv("GENPRO"), "ledger", "settle", "--ledger", bench.ledger}),
                  0, {"nothing to settle"}));
}

// The pipeline ended while its request was unanswered. What it made is never more than likely its
// own: it is not stopped, and the next run of the same request gets its clip.
TEST(OwedStop, OfWhatIsNotProvenIsNeverSent) {
  Bench bench({.next_posts = {PostFate::unanswered}, .loss = Loss::silent, .polls = never});
  {
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(posts(1)));
    ASSERT_TRUE(production.stop());
  }
  ASSERT_EQ(bench.books().charged().size(), 1U);
  const std::string id = bench.books().generations[0].id;
  bench.service.behave(endless);
  {
    Production other(bench.src({{"prompt", "Something else"}}));
    other.play();
    ASSERT_TRUE(bench.wait_for(created(2))) << bench.books().text();
    ASSERT_TRUE(bench.wait_for(polls(2)));
    EXPECT_TRUE(has(settle(bench), 0, {"\"running\"", id, "not stopped"}));
    ASSERT_TRUE(other.stop());
  }
  ASSERT_TRUE(bench.wait_for(stopped(1)));
  EXPECT_NE(bench.books().stopped(), std::vector{id});
  bench.service.behave({});
  const Streamed again = bench.run();
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_EQ(again.bytes, bench.service.clip(id));
  EXPECT_EQ(bench.books().created().size(), 2U);
}

}  // namespace
}  // namespace genpro::test
