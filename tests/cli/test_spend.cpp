// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

class Spend : public CliTest {
 protected:
  // Four days in the zone of the tests; 18:30 is where a day begins by UTC.
  void fill() {
    const auto ledger = open();
    const auto add_at = [&](const char* time, const std::string& model,
                            const std::optional<payment::State>& state,
                            std::optional<double> cost = std::nullopt) {
      const std::int64_t id = add(*ledger, request("x", "3300", "42", model));
      if (state) {
        put(*ledger, id, *state, {.came = "told", .decided = "noted", .cost = cost});
      }
      sql(std::string("UPDATE generations SET created_at = 1000 * strftime('%s', '") + time +
          "') WHERE id = " + std::to_string(id));
      return id;
    };
    add_at("2026-05-01 18:29:59", "pika", completed("1"), 0.1);
    add_at("2026-05-01 18:30:00", "pika", completed("2"), 0.2);
    add_at("2026-05-02 10:00:00", "pika", completed("3"), 0.1);
    add_at("2026-05-02 10:00:00", "pika", failed("4"), 5);
    add_at("2026-05-02 10:00:00", "pika", stopped("5"), 5);
    add_at("2026-05-02 10:00:00", "pika", pending("6"));
    add_at("2026-05-02 10:00:00", "", processing("7"), 4);
    add_at("2026-05-02 10:00:00", "pika", std::nullopt);
    refuse(*ledger, add_at("2026-05-02 10:00:00", "pika", std::nullopt), "no");
  }
};

TEST_F(Spend, CountsByLocalDayAndModel) {
  fill();
  EXPECT_EQ(canonical_json(take_string(json_to_string(json({"spend"}).get(), FALSE))),
            canonical_json(R"({"since": null, "days": [
        {"day": "2026-05-02", "model": null, "generations": 1, "refunded": 0, "refund_unproven": 0,
         "cost": 4.0, "cost_unknown": 0, "estimate": 0.0, "in_doubt": 0},
        {"day": "2026-05-02", "model": "pika", "generations": 6, "refunded": 1,
         "refund_unproven": 1, "cost": 5.3, "cost_unknown": 2, "estimate": 0.4, "in_doubt": 1},
        {"day": "2026-05-01", "model": "pika", "generations": 1, "refunded": 0,
         "refund_unproven": 0, "cost": 0.1, "cost_unknown": 0, "estimate": 0.0, "in_doubt": 0}],
        "total": {"generations": 8, "refunded": 1, "refund_unproven": 1, "cost": 9.4,
         "cost_unknown": 2, "estimate": 0.4, "in_doubt": 1}})"));
  // As a person writes it, and not with the digits that binary fractions leave.
  const std::string text = output({"spend", "--json"});
  EXPECT_NE(text.find("\"cost\" : 5.3,"), std::string::npos) << text;
  EXPECT_NE(text.find("\"cost\" : 9.4,"), std::string::npos) << text;
  EXPECT_NE(text.find("\"cost\" : 4.0,"), std::string::npos) << text;
  EXPECT_EQ(output({"spend"}),
            "Day         Model       Generations  Refunded  Refund not proven  Cost  Cost unknown  "
            "Estimate  In doubt\n"
            "2026-05-02  cell's own            1         0                  0     4             0  "
            "       0         0\n"
            "2026-05-02  pika                  6         1                  1   5.3             2  "
            "     0.4         1\n"
            "2026-05-01  pika                  1         0                  0   0.1             0  "
            "       0         0\n"
            "Total                             8         1                  1   9.4             2  "
            "     0.4         1\n");
}

TEST_F(Spend, WhatIsGoneIsPaidAndWhatHasNotLeftIsNot) {
  const auto ledger = open();
  add_costing(*ledger, request(), gone("1"), 3);
  prepare(*ledger, request());
  lose(*ledger, add(*ledger, request()));
  const auto document = json({"spend"});
  JsonObject* total = json_object_get_object_member(api::as_object(document.get()), "total");
  EXPECT_EQ(member_text(total, "generations"), "2");
  EXPECT_EQ(member_text(total, "cost"), "3.0");
  EXPECT_EQ(member_text(total, "in_doubt"), "1");
  EXPECT_EQ(member_text(total, "refunded"), "0");
}

TEST_F(Spend, OnlySince) {
  fill();
  const auto document = json({"spend", "--since", "2026-05-02"});
  JsonObject* object = api::as_object(document.get());
  EXPECT_EQ(member_text(object, "since"), "\"2026-05-01T18:30:00.000Z\"");
  EXPECT_EQ(json_array_get_length(json_object_get_array_member(object, "days")), 2U);
  EXPECT_EQ(member_text(json_object_get_object_member(object, "total"), "generations"), "7");
  EXPECT_EQ(lines_of(output({"spend", "--since", "2026-05-02"})).size(), 4U);
  EXPECT_EQ(lines_of(output({"spend", "--since", "2026-05-03"})).size(), 2U);
}

}  // namespace
}  // namespace genpro::test
