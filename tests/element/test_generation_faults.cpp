// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A generation that fails or ends without a usable clip, a service that cannot be reached, and what
// is tried again.
#include <ctime>
#include <map>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

const std::vector<Code> failed{resource(GST_RESOURCE_ERROR_FAILED)};
const std::vector<Code> unreachable{resource(GST_RESOURCE_ERROR_OPEN_READ),
                                    resource(GST_RESOURCE_ERROR_READ)};
const std::vector<Code> unusable{
    resource(GST_RESOURCE_ERROR_FAILED), resource(GST_RESOURCE_ERROR_NOT_FOUND),
    resource(GST_RESOURCE_ERROR_OPEN_READ), resource(GST_RESOURCE_ERROR_READ)};

TEST(GenerationFault, FailedSaysTheServicesReason) {
  FakeService service;
  service.push_status("processing");
  service.push_poll(json_answer(200, R"({"id": 9040, "status": "failed", "output_resources": [],
      "failed_reason": "Prompt was refused by moderation", "execution_cost": 0})"));
  ElementPtr src = seed_src(service);
  const Streamed streamed = stream(src);
  expect_one_error(
      streamed.outcome,
      {.codes = failed, .mentions = {"Prompt was refused by moderation"}, .generation_id = "9040"});
  const auto messages = streamed.outcome.named("genpro-generation");
  ASSERT_FALSE(messages.empty());
  EXPECT_STREQ(gst_structure_get_string(messages.back(), "status"), "failed");
}

TEST(GenerationFault, FailedWithoutAReasonIsStillAnError) {
  for (const char* poll : {R"({"id": 9040, "status": "failed", "failed_reason": null})",
                           R"({"id": 9040, "status": "failed"})",
                           R"({"id": 9040, "status": "failed", "failed_reason": {"code": 1}})"}) {
    FakeService service;
    service.push_poll(json_answer(200, poll));
    expect_one_error(stream(seed_src(service)).outcome,
                     {.codes = failed, .generation_id = "9040", .charged = "no"});
  }
}

TEST(GenerationFault, AFailureInThePostsAnswer) {
  FakeService service;
  const char* text = R"({"generation_id": 9040, "status": "failed"})";
  service.push_post(json_answer(201, text));
  service.push_poll(json_answer(200, R"({"id": 9040, "status": "failed"})"));
  expect_one_error(stream(seed_src(service)).outcome, {.codes = failed, .generation_id = "9040"});
}

TEST(GenerationFault, StoppedBySomebodyElse) {
  FakeService service;
  service.push_status("processing");
  service.push_status("stopped");
  const Streamed streamed = stream(seed_src(service));
  expect_one_error(streamed.outcome,
                   {.codes = failed, .mentions = {"stopped"}, .generation_id = "9040"});
  const auto messages = streamed.outcome.named("genpro-generation");
  ASSERT_FALSE(messages.empty());
  EXPECT_STREQ(gst_structure_get_string(messages.back(), "status"), "stopped");
}

