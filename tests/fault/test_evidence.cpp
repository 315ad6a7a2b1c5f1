// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is evidence of whose a job is, and what follows from each: nobody else's job is stopped, or
// delivered without a warning, and nothing is charged for on a guess.
#include "fault/rules_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

const Answer gateway = html_answer(502, "<html><body>Bad gateway</body></html>");
// Nothing of the run itself makes it ask again.
const Answer no_answer_at_all = html_answer(400, "<html><body>Bad request</body></html>");
const GivenPost taken{gateway, true};
const GivenPost not_taken{gateway, false};
const GivenPost not_taken_and_final{no_answer_at_all, false};

bool warns_of(const Outcome& outcome, const std::string& id) {
  return std::any_of(outcome.warnings.begin(), outcome.warnings.end(),
                     [&](const BusError& one) { return one.text.find(id) != std::string::npos; });
}

std::string foreign_id(const Books& books) {
  for (const PaidGeneration& one : books.generations)
    if (one.foreign) return one.id;
  return "";
}

// The only job that is new within the settling time is likely this request's, and nothing more.
TEST(Likely, IsDeliveredWithAWarning) {
  Bench bench({.given_posts = {taken}});
  const Streamed run = bench.run();
  EXPECT_TRUE(one_charge(bench, run));
  const std::string id = bench.books().charged()[0].id;
  EXPECT_TRUE(told_doubt(run.outcome));
  EXPECT_TRUE(told_settled(run.outcome, "likely")) << run.outcome.everything;
  EXPECT_TRUE(warns_of(run.outcome, id)) << run.outcome.everything;
}

TEST(Likely, MayBeAStrangersAndIsNamedThen) {
  Bench bench({.given_posts = {not_taken}, .strangers = {5s}});
  const Streamed run = bench.run();
  const std::string id = foreign_id(bench.books());
  ASSERT_NE(id, "");
  EXPECT_TRUE(told_settled(run.outcome, "likely")) << run.outcome.everything;
  EXPECT_TRUE(warns_of(run.outcome, id)) << run.outcome.everything;
  EXPECT_TRUE(bench.books().charged().empty());
  EXPECT_TRUE(bench.books().stops.empty());
}

TEST(Likely, IsWarnedOfByEachRunThatDeliversIt) {
  Bench bench({.given_posts = {taken}, .polls = never});
  auto killed = bench.start();
  ASSERT_TRUE(bench.wait_for(polls(2))) << killed->output();
  ASSERT_TRUE(killed->kill());
  bench.service.behave({});
  const Streamed again = bench.run();
  EXPECT_TRUE(one_charge(bench, again));
  EXPECT_TRUE(warns_of(again.outcome, bench.books().charged()[0].id)) << again.outcome.everything;
}

TEST(Likely, IsAskedAboutWhenThatIsWanted) {
  for (const bool is_taken : {true, false}) {
    Bench bench({.given_posts = {{gateway, is_taken}},
                 .strangers = is_taken ? std::vector<std::chrono::milliseconds>()
                                       : std::vector<std::chrono::milliseconds>{5s}});
    for (int i = 0; i < 2; ++i) {
      const Streamed run = bench.run({{"when-in-doubt", "ask"}});
      EXPECT_TRUE(ends_in_doubt(run.outcome));
      expect_one_error(run.outcome,
                       {.mentions = {bench.books().generations[0].id, "generation-id"}});
      EXPECT_EQ(run.bytes, "");
    }
    EXPECT_EQ(bench.books().posts.size(), 1U);
    EXPECT_EQ(bench.books().clip_requests, 0U);
  }
}

TEST(Likely, IsNeverStopped) {
  for (const bool is_taken : {true, false}) {
    Bench bench({.given_posts = {{gateway, is_taken}},
                 .strangers = is_taken ? std::vector<std::chrono::milliseconds>()
                                       : std::vector<std::chrono::milliseconds>{5s},
                 .polls = never});
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(polls(2))) << bench.books().text();
    ASSERT_TRUE(production.stop());
    // Nor by the next one that looks.
    EXPECT_TRUE(genpro(bench, {"ledger", "settle"}).in_time);
    EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
  }
}

// Shut down over its request; somebody else's job comes. It is not the one to be stopped.
TEST(Likely, IsNotStoppedForARequestThatWasToBeStopped) {
  Bench bench(
      {.next_posts = {PostFate::dropped}, .loss = Loss::silent, .strangers = {5s}, .polls = never});
  {
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(posts(1)));
    ASSERT_TRUE(production.stop());
  }
  let_pass(10s);
  EXPECT_TRUE(genpro(bench, {"ledger", "settle"}).in_time);
  Production other(bench.src({{"prompt", "Something else"}}));
  other.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  ASSERT_TRUE(bench.wait_for(polls(2)));
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
}

// It would be refunded: that of somebody else says nothing about this request.
TEST(Likely, ThatFailsIsNoRefund) {
  Bench bench({.given_posts = {not_taken}, .strangers = {5s}, .polls = 1, .end = "failed"});
  const Streamed run = bench.run();
  EXPECT_TRUE(keeps_the_rules(bench, run));
  EXPECT_LE(bench.books().created().size(), 1U);
  EXPECT_TRUE(one_key(bench));
}

// It came when a listing after the settling time had been made without it.
TEST(ALateStranger, IsNotAdopted) {
  for (const auto when : {35s, 60s}) {
    Bench bench({.given_posts = {not_taken_and_final}, .strangers = {when}});
    EXPECT_TRUE(ends_in_doubt(bench.run().outcome));
    let_pass(when);
    const Streamed again = bench.run();
    EXPECT_NE(foreign_id(bench.books()), "");
    EXPECT_TRUE(one_charge(bench, again));
    EXPECT_FALSE(told_settled(again.outcome, "likely")) << again.outcome.everything;
    EXPECT_TRUE(one_key(bench));
  }
}

