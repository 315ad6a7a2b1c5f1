// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service may answer instead of a generation, and what the element makes of it.
#include <functional>
#include <map>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

const std::vector<Code> unauthorized{resource(GST_RESOURCE_ERROR_NOT_AUTHORIZED)};
const std::vector<Code> not_found{resource(GST_RESOURCE_ERROR_NOT_FOUND)};
const std::vector<Code> unreachable{resource(GST_RESOURCE_ERROR_OPEN_READ),
                                    resource(GST_RESOURCE_ERROR_READ)};
const std::vector<Code> refused{resource(GST_RESOURCE_ERROR_SETTINGS),
                                resource(GST_RESOURCE_ERROR_FAILED),
                                resource(GST_RESOURCE_ERROR_NOT_FOUND)};
const std::vector<Code> unreadable{
    resource(GST_RESOURCE_ERROR_OPEN_READ), resource(GST_RESOURCE_ERROR_READ),
    resource(GST_RESOURCE_ERROR_FAILED), stream_error(GST_STREAM_ERROR_WRONG_TYPE)};

std::string error_json(const std::string& code) {
  return R"({"error": "The service's own words about )" + code + R"(", "error_code": ")" + code +
         R"("})";
}

// What an error status does when it answers a question for our own generation.
enum class Ending {
  denied,  // three times over a minute
  gone,    // twice, ten seconds apart, after it might be there, and the cell lacks it
  none,    // it is waited out
};

// An answer of an error status as the contract has it.
struct StatusFault {
  int status;
  const char* code;
  std::vector<Code> codes;  // of the POST
  std::size_t posts;        // how often the request is made, with one retry allowed
  Ending ending;
  std::vector<std::string> mentions = {};

  // The service's own no is proof that nothing was taken.
  bool is_refusal() const { return status < 500; }
};

void PrintTo(const StatusFault& fault, std::ostream* out) {
  *out << fault.status << fault.code;
}

const StatusFault status_faults[] = {
    {401, "unauthorized", unauthorized, 1, Ending::denied, {"key"}},
    {403, "permission_denied", unauthorized, 1, Ending::denied},
    {403, "forbidden", unauthorized, 1, Ending::denied},
    {404, "not_found", not_found, 1, Ending::gone},
    {404, "spreadsheet_not_found", not_found, 1, Ending::gone},
    {404, "content_resource_not_found", not_found, 1, Ending::gone},
    {422, "usable_gen_credit_required", unauthorized, 1, Ending::none, {"credit"}},
    {422, "insufficient_credits_for_job", unauthorized, 1, Ending::none, {"credit"}},
    {422, "agent_not_found", refused, 1, Ending::none},
    {422, "validation_error", refused, 1, Ending::none},
    {422, "job_cannot_be_stopped", refused, 1, Ending::none},
    {422, "content_resource_creation_failed", refused, 1, Ending::none},
    {422, "invalid_content_type", refused, 1, Ending::none},
    {422, "file_size_exceeded", refused, 1, Ending::none},
    {422, "a_code_of_tomorrow", refused, 1, Ending::none},
    {500, "internal", unreachable, 2, Ending::none},
    {502, "bad_gateway", unreachable, 2, Ending::none},
    {503, "unavailable", unreachable, 2, Ending::none},
    {504, "gateway_timeout", unreachable, 2, Ending::none},
};

std::string status_name(const testing::TestParamInfo<StatusFault>& tested) {
  return std::to_string(tested.param.status) + "_" + tested.param.code;
}

Answer answer_of(const StatusFault& fault) {
  return json_answer(fault.status, error_json(fault.code));
}

Answer completed(const FakeService& service) {
  return json_answer(200, FakeService::completed_json(service.clip_url()));
}

// Of our own generation, which is waited for whatever else may end that.
void expect_waited_for(Trial& trial) {
  const Outcome outcome = trial.end();
  expect_one_error(outcome, {.mentions = {"generation-timeout"},
                             .generation_id = "9040",
                             .charged = "yes",
                             .retryable = "TRUE"});
  expect_one_outage(outcome);
  EXPECT_GE(trial.service.count(is_poll), 3U);
  EXPECT_EQ(trial.service.count(is_generate), 1U);
  EXPECT_EQ(trial.service.count(is_cdn), 0U);
}

void expect_waited_out(Trial& trial) {
  const Outcome outcome = trial.end();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(sha256(trial.bytes()), sha256(small_clip()));
  expect_progress(outcome, "progress-complete");
  expect_one_outage(outcome);
  EXPECT_EQ(trial.service.count(is_generate), 1U);
}

