// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is paid is waited for, through whatever the service and those before it say meanwhile, and
// an error of a run is no wish to stop it.
#include "fault/rules_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

Answer page(int status) {
  return html_answer(status, "<html><body>A gateway</body></html>");
}

Answer api_error(int status, const char* code) {
  return json_answer(status, std::string(R"({"error": "No", "error_code": ")") + code + "\"}");
}

Answer flood() {
  return Answer{.raw = [](Wire& wire) {
    while (wire.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) {
    }
  }};
}

struct Reply {
  const char* name;
  Answer answer;
};

// None of them says that the generation is gone, or that the key is not accepted any more.
const std::vector<Reply>& replies() {
  static const std::vector<Reply> all = {
      {"HTML 200", page(200)},
      {"200 {}", json_answer(200, "{}")},
      {"another generation's word", json_answer(200, R"({"id": 1, "status": "on its way"})")},
      {"302", redirect_answer(302, "http://127.0.0.1:9/login")},
      {"HTML 400", page(400)},
      {"HTML 401", page(401)},
      {"HTML 403", page(403)},
      {"HTML 404", page(404)},
      {"HTML 410", page(410)},
      {"HTML 451", page(451)},
      {"HTML 502", page(502)},
      {"HTML 520", page(520)},
      {"API 400", api_error(400, "bad_request")},
      {"API 401", api_error(401, "unauthorized")},
      {"API 403", api_error(403, "forbidden")},
      {"API 404", api_error(404, "not_found")},
      {"API 409", api_error(409, "conflict")},
      {"API 422", api_error(422, "agent_not_found")},
      {"API 429", api_error(429, "rate_limited")},
      {"API 500", api_error(500, "internal")},
      {"API 501", api_error(501, "not_implemented")},
      {"cut", cut_answer(200, R"({"id": 1, "status": "failed"})", 20)},
      {"flood of 103", flood()},
      {"closed", closing_answer()},
      {"silence", silent_answer()},
  };
  return all;
}

TEST(AnAnswerInBetween, EndsNoWait) {
  std::vector<std::function<void()>> all;
  for (const Reply& reply : replies()) {
    for (const bool is_first : {true, false}) {
      all.emplace_back([&reply, is_first] {
        SCOPED_TRACE(reply.name);
        Manners manners{.given_polls = {reply.answer}};
        Bench bench(is_first ? manners : endless);
        Production production(bench.src({{"retries", "0"}}));
        production.play();
        if (!is_first) {
          EXPECT_TRUE(bench.wait_for(polls(2)));
          bench.service.behave(manners);
        }
        const Outcome outcome = production.finish();
        EXPECT_TRUE(outcome.eos) << outcome.summary();
        EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
        EXPECT_TRUE(bench.books().stops.empty());
        EXPECT_EQ(bench.books().posts.size(), 1U);
      });
    }
  }
  run_together(all);
}

// Nor of one that was picked up, of which this run has not heard anything yet.
TEST(AnAnswerInBetween, EndsNoWaitForWhatWasPickedUp) {
  std::vector<std::function<void()>> all;
  for (const Reply& reply : replies()) {
    all.emplace_back([&reply] {
      SCOPED_TRACE(reply.name);
      Bench bench(endless);
      {
        Production production(bench.src({{"on-shutdown", "detach"}}));
        production.play();
        EXPECT_TRUE(bench.wait_for(polls(2)));
        EXPECT_TRUE(production.stop());
      }
      bench.service.behave({.given_polls = {reply.answer}});
      EXPECT_TRUE(one_charge(bench, bench.run({{"retries", "0"}})));
      EXPECT_EQ(bench.books().posts.size(), 1U);
    });
  }
  run_together(all);
}

class Outage : public testing::TestWithParam<Loss> {};

