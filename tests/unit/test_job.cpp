// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/sqlite.h"
#include "job/address_request.h"
#include "job/job.h"
#include "job/reconciler.h"
#include "ledger/reports/metrics.h"
#include "ledger/store/clock.h"
#include "support/fake_service.h"
#include "support/fast_clock.h"
#include "support/media.h"
#include "support/postgres.h"

namespace genpro::job {
namespace {

using namespace std::chrono_literals;
using test::FakeService;

class JobTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_GT(genpro_test_clock_factor(), 1); }
  JobSettings settings() {
    api::RequestSettings request;
    request.sheet_id = "101";
    request.cell_id = "3300";
    request.agent_id = "42";
    request.prompt = "A product";
    request.asset_ids = "501";
    JobSettings settings;
    settings.access = *api::make_access(service_.api_base(), "the_key");
    settings.subject = *api::make_request(request);
    settings.poll_interval = 10ms;
    settings.retries = 1;
    settings.silence = 1s;
    return settings;
  }

  // All updates up to the one with a clip or an error.
  std::vector<Update> run(JobSettings settings) {
    auto job = Job::start(Runtime::acquire(), std::move(settings));
    std::vector<Update> updates;
    do {
      auto update = job->wait();
      if (!update) break;
      updates.push_back(std::move(*update));
    } while (!updates.back().clip && !updates.back().error);
    return updates;
  }
  // Of all models.
  static std::int64_t sent_again(const std::string& path) {
    const auto ledger = ledger::Ledger::open(path);
    const auto metrics = (*ledger)->metrics();
    std::int64_t sum = 0;
    for (const auto& [name, model] : metrics->models) sum += model.sent_again;
    return sum;
  }

  FakeService service_;
};

TEST_F(JobTest, ReportsEachStatusOnceAndThenTheClip) {
  for (const char* status : {"pending", "pending", "processing", "processing"}) {
    service_.push_status(status);
  }
  service_.push_poll(test::json_answer(200, FakeService::completed_json(service_.clip_url())));
  const auto updates = run(settings());
  ASSERT_EQ(updates.size(), 4U);
  EXPECT_EQ(updates[0].status, Status::submitting);
  EXPECT_EQ(updates[0].generation_id, "");
  EXPECT_EQ(updates[1].status, Status::pending);
  EXPECT_EQ(updates[1].generation_id, "9040");
  EXPECT_EQ(updates[2].status, Status::processing);
  ASSERT_TRUE(updates[3].clip);
  EXPECT_EQ(updates[3].clip->address.text, service_.clip_url());
  EXPECT_EQ(updates[3].cost, 3.5);
}

TEST_F(JobTest, AttachesWithoutPosting) {
  JobSettings attach = settings();
  attach.subject = std::string("9040");
  EXPECT_TRUE(run(attach).back().clip);
  EXPECT_EQ(service_.count(test::is_generate), 0U);
}

TEST_F(JobTest, RepeatsALostPostWithTheSameKey) {
  service_.push_post(test::json_answer(503, "{}"));
  service_.push_post(test::json_answer(201, R"({"generation_id": 9040, "status": "pending"})"));
  EXPECT_TRUE(run(settings()).back().clip);
  const auto posts = service_.requests(test::is_generate);
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_NE(posts[0].header("idempotency-key"), "");
  EXPECT_EQ(posts[0].header("idempotency-key"), posts[1].header("idempotency-key"));
}

TEST_F(JobTest, AFreshAddressIsNotWaitedForAsLongAsTheServiceLikes) {
  JobSettings with_bound = settings();
  with_bound.longest_address_wait = 50ms;
  auto job = Job::start(Runtime::acquire(), std::move(with_bound));
  while (auto update = job->wait()) {
    ASSERT_FALSE(update->error) << update->error->message;
    if (update->clip) break;
  }
  test::Answer later = test::json_answer(503, R"({"error": "Busy"})");
  later.headers = {{"Retry-After", "3600"}};
  service_.push_poll(later);
  service_.push_poll(test::json_answer(200, FakeService::completed_json(service_.clip_url())));
  std::promise<Result<Url>> address;
  job->ask_address([&](Result<Url> url) { address.set_value(std::move(url)); });
  auto answered = address.get_future();
  ASSERT_EQ(answered.wait_for(test::generous), std::future_status::ready);
  const Result<Url> url = answered.get();
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->text, service_.clip_url());
}

