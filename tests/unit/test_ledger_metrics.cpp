// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The sums over a ledger's rows that a watcher gets.
#include "ledger/reports/metrics.h"

#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using test::hour;
using test::must;

class LedgerMetrics : public test::LedgerTest {
 protected:
  std::int64_t make(const std::string& model, const payment::State& state,
                    std::optional<double> cost = std::nullopt,
                    std::optional<double> estimate = std::nullopt) {
    const auto ledger = open();
    const std::int64_t id =
        must(ledger->begin(request("x", "3300", "42", model), posting(), note("asked for"),
                           {.estimate = estimate}, clock_now()))
            .entry.id;
    if (!std::holds_alternative<payment::Posting>(state)) {
      put(*ledger, id, state, {.came = "told", .decided = "noted", .cost = cost});
    }
    return id;
  }
  void took(std::int64_t id, WallTime milliseconds) {
    sql("UPDATE generations SET ended_at = posted_at + " + std::to_string(milliseconds) +
        " WHERE id = " + std::to_string(id));
  }
  Metrics::OfModel of(const std::string& model) { return must(open()->metrics()).models[model]; }
  Credits credits(const std::string& model, Charge charge) {
    return of(model).credits[static_cast<std::size_t>(charge)];
  }
};

TEST_F(LedgerMetrics, NothingOfAnEmptyLedger) {
  const Metrics metrics = must(open()->metrics());
  EXPECT_TRUE(metrics.models.empty());
  EXPECT_EQ(metrics.in_doubt, 0);
  EXPECT_EQ(metrics.oldest_doubt, 0);
}

TEST_F(LedgerMetrics, CountsByStatusAndModel) {
  using Numbers = std::map<std::string, std::int64_t>;
  make("pika", completed("1"));
  make("pika", completed("2"));
  make("pika", failed("3"));
  make("pika", payment::Prepared{"key"});
  make("", pending("4"));
  make("", payment::Refused{"no"});
  EXPECT_EQ(of("pika").generations, (Numbers{{"completed", 2}, {"failed", 1}, {"prepared", 1}}));
  EXPECT_EQ(of("").generations, (Numbers{{"pending", 1}, {"refused", 1}}));
  EXPECT_EQ(must(open()->metrics()).models.size(), 2U);
}

TEST_F(LedgerMetrics, SumsUpCreditsByWhatBecameOfThem) {
  make("pika", completed("1"), 1.5, 4);
  make("pika", completed("2"), 1.5, 4);
  make("pika", completed("3"), 0, 4);
  make("pika", pending("4"), 1, 4);
  make("pika", payment::Prepared{"key"}, std::nullopt, 9);
  make("pika", payment::Refused{"no"}, std::nullopt, 9);
  const Credits charged = credits("pika", Charge::charged);
  EXPECT_EQ(charged.told, 3);
  EXPECT_EQ(charged.estimated, 8);
  EXPECT_EQ(charged.unknown, 0);

  make("veo", in_doubt(posting()), std::nullopt, 4);
  make("veo", in_doubt(posting()));
  make("veo", stopped("5"), std::nullopt, 2);
  make("veo", payment::Stopped{generation("6"), payment::Credit::refunded}, 3, 2);
  make("veo", failed("7"), std::nullopt, 5);
  make("veo", payment::Failed{generation("8"), "", payment::Credit::charged}, std::nullopt, 7);
  EXPECT_EQ(credits("veo", Charge::in_doubt).estimated, 4);
  EXPECT_EQ(credits("veo", Charge::in_doubt).unknown, 1);
  EXPECT_EQ(credits("veo", Charge::refund_unproven).estimated, 2);
  EXPECT_EQ(credits("veo", Charge::refunded).told, 3);
  EXPECT_EQ(credits("veo", Charge::refunded).estimated, 5);
  EXPECT_EQ(credits("veo", Charge::charged).estimated, 7);
}

