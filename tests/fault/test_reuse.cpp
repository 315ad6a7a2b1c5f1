// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which earlier generation serves a request, and how many new ones a day may see.
#include <sqlite3.h>

#include <filesystem>
#include <regex>

#include "fault/fault_fixture.h"

namespace genpro::test {
namespace {

// Leaves a generation of the published request behind, unfinished. Its id.
std::string leave_unfinished(Bench& bench) {
  bench.service.behave({.polls = never});
  Production production(bench.src({{"on-shutdown", "detach"}}));
  production.play();
  EXPECT_TRUE(bench.wait_for(polls(2)));
  EXPECT_TRUE(production.stop());
  bench.service.behave({.polls = 3});
  return bench.books().generations.at(0).id;
}

// Leaves a generation behind that was delivered whole.
std::string leave_delivered(Bench& bench) {
  EXPECT_TRUE(one_charge(bench, bench.run()));
  return bench.books().generations.at(0).id;
}

// A second generation was paid for, and this is its clip.
testing::AssertionResult new_one(const Bench& bench, const Streamed& streamed) {
  const auto charged = bench.books().charged();
  if (streamed.outcome.eos && charged.size() == 2 &&
      streamed.bytes == bench.service.clip(charged[1].id))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << streamed.outcome.summary() << "\n" << bench.books().text();
}

TEST(Reuse, AnUnfinishedGenerationIsPickedUp) {
  for (const char* reuse : {"in-flight", "completed"}) {
    Bench bench;
    leave_unfinished(bench);
    EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", reuse}}))) << reuse;
    EXPECT_EQ(bench.books().posts.size(), 1U);
  }
}

TEST(Reuse, InFlightIsTheDefault) {
  EXPECT_EQ(get_property(bare_src().get(), "reuse"), "in-flight");
}

TEST(Reuse, NeverTakesANewOne) {
  Bench unfinished;
  leave_unfinished(unfinished);
  EXPECT_TRUE(new_one(unfinished, unfinished.run({{"reuse", "never"}})));
  Bench delivered;
  leave_delivered(delivered);
  EXPECT_TRUE(new_one(delivered, delivered.run({{"reuse", "never"}})));
}

TEST(Reuse, ADeliveredClipIsForCompletedOnly) {
  Bench bench;
  leave_delivered(bench);
  EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", "completed"}})));
  EXPECT_TRUE(one_charge(bench, bench.run({{"reuse", "completed"}})));
  EXPECT_EQ(bench.books().posts.size(), 1U);
  EXPECT_TRUE(new_one(bench, bench.run()));
}

TEST(Reuse, AClipThatWasCutShortIsPickedUp) {
  for (const std::size_t at : {0, 50'000, 99'999}) {
    Bench bench({.polls = 1, .clip_held_at = at});
    {
      Production production(bench.src());
      production.play();
      ASSERT_TRUE(bench.wait_for(
          [&](const Books& books) { return books.clip_requests > 0 && books.clip_bytes >= at; }));
      ASSERT_TRUE(production.stop());
    }
    bench.service.behave({});
    EXPECT_TRUE(one_charge(bench, bench.run())) << at;
    EXPECT_EQ(bench.books().posts.size(), 1U);
    EXPECT_TRUE(bench.books().stops.empty()) << "there is nothing to stop any more";
  }
}

// All bytes have left the source, but the sink has shown none and knows of no end.
TEST(Reuse, AClipThatIsStuckInThePipelineIsPickedUp) {
  Bench bench({.clip_size = 0});
  {
    Production production(bench.src());
    ASSERT_TRUE(production.collector().preroll());
    ASSERT_TRUE(production.stop());
  }
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

TEST(Reuse, AnErrorInTheDownloadLeavesTheClipToTheNextRun) {
  Bench bench({.polls = 1, .clip_held_at = 50'000});
  const Streamed broken = bench.run({{"retries", "0"}});
  EXPECT_EQ(broken.outcome.errors.size(), 1U) << broken.outcome.summary();
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

TEST(Reuse, OneThatEndedWithoutAClipIsFollowedByANewOne) {
  for (const char* status : {"failed", "stopped"}) {
    Bench bench;
    bench.service.end(leave_unfinished(bench), status);
    EXPECT_TRUE(one_charge(bench, bench.run())) << status;
    EXPECT_EQ(bench.books().created().size(), 2U) << status;
  }
}

TEST(Reuse, AFailureThatWasToldIsFollowedByANewOne) {
  Bench bench({.polls = 1, .end = "failed"});
  const Streamed failed = bench.run();
  expect_one_error(failed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_FAILED)}});
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
}

TEST(Reuse, TheKeyIsNoPartOfTheRequestNorOfTheLedger) {
  Bench bench;
  leave_unfinished(bench);
  // As long as somebody reads it, the ledger's journal stays beside it.
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(bench.ledger.c_str(), &opened), SQLITE_OK);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> reader(opened, sqlite3_close);
  sqlite3_busy_timeout(reader.get(), 20000);
  ASSERT_EQ(sqlite3_exec(reader.get(), "SELECT * FROM generations", nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_TRUE(one_charge(bench, bench.run({{"api-key", "gen_pat_another"}})));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.folder.path())) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(read_file(entry.path()).find(test_key), std::string::npos) << entry.path();
    }
  }
}

