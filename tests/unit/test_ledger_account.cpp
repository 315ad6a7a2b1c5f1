// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a ledger's rows say: limits, the cell's jobs, the course of a generation, reports.
#include <ctime>

#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using payment::State;
using test::hour;
using test::must;
using Jobs = std::vector<std::string>;

using LedgerAccount = test::LedgerTest;

TEST_F(LedgerAccount, TheDailyLimitCountsAnAgentsPaidOnes) {
  const auto ledger = open();
  const WallTime now = wall_clock_now();
  const std::int64_t old = add(*ledger, request("old"), completed("1"), true);
  age(old, 25 * hour);
  const std::int64_t first = add(*ledger, request("1"), completed("2"));
  age(first, 3 * hour);
  refuse(*ledger, add(*ledger, request("refused")), "no credits");
  add(*ledger, request("2", "3300", "43"));

  EXPECT_TRUE(ledger->check_limits(request(), {.daily_generations = 2}));
  EXPECT_TRUE(begin(*ledger, request("3"), std::nullopt, 2));
  for (const auto& error : {ledger->check_limits(request(), {.daily_generations = 2}).error(),
                            begin(*open(), request("4"), std::nullopt, 2).error()}) {
    EXPECT_EQ(error.kind, ErrorKind::limit);
    EXPECT_NE(error.message.find("limit of 2 "), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("2 generations"), std::string::npos) << error.message;
    std::map<std::string, std::string> details(error.details.begin(), error.details.end());
    EXPECT_EQ(details["generation-count"], "2");
    EXPECT_EQ(details["generation-limit"], "2");
    const DateTimePtr next(g_date_time_new_from_iso8601(details["next-allowed"].c_str(), nullptr));
    ASSERT_TRUE(next) << details["next-allowed"];
    EXPECT_NEAR(static_cast<double>(g_date_time_to_unix(next.get())),
                static_cast<double>((now + 21 * hour) / 1000), 10);
  }
  EXPECT_EQ(must(ledger->list({})).size(), 5U);
  // With a lower limit than there are, the one whose end makes room is not the first.
  const Error lower = ledger->check_limits(request(), {.daily_generations = 1}).error();
  std::map<std::string, std::string> details(lower.details.begin(), lower.details.end());
  const DateTimePtr next(g_date_time_new_from_iso8601(details["next-allowed"].c_str(), nullptr));
  ASSERT_TRUE(next);
  EXPECT_NEAR(static_cast<double>(g_date_time_to_unix(next.get())),
              static_cast<double>((now + 24 * hour) / 1000), 10);
  EXPECT_TRUE(ledger->check_limits(request(), {.daily_generations = 0}));
  EXPECT_TRUE(ledger->check_limits(request(), {.daily_generations = 3}));
}

TEST_F(LedgerAccount, TellsWhatElseExplainsTheJobsOfACell) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("A"), Jobs{"1", "2"});
  const auto others = [&](std::int64_t row_id, const Jobs& jobs) {
    return must(ledger->others(row(*ledger, row_id), jobs));
  };
  EXPECT_EQ(others(id, {"3", "2", "1"}).claimed, Jobs{});
  EXPECT_TRUE(others(id, {"3", "2", "1"}).later.empty());

  // Claimed by another row, but only of the same service, whatever it is called.
  add(*ledger, request("B", "9"), pending("3"));
  EXPECT_EQ(others(id, {"4", "3"}).claimed, Jobs{"3"});
  const std::string other_service = "http://127.0.0.1:1/v1";
  const std::int64_t elsewhere =
      add(*ledger, request("B", "9", "42", "pika", {}, other_service), pending("4"));
  EXPECT_EQ(others(id, {"4", "3"}).claimed, Jobs{"3"});
  const std::int64_t beside =
      add(*ledger, request("B", "8", "42", "pika", {}, "http://localhost:1/v1"));
  EXPECT_EQ(others(beside, {"4", "3"}).claimed, Jobs{"4"});
  // Its own is not another one's.
  EXPECT_EQ(others(elsewhere, {"4", "3"}).claimed, Jobs{});

  // What the cell held when its next request left; another cell's request says nothing, nor does
  // one that could not look.
  add(*ledger, request("C", "9"), Jobs{});
  add(*ledger, request("D"));
  EXPECT_TRUE(others(id, {"4", "3"}).later.empty());
  const std::int64_t next = add(*ledger, request("E"), Jobs{"3", "2", "1"});
  const std::int64_t last = add(*ledger, request("F"), Jobs{"5", "3", "2", "1"});
  const auto later = others(id, {"4", "3", "2"}).later;
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0].jobs, (Jobs{"3", "2", "1"}));
  EXPECT_EQ(later[0].at, posted_of(row(*ledger, next).state));
  EXPECT_EQ(later[1].jobs, (Jobs{"5", "3", "2", "1"}));
  EXPECT_TRUE(others(last, {"4", "3", "2"}).later.empty());
  ASSERT_EQ(others(next, {"4", "3", "2"}).later.size(), 1U);

  // Once the first one has been sent again, they are no longer later.
  State again = row(*ledger, id).state;
  std::get<payment::Posting>(again).attempt.posted.up += hour;
  put(*ledger, id, again);
  EXPECT_TRUE(others(id, {"4", "3", "2"}).later.empty());
}