TEST_F(LedgerMetrics, AgreeWithWhatIsSpent) {
  int number = 0;
  for (const std::optional<double> estimate : {std::optional<double>(), std::optional(4.0)}) {
    for (const std::optional<double> cost :
         {std::optional<double>(), std::optional(0.0), std::optional(2.5), std::optional(6.0)}) {
      const std::string id = std::to_string(++number);
      for (const payment::State& state :
           {completed(id), failed(id), stopped(id), pending(id), processing(id),
            payment::State(payment::Gone{generation(id), "none"}), in_doubt(posting())}) {
        make("pika", state, cost, estimate);
      }
    }
  }
  const auto spend = must(open()->spend(0));
  ASSERT_FALSE(spend.empty());
  double cost = 0;
  double estimate = 0;
  for (const auto& day : spend) {
    cost += day.cost;
    estimate += day.estimate;
  }
  Credits all;
  for (const Charge charge : {Charge::charged, Charge::in_doubt, Charge::refund_unproven}) {
    all.told += credits("pika", charge).told;
    all.estimated += credits("pika", charge).estimated;
  }
  EXPECT_EQ(all.told, cost);
  EXPECT_EQ(all.estimated, estimate);
  EXPECT_GT(cost, 0);
  EXPECT_GT(estimate, 0);
}

TEST_F(LedgerMetrics, TellHowOldTheOldestDoubtIs) {
  make("pika", completed("1"));
  const std::int64_t id = make("pika", in_doubt(posting()));
  make("pika", in_doubt(posting()));
  sql("UPDATE generations SET made_at = made_at - " + std::to_string(3 * hour) +
      " WHERE id = " + std::to_string(id));
  const Metrics metrics = must(open()->metrics());
  EXPECT_EQ(metrics.in_doubt, 2);
  EXPECT_GE(metrics.oldest_doubt, 3 * 3600);
  EXPECT_LT(metrics.oldest_doubt, 4 * 3600);
}

TEST_F(LedgerMetrics, SortDurationsOfCompletedOnes) {
  took(make("pika", completed("1")), 10'000);
  took(make("pika", completed("2")), 10'001);
  took(make("pika", completed("3")), 3'600'000);
  took(make("pika", completed("4")), 3'600'001);
  took(make("pika", failed("5")), 10'000);
  took(make("pika", completed("6")), -5'000);  // by a clock that was set
  const Metrics::OfModel model = of("pika");
  std::array<std::int64_t, Metrics::duration_bounds.size() + 1> expected{};
  expected[0] = expected[1] = 1;
  expected[expected.size() - 2] = expected.back() = 1;
  EXPECT_EQ(model.durations, expected);
  EXPECT_EQ(model.duration_sum, 7220.002);
}

TEST_F(LedgerMetrics, SumUpBytesAndWhatWasSentAgain) {
  const auto ledger = open();
  const std::int64_t first = make("pika", completed("1"));
  must(ledger->note_bytes(first, 5'000'000'000));
  must(ledger->note_delivery(make("pika", completed("2")), 7));
  const auto begun = must(begin(*ledger, request("again")));
  payment::Posting again{*payment::attempt(begun.entry.state)};
  again.attempt.posted.wall += 1000;
  again.attempt.posted.up += 1000;
  put(*ledger, begun.entry.id, again);
  const Metrics::OfModel model = of("pika");
  EXPECT_EQ(model.bytes_delivered, 5'000'000'007U);
  EXPECT_EQ(model.sent_again, 1);
}

TEST_F(LedgerMetrics, NameARowThatIsDamaged) {
  const std::int64_t id = make("pika", completed("1"));
  sql("UPDATE generations SET status = 'strange' WHERE id = " + std::to_string(id));
  const auto metrics = open()->metrics();
  ASSERT_FALSE(metrics);
  EXPECT_EQ(metrics.error().kind, ErrorKind::ledger);
  EXPECT_NE(metrics.error().message.find("Row " + std::to_string(id) + " "), std::string::npos)
      << metrics.error().message;
}

}  // namespace
}  // namespace genpro::ledger
