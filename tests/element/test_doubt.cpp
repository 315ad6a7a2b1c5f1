// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request whose answer proves nothing: what is found out about it, what is told, and that nothing
// is charged by guess.
#include <map>
#include <mutex>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

const Answer taken = json_answer(201, R"({"generation_id": 9040, "status": "pending"})");

std::string text_of(const GstStructure* structure, const char* field) {
  const char* text = gst_structure_get_string(structure, field);
  return text != nullptr ? text : "(none)";
}

std::string row_of(const GstStructure* structure) {
  gint64 row = 0;
  return gst_structure_get_int64(structure, "ledger-row", &row) != FALSE ? std::to_string(row)
                                                                         : "(none)";
}

class Doubt : public testing::Test {
 protected:
  // From the first POST on the cell has these jobs, JSON.
  void list_afterwards(const std::string& jobs) {
    trial.service.set_script(
        [&service = trial.service, jobs](const Seen& seen) -> std::optional<Answer> {
          if (!is_cell(seen) || service.count(is_generate) == 0) return std::nullopt;
          return json_answer(200, R"({"id": 3300, "user_jobs": )" + jobs + "}");
        });
  }
  Outcome run_it(const Settings& changes = {}) {
    trial.start(changes);
    return trial.end();
  }
  void expect_clip(const Outcome& outcome) {
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(trial.bytes()), sha256(small_clip()));
  }
  // One that says where the account of it is.
  static void expect_doubt(const Outcome& outcome, const std::vector<std::string>& mentions) {
    std::vector<std::string> all{"may have taken"};
    all.insert(all.end(), mentions.begin(), mentions.end());
    expect_one_error(outcome, {.mentions = all, .charged = "unknown", .retryable = "TRUE"});
    ASSERT_FALSE(outcome.errors.empty());
    EXPECT_EQ(outcome.errors[0].detail("generation-id"), "");
    const auto doubts = outcome.named("genpro-doubt");
    ASSERT_FALSE(doubts.empty()) << outcome.summary();
    EXPECT_GT(std::stoll(row_of(doubts[0])), 0);
    EXPECT_EQ(outcome.errors[0].detail("ledger-row"), row_of(doubts[0]));
    EXPECT_TRUE(outcome.named("genpro-doubt-settled").empty());
  }
  void expect_nothing_followed(std::size_t posts) {
    EXPECT_EQ(trial.service.count(is_generate), posts);
    EXPECT_EQ(trial.service.count(is_poll), 0U);
    EXPECT_EQ(trial.service.count(is_stop), 0U);
    EXPECT_EQ(trial.service.count(is_cdn), 0U);
  }

  Trial trial;
};

// The service's own word that it has not taken the request is no doubt.
TEST_F(Doubt, WhatIsNotTakenYetIsSentAgainAlsoWhereItWouldBeAskedAbout) {
  std::vector<Seen> posts;
  std::mutex mutex;
  trial.service.set_script([&](const Seen& seen) -> std::optional<Answer> {
    if (!seen.path.ends_with("/vidsheet/actions")) return std::nullopt;
    const std::lock_guard lock(mutex);
    posts.push_back(seen);
    if (posts.size() == 1) {
      return json_answer(202, R"({"status": "queued", "error_code": "source_not_ready",
          "retryable": true, "retry_after_seconds": 0.05, "message": "wait"})");
    }
    return json_answer(200, R"({"results": [{"index": 0, "result": {"user_job_id": 9040,
        "status": "pending"}}]})");
  });
  const Outcome outcome = run_it({{"dialect", "actions"},
                                  {"sheet-route", "vidsheet"},
                                  {"model", "seedance-2.0-fast"},
                                  {"when-in-doubt", "ask"}});
  expect_clip(outcome);
  EXPECT_TRUE(outcome.named("genpro-doubt").empty()) << outcome.summary();
  const std::lock_guard lock(mutex);
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].body, posts[1].body);
  EXPECT_EQ(posts[0].header("idempotency-key"), posts[1].header("idempotency-key"));
}

