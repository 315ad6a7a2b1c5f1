// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using api::Phase;

class Spend : public CliTest {
 protected:
  // Four days in the zone of the tests; 18:30 is where a day begins by UTC.
  void fill() {
    const auto ledger = open();
    const auto add_at = [&](const char* time, const std::string& model,
                            const std::optional<api::Generation>& generation) {
      const auto identity = request("x", "3300", "42", model);
      const std::int64_t id = add(*ledger, identity);
      if (generation) must(ledger->note_generation(id, *generation));
      sql(std::string("UPDATE generations SET created_at = 1000 * strftime('%s', '") + time +
          "') WHERE id = " + std::to_string(id));
      return id;
    };
    add_at("2026-05-01 18:29:59", "pika", generation("1", Phase::completed, 0.1));
    add_at("2026-05-01 18:30:00", "pika", generation("2", Phase::completed, 0.2));
    add_at("2026-05-02 10:00:00", "pika", generation("3", Phase::completed, 0.1));
    add_at("2026-05-02 10:00:00", "pika", generation("4", Phase::failed, 5));
    add_at("2026-05-02 10:00:00", "pika", generation("5", Phase::stopped, 5));
    add_at("2026-05-02 10:00:00", "pika", generation("6", Phase::pending));
    add_at("2026-05-02 10:00:00", "", generation("7", Phase::processing, 4));
    add_at("2026-05-02 10:00:00", "pika", std::nullopt);
    must(ledger->note_refused(add_at("2026-05-02 10:00:00", "pika", std::nullopt), "no"));
  }
};

TEST_F(Spend, CountsByLocalDayAndModel) {
  fill();
  EXPECT_EQ(canonical_json(take_string(json_to_string(json({"spend"}).get(), FALSE))),
            canonical_json(R"({"since": null, "days": [
        {"day": "2026-05-02", "model": null, "generations": 1, "refunded": 0, "cost": 4.0,
         "cost_unknown": 0},
        {"day": "2026-05-02", "model": "pika", "generations": 6, "refunded": 2, "cost": 0.3,
         "cost_unknown": 2},
        {"day": "2026-05-01", "model": "pika", "generations": 1, "refunded": 0, "cost": 0.1,
         "cost_unknown": 0}],
        "total": {"generations": 8, "refunded": 2, "cost": 4.4, "cost_unknown": 2}})"));
  EXPECT_EQ(output({"spend"}),
            "Day         Model       Generations  Refunded  Cost  Cost unknown\n"
            "2026-05-02  cell's own            1         0     4             0\n"
            "2026-05-02  pika                  6         2   0.3             2\n"
            "2026-05-01  pika                  1         0   0.1             0\n"
            "Total                             8         2   4.4             2\n");
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
