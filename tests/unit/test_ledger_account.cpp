// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a ledger's rows say: limits, the cell's jobs, the course of a generation, reports.
#include "unit/ledger_fixture.h"

namespace genpro::job {
namespace {

using api::Phase;
using test::hour;
using test::must;
using Jobs = std::vector<std::string>;

using LedgerAccount = test::LedgerTest;

TEST_F(LedgerAccount, TheDailyLimitCountsAnAgentsPaidOnes) {
  const auto ledger = open();
  const WallTime now = wall_clock_now();
  const std::int64_t old = add(*ledger, request("old"), generation("1", Phase::completed), true);
  age(old, 25 * hour);
  const std::int64_t first = add(*ledger, request("1"), generation("2", Phase::completed));
  age(first, 3 * hour);
  must(ledger->note_refused(add(*ledger, request("refused")), "no credits"));
  add(*ledger, request("2", "3300", "43"));

  EXPECT_TRUE(ledger->check_limit(request(), 2));
  EXPECT_TRUE(ledger->begin(request("3"), std::nullopt, 2));
  for (const auto& error : {ledger->check_limit(request(), 2).error(),
                            open()->begin(request("4"), std::nullopt, 2).error()}) {
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
  const Error lower = ledger->check_limit(request(), 1).error();
  std::map<std::string, std::string> details(lower.details.begin(), lower.details.end());
  const DateTimePtr next(g_date_time_new_from_iso8601(details["next-allowed"].c_str(), nullptr));
  ASSERT_TRUE(next);
  EXPECT_NEAR(static_cast<double>(g_date_time_to_unix(next.get())),
              static_cast<double>((now + 24 * hour) / 1000), 10);
  EXPECT_TRUE(ledger->check_limit(request(), 0));
  EXPECT_TRUE(ledger->check_limit(request(), 3));
}

TEST_F(LedgerAccount, NewJobsAreThoseThatNothingElseExplains) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("A"), Jobs{"1", "2"});
  const auto new_jobs = [&](const Jobs& jobs) {
    return must(ledger->new_jobs(row(*ledger, id), jobs));
  };
  EXPECT_EQ(new_jobs({"1", "2"}), Jobs{});
  EXPECT_EQ(new_jobs({"3", "2", "1"}), Jobs{"3"});
  EXPECT_EQ(new_jobs({"4", "3", "3", "2"}), (Jobs{"4", "3"}));

  // Claimed by another row, but only of the same service.
  add(*ledger, request("B", "9"), generation("3", Phase::pending));
  EXPECT_EQ(new_jobs({"4", "3"}), Jobs{"4"});
  sql("UPDATE generations SET base_url = 'http://127.0.0.1:1/v1' WHERE generation_id = '3'");
  EXPECT_EQ(new_jobs({"4", "3"}), (Jobs{"4", "3"}));

  // What was not there before the cell's next request is not of this one; another cell's request
  // says nothing.
  add(*ledger, request("C", "9"), Jobs{});
  EXPECT_EQ(new_jobs({"4", "3"}), (Jobs{"4", "3"}));
  add(*ledger, request("D"));
  EXPECT_EQ(new_jobs({"4", "3"}), (Jobs{"4", "3"}));
  const std::int64_t next = add(*ledger, request("E"), Jobs{"3", "2", "1"});
  EXPECT_EQ(new_jobs({"4", "3", "2"}), Jobs{"3"});
  EXPECT_EQ(must(ledger->new_jobs(row(*ledger, next), {"4", "3", "2"})), Jobs{"4"});
}

TEST_F(LedgerAccount, WithoutALookBeforeEveryUnclaimedJobMayBeIt) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  EXPECT_EQ(row(*ledger, id).jobs_before, std::nullopt);
  EXPECT_EQ(must(ledger->new_jobs(row(*ledger, id), {"2", "1"})), (Jobs{"2", "1"}));
}

TEST_F(LedgerAccount, TheLookIsKeptWhileARequestOnTheCellIsOpen) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("A"), Jobs{"1"});
  const std::int64_t second = add(*ledger, request("B"), Jobs{"1", "2"});
  const std::int64_t elsewhere = add(*ledger, request("C", "9"), Jobs{"5"});
  must(ledger->note_unknown(first, false));
  must(ledger->note_generation(second, generation("3", Phase::pending)));
  EXPECT_EQ(row(*ledger, first).jobs_before, Jobs{"1"});
  EXPECT_EQ(row(*ledger, second).jobs_before, (Jobs{"1", "2"}));
  must(ledger->note_generation(first, generation("2", Phase::pending)));
  EXPECT_EQ(row(*ledger, first).jobs_before, std::nullopt);
  EXPECT_EQ(row(*ledger, second).jobs_before, std::nullopt);
  EXPECT_EQ(row(*ledger, elsewhere).jobs_before, Jobs{"5"});
  must(ledger->note_refused(elsewhere, "no"));
  EXPECT_EQ(row(*ledger, elsewhere).jobs_before, std::nullopt);
}