TEST_P(Outage, Of20SecondsEndsNoWait) {
  Bench bench(endless);
  Production production(bench.src({{"retries", "0"}}));
  production.play();
  ASSERT_TRUE(bench.wait_for(polls(2)));
  bench.service.behave({.away = GetParam()});
  let_pass(20s);
  bench.service.behave({});
  const Outcome outcome = production.finish();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
  EXPECT_NE(outcome.everything.find("Waiting\\ for\\ the\\ service"), std::string::npos)
      << "nobody was told: " << outcome.everything;
  ASSERT_TRUE(production.stop());
  EXPECT_TRUE(bench.books().stops.empty());
}

INSTANTIATE_TEST_SUITE_P(Each, Outage, testing::Values(Loss::closed, Loss::silent, Loss::gateway));

// It lasts as long as the user's timeout allows, and then the generation is still there.
TEST(Outage, LastsAsLongAsGenerationTimeoutAllows) {
  std::vector<std::function<void()>> all;
  for (const Answer& answer : {page(404), page(401), api_error(409, "conflict"), page(520)}) {
    all.emplace_back([answer] {
      SCOPED_TRACE(answer.status);
      Bench bench(endless);
      Production production(
          bench.src({{"generation-timeout", "4"}, {"on-shutdown", "detach"}, {"retries", "0"}}));
      production.play();
      EXPECT_TRUE(bench.wait_for(polls(1)));
      bench.service.behave({.every_poll = answer});
      const Outcome outcome = production.finish();
      EXPECT_EQ(charged(outcome), "yes") << outcome.everything;
      expect_one_error(outcome, {.mentions = {"generation-timeout"},
                                 .generation_id = bench.books().generations[0].id});
      EXPECT_TRUE(production.stop());
      EXPECT_TRUE(bench.books().stops.empty());
      bench.service.behave({});
      EXPECT_TRUE(one_charge(bench, bench.run()));
    });
  }
  run_together(all);
}

// The API's own word, three times over a minute.
TEST(AKeyThatIsNotAcceptedAnyMore, EndsTheRunAndLeavesTheGeneration) {
  std::vector<std::function<void()>> all;
  for (const int status : {401, 403}) {
    all.emplace_back([status] {
      SCOPED_TRACE(status);
      Bench bench(endless);
      Production production(bench.src());
      production.play();
      EXPECT_TRUE(bench.wait_for(polls(2)));
      bench.service.behave({.every_poll = api_error(status, "unauthorized")});
      const auto begin = std::chrono::steady_clock::now();
      const Outcome outcome = production.finish();
      EXPECT_GE(std::chrono::steady_clock::now() - begin, boot_time(59s));
      EXPECT_EQ(charged(outcome), "yes") << outcome.everything;
      expect_one_error(outcome, {.codes = {resource(GST_RESOURCE_ERROR_NOT_AUTHORIZED)},
                                 .mentions = {bench.books().generations[0].id}});
      EXPECT_TRUE(production.stop());
      EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
      bench.service.behave({});
      EXPECT_TRUE(one_charge(bench, bench.run()));
    });
  }
  run_together(all);
}

// The API's own word, twice, and the cell does not have it: what was paid is gone, and no other one
// is bought for it.
TEST(AGenerationThatIsGone, EndsTheRunAndIsNotBoughtAnew) {
  std::vector<std::function<void()>> all;
  for (const CellReading cell : {CellReading::jobs, CellReading::not_found}) {
    all.emplace_back([cell] {
      Bench bench(endless);
      Production production(bench.src());
      production.play();
      EXPECT_TRUE(bench.wait_for(polls(2)));
      // No longer is it so new that it may not be there yet.
      let_pass(31s);
      const std::string id = bench.books().generations[0].id;
      bench.service.behave(
          {.cell = cell, .missing_entries = 1, .every_poll = api_error(404, "not_found")});
      const auto begin = std::chrono::steady_clock::now();
      const Outcome outcome = production.finish();
      EXPECT_GE(std::chrono::steady_clock::now() - begin, boot_time(10s)) << "not twice";
      EXPECT_EQ(charged(outcome), "yes") << outcome.everything;
      expect_one_error(outcome, {.mentions = {id, "paid"}});
      EXPECT_TRUE(production.stop());
      const Streamed again = bench.run();
      expect_one_error(again.outcome, {.mentions = {id}});
      EXPECT_EQ(charged(again.outcome), "yes") << again.outcome.everything;
      EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
      EXPECT_TRUE(bench.books().stops.empty());
    });
  }
  run_together(all);
}

