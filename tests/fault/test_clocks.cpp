// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What happens to the machine and to the ledger's file between a request and its answer: clocks
// that are set, reboots, forked children, a file that is removed or replaced.
#include <csignal>
#include <filesystem>
#include <fstream>

#include "fault/rules_fixture.h"
#include "support/fast_clock.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* two_days_later = "172800";
constexpr const char* two_days_earlier = "-172800";
constexpr const char* another_boot = "7d4a9f6e-3a52-4a3f-9b0e-1c2d3e4f5a6b";

// A run that is killed while its request is under way.
void kill_over_the_post(Bench& bench, bool is_taken, bool honours_keys) {
  bench.service.behave({.honours_keys = honours_keys,
                        .next_posts = {is_taken ? PostFate::unanswered : PostFate::dropped},
                        .loss = Loss::silent});
  const auto killed = bench.start("killed.mp4");
  ASSERT_TRUE(bench.wait_for(posts(1))) << killed->output();
  ASSERT_TRUE(killed->kill());
  bench.service.behave({.honours_keys = honours_keys});
}

// What a run in such an environment comes to.
void expect_one_charge_in(const Environment& environment) {
  std::vector<std::function<void()>> all;
  for (const bool is_taken : {true, false}) {
    for (const bool honours_keys : {true, false}) {
      all.emplace_back([=] {
        SCOPED_TRACE(std::string(is_taken ? "taken" : "not taken") +
                     (honours_keys ? "" : ", keys ignored"));
        Bench bench;
        kill_over_the_post(bench, is_taken, honours_keys);
        const auto begin = std::chrono::steady_clock::now();
        const auto next = bench.launch(bench.settings(), "clip.mp4", "-q", environment);
        EXPECT_TRUE(next->wait());
        EXPECT_TRUE(next->succeeded()) << next->output();
        EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
        EXPECT_TRUE(one_key(bench));
        EXPECT_GE(std::chrono::steady_clock::now() - begin, boot_time(20s))
            << "it did not wait for the settling time";
      });
    }
  }
  run_together(all);
}

TEST(TheWallClock, MayBeSetBetweenTwoRuns) {
  expect_one_charge_in({{wall_clock_variable, two_days_later}});
  expect_one_charge_in({{wall_clock_variable, two_days_earlier}});
}

TEST(TheWallClock, MayBeSetWhileTheRequestIsUnderWay) {
  for (const long long step : {172'800LL, -172'800LL}) {
    for (const bool is_taken : {true, false}) {
      Bench bench({.next_posts = {is_taken ? PostFate::unanswered : PostFate::dropped},
                   .loss = Loss::silent});
      Production production(bench.src());
      production.play();
      ASSERT_TRUE(bench.wait_for(posts(1)));
      genpro_test_set_wall_clock(step);
      const Outcome outcome = production.finish();
      EXPECT_TRUE(production.stop());
      genpro_test_set_wall_clock(0);
      EXPECT_TRUE(outcome.eos) << outcome.summary();
      EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
      EXPECT_TRUE(one_key(bench));
    }
  }
}

// The boot clock has begun anew, and tells nothing about what was before.
TEST(AReboot, OverARequestIsWaitedOut) {
  expect_one_charge_in({{boot_id_variable, another_boot}});
}

TEST(AReboot, WithAWallClockThatIsWrongIsWaitedOut) {
  expect_one_charge_in({{boot_id_variable, another_boot}, {wall_clock_variable, two_days_later}});
  expect_one_charge_in({{boot_id_variable, another_boot}, {wall_clock_variable, two_days_earlier}});
}

TEST(AReboot, DuringTheGenerationIsNoMatter) {
  Bench bench({.polls = never});
  const auto killed = bench.start("killed.mp4");
  ASSERT_TRUE(bench.wait_for(polls(2))) << killed->output();
  ASSERT_TRUE(killed->kill());
  bench.service.behave({});
  const auto next =
      bench.launch(bench.settings(), "clip.mp4", "-q", {{boot_id_variable, another_boot}});
  EXPECT_TRUE(ended_well(*next));
  EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
}