TEST(ClipAddress, IsOnThisMachineOnlyWhereTheApiIs) {
  const auto remote = *api::make_access("https://api.gen.pro/v1", "the_key");
  const auto local = *api::make_access("http://localhost:8787/v1", "the_key");
  for (const char* text : {"http://127.0.0.1:8080/clip.mp4", "http://localhost/clip.mp4",
                           "https://[::1]/clip.mp4", "https://127.0.0.1/clip.mp4"}) {
    api::Generation generation;
    generation.phase = api::Phase::completed;
    generation.video_url = text;
    const auto refused = clip_address(generation, "9040", remote);
    ASSERT_FALSE(refused) << text;
    EXPECT_NE(refused.error().message.find("this machine"), std::string::npos)
        << refused.error().message;
    EXPECT_TRUE(clip_address(generation, "9040", local)) << text;
    generation.video_url = "https://cdn.example/clip.mp4";
    EXPECT_TRUE(clip_address(generation, "9040", remote));
    EXPECT_TRUE(clip_address(generation, "9040", local));
  }
}

TEST_F(JobTest, TwoJobsHaveTwoKeys) {
  run(settings());
  run(settings());
  const auto posts = service_.requests(test::is_generate);
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_NE(posts[0].header("idempotency-key"), posts[1].header("idempotency-key"));
}

TEST_F(JobTest, AnAnswerThatCannotBeReadIsNotAskedForTwice) {
  service_.push_post(test::json_answer(201, "<html></html>"));
  const auto updates = run(settings());
  ASSERT_TRUE(updates.back().error);
  EXPECT_EQ(updates.back().error->kind, ErrorKind::read);
  EXPECT_EQ(service_.count(test::is_generate), 1U);
}

TEST_F(JobTest, FailureCarriesTheServicesReasonAndTheId) {
  service_.push_poll(test::json_answer(
      200, R"({"id": 9040, "status": "failed", "failed_reason": "no faces, please"})"));
  const auto updates = run(settings());
  ASSERT_TRUE(updates.back().error);
  EXPECT_EQ(updates.back().error->kind, ErrorKind::failed);
  EXPECT_NE(updates.back().error->message.find("no faces, please"), std::string::npos);
  EXPECT_EQ(updates.back().error->generation_id, "9040");
}

TEST_F(JobTest, AnInterruptionEndsTheWaitAndNotTheJob) {
  auto gate = std::make_shared<test::Gate>();
  test::Answer held = test::json_answer(200, FakeService::completed_json(service_.clip_url()));
  held.hold = gate;
  service_.push_poll(held);
  auto job = Job::start(Runtime::acquire(), settings());
  EXPECT_EQ(job->wait()->status, Status::submitting);
  EXPECT_EQ(job->wait()->status, Status::pending);

  std::stop_source interruption;
  std::thread waker([&] {
    EXPECT_TRUE(service_.wait_for(test::is_poll));
    interruption.request_stop();
  });
  EXPECT_FALSE(job->wait(interruption.get_token()));
  waker.join();
  gate->open();
  const auto update = job->wait();
  ASSERT_TRUE(update);
  EXPECT_TRUE(update->clip);
  EXPECT_EQ(service_.count(test::is_generate), 1U);
}

// ---- What the service has queued ----

TEST_F(JobTest, WhatWasQueuedKeepsItsKeyForTheNextRun) {
  const test::TempDir folder;
  std::mutex mutex;
  std::vector<std::string> keys;
  bool is_named = false;
  service_.set_script([&](const test::Seen& seen) -> std::optional<test::Answer> {
    if (!seen.path.ends_with("/vidsheet/actions")) return std::nullopt;
    const std::lock_guard lock(mutex);
    keys.push_back(seen.header("idempotency-key"));
    if (is_named) {
      return test::json_answer(200, R"({"results": [{"index": 0, "result": {"user_job_id": 9040,
          "status": "pending"}}]})");
    }
    return test::json_answer(202, R"({"status": "queued", "error_code": "generation_pending",
        "retryable": true, "retry_after_seconds": 600, "message": "wait"})");
  });
  const auto queued = [&](std::chrono::milliseconds timeout) {
    api::RequestSettings request{.dialect = "actions",
                                 .sheet_route = "vidsheet",
                                 .sheet_id = "101",
                                 .cell_id = "3300",
                                 .agent_id = "42",
                                 .asset_ids = "501"};
    request.prompt = "A product";
    request.model = "seedance-2.0-fast";
    JobSettings result = settings();
    result.subject = *api::make_request(request);
    result.ledger = folder.file("ledger.db");
    result.generation_timeout = timeout;
    return result;
  };
  const auto is_in_doubt = [&] {
    const auto ledger = ledger::Ledger::open(folder.file("ledger.db"));
    const auto rows = (*ledger)->list({});
    return rows && rows->size() == 1 &&
           std::holds_alternative<payment::InDoubt>(rows->front().state);
  };
  const auto timed_out = run(queued(2s)).back();
  ASSERT_TRUE(timed_out.error);
  EXPECT_NE(timed_out.error->message.find("may have taken it"), std::string::npos)
      << timed_out.error->message;
  EXPECT_TRUE(is_in_doubt());
  {
    const std::lock_guard lock(mutex);
    is_named = true;
  }
  EXPECT_TRUE(run(queued(0ms)).back().clip);
  EXPECT_EQ(sent_again(folder.file("ledger.db")), 1);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
}

