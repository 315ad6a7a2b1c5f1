// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Two requests are the same when the same would be made: what the service's own data decides
// belongs to it, and where that cannot be read only what was not delivered is picked up.
#include "fault/rules_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

struct Left {
  const char* name;
  Settings settings;
  Manners before;
  Manners after;  // the data is another one
};

void PrintTo(const Left& left, std::ostream* out) {
  *out << left.name;
}

Manners with_variables(std::string variables) {
  return {.variables = std::move(variables)};
}

std::vector<Left> cases() {
  const Manners one = with_variables(R"([{"key": "hook", "value": "One"}])");
  const Manners two = with_variables(R"([{"key": "hook", "value": "Two"}])");
  const Manners ids = with_variables(R"([{"key": "product", "value": [501]}])");
  const Manners other_ids = with_variables(R"([{"key": "product", "value": [502]}])");
  return {
      {"prompt_var", {{"prompt", ""}, {"prompt-var", "hook"}}, one, two},
      {"name_in_the_prompt", {{"prompt", "A {{hook}} with {{ hook }}"}}, one, two},
      {"resource_vars", {{"content-resource-vars", "product"}}, ids, other_ids},
      {"model_of_the_cell",
       {{"model", "default"}},
       {.attributes = R"({"model": "pika"})"},
       {.attributes = R"({"model": "veo"})"}},
      {"ratio_of_the_cell",
       {{"aspect-ratio", "default"}},
       {.attributes = R"({"ratio": "16:9"})"},
       {.attributes = R"({"ratio": "9:16"})"}},
      {"duration_of_the_cell",
       {{"duration", "0"}},
       {.attributes = R"({"duration": 5})"},
       {.attributes = R"({"duration": 10})"}},
  };
}

// The same, but nobody can read the data.
Manners unreadable(const Left& left) {
  Manners manners = left.before;
  manners.variables.reset();
  if (manners.attributes != "{}") manners.cell = CellReading::not_found;
  return manners;
}

class LeftToTheService : public testing::TestWithParam<Left> {
 protected:
  Settings settings(const Settings& more) const {
    Settings all = GetParam().settings;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // Gone while its generation goes on.
  void detach(Bench& bench) {
    Manners manners = GetParam().before;
    manners.polls = never;
    bench.service.behave(manners);
    Production production(bench.src(settings({{"on-shutdown", "detach"}})));
    production.play();
    ASSERT_TRUE(bench.wait_for(polls(2))) << bench.books().text();
    ASSERT_TRUE(production.stop());
  }
};

TEST_P(LeftToTheService, IsTheSameRequestAsLongAsTheDataIs) {
  Bench bench(GetParam().before);
  const Streamed first = bench.run(settings({{"reuse", "completed"}}));
  EXPECT_TRUE(one_charge(bench, first));
  EXPECT_TRUE(one_charge(bench, bench.run(settings({{"reuse", "completed"}}))));
}

TEST_P(LeftToTheService, IsAnotherRequestWhenTheDataIsAnotherOne) {
  Bench bench(GetParam().before);
  EXPECT_TRUE(bench.run(settings({{"reuse", "completed"}})).outcome.eos);
  bench.service.behave(GetParam().after);
  const Streamed second = bench.run(settings({{"reuse", "completed"}}));
  EXPECT_TRUE(second.outcome.eos) << second.outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(second.bytes, bench.service.clip(charged[1].id));
}

TEST_P(LeftToTheService, IsAnotherRequestAlsoWhileTheFirstIsUnfinished) {
  Bench bench;
  detach(bench);
  bench.service.behave(GetParam().after);
  const Streamed second = bench.run(settings({}));
  EXPECT_TRUE(second.outcome.eos) << second.outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(second.bytes, bench.service.clip(charged[1].id));
}

TEST_P(LeftToTheService, IsPickedUpWhenTheDataCannotBeRead) {
  Bench bench;
  detach(bench);
  bench.service.behave(unreadable(GetParam()));
  const Streamed second = bench.run(settings({}));
  EXPECT_TRUE(one_charge(bench, second));
  EXPECT_NE(second.outcome.everything.find("cannot\\ be\\ read"), std::string::npos)
      << "nobody was told: " << second.outcome.everything;
}

TEST_P(LeftToTheService, IsNotDeliveredAgainWhenTheDataCannotBeRead) {
  Bench bench(GetParam().before);
  EXPECT_TRUE(bench.run(settings({{"reuse", "completed"}})).outcome.eos);
  bench.service.behave(unreadable(GetParam()));
  const Streamed second = bench.run(settings({{"reuse", "completed"}}));
  EXPECT_TRUE(second.outcome.eos) << second.outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(second.bytes, bench.service.clip(charged[1].id));
}

INSTANTIATE_TEST_SUITE_P(Each, LeftToTheService, testing::ValuesIn(cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// What names everything itself asks for nothing more.
TEST(ARequestThatNamesEverything, DoesNotReadTheServicesData) {
  Bench bench;
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().others, 0U);
  EXPECT_EQ(bench.books().cell_readings, 1U);
}

TEST(TheSameRequest, IsTheSameHoweverItsCellIsWritten) {
  std::vector<std::function<void()>> all;
  for (const Settings& other : std::vector<Settings>{{{"sheet-route", "spreadsheets"}},
                                                     {{"api-base-url", "localhost"}},
                                                     {{"api-base-url", "a slash"}},
                                                     {{"cell-id", "03300"}},
                                                     {{"sheet-id", "00101"}},
                                                     {{"agent-id", "042"}},
                                                     {{"asset-ids", "0501,502"}}}) {
    all.emplace_back([other] {
      SCOPED_TRACE(other[0].first + " " + other[0].second);
      Bench bench;
      EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", "completed"}})));
      Settings changes = other;
      const std::string base = bench.service.api_base();
      if (other[0].second == "localhost") {
        changes[0].second = "http://localhost" + base.substr(base.rfind(':'));
      }
      if (other[0].second == "a slash") changes[0].second = base + "/";
      changes.emplace_back("reuse", "completed");
      EXPECT_TRUE(one_charge(bench, bench.run(changes)));
    });
  }
  run_together(all);
}

}  // namespace
}  // namespace genpro::test