// A child that was forked over the request has the same files open, and lives on.
TEST(AForkedChild, HoldsNobodyUp) {
  for (const bool is_answered : {false, true}) {
    Manners manners{.polls = never};
    if (!is_answered) {
      manners.next_posts = {PostFate::unanswered};
      manners.loss = Loss::silent;
    }
    Bench bench(manners);
    const std::string end = bench.file("end");
    Environment environment = tool_environment();
    environment.emplace_back("GEN_API_KEY", test_key);
    std::vector<std::string> words{FORK_APP, end, "genprosrc"};
    for (const auto& [property, value] : bench.settings())
      if (property != "api-key") words.push_back(property + "=" + value);
    words.insert(words.end(), {"!", "fakesink"});
    Child parent(words, environment, bench.file("parent.log"));
    ASSERT_TRUE(bench.wait_for(is_answered ? polls(2) : posts(1))) << parent.output();
    parent.send(SIGUSR1);
    ASSERT_TRUE(says(parent, "forked"));
    ASSERT_TRUE(parent.kill());
    bench.service.behave({});
    EXPECT_TRUE(one_charge(bench, bench.run()));
    std::ofstream(end) << "now";
  }
}

enum class LedgerLoss { removed, replaced, folder_removed };

void lose_ledger(const Bench& bench, LedgerLoss how) {
  if (how == LedgerLoss::folder_removed) {
    fs::remove_all(fs::path(bench.ledger).parent_path());
    return;
  }
  if (how == LedgerLoss::replaced) {
    // As one does who restores a copy.
    fs::copy_file(bench.ledger, bench.ledger + ".copy");
    fs::rename(bench.ledger + ".copy", bench.ledger);
    return;
  }
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(bench.ledger + suffix);
}

// It is not the one any more that others look into.
TEST(ALedgerThatIsLost, IsNoticedBeforeThePost) {
  for (const LedgerLoss how :
       {LedgerLoss::removed, LedgerLoss::replaced, LedgerLoss::folder_removed}) {
    SCOPED_TRACE(static_cast<int>(how));
    auto gate = std::make_shared<Gate>();
    Bench bench({.cell_gate = gate});
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(cell_readings(1)));
    lose_ledger(bench, how);
    gate->open();
    const Outcome outcome = production.finish();
    expect_one_error(outcome, {.mentions = {bench.ledger}});
    EXPECT_EQ(charged(outcome), "no") << outcome.everything;
    EXPECT_TRUE(bench.books().posts.empty()) << bench.books().text();
  }
}

TEST(ALedgerThatIsLost, IsNoticedBeforeTheRepeat) {
  for (const LedgerLoss how : {LedgerLoss::removed, LedgerLoss::replaced}) {
    SCOPED_TRACE(static_cast<int>(how));
    Bench bench({.next_posts = {PostFate::dropped}, .loss = Loss::silent});
    Production production(bench.src());
    production.play();
    ASSERT_TRUE(bench.wait_for(posts(1)));
    lose_ledger(bench, how);
    const Outcome outcome = production.finish();
    expect_one_error(outcome, {.mentions = {bench.ledger}});
    EXPECT_EQ(charged(outcome), "unknown") << outcome.everything;
    EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
  }
}

// Another run of the same process, which has the file open.
TEST(ALedgerThatIsLost, IsNoticedByTheNextRun) {
  Bench bench({.polls = never});
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(polls(2)));
  lose_ledger(bench, LedgerLoss::removed);
  const Streamed other = bench.run({{"prompt", "Something else"}});
  expect_one_error(other.outcome, {.mentions = {bench.ledger}});
  EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
}

// An operator can prove what happened.
TEST(TheHistoryOfARow, TellsWhatCameAndWhatWasDecided) {
  Bench bench({.given_posts = {{html_answer(502, "<html></html>"), false}}});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  const std::string shown = genpro(bench, {"ledger", "show", "1"}).out;
  std::size_t at = 0;
  for (const char* line :
       {"the request is sent", "502", "it may have been taken", "no generation",
        "sent again with its key", "names generation", "proven", "is completed", "delivered"}) {
    const std::size_t found = shown.find(line, at);
    EXPECT_NE(found, std::string::npos) << line << " is not told, or too early:\n" << shown;
    if (found != std::string::npos) at = found;
  }
}

}  // namespace
}  // namespace genpro::test