// The questions before the third come within 1.5 s where the machine has time for them, and much
// later where all these trials start at once on a busy one. All wait at the same time.
constexpr const char* short_timeout = "30";
constexpr const char* stall_timeout = "10";

class StatusError : public testing::TestWithParam<StatusFault> {
 protected:
  using Trials = std::map<std::pair<int, std::string>, Trial>;

  static void SetUpTestSuite() {
    for (const StatusFault& fault : status_faults) {
      const std::pair key(fault.status, std::string(fault.code));
      Trial& post = posts()[key];
      post.service.push_post(answer_of(fault));
      post.start();
      Trial& poll = polls()[key];
      poll.service.push_poll(answer_of(fault));
      if (fault.ending == Ending::none) {
        poll.start({{"generation-timeout", short_timeout}});
        Trial& recovery = recoveries()[key];
        recovery.service.push_poll(answer_of(fault));
        recovery.service.push_poll(completed(recovery.service));
        recovery.start();
      } else {
        poll.start();
      }
    }
  }
  static void TearDownTestSuite() {
    posts().clear();
    polls().clear();
    recoveries().clear();
  }

  static Trials& posts() {
    static Trials all;
    return all;
  }
  static Trials& polls() {
    static Trials all;
    return all;
  }
  static Trials& recoveries() {
    static Trials all;
    return all;
  }
  static Trial& of(Trials& trials) { return trials.at({GetParam().status, GetParam().code}); }
};

TEST_P(StatusError, OfThePost) {
  const StatusFault& fault = GetParam();
  Trial& trial = of(posts());
  std::vector<std::string> mentions = fault.mentions;
  mentions.emplace_back("The service's own words");
  if (!fault.is_refusal()) mentions.emplace_back("may have taken");
  const Outcome outcome = trial.end();
  expect_one_error(outcome, {.codes = fault.codes,
                             .mentions = mentions,
                             .http_status = std::to_string(fault.status),
                             .error_code = fault.code,
                             .charged = fault.is_refusal() ? "no" : "unknown",
                             .retryable = fault.is_refusal() ? "FALSE" : "TRUE"});
  ASSERT_FALSE(outcome.errors.empty());
  EXPECT_NE(outcome.errors[0].detail("ledger-row"), "");
  EXPECT_EQ(outcome.named("genpro-doubt").empty(), fault.is_refusal());
  EXPECT_EQ(trial.service.count(is_generate), fault.posts);
  expect_one_idempotency_key(trial.service);
  EXPECT_EQ(trial.service.count(is_poll), 0U);
}

TEST_P(StatusError, OfThePoll) {
  const StatusFault& fault = GetParam();
  Trial& trial = of(polls());
  if (fault.ending == Ending::none) return expect_waited_for(trial);
  const bool is_gone = fault.ending == Ending::gone;
  std::vector<std::string> mentions{"9040"};
  mentions.emplace_back(is_gone ? "paid for, is gone" : "The service's own words");
  expect_one_error(trial.end(), {.codes = is_gone ? not_found : unauthorized,
                                 .mentions = mentions,
                                 .http_status = std::to_string(fault.status),
                                 .error_code = fault.code,
                                 .generation_id = "9040",
                                 .charged = "yes",
                                 .retryable = "FALSE"});
  EXPECT_EQ(trial.service.count(is_generate), 1U);
  EXPECT_EQ(trial.service.count(is_stop), 0U) << "an error is no wish to stop";
  const auto polls = trial.service.requests(is_poll);
  if (is_gone) {
    ASSERT_GE(polls.size(), 2U);
    const auto& last = polls.back();
    EXPECT_GE(last.at - polls[polls.size() - 2].at, by_boot_clock(10s));
    const auto readings = trial.service.requests(is_cell);
    ASSERT_EQ(readings.size(), 2U);
    // Counted from when the request was noted, after the first look at the cell.
    EXPECT_GE(polls[polls.size() - 2].at - readings[0].at, by_boot_clock(30s))
        << "it may still come";
    EXPECT_GE(readings[1].at, last.at) << "the cell is looked at as well";
  } else {
    ASSERT_EQ(polls.size(), 3U);
    EXPECT_GE(polls[2].at - polls[0].at, by_boot_clock(60s));
  }
}

TEST_P(StatusError, OfAPollIsWaitedOut) {
  if (GetParam().ending == Ending::none) expect_waited_out(of(recoveries()));
}

