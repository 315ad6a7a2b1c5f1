// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a job leaves its generation, by itself and together with others.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/sqlite.h"
#include "job/job.h"
#include "job/ledger_thread.h"
#include "support/media.h"
#include "support/paid_service.h"

namespace genpro::job {
namespace {

using namespace std::chrono_literals;
using test::Books;
using test::Gate;
using test::Loss;
using test::Manners;
using test::PaidService;
using test::PostFate;
using test::StopFate;
using test::TempDir;

class JobShutdown : public testing::Test {
 protected:
  JobSettings settings(const std::string& prompt = "A product") {
    api::RequestSettings request{.sheet_id = "101", .cell_id = "3300", .agent_id = "42"};
    request.prompt = prompt;
    request.asset_ids = "501";
    JobSettings settings;
    settings.access = *api::make_access(service_.api_base(), "the_key");
    settings.subject = *api::make_request(request);
    settings.ledger = folder_.file("ledger.db");
    settings.poll_interval = 20ms;
    settings.silence = 60s;
    return settings;
  }
  std::shared_ptr<Job> start(JobSettings settings) {
    return Job::start(Runtime::acquire(), std::move(settings));
  }
  // A job whose generation the service makes, and goes on making.
  std::shared_ptr<Job> start_unfinished() {
    service_.behave({.polls = test::never});
    auto job = start(settings());
    EXPECT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 2; }));
    return job;
  }
  bool wait_for_stops(std::size_t number) {
    return service_.wait_for([&](const Books& books) { return books.stops.size() >= number; });
  }

  // Once all that was to be written is.
  bool is_in_doubt() {
    std::promise<bool> told;
    const auto runtime = Runtime::acquire();
    runtime->post([&] {
      LedgerThread::acquire(folder_.file("ledger.db"))->post([&](Result<ledger::Ledger*> ledger) {
        const auto rows = (*ledger)->list({});
        told.set_value(rows && !rows->empty() &&
                       std::holds_alternative<payment::InDoubt>(rows->front().state));
      });
    });
    return told.get_future().get();
  }

  TempDir folder_;
  PaidService service_{"a clip"};
};

std::optional<Update> last_update(Job& job) {
  while (auto update = job.wait()) {
    if (update->clip || update->error) return update;
  }
  return std::nullopt;
}

TEST_F(JobShutdown, BegunStopsWithoutWaiting) {
  const auto job = start_unfinished();
  job->begin_shutdown();
  job->begin_shutdown();
  EXPECT_TRUE(wait_for_stops(1)) << service_.books().text();
  EXPECT_EQ(job->shut_down({}), Shutdown::stopped);
  EXPECT_EQ(service_.books().stops.size(), 1U) << service_.books().text();
}

TEST_F(JobShutdown, WaitsFromWhereItBegan) {
  const auto job = start_unfinished();
  service_.behave({.polls = test::never, .stop = StopFate::dropped});
  const auto begin = std::chrono::steady_clock::now();
  job->begin_shutdown();
  EXPECT_TRUE(wait_for_stops(1));
  std::this_thread::sleep_until(begin + Job::longest_shutdown);
  const auto due = std::chrono::steady_clock::now();
  EXPECT_EQ(job->shut_down({}), Shutdown::noted);
  EXPECT_LT(std::chrono::steady_clock::now() - due, Job::longest_shutdown / 2);
}

TEST_F(JobShutdown, BegunLeavesWhatHasEndedAlone) {
  service_.behave({.polls = 1});
  const auto job = start(settings());
  const auto update = last_update(*job);
  ASSERT_TRUE(update && update->clip);
  job->begin_shutdown();
  // Its clip may still be read.
  auto asked = std::make_shared<Gate>();
  job->ask_address([asked](const Result<Url>& url) {
    if (url) asked->open();
  });
  const unsigned polls = service_.books().polls;
  EXPECT_TRUE(service_.wait_for([&](const Books& books) { return books.polls > polls; }))
      << service_.books().text();
  EXPECT_EQ(job->shut_down({100, true}), Shutdown::nothing);
  EXPECT_TRUE(service_.books().stops.empty()) << service_.books().text();
  // It is noted as delivered, so that the next one is a new one.
  const auto next = start(settings());
  ASSERT_TRUE(last_update(*next));
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
}

TEST_F(JobShutdown, BegunLeavesWhatIsNotToBeStopped) {
  service_.behave({.polls = test::never});
  const std::string id = service_.add_foreign("101/3300");
  JobSettings attached = settings();
  attached.subject = id;
  JobSettings detached = settings();
  detached.stops = false;
  for (const JobSettings& one : {attached, detached}) {
    const auto job = start(one);
    const unsigned before = service_.books().polls;
    EXPECT_TRUE(service_.wait_for([&](const Books& books) { return books.polls > before; }));
    job->begin_shutdown();
    // It goes on as if nothing had been said.
    const unsigned polls = service_.books().polls;
    EXPECT_TRUE(service_.wait_for([&](const Books& books) { return books.polls > polls + 2; }));
    EXPECT_EQ(job->shut_down({}), Shutdown::nothing);
  }
  EXPECT_TRUE(service_.books().stops.empty()) << service_.books().text();
}

