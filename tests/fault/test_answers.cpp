// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever a POST is answered with, and however late the cell lists what came of it: one charge, or
// a doubt that is told.
#include "fault/rules_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

struct Reply {
  const char* name;
  Answer answer;
};

Answer flood() {
  return Answer{.raw = [](Wire& wire) {
    while (wire.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")) {
    }
  }};
}

Answer with_wait(Answer answer) {
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

Answer api_error(int status, const char* code) {
  return json_answer(status, std::string(R"({"error": "No", "error_code": ")") + code + "\"}");
}

Answer page(int status) {
  return html_answer(status, "<html><body>A gateway</body></html>");
}

// None of them proves that the request was not taken.
const std::vector<Reply>& replies() {
  static const std::vector<Reply> all = {
      {"200 {}", json_answer(200, "{}")},
      {"200 without an id", json_answer(200, R"({"status": "pending"})")},
      {"200 with an id that is none", json_answer(200, R"({"generation_id": "../a"})")},
      {"200 HTML", page(200)},
      {"202", with_wait(json_answer(202, R"({"status": "pending"})"))},
      {"204", Answer{.status = 204, .content_type = ""}},
      {"303", redirect_answer(303, "/v1/elsewhere")},
      {"307 to another place", redirect_answer(307, "http://127.0.0.1:9/v1")},
      {"308 to itself",
       redirect_answer(308, "/v1/autocontentengine/101/cells/3300/generate?agent_id=42")},
      {"400 HTML", page(400)},
      {"403 HTML", page(403)},
      {"404 HTML", page(404)},
      {"408", api_error(408, "timeout")},
      {"409", with_wait(api_error(409, "conflict"))},
      {"409 busy", api_error(409, "generation_busy")},
      {"422 busy", api_error(422, "generation_busy")},
      {"425", with_wait(api_error(425, "too_early"))},
      {"429", with_wait(api_error(429, "rate_limited"))},
      {"500", api_error(500, "internal")},
      {"501", page(501)},
      {"502", page(502)},
      {"503", with_wait(page(503))},
      {"504", page(504)},
      {"520", page(520)},
      {"cut", cut_answer(201, R"({"generation_id": 123456, "status": "pending"})", 22)},
      {"cut head", Answer{.raw = [](Wire& wire) { wire.write("HTTP/1.1 201 Cre"); }}},
      {"flood of 103", flood()},
      {"closed", closing_answer()},
      {"silence", silent_answer()},
  };
  return all;
}

struct Case {
  const Reply* reply;
  bool is_taken;
  std::chrono::seconds listing_delay;
  bool honours_keys;
};

void pay(const Case& tested) {
  SCOPED_TRACE(std::string(tested.reply->name) + (tested.is_taken ? ", taken" : ", not taken") +
               ", listed after " + std::to_string(tested.listing_delay.count()) + " s, keys " +
               (tested.honours_keys ? "honoured" : "ignored"));
  Bench bench({.honours_keys = tested.honours_keys,
               .given_posts = {{tested.reply->answer, tested.is_taken}},
               .listing_delay = tested.listing_delay,
               .polls = 1});
  // More than a loaded machine needs to answer this many at once.
  const Settings settings{{"reuse", "completed"}, {"stall-timeout", "10"}};
  const Streamed first = bench.run(settings);
  EXPECT_TRUE(keeps_the_rules(bench, first));
  EXPECT_TRUE(told_doubt(first.outcome)) << first.outcome.everything;
  // What is listed within the settling time is found by the run itself.
  const bool is_late = tested.listing_delay > 30s;
  if (tested.is_taken && !is_late) {
    EXPECT_TRUE(one_charge(bench, first));
  }

  const Streamed second = bench.run(settings);
  EXPECT_TRUE(keeps_the_rules(bench, second));
  EXPECT_TRUE(one_key(bench));
  // Where keys do nothing and the list is later than that, nobody can know.
  if (is_late && tested.is_taken && !tested.honours_keys) return;
  EXPECT_TRUE(one_charge(bench, second));
}

class AnyAnswer : public testing::TestWithParam<int> {};

TEST_P(AnyAnswer, IsPaidOnceOrTold) {
  const std::chrono::seconds delay(GetParam());
  std::vector<std::function<void()>> all;
  for (const Reply& reply : replies()) {
    for (const bool honours_keys : {true, false}) {
      all.emplace_back([=, &reply] { pay({&reply, true, delay, honours_keys}); });
      if (delay == 0s || delay > 30s) {
        all.emplace_back([=, &reply] { pay({&reply, false, delay, honours_keys}); });
      }
    }
  }
  run_together(all);
}

INSTANTIATE_TEST_SUITE_P(ListedAfter, AnyAnswer, testing::Values(0, 1, 20, 40),
                         [](const auto& tested) { return std::to_string(tested.param) + "_s"; });

// The API's own no, which nothing came before: nothing was charged, and the next run may pay.
TEST(Refusal, IsOneAndNothingIsInDoubt) {
  std::vector<std::function<void()>> all;
  for (const int status : {400, 401, 402, 403, 404, 410, 413, 422, 451}) {
    all.emplace_back([status] {
      SCOPED_TRACE(status);
      Bench bench({.given_posts = {{api_error(status, "no"), false}}});
      const Streamed first = bench.run();
      EXPECT_EQ(charged(first.outcome), "no") << first.outcome.everything;
      EXPECT_FALSE(told_doubt(first.outcome)) << first.outcome.everything;
      EXPECT_NE(ledger_list(bench).find("\"refused\""), std::string::npos);
      EXPECT_TRUE(one_charge(bench, bench.run()));
      EXPECT_EQ(bench.books().posts.size(), 2U);
    });
  }
  run_together(all);
}

// After a redirect it may be anybody's.
TEST(Refusal, AfterARedirectIsADoubt) {
  Bench bench(
      {.given_posts = {
           {redirect_answer(307, "/v1/autocontentengine/101/cells/3300/generate?agent_id=42"),
            true},
           {api_error(422, "usable_gen_credit_required"), false}}});
  const Streamed first = bench.run({{"reuse", "completed"}});
  EXPECT_TRUE(keeps_the_rules(bench, first));
  EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", "completed"}})));
}

// The repeat of a request that may have been taken is refused: it is in doubt all the same.
TEST(Refusal, OfARepeatIsADoubt) {
  std::vector<std::function<void()>> all;
  for (const int status : {400, 401, 402, 403, 404, 422}) {
    all.emplace_back([status] {
      SCOPED_TRACE(status);
      Bench bench({.honours_keys = false,
                   .given_posts = {{page(502), true},
                                   {api_error(status, "usable_gen_credit_required"), false}},
                   .listing_delay = 40s});
      const Streamed first = bench.run({{"reuse", "completed"}});
      EXPECT_TRUE(keeps_the_rules(bench, first));
      if (first.outcome.eos) return;  // the list was quicker than the repeat
      EXPECT_TRUE(ends_in_doubt(first.outcome));
      EXPECT_EQ(first.outcome.errors[0].text.find("Nothing was charged"), std::string::npos)
          << first.outcome.errors[0].text;
      EXPECT_EQ(ledger_list(bench).find("\"refused\""), std::string::npos);
      EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", "completed"}})));
    });
  }
  run_together(all);
}

// What is in doubt counts: whoever would exceed the limit by it does not post.
TEST(DoubtfulRequest, CountsForTheDailyLimit) {
  Bench bench({.given_posts = {{page(400), true}}, .cell = CellReading::not_found});
  EXPECT_TRUE(ends_in_doubt(bench.run().outcome));
  const Streamed other = bench.run(
      {{"prompt", "Something else"}, {"cell-id", "3301"}, {"daily-generation-limit", "1"}});
  expect_one_error(other.outcome, {.mentions = {"daily-generation-limit"}});
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

// Of which not a byte left: it was not taken, and nothing is in doubt.
TEST(UnsentRequest, IsNoDoubt) {
  Bench bench;
  const Streamed run =
      bench.run({{"api-base-url", "http://127.0.0.1:" + std::to_string(closed_port()) + "/v1"}});
  EXPECT_EQ(charged(run.outcome), "no") << run.outcome.everything;
  EXPECT_FALSE(told_doubt(run.outcome));
}

}  // namespace
}  // namespace genpro::test