// The last open request may be one whose own look could not be taken.
TEST_F(LedgerAccount, TheLookOfOthersGoesWithTheLastOpenRequest) {
  const auto ledger = open();
  const std::int64_t blind = add(*ledger, request("A"));
  const std::int64_t seeing = add(*ledger, request("B"), Jobs{"1"});
  must(ledger->note_generation(seeing, generation("2", Phase::pending)));
  EXPECT_EQ(row(*ledger, seeing).jobs_before, Jobs{"1"});
  must(ledger->note_generation(blind, generation("1", Phase::pending)));
  EXPECT_EQ(row(*ledger, seeing).jobs_before, std::nullopt);
}

TEST_F(LedgerAccount, ARepeatedRequestKeepsItsKeyWhileTheServiceKnowsIt) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), Jobs{"1"});
  must(ledger->note_unknown(id, true));
  age(id, 22 * hour);
  const Entry before = row(*ledger, id);
  const Entry again = must(ledger->begin_again(id, std::nullopt));
  EXPECT_EQ(again.idempotency_key, before.idempotency_key);
  EXPECT_EQ(again.created_at, before.created_at);
  EXPECT_GT(again.posted_at, before.posted_at + 21 * hour);
  EXPECT_EQ(again.status, EntryStatus::submitting);
  EXPECT_FALSE(again.stop_wanted);
  EXPECT_EQ(again.jobs_before, Jobs{"1"});
  const Entry stored = row(*ledger, id);
  EXPECT_EQ(stored.posted_at, again.posted_at);
  EXPECT_EQ(stored.status, EntryStatus::submitting);
  EXPECT_FALSE(stored.stop_wanted);
  EXPECT_EQ(stored.jobs_before, Jobs{"1"});

  age(id, 2 * hour);
  const Entry renewed = must(ledger->begin_again(id, Jobs{"1", "2"}));
  EXPECT_NE(renewed.idempotency_key, before.idempotency_key);
  EXPECT_GT(renewed.created_at, before.created_at + 21 * hour);
  EXPECT_EQ(renewed.jobs_before, (Jobs{"1", "2"}));
  EXPECT_EQ(row(*ledger, id).idempotency_key, renewed.idempotency_key);
  EXPECT_EQ(row(*ledger, id).jobs_before, (Jobs{"1", "2"}));

  const auto missing = ledger->begin_again(id + 1, std::nullopt);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::ledger);
  EXPECT_NE(missing.error().message.find("row " + std::to_string(id + 1)), std::string::npos);
}

TEST_F(LedgerAccount, AGenerationsCourseIsKept) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  must(ledger->note_generation(id, generation("9040", Phase::pending, 3.5)));
  EXPECT_EQ(row(*ledger, id).status, EntryStatus::pending);
  EXPECT_EQ(row(*ledger, id).cost, 3.5);
  EXPECT_EQ(row(*ledger, id).ended_at, 0);
  must(ledger->note_generation(id, generation("", Phase::processing)));
  EXPECT_EQ(row(*ledger, id).generation_id, "9040");
  EXPECT_EQ(row(*ledger, id).status, EntryStatus::processing);
  EXPECT_EQ(row(*ledger, id).cost, 3.5);

  must(ledger->note_stop_wanted(id, true));
  api::Generation failed = generation("9040", Phase::failed, 0);
  failed.failed_reason = "the model gave up";
  must(ledger->note_generation(id, failed));
  const Entry ended = row(*ledger, id);
  EXPECT_EQ(ended.status, EntryStatus::failed);
  EXPECT_EQ(ended.reason, "the model gave up");
  EXPECT_EQ(ended.cost, 0);
  EXPECT_FALSE(ended.stop_wanted);
  EXPECT_NE(ended.ended_at, 0);
  sql("UPDATE generations SET ended_at = 5");
  must(ledger->note_generation(id, failed));
  EXPECT_EQ(row(*ledger, id).ended_at, 5);
}

TEST_F(LedgerAccount, WhatHasAnIdIsNeitherUnknownNorRefused) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), generation("9040", Phase::pending));
  must(ledger->note_unknown(id, true));
  must(ledger->note_refused(id, "no"));
  EXPECT_EQ(row(*ledger, id).status, EntryStatus::pending);
  EXPECT_EQ(row(*ledger, id).reason, "");
  EXPECT_FALSE(row(*ledger, id).stop_wanted);
}