TEST_F(LedgerAccount, TheLookIsKeptWhileARequestOnTheCellIsOpen) {
  const auto ledger = open();
  const auto looks = [&](std::int64_t id) {
    return number("SELECT count(*) FROM generations WHERE jobs_before IS NOT NULL AND id = " +
                  std::to_string(id)) == 1;
  };
  const std::int64_t first = add(*ledger, request("A"), Jobs{"1"});
  const std::int64_t second = add(*ledger, request("B"), Jobs{"1", "2"});
  const std::int64_t elsewhere = add(*ledger, request("C", "9"), Jobs{"5"});
  lose(*ledger, first);
  put(*ledger, second, pending("3"));
  EXPECT_EQ(looked_at(*ledger, first), Jobs{"1"});
  EXPECT_TRUE(looks(second));
  ASSERT_EQ(must(ledger->others(row(*ledger, first), {})).later.size(), 1U);
  put(*ledger, first, pending("2"));
  EXPECT_FALSE(looks(first));
  EXPECT_FALSE(looks(second));
  EXPECT_EQ(looked_at(*ledger, elsewhere), Jobs{"5"});
  refuse(*ledger, elsewhere, "no");
  EXPECT_FALSE(looks(elsewhere));
}

// The last open request may be one whose own look could not be taken.
TEST_F(LedgerAccount, TheLookOfOthersGoesWithTheLastOpenRequest) {
  const auto ledger = open();
  const std::int64_t blind = add(*ledger, request("A"));
  EXPECT_EQ(looked_at(*ledger, blind), std::nullopt);
  const std::int64_t seeing = add(*ledger, request("B"), Jobs{"1"});
  put(*ledger, seeing, pending("2"));
  const std::string count = "SELECT count(*) FROM generations WHERE jobs_before IS NOT NULL";
  EXPECT_EQ(number(count), 1);
  put(*ledger, blind, pending("1"));
  EXPECT_EQ(number(count), 0);
}