// What the service has queued it may still take, whatever it says to a repeat.
TEST_F(Doubt, WhatWasQueuedAndIsRefusedLaterKeepsItsKey) {
  std::vector<std::string> keys;
  std::mutex mutex;
  trial.service.set_script([&](const Seen& seen) -> std::optional<Answer> {
    if (!seen.path.ends_with("/vidsheet/actions")) return std::nullopt;
    const std::lock_guard lock(mutex);
    keys.push_back(seen.header("idempotency-key"));
    if (keys.size() == 1) {
      return json_answer(202, R"({"status": "queued", "error_code": "source_not_ready",
          "retryable": true, "retry_after_seconds": 0.05, "message": "wait"})");
    }
    if (keys.size() == 2) {
      return json_answer(422, R"({"error": "no credits left",
          "error_code": "insufficient_credits_for_job"})");
    }
    return json_answer(200, R"({"results": [{"index": 0, "result": {"user_job_id": 9040,
        "status": "pending"}}]})");
  });
  const Settings settings{
      {"dialect", "actions"}, {"sheet-route", "vidsheet"}, {"model", "seedance-2.0-fast"}};
  expect_doubt(run_it(settings), {"no credits left"});
  expect_clip(run_it(settings));
  const std::lock_guard lock(mutex);
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_EQ(keys[0], keys[2]);
}

TEST_F(Doubt, TheOnlyNewJobIsFollowedWithAWarning) {
  trial.service.push_post(closing_answer());
  list_afterwards(R"([{"id": 9040}])");
  const Outcome outcome = run_it();
  expect_clip(outcome);
  EXPECT_EQ(trial.service.count(is_generate), 1U);
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("9040"), std::string::npos) << outcome.warnings[0].text;

  const auto doubts = outcome.named("genpro-doubt");
  ASSERT_EQ(doubts.size(), 1U) << outcome.summary();
  EXPECT_EQ(text_of(doubts[0], "generation-id"), "");
  EXPECT_EQ(text_of(doubts[0], "generation-ids"), "");
  const auto ends = outcome.named("genpro-doubt-settled");
  ASSERT_EQ(ends.size(), 1U) << outcome.summary();
  EXPECT_EQ(text_of(ends[0], "generation-id"), "9040");
  EXPECT_EQ(text_of(ends[0], "evidence"), "likely");
  EXPECT_EQ(row_of(ends[0]), row_of(doubts[0]));
  const auto readings = trial.service.requests(is_cell);
  ASSERT_EQ(readings.size(), 2U);
  // Counted from when the request was noted, after the first look at the cell.
  EXPECT_GE(readings[1].at - readings[0].at, by_boot_clock(30s)) << "the cell may list it late";
}

TEST_F(Doubt, WhoWantsToBeAskedGetsTheIdAndNothingIsFollowed) {
  trial.service.push_post(closing_answer());
  list_afterwards(R"([{"id": 9040}])");
  // The second run finds the same.
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = run_it({{"when-in-doubt", "ask"}});
    expect_doubt(outcome, {"9040", "generation-id"});
    const auto doubts = outcome.named("genpro-doubt");
    ASSERT_FALSE(doubts.empty());
    EXPECT_EQ(text_of(doubts.back(), "generation-ids"), "9040");
    EXPECT_TRUE(outcome.warnings.empty()) << outcome.summary();
    expect_nothing_followed(1);
  }
  expect_clip(run_it({{"generation-id", "9040"}}));
  EXPECT_EQ(trial.service.count(is_generate), 1U);
}

TEST_F(Doubt, WhoWantsToBeAskedHasNothingRepeated) {
  trial.service.push_post(closing_answer());
  for (int round = 0; round < 2; ++round) {
    expect_doubt(run_it({{"when-in-doubt", "ask"}, {"retries", "3"}}), {"look at the cell"});
    expect_nothing_followed(1);
  }
}

TEST_F(Doubt, OfSeveralNewJobsNoneIsFollowed) {
  trial.service.push_post(closing_answer());
  list_afterwards(R"([{"id": 9040}, {"id": 9041}])");
  const Outcome outcome = run_it();
  expect_doubt(outcome, {"9040", "9041", "generation-id"});
  const auto doubts = outcome.named("genpro-doubt");
  ASSERT_FALSE(doubts.empty());
  EXPECT_EQ(text_of(doubts.back(), "generation-ids"), "9040,9041");
  expect_nothing_followed(1);
}

TEST_F(Doubt, AnEntryThatCannotBeReadIsNoEvidenceOfAbsence) {
  trial.service.push_post(closing_answer());
  list_afterwards(R"([{"id": null}])");
  expect_doubt(run_it({{"retries", "1"}}), {"not whole"});
  expect_nothing_followed(1);
}

