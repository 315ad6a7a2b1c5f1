// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is paid is waited for: only the user's generation-timeout, the API's own word that it is
// gone, or a key that is not accepted for a minute end the wait.
#include <map>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

const Answer not_there = json_answer(404, R"({"error": "Not found", "error_code": "not_found"})");
const Answer denied = json_answer(401, R"({"error": "Unknown key", "error_code": "unauthorized"})");

class Outage : public testing::Test {
 protected:
  void answer_polls(std::initializer_list<Answer> answers) {
    for (const Answer& answer : answers) trial.service.push_poll(answer);
  }
  Answer completed() const {
    return json_answer(200, FakeService::completed_json(trial.service.clip_url()));
  }
  // Whole, and for one charge.
  Outcome expect_clip(const Settings& changes = {}) {
    trial.start(changes);
    Outcome outcome = trial.end();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(trial.bytes()), sha256(small_clip()));
    expect_progress(outcome, "progress-complete");
    EXPECT_EQ(trial.service.count(is_generate), 1U);
    EXPECT_EQ(trial.service.count(is_stop), 0U);
    return outcome;
  }

  Trial trial;
};

TEST_F(Outage, IsToldOnceEachTime) {
  const Answer busy = html_answer(503, "<h1>Busy</h1>");
  answer_polls(
      {busy, busy, json_answer(200, FakeService::status_json("processing")), busy, completed()});
  const Outcome outcome = expect_clip();
  std::vector<std::string> told;
  for (const Progress& progress : outcome.progress) {
    if (progress.text.find("does not tell how it stands") == std::string::npos) continue;
    EXPECT_EQ(progress.type, GST_PROGRESS_TYPE_CONTINUE);
    told.push_back(progress.text);
  }
  ASSERT_EQ(told.size(), 2U) << outcome.summary();
  for (const std::string& text : told) {
    EXPECT_NE(text.find("9040"), std::string::npos) << text;
    EXPECT_NE(text.find("503"), std::string::npos) << text;
  }
  EXPECT_TRUE(outcome.warnings.empty()) << outcome.summary();
}

// `retries` is for what is not paid yet.
TEST_F(Outage, IsWaitedOutWithoutRetries) {
  const Answer busy = html_answer(502, "<h1>Bad gateway</h1>");
  answer_polls({busy, busy, busy, completed()});
  expect_clip({{"retries", "0"}});
  EXPECT_EQ(trial.service.count(is_poll), 4U);
}

// For longer than the API's own word would have to stand.
TEST_F(Outage, AGatewaysPageIsNoWordOfTheApi) {
  using Time = std::chrono::steady_clock::time_point;
  std::map<int, Trial> trials;
  for (const int status : {401, 403, 404, 410}) {
    Trial& each = trials[status];
    each.service.set_script([status, first = std::make_shared<std::optional<Time>>()](
                                const Seen& seen) -> std::optional<Answer> {
      if (!is_poll(seen)) return std::nullopt;
      if (!*first) *first = seen.at;
      if (seen.at - **first > by_boot_clock(75s)) return std::nullopt;
      return html_answer(status, "<h1>Sorry</h1>");
    });
    each.start();
  }
  for (auto& [status, each] : trials) {
    SCOPED_TRACE(status);
    const Outcome outcome = each.end();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_EQ(sha256(each.bytes()), sha256(small_clip()));
    expect_one_outage(outcome);
    EXPECT_GE(each.service.count(is_poll), 4U);
    EXPECT_EQ(each.service.count(is_generate), 1U);
  }
}

TEST_F(Outage, RightAfterTheRequestItIsOnlyNotThereYet) {
  answer_polls({not_there, not_there, completed()});
  const Outcome outcome = expect_clip();
  EXPECT_EQ(trial.service.count(is_poll), 3U);
  EXPECT_EQ(trial.service.count(is_cell), 1U) << "there is nothing to look for yet";
  EXPECT_EQ(outcome.summary().find("does not tell"), std::string::npos);
}