// Whatever the state, a row holds all of it.
TEST_F(LedgerAccount, EachStateComesBack) {
  const auto ledger = open();
  payment::Attempt full = attempt(Jobs{"a", "b-2"});
  full.doubtful = full.is_absent = full.stop_wanted = true;
  full.posted.up += 5;
  full.posted.wall += 7;
  payment::Attempt plain = attempt(Jobs{});
  payment::Generation likely = generation("9_0-4");
  likely.evidence = payment::Evidence::likely;
  // What only is likely keeps what is in doubt again if it turns out to be another one's.
  payment::Generation in_doubt_again = likely;
  in_doubt_again.attempt = plain;
  in_doubt_again.attempt->posted = in_doubt_again.posted;
  in_doubt_again.attempt->doubtful = true;
  const std::vector<State> states = {
      payment::Prepared{"a-key"},
      payment::Posting{plain},
      payment::Posting{full},
      payment::InDoubt{full, "no answer"},
      payment::Refused{"no credits"},
      payment::Known{in_doubt_again, payment::Phase::processing, false},
      payment::Known{generation("1"), payment::Phase::processing, true},
      payment::Completed{likely},
      payment::Delivered{generation("2")},
      payment::Failed{generation("3"), "the model gave up"},
      payment::Failed{generation("5"), "the model gave up", payment::Credit::charged},
      payment::Stopped{generation("6"), payment::Credit::refunded},
      payment::Stopped{generation("7"), payment::Credit::not_charged},
      payment::Stopped{likely},
      payment::Gone{generation("4"), "no such generation"},
  };
  for (const State& state : states) {
    const auto begun = must(ledger->begin(request(), state, note("as it is"), {}, clock_now()));
    EXPECT_EQ(begun.entry.state, state) << payment::meaning(state).word;
    EXPECT_EQ(row(*open(), begun.entry.id).state, state) << payment::meaning(state).word;
    EXPECT_EQ(must(ledger->history(begun.entry.id)).back().word, payment::meaning(state).word);
  }
  for (const State& state : states) {
    const std::int64_t id = add(*ledger, request());
    EXPECT_TRUE(payment::same_on_disk(
        must(ledger->store(id, row(*ledger, id).state, state, note("next"), clock_now())), state));
    EXPECT_EQ(row(*open(), id).state, state) << payment::meaning(state).word;
  }
}

TEST_F(LedgerAccount, ARepeatedRequestKeepsItsKeyAndTheTimeItWasMade) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), Jobs{"1"});
  lose(*ledger, id, true);
  age(id, 22 * hour);
  const Entry before = row(*ledger, id);
  State again = payment::Posting{*payment::attempt(before.state)};
  payment::Attempt& attempt = std::get<payment::Posting>(again).attempt;
  attempt.posted = clock_now();
  attempt.stop_wanted = false;
  must(ledger->store(id, before.state, again, note("sent again"), clock_now()));
  const Entry stored = row(*ledger, id);
  EXPECT_EQ(stored.state, again);
  EXPECT_EQ(stored.created_at, before.created_at);
  EXPECT_GT(stored.posted_at, before.posted_at + 21 * hour);

  const auto missing = ledger->store(id + 1, before.state, again, note(), clock_now());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::ledger);
  EXPECT_NE(missing.error().message.find("row " + std::to_string(id + 1)), std::string::npos);
}

TEST_F(LedgerAccount, AGenerationsCourseIsKept) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  put(*ledger, id, pending("9040"), {.came = "201", .decided = "follow it", .cost = 3.5});
  EXPECT_EQ(word(*ledger, id), "pending");
  EXPECT_EQ(row(*ledger, id).cost, 3.5);
  EXPECT_EQ(row(*ledger, id).ended_at, 0);
  put(*ledger, id, processing("9040"));
  EXPECT_EQ(word(*ledger, id), "processing");
  EXPECT_EQ(row(*ledger, id).cost, 3.5);

  want_stop(*ledger, id, true);
  put(*ledger, id, failed("9040", "the model gave up"), {.cost = 0});
  const Entry ended = row(*ledger, id);
  EXPECT_EQ(payment::meaning(ended.state).word, "failed");
  EXPECT_EQ(payment::reason(ended.state), "the model gave up");
  EXPECT_EQ(ended.cost, 0);
  EXPECT_FALSE(payment::stop_wanted(ended.state));
  EXPECT_NE(ended.ended_at, 0);
  sql("UPDATE generations SET ended_at = 5");
  put(*ledger, id, ended.state);
  EXPECT_EQ(row(*ledger, id).ended_at, 5);
}