// As long as the cell has it, it is there.
TEST(AGenerationThatTheCellStillLists, IsNotGone) {
  Bench bench(endless);
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(polls(2)));
  bench.service.behave({.every_poll = api_error(404, "not_found")});
  ASSERT_TRUE(bench.wait_for(cell_readings(2))) << bench.books().text();
  const unsigned before = bench.books().polls;
  ASSERT_TRUE(bench.wait_for(polls(before + 1))) << bench.books().text();
  bench.service.behave({});
  const Outcome outcome = production.finish();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
}

TEST(ResourcesThatComeLater, AreWaitedFor) {
  for (const auto delay : {10s, 25s}) {
    Bench bench({.polls = 1, .resources_delay = delay});
    EXPECT_TRUE(one_charge(bench, bench.run({{"retries", "0"}})));
    EXPECT_EQ(bench.books().posts.size(), 1U);
  }
}

TEST(ResourcesThatNeverCome, AreAnErrorAndNoSecondCharge) {
  Bench bench({.polls = 1, .resources_delay = 24h});
  for (int i = 0; i < 2; ++i) {
    const Streamed run = bench.run();
    EXPECT_EQ(charged(run.outcome), "yes") << run.outcome.everything;
    EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
  }
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
}

// The user's wait is over, and the request has not been answered.
TEST(ATimeoutOverThePost, IsADoubtAndTheNextRunGoesOn) {
  for (const bool is_taken : {true, false}) {
    Bench bench({.next_posts = {is_taken ? PostFate::unanswered : PostFate::dropped},
                 .loss = Loss::silent});
    const Streamed run = bench.run({{"generation-timeout", "1"}, {"stall-timeout", "20"}});
    EXPECT_TRUE(ends_in_doubt(run.outcome));
    expect_one_error(run.outcome, {.mentions = {"generation-timeout"}});
    EXPECT_TRUE(bench.books().stops.empty());
    EXPECT_EQ(bench.books().posts.size(), 1U);
    EXPECT_TRUE(one_charge(bench, bench.run()));
    EXPECT_TRUE(one_key(bench));
  }
}

TEST(ATimeoutOverThePost, StopsWhatTheAnswerNames) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.post_gate = gate, .polls = never});
  Production production(bench.src({{"generation-timeout", "1"}, {"stall-timeout", "20"}}));
  production.play();
  BusListener& listener = production.collector().listener();
  ASSERT_TRUE(listener.wait_for_end());
  EXPECT_TRUE(ends_in_doubt(listener.outcome()));
  gate->open();
  ASSERT_TRUE(bench.wait_for(created(1)));
  ASSERT_TRUE(production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(bench.books().charged().empty());
}

// The answer comes when nobody listens any more: the stop that was wanted is noted, and kept for
// when the generation is proven.
TEST(ATimeoutOverThePost, NotesTheStopThatWasWanted) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.post_gate = gate, .polls = never});
  {
    Production production(bench.src({{"generation-timeout", "1"}, {"stall-timeout", "20"}}));
    production.play();
    EXPECT_TRUE(ends_in_doubt(production.finish()));
    ASSERT_TRUE(production.stop());
  }
  gate->open();
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string shown = genpro(bench, {"ledger", "show", "1"}).out;
  EXPECT_NE(shown.find("to be stopped"), std::string::npos) << shown;
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run())) << "somebody wants its clip now";
}

}  // namespace
}  // namespace genpro::test