INSTANTIATE_TEST_SUITE_P(Each, StatusError, testing::ValuesIn(status_faults), status_name);

// An answer that cannot be read as what it should be.
struct ShapeFault {
  const char* name;
  std::function<Answer()> answer;
  // With one retry. What answers with something else than the API would, may be no GEN API at all.
  std::size_t posts = 1;
};

void PrintTo(const ShapeFault& fault, std::ostream* out) {
  *out << fault.name;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

Answer fifty_megabytes() {
  return Answer{.raw = [](Wire& wire) {
    const std::size_t size = 50U << 20U;
    const std::string piece(1U << 20U, ' ');
    wire.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(size) + "\r\n\r\n");
    for (std::size_t sent = 0; sent < size; sent += piece.size())
      if (!wire.write(piece)) return;
  }};
}

const ShapeFault both_faults[] = {
    {"html", [] { return html_answer(200, "<!doctype html><h1>Sign in</h1>"); }},
    {"html_that_says_json", [] { return json_answer(200, "<!doctype html><h1>Sign in</h1>"); }},
    {"nothing", [] { return json_answer(200, ""); }},
    {"cut", [] { return cut_answer(200, R"({"generation_id": 9040, "status": "completed"})", 20); },
     2},
    {"cut_but_complete_by_its_length", [] { return json_answer(200, R"({"generation_id": 90)"); }},
    {"closed_at_once", [] { return closing_answer(); }, 2},
    {"fifty_megabytes", fifty_megabytes},
    {"nested_deep", [] { return json_answer(200, nested(10'000)); }},
    {"nested_deep_in_a_member",
     [] { return json_answer(200, R"({"generation_id": )" + nested(10'000) + "}"); }},
    {"a_list", [] { return json_answer(200, "[]"); }},
    {"a_number", [] { return json_answer(200, "9040"); }},
    {"null", [] { return json_answer(200, "null"); }},
    {"no_member", [] { return json_answer(200, "{}"); }},
    {"no_utf8", [] { return json_answer(200, "{\"generation_id\": \"\xff\xfe\"}"); }},
    {"no_http",
     [] { return Answer{.raw = [](Wire& wire) { wire.write("SSH-2.0-OpenSSH_9.2\r\n"); }}; }, 2},
};

const ShapeFault post_faults[] = {
    {"id_null", [] { return json_answer(201, R"({"generation_id": null, "status": "pending"})"); }},
    {"id_object", [] { return json_answer(201, R"({"generation_id": {"a": 1}})"); }},
    {"id_empty", [] { return json_answer(201, R"({"generation_id": "", "status": "pending"})"); }},
    {"id_path", [] { return json_answer(201, R"({"generation_id": "../x"})"); }},
    {"id_with_a_line_break", [] { return json_answer(201, R"({"generation_id": "1\r\nX: y"})"); }},
    {"id_fraction", [] { return json_answer(201, R"({"generation_id": 1.5})"); }},
    {"id_boolean", [] { return json_answer(201, R"({"generation_id": true})"); }},
};

const ShapeFault poll_faults[] = {
    {"status_missing", [] { return json_answer(200, R"({"id": 9040, "output_resources": []})"); }},
    {"status_null", [] { return json_answer(200, R"({"id": 9040, "status": null})"); }},
    {"status_number", [] { return json_answer(200, R"({"id": 9040, "status": 3})"); }},
    {"status_object", [] { return json_answer(200, R"({"id": 9040, "status": {}})"); }},
};

std::string shape_name(const testing::TestParamInfo<ShapeFault>& tested) {
  return tested.param.name;
}

using ShapeTrials = std::map<std::string, Trial>;

void start_post(ShapeTrials& trials, const ShapeFault& fault) {
  Trial& trial = trials[fault.name];
  trial.service.push_post(fault.answer());
  trial.start({{"stall-timeout", stall_timeout}});
}

void expect_unreadable_post(Trial& trial, const ShapeFault& fault) {
  const Outcome outcome = trial.end();
  expect_one_error(outcome, {.codes = unreadable,
                             .mentions = {"may have taken"},
                             .charged = "unknown",
                             .retryable = "TRUE"});
  EXPECT_EQ(outcome.named("genpro-doubt").size(), 1U);
  EXPECT_EQ(trial.service.count(is_generate), fault.posts);
  expect_one_idempotency_key(trial.service);
  EXPECT_EQ(trial.service.count(is_poll), 0U);
}

// One that answers so for ever, and one that does so for a while.
struct PollTrials {
  ShapeTrials endless;
  ShapeTrials passing;

  void start(const ShapeFault& fault) {
    Trial& stays = endless[fault.name];
    stays.service.push_poll(fault.answer());
    stays.start({{"stall-timeout", stall_timeout}, {"generation-timeout", short_timeout}});
    Trial& ends = passing[fault.name];
    // libsoup itself repeats a GET whose kept connection was closed on it.
    for (int i = 0; i < 2; ++i) ends.service.push_poll(fault.answer());
    ends.service.push_poll(completed(ends.service));
    ends.start({{"stall-timeout", stall_timeout}});
  }
  void clear() {
    endless.clear();
    passing.clear();
  }
};

class AnyUnreadable : public testing::TestWithParam<ShapeFault> {
 protected:
  static void SetUpTestSuite() {
    for (const ShapeFault& fault : both_faults) {
      start_post(posts(), fault);
      polls().start(fault);
    }
  }
  static void TearDownTestSuite() {
    posts().clear();
    polls().clear();
  }
  static ShapeTrials& posts() {
    static ShapeTrials all;
    return all;
  }
  static PollTrials& polls() {
    static PollTrials all;
    return all;
  }
};
TEST_P(AnyUnreadable, Post) {
  expect_unreadable_post(posts().at(GetParam().name), GetParam());
}
TEST_P(AnyUnreadable, Poll) {
  expect_waited_for(polls().endless.at(GetParam().name));
}
TEST_P(AnyUnreadable, PollIsWaitedOut) {
  expect_waited_out(polls().passing.at(GetParam().name));
}
INSTANTIATE_TEST_SUITE_P(Each, AnyUnreadable, testing::ValuesIn(both_faults), shape_name);

class PostUnreadable : public testing::TestWithParam<ShapeFault> {
 protected:
  static void SetUpTestSuite() {
    for (const ShapeFault& fault : post_faults) start_post(posts(), fault);
  }
  static void TearDownTestSuite() { posts().clear(); }
  static ShapeTrials& posts() {
    static ShapeTrials all;
    return all;
  }
};
TEST_P(PostUnreadable, Ends) {
  expect_unreadable_post(posts().at(GetParam().name), GetParam());
}
INSTANTIATE_TEST_SUITE_P(Each, PostUnreadable, testing::ValuesIn(post_faults), shape_name);

class PollUnreadable : public testing::TestWithParam<ShapeFault> {
 protected:
  static void SetUpTestSuite() {
    for (const ShapeFault& fault : poll_faults) polls().start(fault);
  }
  static void TearDownTestSuite() { polls().clear(); }
  static PollTrials& polls() {
    static PollTrials all;
    return all;
  }
};
TEST_P(PollUnreadable, IsWaitedFor) {
  expect_waited_for(polls().endless.at(GetParam().name));
}
TEST_P(PollUnreadable, IsWaitedOut) {
  expect_waited_out(polls().passing.at(GetParam().name));
}
INSTANTIATE_TEST_SUITE_P(Each, PollUnreadable, testing::ValuesIn(poll_faults), shape_name);

// An error status whose body says nothing, or not what it should. Only what is the API's own error
// proves that nothing was taken.
struct ErrorBody {
  const char* text;
  bool is_api_error;
};

const ErrorBody error_bodies[] = {
    {"", false},
    {"<h1>401</h1>", false},
    {"[]", false},
    {"null", false},
    {"{}", false},
    {R"({"error": null})", false},
    {R"({"error": {"message": "no"}})", true},
    {R"({"error": {"message": "no", "code": 401}})", false},
    {R"({"message": "no", "errors": [{"path": "key", "message": "no"}]})", true},
    {R"({"error": ["a", "b"]})", false},
    {R"({"error": 5})", false},
    {R"({"error": "no code"})", true},
    {R"({"error": "x", "error_code": 7})", true},
    {R"({"error": ")", false},
};

TEST(ErrorBodies, DoNotHideTheStatus) {
  std::map<std::string, Trial> trials;
  for (const ErrorBody& body : error_bodies) {
    Trial& trial = trials[body.text];
    trial.service.push_post(json_answer(401, body.text));
    trial.start();
  }
  for (const ErrorBody& body : error_bodies) {
    SCOPED_TRACE(body.text);
    Trial& trial = trials.at(body.text);
    expect_one_error(trial.end(), {.codes = unauthorized,
                                   .http_status = "401",
                                   .charged = body.is_api_error ? "no" : "unknown"});
    EXPECT_EQ(trial.service.count(is_generate), 1U);
  }
}

}  // namespace
}  // namespace genpro::test