TEST_F(Doubt, WithACellThatCouldNotBeReadNothingIsWaitedFor) {
  trial.service.set_cell(html_answer(403, "<h1>No</h1>"));
  trial.service.push_post(closing_answer());
  const auto begin = std::chrono::steady_clock::now();
  expect_doubt(run_it(), {"could not be read"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, by_boot_clock(25s));
  expect_nothing_followed(1);
}

// The key is the same for ever, so that a service that honours keys charges once.
TEST_F(Doubt, TheNextRunSendsTheSameRequestOnceMore) {
  trial.service.push_post(closing_answer());
  expect_doubt(run_it({{"retries", "0"}}), {});
  expect_nothing_followed(1);
  // The loss comes once more before this one.
  trial.service.push_post(taken);
  const Outcome outcome = run_it({{"retries", "1"}});
  expect_clip(outcome);
  const auto ends = outcome.named("genpro-doubt-settled");
  ASSERT_EQ(ends.size(), 1U) << outcome.summary();
  EXPECT_EQ(text_of(ends[0], "evidence"), "proven");
  EXPECT_TRUE(outcome.warnings.empty()) << outcome.summary();
  EXPECT_EQ(trial.service.count(is_generate), 3U);
  expect_one_idempotency_key(trial.service);
}

// What refuses a repeat may have taken the first one.
TEST_F(Doubt, IsNotEndedByARefusalOfARepeat) {
  trial.service.push_post(html_answer(500, "<h1>500</h1>"));
  trial.service.push_post(json_answer(
      422, R"({"error": "Out of credits", "error_code": "usable_gen_credit_required"})"));
  const Outcome outcome = run_it({{"retries", "3"}});
  expect_doubt(outcome, {"Out of credits"});
  expect_nothing_followed(2);
  expect_one_idempotency_key(trial.service);
}

TEST_F(Doubt, WithoutALedgerNamesNoRow) {
  trial.service.push_post(closing_answer());
  const Outcome outcome = run_it({{"ledger", ""}, {"retries", "0"}});
  expect_one_error(outcome, {.mentions = {"may have taken", "Look at the cell"},
                             .charged = "unknown",
                             .retryable = "TRUE"});
  ASSERT_FALSE(outcome.errors.empty());
  EXPECT_EQ(outcome.errors[0].detail("ledger-row"), "");
  expect_nothing_followed(1);
}

// The service is at it, or will be: the same request is sent again later, whatever `retries` says.
TEST(UnderWay, IsSentAgainAsLongAsTheUserWaits) {
  struct Busy {
    const char* name;
    Answer answer;
  };
  const Busy all[] = {
      {"accepted", json_answer(202, R"({"retry_after_seconds": 1})")},
      {"conflict", json_answer(409, R"({"error": "Busy", "error_code": "conflict"})")},
      {"early", json_answer(425, R"({"error": "Too early", "error_code": "too_early"})")},
      {"rate", json_answer(429, R"({"error": "Slow down", "error_code": "rate_limited"})")},
      {"busy", json_answer(422, R"({"error": "Busy", "error_code": "generation_busy"})")},
  };
  std::map<std::string, Trial> passing;
  std::map<std::string, Trial> endless;
  for (const Busy& one : all) {
    Trial& passes = passing[one.name];
    passes.service.push_post(one.answer);
    passes.service.push_post(one.answer);
    passes.service.push_post(taken);
    passes.start({{"retries", "0"}});
    Trial& stays = endless[one.name];
    stays.service.push_post(one.answer);
    stays.start({{"retries", "0"}, {"generation-timeout", "5"}});
  }
  for (auto& [name, trial] : passing) {
    SCOPED_TRACE(name);
    const Outcome outcome = trial.end();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(trial.bytes()), sha256(small_clip()));
    EXPECT_EQ(outcome.named("genpro-doubt").size(), 1U);
    EXPECT_EQ(outcome.named("genpro-doubt-settled").size(), 1U);
    const auto posts = trial.service.requests(is_generate);
    ASSERT_EQ(posts.size(), 3U);
    EXPECT_GE(posts[1].at - trial.service.requests(is_cell).at(0).at, by_boot_clock(30s));
    expect_one_idempotency_key(trial.service);
  }
  for (auto& [name, trial] : endless) {
    SCOPED_TRACE(name);
    expect_one_error(
        trial.end(),
        {.mentions = {"generation-timeout"}, .charged = "unknown", .retryable = "TRUE"});
    EXPECT_GE(trial.service.count(is_generate), 2U);
    expect_one_idempotency_key(trial.service);
    EXPECT_EQ(trial.service.count(is_poll), 0U);
  }
}

}  // namespace
}  // namespace genpro::test