// The wish is noted as soon as it can be, and the next run tells the service.
TEST_F(JobShutdown, AWishThatTheLedgerIsTooSlowForIsNotLost) {
  auto job = start_unfinished();
  {
    sqlite::Database other(folder_.file("ledger.db"), SQLITE_OPEN_READWRITE);
    other.execute("BEGIN IMMEDIATE");
    EXPECT_EQ(job->shut_down({}), Shutdown::noted);
    job.reset();
    other.execute("ROLLBACK");
  }
  EXPECT_TRUE(service_.books().stops.empty()) << service_.books().text();
  job = start(settings("Another"));
  EXPECT_TRUE(wait_for_stops(1)) << service_.books().text();
  job->shut_down({});
}

TEST_F(JobShutdown, ARowThatCouldNotBeWrittenIsCaughtUpWithDuringTheRun) {
  auto gate = std::make_shared<Gate>();
  // The service says nothing more, so that no later state brings the row up.
  service_.behave({.post_gate = gate, .every_poll = test::json_answer(503, "{}")});
  auto job = start(settings());
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.posts.size() == 1; }));
  const auto number_of = [this](const std::string& status) {
    sqlite::Database reader(folder_.file("ledger.db"), SQLITE_OPEN_READWRITE);
    return reader.integer("SELECT count(*) FROM generations WHERE status = ?", status).value_or(0);
  };
  {
    sqlite::Database other(folder_.file("ledger.db"), SQLITE_OPEN_READWRITE);
    other.execute("BEGIN IMMEDIATE");
    gate->open();
    bool is_warned = false;
    while (!is_warned) {
      const auto update = job->wait();
      ASSERT_TRUE(update && !update->error);
      is_warned = update->warning.find("is not noted until that is over") != std::string::npos;
    }
    other.execute("ROLLBACK");
  }
  ASSERT_TRUE(test::eventually([&] { return number_of("submitting") == 0; }));
  job->shut_down({});
}

// The answer comes while the ledger is held up, and with it what there is to stop.
TEST_F(JobShutdown, AnAnswerThatTheLedgerIsTooSlowForIsNotLost) {
  auto gate = std::make_shared<Gate>();
  service_.behave({.post_gate = gate, .polls = test::never});
  auto job = start(settings());
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.posts.size() == 1; }));
  {
    sqlite::Database other(folder_.file("ledger.db"), SQLITE_OPEN_READWRITE);
    other.execute("BEGIN IMMEDIATE");
    job->begin_shutdown();
    gate->open();
    // One that asks after that has its answers after that.
    JobSettings attached = settings();
    attached.subject = service_.add_foreign("101/3300");
    attached.ledger.clear();
    const auto later = start(attached);
    ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 10; }));
    EXPECT_EQ(job->shut_down({}), Shutdown::noted);
    job.reset();
    other.execute("ROLLBACK");
  }
  if (is_in_doubt()) GTEST_SKIP() << "on a busy machine the answer came when nobody was there";
  service_.behave({.polls = test::never});
  job = start(settings("Another"));
  EXPECT_TRUE(wait_for_stops(1)) << service_.books().text();
  job->shut_down({});
}

// The other one goes on, so that there would be time enough to ask.
TEST_F(JobShutdown, BegunWhileInLineAsksForNothingAnyMore) {
  auto gate = std::make_shared<Gate>();
  service_.behave({.post_gate = gate, .polls = test::never});
  const auto first = start(settings("One"));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.posts.size() == 1; }));
  const auto second = start(settings("Another"));
  std::optional<Update> update = second->wait();
  while (update && !update->is_waiting) update = second->wait();
  ASSERT_TRUE(update);
  second->begin_shutdown();
  gate->open();
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 20; }));
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
  EXPECT_EQ(second->shut_down({}), Shutdown::nothing);
  EXPECT_EQ(first->shut_down({}), Shutdown::stopped);
}

// ---- A row whose request has not left ----

TEST_F(JobShutdown, WhatALimitForbidsDoesNotLeaveLaterEither) {
  service_.behave({.polls = 1, .estimate = 4});
  auto first = last_update(*start(settings()));
  ASSERT_TRUE(first && first->clip);
  const std::string path = folder_.file("prepared.db");
  {
    const auto paid = ledger::Ledger::open(folder_.file("ledger.db"));
    const auto rows = (*paid)->list({});
    ASSERT_TRUE(rows && rows->size() == 1);
    const auto ledger = ledger::Ledger::open(path);
    ASSERT_TRUE((*ledger)->begin(rows->front().identity, payment::Prepared{"a-key"}, {}, {},
                                 ledger::clock_now()));
    ASSERT_TRUE((*ledger)->begin(rows->front().identity,
                                 payment::Delivered{payment::Generation{"1"}}, {}, {.estimate = 4},
                                 ledger::clock_now()));
  }
  const auto run = [&](unsigned daily, double most, double most_in_a_day) {
    JobSettings again = settings();
    again.ledger = path;
    again.daily_limit = daily;
    again.max_cost = most;
    again.daily_cost_limit = most_in_a_day;
    const auto update = last_update(*start(again));
    return !update ? "nothing" : update->error ? update->error->error_code : "a clip";
  };
  EXPECT_EQ(run(0, 3.5, 0), "max_cost_exceeded");
  EXPECT_EQ(run(1, 0, 0), "daily_generation_limit_reached");
  EXPECT_EQ(run(0, 0, 7), "daily_cost_limit_reached");
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
  // The row itself takes no room.
  EXPECT_EQ(run(2, 4, 8), "a clip");
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
}

}  // namespace
}  // namespace genpro::job