TEST(SeveralStrangers, AreAnErrorThatNamesThem) {
  Bench bench({.given_posts = {taken}, .strangers = {1s, 5s}});
  for (int i = 0; i < 2; ++i) {
    const Streamed run = bench.run();
    const Books books = bench.books();
    ASSERT_EQ(books.generations.size(), 3U);
    EXPECT_TRUE(ends_in_doubt(run.outcome));
    expect_one_error(run.outcome, {.mentions = {books.generations[0].id, books.generations[1].id,
                                                books.generations[2].id, "generation-id"}});
    EXPECT_EQ(books.posts.size(), 1U);
    EXPECT_EQ(books.clip_requests, 0U);
    EXPECT_TRUE(books.stops.empty());
  }
}

// A listing that is no evidence of absence: nothing is repeated on its strength.
struct Unclear {
  const char* name;
  Manners manners;  // after the POST
};
void PrintTo(const Unclear& unclear, std::ostream* out) {
  *out << unclear.name;
}

class UnclearList : public testing::TestWithParam<Unclear> {};

TEST_P(UnclearList, IsNoEvidenceOfAbsence) {
  for (const bool is_taken : {true, false}) {
    Bench bench({.honours_keys = false, .given_posts = {{gateway, is_taken}}});
    bench.service.add_foreign("101/3300");
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(posts(1)));
    Manners manners = GetParam().manners;
    manners.honours_keys = false;
    // As if the request's own were not among those that can be read.
    bench.service.behave(manners);
    const Outcome outcome = production.finish();
    EXPECT_TRUE(ends_in_doubt(outcome));
    EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
    ASSERT_TRUE(production.stop());
    bench.service.behave({.honours_keys = false});
    const Streamed again = bench.run();
    EXPECT_TRUE(one_charge(bench, again));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, UnclearList,
                         testing::Values(Unclear{"unreadable_entry",
                                                 {.unreadable_entries = 1, .missing_entries = 1}},
                                         Unclear{"without_any", {.missing_entries = 9}},
                                         Unclear{"cut", {.cell = CellReading::cut}},
                                         Unclear{"page", {.cell = CellReading::garbage}},
                                         Unclear{"failing", {.cell = CellReading::failing}}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// What was in the list before the request left and could not be read is not new afterwards.
TEST(AnEntryThatCouldNotBeReadBefore, IsNotAdopted) {
  Bench bench({.given_posts = {not_taken}, .unreadable_entries = 1});
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(posts(1)));
  bench.service.behave({});
  bench.service.add_foreign("101/3300");
  EXPECT_TRUE(ends_in_doubt(production.finish()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
  EXPECT_EQ(bench.books().clip_requests, 0U);
}

// Two requests of one cell at different times: one listing tells them apart.
TEST(TheNextRequestOfACell, WaitsForTheSettlingTime) {
  Bench bench({.next_posts = {PostFate::unanswered}, .loss = Loss::silent, .listing_delay = 20s});
  auto killed = bench.start();
  ASSERT_TRUE(bench.wait_for(posts(1))) << killed->output();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(killed->kill());
  bench.service.behave({.listing_delay = 20s});
  const Streamed other = bench.run({{"prompt", "Something else"}});
  EXPECT_TRUE(other.outcome.eos) << other.outcome.summary();
  ASSERT_EQ(bench.books().posts.size(), 2U);
  EXPECT_GE(bench.books().posts[1].at - begin, boot_time(25s));
  const Streamed again = bench.run();
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(again.bytes, bench.service.clip(charged[0].id));
  EXPECT_EQ(other.bytes, bench.service.clip(charged[1].id));
}

// By whatever way a cell is written, it is one cell.
TEST(TheNextRequestOfACell, WaitsHoweverTheCellIsWritten) {
  std::vector<std::function<void()>> all;
  for (const Settings& other : std::vector<Settings>{{{"sheet-route", "spreadsheets"}},
                                                     {{"api-base-url", "localhost"}},
                                                     {{"cell-id", "03300"}},
                                                     {{"sheet-id", "00101"}}}) {
    all.emplace_back([other] {
      SCOPED_TRACE(other[0].first + " " + other[0].second);
      Bench bench({.next_posts = {PostFate::unanswered}, .loss = Loss::silent});
      auto killed = bench.start();
      ASSERT_TRUE(bench.wait_for(posts(1))) << killed->output();
      const auto begin = std::chrono::steady_clock::now();
      ASSERT_TRUE(killed->kill());
      bench.service.behave({});
      Settings changes = other;
      if (changes[0].second == "localhost") {
        const std::string base = bench.service.api_base();
        changes[0].second = "http://localhost" + base.substr(base.rfind(':'));
      }
      // Another request waits, and the same one is the same.
      Settings something_else = changes;
      something_else.emplace_back("prompt", "Something else");
      const Streamed second = bench.run(something_else);
      EXPECT_TRUE(second.outcome.eos) << second.outcome.summary();
      ASSERT_EQ(bench.books().posts.size(), 2U);
      EXPECT_GE(bench.books().posts[1].at - begin, boot_time(25s));
      const Streamed again = bench.run(changes);
      EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
      EXPECT_EQ(again.bytes, bench.service.clip(bench.books().generations[0].id));
      EXPECT_EQ(bench.books().charged().size(), 2U) << bench.books().text();
    });
  }
  run_together(all);
}

}  // namespace
}  // namespace genpro::test