TEST_F(JobTest, ARequestThatLeftOnceIsNotCountedAsSentAgain) {
  const test::TempDir folder;
  JobSettings wanted = settings();
  wanted.ledger = folder.file("ledger.db");
  EXPECT_TRUE(run(wanted).back().clip);
  EXPECT_EQ(service_.count(test::is_generate), 1U);
  EXPECT_EQ(sent_again(wanted.ledger), 0);
}

TEST_F(JobTest, ALedgerThatWasMovedIsToldOnce) {
  const test::TempDir folder;
  JobSettings wanted = settings();
  wanted.ledger = folder.file("ledger.db");
  ASSERT_TRUE(ledger::Ledger::open(wanted.ledger));
  sqlite::Database(wanted.ledger, SQLITE_OPEN_READWRITE)
      .execute("UPDATE ledger SET moved_to = '/elsewhere/ledger.db'");
  const auto updates = run(wanted);
  ASSERT_TRUE(updates.back().error);
  const std::string& message = updates.back().error->message;
  const std::string sentence = "Nothing was sent.";
  EXPECT_NE(message.find("moved to /elsewhere/ledger.db"), std::string::npos) << message;
  const std::size_t first = message.find(sentence);
  EXPECT_NE(first, std::string::npos) << message;
  EXPECT_EQ(message.find(sentence, first + 1), std::string::npos) << message;
  EXPECT_EQ(service_.count(test::is_generate), 0U);
}

// A machine may sleep between its intention and its request, and what comes of that is listed up to
// the settling time later.
TEST_F(JobTest, WhatMayHaveLeftLateIsSentAgainOnlyAfterThat) {
  if (!test::PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  test::PostgresServer& server = test::shared_postgres();
  JobSettings wanted = settings();
  wanted.ledger = server.new_ledger();
  ASSERT_TRUE(run(wanted).back().clip);
  // As if its process had died over the request.
  const payment::Now intended = ledger::clock_now();
  server.sql(wanted.ledger.substr(wanted.ledger.rfind('/') + 1),
             "UPDATE genpro.generations SET status = 'submitting', generation_id = '', ended_at = "
             "0, jobs_before = '[]', posted_up = " +
                 std::to_string(intended.up));
  EXPECT_TRUE(run(wanted).back().clip);
  EXPECT_GE(ledger::clock_now().up - intended.up,
            payment::latest_departure + payment::settling_time);
  const auto posts = service_.requests(test::is_generate);
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0].header("idempotency-key"), posts[1].header("idempotency-key"));
}

// ---- What completes though it was to be stopped ----

TEST_F(JobTest, AStopThatCameTooLateLosesNoClip) {
  const test::TempDir folder;
  const std::string path = folder.file("ledger.db");
  {
    const auto ledger = ledger::Ledger::open(path);
    payment::Generation generation{"9040"};
    generation.posted = ledger::clock_now();
    ASSERT_TRUE((*ledger)->begin(
        ledger::make_identity(settings().access.base.text, "autocontentengine/101/cells/3300", "42",
                              "pika", 5, "{}", "-"),
        payment::Stopped{generation}, {}, {}, ledger::clock_now()));
  }
  service_.push_poll(test::json_answer(200, FakeService::completed_json(service_.clip_url())));
  const auto settled = Reconciler::run(path, settings().access, 1s);
  ASSERT_TRUE(settled && settled->size() == 1);
  EXPECT_TRUE(std::holds_alternative<payment::Completed>(settled->front().entry.state));
  EXPECT_NE(settled->front().text.find("delivers its clip"), std::string::npos)
      << settled->front().text;
}

}  // namespace
}  // namespace genpro::job