TEST(Reuse, TheSameRequestInOtherWordsIsTheSame) {
  Bench bench;
  EXPECT_TRUE(one_charge(
      bench, bench.run({{"prompt", "A {{a}}"},
                        {"variables", R"({"a": "house", "b": "x"})"},
                        {"extra-data", R"({"style": {"x": 1, "y": 2}, "mood": "calm"})"}})));
  EXPECT_TRUE(
      one_charge(bench, bench.run({{"prompt", "A house"},
                                   {"extra-data", R"({"mood":"calm","style":{"y":2,"x":1}})"},
                                   {"reuse", "completed"}})));
  EXPECT_TRUE(new_one(bench, bench.run({{"prompt", "A house"},
                                        {"extra-data", R"({"mood":"wild"})"},
                                        {"reuse", "completed"}})));
}

TEST(Reuse, AttachingPostsNothing) {
  Bench bench;
  const std::string id = bench.service.add_foreign("101/3300");
  const Streamed streamed = bench.run({{"generation-id", id}});
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(streamed.bytes, bench.service.clip(id));
  EXPECT_TRUE(bench.books().posts.empty());
}

void expect_limit_error(const Outcome& outcome, const std::string& count,
                        const std::string& limit) {
  expect_one_error(outcome, {.mentions = {count, limit, "daily-generation-limit"}});
  ASSERT_FALSE(outcome.errors.empty());
  EXPECT_TRUE(std::regex_search(outcome.errors[0].text, std::regex("[0-9]{1,2}:[0-9]{2}")))
      << "no time of day: " << outcome.errors[0].text;
}

TEST(DailyLimit, RefusesBeforePosting) {
  const Settings limited{{"daily-generation-limit", "2"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    Settings settings = limited;
    settings.emplace_back(name, value);
    return settings;
  };
  Bench bench;
  EXPECT_TRUE(bench.run(with("prompt", "One")).outcome.eos);
  EXPECT_TRUE(bench.run(with("prompt", "Two")).outcome.eos);
  expect_limit_error(bench.run(with("prompt", "Three")).outcome, "2", "2");
  EXPECT_EQ(bench.books().posts.size(), 2U);
  // What was paid for is still to be had, other agents and lower needs are not concerned.
  Settings again = with("prompt", "One");
  again.emplace_back("reuse", "completed");
  EXPECT_TRUE(bench.run(again).outcome.eos);
  EXPECT_EQ(bench.books().posts.size(), 2U);
  EXPECT_TRUE(bench.run(with("agent-id", "43")).outcome.eos);
  EXPECT_EQ(bench.books().posts.size(), 3U);
  EXPECT_TRUE(bench.run({{"prompt", "Three"}, {"daily-generation-limit", "3"}}).outcome.eos);
  EXPECT_EQ(bench.books().posts.size(), 4U);
  expect_limit_error(bench.run(with("prompt", "Four")).outcome, "3", "2");
  EXPECT_TRUE(bench.run({{"prompt", "Four"}}).outcome.eos) << "0, the default, is no limit";
}

TEST(DailyLimit, HoldsForProcessesThatStartTogether) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.end_gate = gate});
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(
        bench.start(std::to_string(i) + ".mp4",
                    {{"prompt", "Scene " + std::to_string(i)}, {"daily-generation-limit", "2"}}));
  }
  EXPECT_TRUE(bench.wait_for(created(2)));
  const auto ended = [&] {
    return std::count_if(children.begin(), children.end(),
                         [](const auto& child) { return child->wait({}); });
  };
  EXPECT_TRUE(eventually([&] { return ended() == 4; })) << bench.books().text();
  gate->open();
  int good = 0;
  for (const auto& child : children) {
    ASSERT_TRUE(child->wait());
    if (child->succeeded())
      ++good;
    else
      EXPECT_TRUE(says(*child, "daily-generation-limit"));
  }
  EXPECT_EQ(good, 2);
  EXPECT_EQ(bench.books().posts.size(), 2U) << bench.books().text();
}