// The API's lookup fails, but its cell has the generation.
TEST_F(Outage, WhatTheCellListsIsNotGone) {
  trial.service.set_script(
      [readings = std::make_shared<int>(0)](const Seen& seen) -> std::optional<Answer> {
        if (is_cell(seen) && ++*readings > 1) {
          return json_answer(200, R"({"id": 3300, "user_jobs": [{"id": 9040}]})");
        }
        if (is_poll(seen) && *readings < 2) return not_there;
        return std::nullopt;
      });
  expect_clip();
  EXPECT_EQ(trial.service.count(is_cell), 2U);
}

TEST_F(Outage, AKeyThatIsBeingRotatedIsWaitedOut) {
  Trial twice;
  twice.service.push_poll(denied);
  twice.service.push_poll(denied);
  twice.service.push_poll(json_answer(200, FakeService::completed_json(twice.service.clip_url())));
  twice.start({{"retries", "0"}});
  answer_polls({denied, completed()});
  expect_clip({{"retries", "0"}});
  const auto polls = trial.service.requests(is_poll);
  ASSERT_EQ(polls.size(), 2U);
  EXPECT_GE(polls[1].at - polls[0].at, by_boot_clock(30s));

  const Outcome outcome = twice.end();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(twice.service.count(is_poll), 3U);
}

TEST_F(Outage, AKeyThatIsNotAcceptedForAMinuteLeavesTheGenerationAsItIs) {
  answer_polls({denied});
  trial.start();
  const Outcome outcome = trial.end();
  expect_one_error(outcome, {.codes = {resource(GST_RESOURCE_ERROR_NOT_AUTHORIZED)},
                             .mentions = {"Unknown key", "left as it is", "picks it up"},
                             .http_status = "401",
                             .generation_id = "9040",
                             .charged = "yes",
                             .retryable = "FALSE"});
  EXPECT_EQ(trial.service.count(is_poll), 3U);
  EXPECT_EQ(trial.service.count(is_stop), 0U);

  // The next run of the same request, with a key that is accepted.
  trial.service.set_script([&service = trial.service](const Seen& seen) -> std::optional<Answer> {
    if (!is_poll(seen)) return std::nullopt;
    return json_answer(200, FakeService::completed_json(service.clip_url()));
  });
  expect_clip();
}

TEST_F(Outage, ResourcesThatComeLaterAreDelivered) {
  const Answer bare = json_answer(
      200, R"({"id": 9040, "status": "completed", "output_resources": [], "execution_cost": 3.5})");
  answer_polls({bare, bare, completed()});
  expect_clip({{"retries", "0"}});
  EXPECT_EQ(trial.service.count(is_poll), 3U);
}

// Of what a user named nothing is known yet: it may be a slip.
TEST_F(Outage, OfANamedGenerationOfWhichNothingWasHeardEndsAsErrorsDo) {
  struct Case {
    Answer answer;
    std::size_t polls;  // with one retry
    GstResourceError code;
  };
  const Case cases[] = {{not_there, 1, GST_RESOURCE_ERROR_NOT_FOUND},
                        {denied, 1, GST_RESOURCE_ERROR_NOT_AUTHORIZED},
                        {html_answer(404, "<h1>404</h1>"), 1, GST_RESOURCE_ERROR_NOT_FOUND},
                        {html_answer(503, "<h1>503</h1>"), 2, GST_RESOURCE_ERROR_OPEN_READ}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.answer.body);
    Trial each;
    each.service.push_poll(one.answer);
    each.start({{"generation-id", "9040"}});
    expect_one_error(each.end(), {.codes = {resource(one.code)}, .generation_id = "9040"});
    EXPECT_EQ(each.service.count(is_poll), one.polls);
    expect_nothing_posted(each.service);
  }
}

TEST_F(Outage, OfANamedGenerationThatWasHeardOfIsWaitedOut) {
  const Answer busy = html_answer(502, "<h1>Bad gateway</h1>");
  answer_polls(
      {json_answer(200, FakeService::status_json("processing")), busy, busy, busy, completed()});
  trial.start({{"generation-id", "9040"}, {"retries", "0"}});
  const Outcome outcome = trial.end();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  expect_one_outage(outcome);
  expect_nothing_posted(trial.service);
}

}  // namespace
}  // namespace genpro::test