TEST_F(LedgerAccount, DeliveryCountsTheFurthestByteAndTheFirstEnd) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), generation("9040", Phase::completed));
  must(ledger->note_delivery(id, 5'000'000'000, false));
  must(ledger->note_delivery(id, 70, false));
  EXPECT_EQ(row(*ledger, id).bytes_delivered, 5'000'000'000U);
  EXPECT_EQ(row(*ledger, id).delivered_at, 0);
  EXPECT_FALSE(Ledger::is_closed(row(*ledger, id)));
  must(ledger->note_delivery(id, 6'000'000'000, true));
  EXPECT_EQ(row(*ledger, id).bytes_delivered, 6'000'000'000U);
  EXPECT_NE(row(*ledger, id).delivered_at, 0);
  EXPECT_TRUE(Ledger::is_closed(row(*ledger, id)));
  sql("UPDATE generations SET delivered_at = 5");
  must(ledger->note_delivery(id, 10, true));
  must(ledger->note_delivery(id, 10, false));
  EXPECT_EQ(row(*ledger, id).delivered_at, 5);
}

TEST_F(LedgerAccount, ListsTheNewestFirstAndWhatIsAskedFor) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("1"), generation("1", Phase::failed));
  const std::int64_t second = add(*ledger, request("2"), generation("2", Phase::pending));
  const std::int64_t third = add(*ledger, request("3"), generation("2", Phase::failed));
  age(first, 2 * hour);
  const auto ids = [&](const Ledger::Filter& filter) {
    std::vector<std::int64_t> result;
    for (const Entry& entry : must(ledger->list(filter))) result.push_back(entry.id);
    return result;
  };
  using Ids = std::vector<std::int64_t>;
  EXPECT_EQ(ids({}), (Ids{third, second, first}));
  EXPECT_EQ(ids({.status = EntryStatus::failed}), (Ids{third, first}));
  EXPECT_EQ(ids({.since = wall_clock_now() - hour}), (Ids{third, second}));
  EXPECT_EQ(ids({.limit = 1}), Ids{third});
  EXPECT_EQ(ids({.status = EntryStatus::failed, .since = 1, .limit = 2}), (Ids{third, first}));
  EXPECT_EQ(ids({.status = EntryStatus::refused}), Ids{});

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
  for (const Phase phase : {Phase::failed, Phase::stopped}) {
    closed.push_back(add(*ledger, request("x"), generation("1", phase)));
  }
  closed.push_back(add(*ledger, request("x"), generation("2", Phase::completed), true));
  closed.push_back(add(*ledger, request("x")));
  must(ledger->note_refused(closed.back(), "no"));
  left.push_back(add(*ledger, request("x")));
  left.push_back(add(*ledger, request("x")));
  must(ledger->note_unknown(left.back(), false));
  for (const Phase phase : {Phase::pending, Phase::processing, Phase::completed}) {
    left.push_back(add(*ledger, request("x"), generation("3", phase)));
  }
  sql("UPDATE generations SET created_at = created_at - 1000000");
  left.push_back(add(*ledger, request("x"), generation("4", Phase::failed)));
  for (const std::int64_t id : closed) EXPECT_TRUE(Ledger::is_closed(row(*ledger, id))) << id;

  EXPECT_EQ(must(ledger->prune(wall_clock_now() - 500'000)), 4);
  for (const std::int64_t id : closed) EXPECT_FALSE(must(ledger->find(id))) << id;
  for (const std::int64_t id : left) EXPECT_TRUE(must(ledger->find(id))) << id;
  EXPECT_EQ(must(ledger->prune(wall_clock_now() - 500'000)), 0);

  EXPECT_EQ(must(ledger->remove(left.back())), Ledger::Removal::removed);
  EXPECT_EQ(must(ledger->remove(left.back())), Ledger::Removal::missing);
  EXPECT_GT(add(*ledger, request("x")), left.back());
}

TEST_F(LedgerAccount, ARowThatAProcessIsAtIsNotRemoved) {
  const auto ledger = open();
  const auto begun = must(open()->begin(request(), std::nullopt, 0));
  EXPECT_EQ(must(ledger->remove(begun.entry.id)), Ledger::Removal::in_use);
  EXPECT_TRUE(must(ledger->find(begun.entry.id)));
}

TEST_F(LedgerAccount, StatusWordsLeadBack) {
  for (const EntryStatus status :
       {EntryStatus::submitting, EntryStatus::unknown, EntryStatus::pending,
        EntryStatus::processing, EntryStatus::completed, EntryStatus::failed, EntryStatus::stopped,
        EntryStatus::refused}) {
    EXPECT_EQ(entry_status_from_word(to_word(status)), status);
  }
  EXPECT_EQ(entry_status_from_word("done"), std::nullopt);
}

}  // namespace
}  // namespace genpro::job
