// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What generations are expected to cost, and the limit of what they may in a day.
#include <array>

#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using test::hour;
using test::must;

class LedgerCost : public test::LedgerTest {
 protected:
  // A row that was begun with this estimate, and came to that.
  std::int64_t spend(std::optional<double> estimate, const payment::State& state,
                     std::optional<double> cost = std::nullopt, const std::string& agent = "42") {
    const auto ledger = open();
    const auto begun = must(ledger->begin(request("x", "3300", agent), posting(), note("asked for"),
                                          {.estimate = estimate}, clock_now()));
    if (!std::holds_alternative<payment::Posting>(state)) {
      put(*ledger, begun.entry.id, state, {.came = "told", .decided = "noted", .cost = cost});
    }
    return begun.entry.id;
  }
  // What is left of a limit of 100.
  double left() {
    const auto ledger = open();
    for (double most = 100; most > 0; most -= 0.5) {
      if (ledger->check_limits(request(), {.daily_cost = 100, .estimate = most})) return most;
    }
    return 0;
  }
};

TEST_F(LedgerCost, CountsWhatWasPaidAndElseWhatWasEstimated) {
  spend(4, posting());
  EXPECT_EQ(left(), 96);
  spend(4, in_doubt(posting()));
  EXPECT_EQ(left(), 92);
  spend(4, pending("1"), 0);
  EXPECT_EQ(left(), 88) << "a cost of 0 before the end is none";
  spend(4, completed("2"), 1.5);
  EXPECT_EQ(left(), 86.5);
  spend(4, failed("3"));
  spend(4, payment::Refused{"no"});
  EXPECT_EQ(left(), 86.5);
  const std::int64_t stopped_one = spend(4, stopped("4"));
  EXPECT_EQ(left(), 82.5) << "a stop proves no refund";
  put(*open(), stopped_one, payment::Stopped{generation("4"), payment::Credit::refunded});
  EXPECT_EQ(left(), 86.5);
  spend(4, payment::Failed{generation("5"), "", payment::Credit::charged});
  EXPECT_EQ(left(), 82.5);
  spend(50, completed("6"), 50, "43");
  EXPECT_EQ(left(), 82.5) << "another agent's";
  age(stopped_one, 25 * hour);
  EXPECT_EQ(left(), 82.5);
}

// The answer to its request was lost, and its generation found in the cell.
TEST_F(LedgerCost, AProvenRefundMakesRoomAlsoOfWhatWasOnlyLikely) {
  const auto likely = [](payment::Generation generation) {
    generation.evidence = payment::Evidence::likely;
    return generation;
  };
  using payment::Credit;
  const std::int64_t one = spend(4, payment::Stopped{likely(generation("1"))});
  EXPECT_EQ(left(), 96) << "a stop proves no refund";
  const auto ledger = open();
  put(*ledger, one, payment::Stopped{likely(generation("1")), Credit::refunded});
  EXPECT_EQ(left(), 100);
  EXPECT_EQ(must(ledger->spend(0)).at(0).estimate, 0);
  EXPECT_TRUE(must(ledger->unproven_refunds(0, 10)).empty()) << "it is looked for no more";
  spend(4, payment::Stopped{likely(generation("2")), Credit::not_charged});
  EXPECT_EQ(left(), 100);
  spend(4, payment::Stopped{likely(generation("3")), Credit::charged});
  EXPECT_EQ(left(), 96);
}

TEST_F(LedgerCost, WhatCannotBeACostMakesNoRoom) {
  spend(4, completed("1"), 0);
  EXPECT_EQ(left(), 96) << "a 0 beside an estimate";
  spend(4, completed("2"), -50);
  EXPECT_EQ(left(), 92);
  spend(std::nullopt, completed("3"), -50);
  EXPECT_EQ(left(), 92);
  EXPECT_FALSE(must(open()->past_cost(request())));
}

TEST_F(LedgerCost, TheReportCountsWhatTheLimitCounts) {
  spend(4, pending("1"), 0);
  spend(4, processing("2"), 1);
  spend(4, completed("3"), 0);
  spend(4, stopped("4"), 0);
  spend(4, completed("5"), 1.5);
  spend(4, pending("6"), 5);
  EXPECT_EQ(left(), 100 - 4 * 4 - 1.5 - 5);
  const auto days = must(open()->spend(0));
  ASSERT_EQ(days.size(), 1U);
  EXPECT_EQ(days[0].cost, 1.5 + 5);
  EXPECT_EQ(days[0].cost_unknown, 4);
  EXPECT_EQ(days[0].estimate, 4 * 4);
}

TEST_F(LedgerCost, WhatWasBegunYesterdayAndSentTodayIsOfToday) {
  const std::int64_t id = spend(6, in_doubt(posting()));
  sql("UPDATE generations SET created_at = created_at - " + std::to_string(25 * hour));
  EXPECT_EQ(left(), 94);
  EXPECT_FALSE(open()->check_limits(request(), {.daily_generations = 1}));
  age(id, 25 * hour);
  EXPECT_EQ(left(), 100);
}