// Of several that are at one row, each hears some things late.
TEST_F(LedgerAccount, WhatAnotherProcessKnowsBetterStays) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  const State posted = row(*ledger, id).state;
  put(*ledger, id, pending("9040"));
  const State known = row(*ledger, id).state;
  const auto stored = [&](const State& before, const State& after) {
    return must(ledger->store(id, before, after, note("late"), clock_now()));
  };
  const std::size_t lines = must(ledger->history(id)).size();
  EXPECT_EQ(stored(posted, in_doubt(posted, true)), known);
  EXPECT_EQ(stored(posted, payment::Refused{"no"}), known);
  // Nor does a row become that of another generation.
  EXPECT_EQ(stored(posted, completed("9041")), known);
  EXPECT_EQ(row(*ledger, id).state, known);
  EXPECT_EQ(must(ledger->history(id)).size(), lines);

  State done = payment::Completed{std::get<payment::Known>(known).generation};
  EXPECT_EQ(stored(posted, done), done) << "the row was behind";
  EXPECT_EQ(stored(known, known), done);
  must(ledger->note_delivery(id, 1000));
  const State delivered = row(*ledger, id).state;
  EXPECT_TRUE(std::holds_alternative<payment::Delivered>(delivered));
  EXPECT_EQ(stored(delivered, done), delivered);
  EXPECT_EQ(row(*ledger, id).state, delivered);
}

TEST_F(LedgerAccount, HistoryTellsWhatCameAndWhatWasDecided) {
  const auto ledger = open();
  auto begun = must(ledger->begin(
      request(), posting(), {.came = "the cell has no jobs", .decided = "post"}, {}, clock_now()));
  const std::int64_t id = begun.entry.id;
  put(*ledger, id, in_doubt(begun.entry.state),
      {.came = "500 \n" + std::string(1000, 'x') + "…", .decided = std::string(200, '\xc3')});
  put(*ledger, id, pending("9040"), {.cost = 2});
  put(*ledger, id, completed("9040"), {.came = "completed", .decided = ""});
  must(ledger->note_delivery(id, 5));
  must(ledger->note_delivery(id, 5));
  const auto lines = must(ledger->history(id));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].came, "the cell has no jobs");
  EXPECT_EQ(lines[0].decided, "post");
  EXPECT_EQ(lines[0].word, "submitting");
  EXPECT_NEAR(static_cast<double>(lines[0].at), static_cast<double>(wall_clock_now()), 60'000);
  EXPECT_EQ(lines[1].word, "unknown");
  EXPECT_TRUE(lines[1].came.starts_with("500 xxx")) << lines[1].came;
  for (const auto& text : {lines[1].came, lines[1].decided}) {
    EXPECT_LE(text.size(), 300U);
    EXPECT_TRUE(g_utf8_validate(text.c_str(), -1, nullptr));
  }
  EXPECT_EQ(lines[2].came, "completed");
  EXPECT_EQ(lines[3].word, "completed");
  EXPECT_NE(lines[3].decided, "");

  begun.presence.release();
  EXPECT_EQ(must(ledger->remove(id)), Ledger::Removal::removed);
  EXPECT_TRUE(must(ledger->history(id)).empty());
  EXPECT_EQ(number("SELECT count(*) FROM history"), 0);
}