using Case = std::pair<const char*, const char*>;
const Case unusable_results[] = {
    Case("no_member", ""),
    Case("null", R"(, "output_resources": null)"),
    Case("empty_list", R"(, "output_resources": [])"),
    Case("a_number", R"(, "output_resources": 5)"),
    Case("a_list_of_numbers", R"(, "output_resources": [1, null, "x", []])"),
    Case("only_a_picture",
         R"(, "output_resources": [{"url": "https://cdn.gen.pro/a.jpg", "object_type": "image"}])"),
    Case("url_missing", R"(, "output_resources": [{"id": 1, "object_type": "video"}])"),
    Case("url_null", R"(, "output_resources": [{"url": null, "object_type": "video"}])"),
    Case("url_empty", R"(, "output_resources": [{"url": "", "object_type": "video"}])"),
    Case("url_number", R"(, "output_resources": [{"url": 7, "object_type": "video"}])"),
    Case("url_file",
         R"(, "output_resources": [{"url": "file:///etc/passwd", "object_type": "video"}])"),
    Case("url_ftp",
         R"(, "output_resources": [{"url": "ftp://127.0.0.1/a.mp4", "object_type": "video"}])"),
    Case("url_data",
         R"(, "output_resources": [{"url": "data:video/mp4,x", "object_type": "video"}])"),
    Case("url_relative",
         R"(, "output_resources": [{"url": "/outputs/a.mp4", "object_type": "video"}])"),
    Case("url_without_a_host",
         R"(, "output_resources": [{"url": "https://", "object_type": "video"}])"),
    Case("url_nonsense",
         R"(, "output_resources": [{"url": "http://[::1", "object_type": "video"}])")};

class Unusable : public testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    for (const auto& [name, result] : unusable_results) {
      Trial& trial = trials()[name];
      trial.service.push_poll(
          json_answer(200, std::string(R"({"id": 9040, "status": "completed")") + result +
                               R"(, "execution_cost": 3.5})"));
      trial.start();
    }
  }
  static void TearDownTestSuite() { trials().clear(); }
  static std::map<std::string, Trial>& trials() {
    static std::map<std::string, Trial> all;
    return all;
  }
};

TEST_P(Unusable, ResultIsOneErrorAndTheCdnIsLeftAlone) {
  Trial& trial = trials().at(GetParam().first);
  const FakeService& service = trial.service;
  expect_one_error(
      trial.end(),
      {.codes = unusable, .generation_id = "9040", .charged = "yes", .retryable = "FALSE"});
  EXPECT_EQ(service.count(is_cdn), 0U);
  EXPECT_EQ(service.count(is_generate), 1U);
  EXPECT_EQ(service.count(is_stop), 0U);
  const auto polls = service.requests(is_poll);
  ASSERT_GE(polls.size(), 2U);
  EXPECT_GE(polls.back().at - polls.front().at, by_boot_clock(30s)) << "it may still come";
}

INSTANTIATE_TEST_SUITE_P(Each, Unusable, testing::ValuesIn(unusable_results),
                         [](const auto& tested) { return std::string(tested.param.first); });

TEST(Unreachable, RefusedConnection) {
  FakeService service;
  const std::string base = "http://127.0.0.1:" + std::to_string(closed_port()) + "/v1";
  const Streamed streamed = stream(seed_src(service, {{"api-base-url", base}}));
  expect_one_error(
      streamed.outcome,
      {.codes = unreachable, .mentions = {"127.0.0.1"}, .charged = "no", .retryable = "TRUE"});
}

TEST(Unreachable, UnknownHost) {
  FakeService service;
  const Streamed streamed =
      stream(seed_src(service, {{"api-base-url", "https://no-such-host.invalid/v1"}}));
  expect_one_error(streamed.outcome, {.codes = unreachable, .mentions = {"no-such-host.invalid"}});
}

TEST(Unreachable, SilenceAfterThePost) {
  FakeService service;
  service.push_post(silent_answer());
  const Streamed streamed = stream(seed_src(service, {{"stall-timeout", "1"}}));
  expect_one_error(streamed.outcome, {.codes = unreachable,
                                      .mentions = {"may have taken"},
                                      .charged = "unknown",
                                      .retryable = "TRUE"});
  EXPECT_EQ(service.count(is_generate), 2U);
  expect_one_idempotency_key(service);
}

TEST(Unreachable, SilenceAfterThePoll) {
  Trial endless;
  endless.service.push_poll(silent_answer());
  endless.start({{"stall-timeout", "1"}, {"generation-timeout", "4"}});
  Trial passing;
  passing.service.push_poll(silent_answer());
  passing.service.push_poll(
      json_answer(200, FakeService::completed_json(passing.service.clip_url())));
  passing.start({{"stall-timeout", "1"}});

  Outcome outcome = endless.end();
  expect_one_error(outcome, {.mentions = {"generation-timeout"},
                             .generation_id = "9040",
                             .charged = "yes",
                             .retryable = "TRUE"});
  expect_one_outage(outcome);
  EXPECT_GE(endless.service.count(is_poll), 2U);
  EXPECT_EQ(endless.service.count(is_generate), 1U);

  outcome = passing.end();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_one_outage(outcome);
  EXPECT_EQ(sha256(passing.bytes()), sha256(small_clip()));
  EXPECT_EQ(passing.service.count(is_generate), 1U);
}

TEST(Unreachable, AServiceThatSpeaksPlainHttpOnTheTlsPort) {
  FakeService service;
  const std::string base = "https" + service.api_base().substr(4);
  const Streamed streamed =
      stream(seed_src(service, {{"api-base-url", base}, {"stall-timeout", "1"}}));
  expect_one_error(streamed.outcome, {.codes = unreachable});
  EXPECT_EQ(service.count(), 0U);
}

TEST(GenerationTimeout, EndsAWaitWithoutEnd) {
  FakeService service;
  service.push_status("processing");
  const Streamed streamed = stream(seed_src(service, {{"generation-timeout", "1"}}));
  expect_one_error(streamed.outcome, {.mentions = {"generation-timeout"}, .generation_id = "9040"});
  ASSERT_FALSE(streamed.outcome.errors.empty());
  EXPECT_EQ(streamed.outcome.errors[0].domain, GST_RESOURCE_ERROR);
}

// The timer that gives up and the timer of the next poll fall due together sooner or later.
TEST(GenerationTimeout, MayMeetAPoll) {
  FakeService service;
  service.push_status("processing");
  std::vector<std::unique_ptr<Collector>> all;
  for (int i = 0; i < 20; ++i) {
    // Of cells of their own: on one, requests take turns.
    all.push_back(std::make_unique<Collector>(seed_src(
        service,
        {{"generation-timeout", "1"}, {"poll-interval", "10"}, {"cell-id", std::to_string(i)}})));
    gst_element_set_state(all.back()->pipeline(), GST_STATE_PLAYING);
  }
  for (const auto& collector : all)
    expect_one_error(collector->play_out(), {.mentions = {"generation-timeout"}});
  // On a slow machine some do not come as far as that.
  EXPECT_LE(service.count(is_generate), 20U);
}

class Again : public testing::Test {
 protected:
  Again() { service.set_clip({.bytes = small_clip()}); }
  // Runs to EOS and gives the time between the first two requests that match.
  std::chrono::milliseconds gap(const FakeService::Match& match) {
    const Streamed streamed = stream(seed_src(service));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
    expect_progress(streamed.outcome, "progress-complete");
    const auto seen = service.requests(match);
    if (seen.size() < 2) {
      ADD_FAILURE() << "not tried again";
      return {};
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(seen[1].at - seen[0].at);
  }
  FakeService service;
  const Answer taken = json_answer(201, R"({"generation_id": 9040, "status": "pending"})");
};

TEST_F(Again, APostThatMetAnErrorOfTheServer) {
  std::map<int, Trial> trials;
  for (const int status : {500, 502, 503, 504}) {
    Trial& each = trials[status];
    each.service.push_post(html_answer(status, "<h1>sorry</h1>"));
    each.service.push_post(taken);
    each.start();
  }
  for (auto& [status, each] : trials) {
    const Outcome outcome = each.end();
    EXPECT_TRUE(outcome.eos) << status << outcome.summary();
    EXPECT_EQ(each.service.count(is_generate), 2U);
    expect_one_idempotency_key(each.service);
  }
}

TEST_F(Again, APostWhoseAnswerWasLostIsTheSamePost) {
  service.push_post(closing_answer());
  service.push_post(taken);
  gap(is_generate);
  expect_one_idempotency_key(service);
  const auto posts = service.requests(is_generate);
  EXPECT_EQ(posts.at(0).body, posts.at(1).body);
}

TEST_F(Again, APostWhoseAnswerWasCutIsTheSamePost) {
  service.push_post(cut_answer(201, taken.body, 10));
  service.push_post(taken);
  gap(is_generate);
  expect_one_idempotency_key(service);
}

// Longer than the cell is given to list what was taken.
TEST_F(Again, RetryAfterOfThePostIsKept) {
  Answer busy = json_answer(429, R"({"error": "Slow down", "error_code": "rate_limited"})");
  busy.headers = {{"Retry-After", "45"}};
  service.push_post(busy);
  service.push_post(taken);
  EXPECT_GE(gap(is_generate), by_boot_clock(45s));
  expect_one_idempotency_key(service);
}

TEST_F(Again, RetryAfterOfAPollIsKept) {
  Answer busy = json_answer(429, R"({"error": "Slow down", "error_code": "rate_limited"})");
  busy.headers = {{"Retry-After", "1"}};
  service.push_poll(busy);
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  EXPECT_GE(gap(is_poll), std::chrono::milliseconds(1000));
}

TEST_F(Again, RetryAfterMayBeADate) {
  GDateTime* date = g_date_time_new_from_unix_utc(std::time(nullptr) + 60);
  const DateTimePtr owned(date);
  Answer busy = json_answer(503, "{}");
  busy.headers = {{"Retry-After", take_string(g_date_time_format(date, "%a, %d %b %Y %T GMT"))}};
  service.push_post(busy);
  service.push_post(taken);
  // The date has whole seconds only, and the answer takes its time.
  EXPECT_GE(gap(is_generate), by_boot_clock(50s));
}

TEST_F(Again, AnUnreadableRetryAfterIsNoReasonToFail) {
  Answer busy = json_answer(429, "{}");
  busy.headers = {{"Retry-After", "soon"}};
  service.push_post(busy);
  service.push_post(taken);
  gap(is_generate);
}

TEST_F(Again, APollThatFailedOnce) {
  service.push_poll(closing_answer());
  // One of them may be asked for on the connection that is being closed.
  service.push_status("processing");
  service.push_status("processing");
  service.push_poll(html_answer(502, "<h1>Bad gateway</h1>"));
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  gap(is_poll);
  EXPECT_GE(service.count(is_poll), 4U);
  EXPECT_EQ(service.count(is_generate), 1U);
}

}  // namespace
}  // namespace genpro::test