// Rows of yesterday whose requests did not leave count for nobody, until one of them does.
TEST_F(LedgerCost, HoldsForRequestsThatAreTakenUpTogether) {
  const std::array ids = {spend(6, payment::Prepared{"one"}), spend(6, payment::Prepared{"two"})};
  for (const std::int64_t id : ids) age(id, 25 * hour);
  const std::array ledgers = {open(), open()};
  const auto limits_of = [&](std::size_t which) {
    return Limits{.daily_cost = 10, .estimate = 6, .row = ids[which]};
  };
  for (std::size_t which : {0U, 1U}) {
    EXPECT_TRUE(ledgers[which]->check_limits(request(), limits_of(which)));
  }
  const auto send = [&](std::size_t which, const Limits& limits) {
    return ledgers[which]->store(ids[which], row(*ledgers[which], ids[which]).state, posting(),
                                 note("sent"), clock_now(), limits);
  };
  EXPECT_TRUE(send(0, limits_of(0)));
  const auto second = send(1, limits_of(1));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error_code, "daily_cost_limit_reached");
  EXPECT_EQ(word(*ledgers[1], ids[1]), "prepared");
  EXPECT_FALSE(send(1, {.daily_generations = 1}));
  EXPECT_TRUE(send(1, {.daily_generations = 2, .daily_cost = 12, .estimate = 5}));
  EXPECT_EQ(left(), 89) << "as it was estimated when it left";
}

TEST_F(LedgerCost, TellsTheFiguresAndWhenThereIsRoom) {
  age(spend(6, completed("1"), 6), 20 * hour);
  spend(3, in_doubt(posting()));
  const auto ledger = open();
  const Limits limits{.daily_cost = 10, .estimate = 2};
  const auto refused = ledger->begin(request(), posting(), note("asked for"), limits, clock_now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  EXPECT_EQ(refused.error().error_code, "daily_cost_limit_reached");
  std::map<std::string, std::string> details(refused.error().details.begin(),
                                             refused.error().details.end());
  EXPECT_EQ(details["estimate"], "2");
  EXPECT_EQ(details["cost-limit"], "10");
  EXPECT_EQ(details["spent"], "9");
  EXPECT_EQ(details["in-doubt"], "3");
  const DateTimePtr next(g_date_time_new_from_iso8601(details["next-allowed"].c_str(), nullptr));
  ASSERT_TRUE(next) << details["next-allowed"];
  EXPECT_NEAR(static_cast<double>(g_date_time_to_unix(next.get())),
              static_cast<double>((wall_clock_now() + 4 * hour) / 1000), 10);
  EXPECT_EQ(must(ledger->list({})).size(), 2U);
  // Fractions that binary numbers do not have are no reason.
  EXPECT_TRUE(ledger->check_limits(request(), {.daily_cost = 9.3, .estimate = 0.1 + 0.2}));
}

TEST_F(LedgerCost, ALimitThatCannotBeCheckedRefuses) {
  const auto ledger = open();
  const auto unknown = ledger->check_limits(request(), {.daily_cost = 10});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().error_code, "cost_unknown");
  spend(std::nullopt, pending("1"));
  const auto other = ledger->check_limits(request(), {.daily_cost = 10, .estimate = 1});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().error_code, "cost_unknown");
  EXPECT_NE(other.error().message.find("1 generation of agent 42"), std::string::npos)
      << other.error().message;
  // Once one of its kind was paid, it counts as that.
  spend(4, completed("2"), 4);
  EXPECT_EQ(left(), 92);
}

TEST_F(LedgerCost, ARowThatWasEstimatedAtZeroHasNoPrice) {
  const auto ledger = open();
  spend(0, pending("1"));
  const auto unknown = ledger->check_limits(request(), {.daily_cost = 10, .estimate = 1});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().error_code, "cost_unknown");
  spend(4, completed("2"), 4);
  EXPECT_EQ(left(), 92);
}

TEST_F(LedgerCost, ThePastIsThatOfTheSameModelAndLength) {
  const auto ledger = open();
  const auto pay = [&](const Identity& identity, double cost) {
    put(*ledger, add(*ledger, identity), completed(take_string(g_uuid_string_random())),
        {.came = "told", .decided = "noted", .cost = cost});
  };
  const Identity five = request("x", "3300", "42", "pika", 5);
  EXPECT_FALSE(must(ledger->past_cost(five)));
  pay(request("x", "3300", "42", "pika", 8), 9);
  pay(request("x", "3300", "42", "veo_3_1", 5), 9);
  pay(request("x", "3300", "42", "pika", 5, "https://other.example/v1"), 9);
  EXPECT_FALSE(must(ledger->past_cost(five)));
  pay(request("y", "3301", "43", "pika", 5), 4);
  pay(request("y", "3301", "43", "pika", 5), 3);
  EXPECT_EQ(must(ledger->past_cost(five)), 4) << "the dearest";
  EXPECT_EQ(must(begin(*ledger, five)).entry.estimate, 4);
  for (int number = 0; number < 10; ++number) pay(five, 2);
  EXPECT_EQ(must(ledger->past_cost(five)), 2) << "of the latest ten";
  // What the cell decides differs from cell to cell.
  pay(request("x", "3301"), 7);
  EXPECT_FALSE(must(ledger->past_cost(request("x", "3300"))));
  EXPECT_EQ(must(ledger->past_cost(request("y", "3301"))), 7);
}

TEST_F(LedgerCost, AProofOfARefundIsLookedForWhereThereIsNone) {
  const std::int64_t unproven = spend(4, stopped("1"));
  spend(4, payment::Stopped{generation("2"), payment::Credit::refunded});
  spend(4, failed("3"));
  // A refund may follow what was charged at first.
  const std::int64_t charged =
      spend(4, payment::Stopped{generation("4"), payment::Credit::charged});
  const auto rows = must(open()->unproven_refunds(0, 10));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, charged);
  EXPECT_EQ(rows[1].id, unproven);
  EXPECT_EQ(rows[1].estimate, 4);
}

}  // namespace
}  // namespace genpro::ledger