TEST_F(LedgerAccount, DeliveryCountsTheFurthestByteAndTheFirstEnd) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), completed("9040"));
  must(ledger->note_bytes(id, 5'000'000'000));
  must(ledger->note_bytes(id, 70));
  EXPECT_EQ(row(*ledger, id).bytes_delivered, 5'000'000'000U);
  EXPECT_EQ(row(*ledger, id).delivered_at, 0);
  EXPECT_FALSE(payment::is_closed(row(*ledger, id).state));
  must(ledger->note_delivery(id, 6'000'000'000));
  EXPECT_EQ(row(*ledger, id).bytes_delivered, 6'000'000'000U);
  EXPECT_NE(row(*ledger, id).delivered_at, 0);
  EXPECT_TRUE(payment::is_closed(row(*ledger, id).state));
  sql("UPDATE generations SET delivered_at = 5");
  must(ledger->note_delivery(id, 10));
  must(ledger->note_bytes(id, 10));
  EXPECT_EQ(row(*ledger, id).delivered_at, 5);
}

TEST_F(LedgerAccount, ListsTheNewestFirstAndWhatIsAskedFor) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("1"), failed("1"));
  const std::int64_t second = add(*ledger, request("2"), pending("2"));
  const std::int64_t third = add(*ledger, request("3"), failed("2"));
  age(first, 2 * hour);
  const auto ids = [&](const Ledger::Filter& filter) {
    std::vector<std::int64_t> result;
    for (const Entry& entry : must(ledger->list(filter))) result.push_back(entry.id);
    return result;
  };
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids({}), (Ids{third, second, first}));
  EXPECT_EQ(ids({.word = "failed"}), (Ids{third, first}));
  EXPECT_EQ(ids({.since = wall_clock_now() - hour}), (Ids{third, second}));
  EXPECT_EQ(ids({.limit = 1}), Ids{third});
  EXPECT_EQ(ids({.word = "failed", .since = 1, .limit = 2}), (Ids{third, first}));
  EXPECT_EQ(ids({.word = "refused"}), Ids{});

  const auto found = must(ledger->find_generation("2"));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, third);
  EXPECT_TRUE(must(ledger->find_generation("99")).empty());
  EXPECT_FALSE(must(ledger->find(99)));
}

TEST_F(LedgerAccount, PruningLeavesWhatIsOpenAndNumbersAreNotUsedAgain) {
  const auto ledger = open();
  std::vector<std::int64_t> closed;
  std::vector<std::int64_t> left;
  for (const State& state :
       {failed("1"), stopped("1"), State(payment::Gone{generation("5"), ""})}) {
    closed.push_back(add(*ledger, request("x"), state));
  }
  closed.push_back(add(*ledger, request("x"), completed("2"), true));
  closed.push_back(add(*ledger, request("x")));
  refuse(*ledger, closed.back(), "no");
  left.push_back(add(*ledger, request("x", "9")));
  left.push_back(add(*ledger, request("x", "9")));
  lose(*ledger, left.back());
  // On a cell with a request in doubt: it says that the generation is not that request's.
  left.push_back(add(*ledger, request("x", "9"), failed("6")));
  for (const State& state : {pending("3"), processing("3"), completed("3")}) {
    left.push_back(add(*ledger, request("x"), state));
  }
  sql("UPDATE generations SET created_at = created_at - 1000000");
  left.push_back(add(*ledger, request("x"), failed("4")));
  for (const std::int64_t id : closed)
    EXPECT_TRUE(payment::is_closed(row(*ledger, id).state)) << id;

  EXPECT_EQ(must(ledger->prune(wall_clock_now() - 500'000)), 5);
  for (const std::int64_t id : closed) EXPECT_FALSE(must(ledger->find(id))) << id;
  for (const std::int64_t id : left) EXPECT_TRUE(must(ledger->find(id))) << id;
  EXPECT_EQ(must(ledger->prune(wall_clock_now() - 500'000)), 0);
  for (const std::int64_t id : closed) EXPECT_TRUE(must(ledger->history(id)).empty()) << id;
  for (const std::int64_t id : left) EXPECT_FALSE(must(ledger->history(id)).empty()) << id;

  EXPECT_EQ(must(ledger->remove(left.back())), Ledger::Removal::removed);
  EXPECT_EQ(must(ledger->remove(left.back())), Ledger::Removal::missing);
  EXPECT_GT(add(*ledger, request("x")), left.back());
}

TEST_F(LedgerAccount, ARowThatAProcessIsAtIsNotRemoved) {
  const auto ledger = open();
  const auto begun = must(begin(*open(), request()));
  EXPECT_EQ(must(ledger->remove(begun.entry.id)), Ledger::Removal::in_use);
  EXPECT_TRUE(must(ledger->find(begun.entry.id)));
}

TEST_F(LedgerAccount, SpendSumsUpByDayAndModel) {
  const auto ledger = open();
  const auto at = [&](std::int64_t id, const char* local_time) {
    std::tm time{};
    ASSERT_NE(strptime(local_time, "%Y-%m-%d %H:%M:%S", &time), nullptr);
    time.tm_isdst = -1;
    sql("UPDATE generations SET created_at = " + std::to_string(std::mktime(&time)) +
        "000 WHERE id = " + std::to_string(id));
  };
  const auto paid = [&](const std::string& model, const State& state, std::optional<double> cost) {
    const std::int64_t id = add(*ledger, request("x", "3300", "42", model));
    put(*ledger, id, state, {.cost = cost});
    return id;
  };
  at(paid("pika", completed("1"), 3.5), "2024-03-31 00:00:00");
  at(paid("pika", completed("2"), 1), "2024-03-31 23:59:59");
  at(paid("pika", failed("3"), 9), "2024-03-31 12:00:00");
  at(paid("kling", pending("4"), std::nullopt), "2024-03-31 12:00:00");
  at(paid("pika", completed("5"), 2), "2024-04-01 00:00:00");
  const std::int64_t doubt = add(*ledger, request("x", "9", "42", ""));
  lose(*ledger, doubt);
  at(doubt, "2024-04-01 01:00:00");
  const std::int64_t refused = add(*ledger, request("x"));
  refuse(*ledger, refused, "no");
  at(refused, "2024-04-01 01:00:00");
  must(ledger->begin(request("x"), payment::Prepared{"key"}, note(), {}, clock_now()));
  at(paid("pika", completed("6"), 4), "2023-12-31 23:00:00");

  const auto spend = must(ledger->spend(0));
  struct Line {
    std::string day, model;
    std::int64_t generations, refunded, cost_unknown, in_doubt;
    double cost;
  };
  const std::vector<Line> expected = {
      {"2024-04-01", "", 1, 0, 1, 1, 0},      {"2024-04-01", "pika", 1, 0, 0, 0, 2},
      {"2024-03-31", "kling", 1, 0, 1, 0, 0}, {"2024-03-31", "pika", 3, 1, 0, 0, 4.5},
      {"2023-12-31", "pika", 1, 0, 0, 0, 4},
  };
  ASSERT_EQ(spend.size(), expected.size());
  for (std::size_t index = 0; index < expected.size(); ++index) {
    SCOPED_TRACE(index);
    EXPECT_EQ(spend[index].day, expected[index].day);
    EXPECT_EQ(spend[index].model, expected[index].model);
    EXPECT_EQ(spend[index].generations, expected[index].generations);
    EXPECT_EQ(spend[index].refunded, expected[index].refunded);
    EXPECT_EQ(spend[index].cost_unknown, expected[index].cost_unknown);
    EXPECT_EQ(spend[index].in_doubt, expected[index].in_doubt);
    EXPECT_EQ(spend[index].cost, expected[index].cost);
  }
  EXPECT_EQ(must(ledger->spend(row(*ledger, doubt).created_at)).size(), 1U);
}

// Local days are 23, 24 or 25 hours long.
TEST_F(LedgerAccount, SpendFollowsTheLocalClock) {
  const char* before = g_getenv("TZ");
  const std::string zone = before != nullptr ? before : "";
  g_setenv("TZ", "Europe/Berlin", TRUE);
  tzset();
  const auto ledger = open();
  // Each hour of a week with a day of 23 hours, and of one with 25.
  std::map<std::string, std::int64_t> expected;
  const std::int64_t id = add(*ledger, request());
  std::string rows;
  for (const WallTime start : {WallTime{1'711'500'000'000}, WallTime{1'729'600'000'000}}) {
    for (int number = 0; number < 7 * 24; ++number) {
      const WallTime time = start + number * hour;
      rows += (rows.empty() ? "(" : "), (") + std::to_string(time);
      const DateTimePtr local(g_date_time_new_from_unix_local(time / 1000));
      ++expected[take_string(g_date_time_format(local.get(), "%Y-%m-%d"))];
    }
  }
  sql("INSERT INTO generations (fingerprint, place, base_url, cell_path, agent_id, model, request, "
      "idempotency_key, status, posted_at, created_at) SELECT fingerprint, place, base_url, "
      "cell_path, agent_id, model, request, idempotency_key, status, posted_at, hours.column1 FROM "
      "generations, (VALUES " +
      rows + ")) AS hours");
  must(ledger->remove(id));
  std::map<std::string, std::int64_t> sums;
  for (const auto& line : must(ledger->spend(0))) sums[line.day] += line.generations;
  EXPECT_EQ(sums, expected);
  EXPECT_EQ(sums["2024-03-31"], 23);
  EXPECT_EQ(sums["2024-10-27"], 25);
  if (before != nullptr) {
    g_setenv("TZ", zone.c_str(), TRUE);
  } else {
    g_unsetenv("TZ");
  }
  tzset();
}

}  // namespace
}  // namespace genpro::ledger