TEST(CostLimit, RefusesBeforePosting) {
  Bench bench({.estimate = 4});
  const Streamed refused = bench.run({{"max-cost", "3.5"}});
  expect_one_error(refused.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                                     .mentions = {"4 credits", "max-cost of 3.5"},
                                     .error_code = "max_cost_exceeded",
                                     .charged = "no"});
  EXPECT_TRUE(bench.books().posts.empty());
  EXPECT_TRUE(bench.run({{"max-cost", "4"}, {"daily-cost-limit", "4"}}).outcome.eos);
  // 3.5 were paid.
  const Streamed second = bench.run({{"prompt", "Another one"}, {"daily-cost-limit", "7"}});
  expect_one_error(second.outcome, {.mentions = {"daily-cost-limit of 7", "3.5"},
                                    .error_code = "daily_cost_limit_reached",
                                    .charged = "no"});
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

TEST(CostLimit, ThatNothingCanBeCheckedByRefuses) {
  Bench bench;
  for (const char* limit : {"max-cost", "daily-cost-limit"}) {
    const Streamed refused = bench.run({{limit, "1000"}});
    expect_one_error(refused.outcome,
                     {.mentions = {limit, "not known"}, .error_code = "cost_unknown"});
  }
  EXPECT_TRUE(bench.books().posts.empty());
}

TEST(Estimate, IsReadableOnceARequestIsAboutToBeMade) {
  const auto estimate_of = [](const Bench& bench, const Settings& changes) {
    Production production(bench.src(changes));
    EXPECT_EQ(get_property(production.src(), "estimate"), "-1");
    EXPECT_TRUE(production.finish().eos);
    return get_property(production.src(), "estimate");
  };
  Bench bench({.estimate = 4});
  EXPECT_EQ(estimate_of(bench, {{"max-cost", "5"}}), "4");
  EXPECT_EQ(bench.books().estimates.size(), 1U);
  // Without a limit the ledger knows what such a one has cost.
  EXPECT_EQ(estimate_of(bench, {{"prompt", "Another one"}}), "3.5");
  EXPECT_EQ(bench.books().estimates.size(), 1U);
  const auto todays = [](const char* prompt) {
    return Settings{
        {"prompt", prompt}, {"dialect", "vidsheet"}, {"generation-type", "video_from_text"},
        {"asset-ids", ""},  {"model", "grok"},       {"stall-timeout", "300"}};
  };
  EXPECT_EQ(estimate_of(bench, todays("One of today's")), "4");
  EXPECT_EQ(bench.books().estimates.size(), 2U);
  // Without an answer the run goes on.
  const auto gate = std::make_shared<Gate>();
  bench.service.behave({.estimate = 4, .estimate_gate = gate});
  EXPECT_EQ(estimate_of(bench, todays("Another of today's")), "3.5");
  EXPECT_EQ(bench.books().estimates.size(), 3U);
  gate->open();
}

TEST(NoLedger, SaysWhatIsLostByIt) {
  Bench bench;
  const Streamed first = bench.run({{"ledger", ""}});
  EXPECT_TRUE(first.outcome.eos) << first.outcome.summary();
  ASSERT_EQ(first.outcome.warnings.size(), 1U);
  const std::string text = first.outcome.warnings[0].text;
  EXPECT_NE(text.find("ledger"), std::string::npos) << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("twice|charge|pay|paid"))) << text;
  EXPECT_TRUE(new_one(bench, bench.run({{"ledger", ""}})));
  EXPECT_FALSE(std::filesystem::exists(bench.ledger));
}

// The limit cannot be kept without an account; to leave it at that would be a limit in name only.
TEST(NoLedger, AndADailyLimitIsToldToBeOfNoUse) {
  Bench bench;
  const Streamed streamed = bench.run({{"ledger", ""}, {"daily-generation-limit", "1"}});
  if (!streamed.outcome.errors.empty()) {
    expect_one_error(streamed.outcome, {.mentions = {"ledger", "daily-generation-limit"}});
    EXPECT_TRUE(bench.books().posts.empty());
    return;
  }
  EXPECT_NE(streamed.outcome.everything.find("daily-generation-limit"), std::string::npos);
}

}  // namespace
}  // namespace genpro::test
