// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service may answer instead of a generation, and what the element makes of it.
#include <functional>
#include <set>

#include "element/element_test.h"

namespace genpro::test {
namespace {

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

// An answer of an error status as the contract has it.
struct StatusFault {
  int status;
  const char* code;
  std::vector<Code> codes;
  std::size_t posts;  // how often the request is made, with one retry allowed
  std::vector<std::string> mentions = {};
};

void PrintTo(const StatusFault& fault, std::ostream* out) {
  *out << fault.status << fault.code;
}

const StatusFault status_faults[] = {
    {401, "unauthorized", unauthorized, 1, {"key"}},
    {403, "permission_denied", unauthorized, 1},
    {403, "forbidden", unauthorized, 1},
    {404, "not_found", not_found, 1},
    {404, "spreadsheet_not_found", not_found, 1},
    {404, "content_resource_not_found", not_found, 1},
    {422, "usable_gen_credit_required", unauthorized, 1, {"credit"}},
    {422, "insufficient_credits_for_job", unauthorized, 1, {"credit"}},
    {422, "agent_not_found", refused, 1},
    {422, "validation_error", refused, 1},
    {422, "job_cannot_be_stopped", refused, 1},
    {422, "content_resource_creation_failed", refused, 1},
    {422, "invalid_content_type", refused, 1},
    {422, "file_size_exceeded", refused, 1},
    {422, "a_code_of_tomorrow", refused, 1},
    {429, "rate_limited", unreachable, 2},
    {500, "internal", unreachable, 2},
    {502, "bad_gateway", unreachable, 2},
    {503, "unavailable", unreachable, 2},
    {504, "gateway_timeout", unreachable, 2},
};

std::string status_name(const testing::TestParamInfo<StatusFault>& tested) {
  return std::to_string(tested.param.status) + "_" + tested.param.code;
}

void expect_one_idempotency_key(const FakeService& service) {
  std::set<std::string> keys;
  for (const Seen& post : service.requests(is_generate))
    keys.insert(post.header("idempotency-key"));
  EXPECT_LE(keys.size(), 1U) << "a repeated request is the same request";
}

class StatusError : public testing::TestWithParam<StatusFault> {};

TEST_P(StatusError, OfThePost) {
  const StatusFault& fault = GetParam();
  FakeService service;
  service.push_post(json_answer(fault.status, error_json(fault.code)));
  const Streamed streamed = stream(seed_src(service));
  std::vector<std::string> mentions = fault.mentions;
  mentions.emplace_back("The service's own words");
  expect_one_error(streamed.outcome, {.codes = fault.codes,
                                      .mentions = mentions,
                                      .http_status = std::to_string(fault.status),
                                      .error_code = fault.code});
  EXPECT_EQ(service.count(is_generate), fault.posts);
  expect_one_idempotency_key(service);
  EXPECT_EQ(service.count(is_poll), 0U);
}

TEST_P(StatusError, OfThePoll) {
  const StatusFault& fault = GetParam();
  FakeService service;
  service.push_poll(json_answer(fault.status, error_json(fault.code)));
  const Streamed streamed = stream(seed_src(service));
  expect_one_error(streamed.outcome, {.codes = fault.codes,
                                      .mentions = {"The service's own words"},
                                      .http_status = std::to_string(fault.status),
                                      .error_code = fault.code,
                                      .generation_id = "9040"});
  EXPECT_EQ(service.count(is_poll), fault.posts);
  EXPECT_EQ(service.count(is_generate), 1U);
}

INSTANTIATE_TEST_SUITE_P(Each, StatusError, testing::ValuesIn(status_faults), status_name);

// An answer that cannot be read as what it should be.
struct ShapeFault {
  const char* name;
  std::function<Answer()> answer;
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
    {"cut",
     [] { return cut_answer(200, R"({"generation_id": 9040, "status": "completed"})", 20); }},
    {"cut_but_complete_by_its_length", [] { return json_answer(200, R"({"generation_id": 90)"); }},
    {"closed_at_once", [] { return closing_answer(); }},
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
     [] { return Answer{.raw = [](Wire& wire) { wire.write("SSH-2.0-OpenSSH_9.2\r\n"); }}; }},
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

void expect_unreadable_post(const ShapeFault& fault) {
  FakeService service;
  service.push_post(fault.answer());
  const Streamed streamed = stream(seed_src(service, {{"stall-timeout", "2"}}));
  expect_one_error(streamed.outcome, {.codes = unreadable});
  EXPECT_LE(service.count(is_generate), 2U);
  expect_one_idempotency_key(service);
  EXPECT_EQ(service.count(is_poll), 0U);
}

void expect_unreadable_poll(const ShapeFault& fault) {
  FakeService service;
  service.push_poll(fault.answer());
  const Streamed streamed = stream(seed_src(service, {{"stall-timeout", "2"}}));
  expect_one_error(streamed.outcome, {.codes = unreadable, .generation_id = "9040"});
  // libsoup itself repeats a GET whose kept connection was closed on it.
  EXPECT_LE(service.count(is_poll), 4U);
  EXPECT_EQ(service.count(is_generate), 1U);
  EXPECT_EQ(service.count(is_cdn), 0U);
}

class AnyUnreadable : public testing::TestWithParam<ShapeFault> {};
TEST_P(AnyUnreadable, Post) {
  expect_unreadable_post(GetParam());
}
TEST_P(AnyUnreadable, Poll) {
  expect_unreadable_poll(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Each, AnyUnreadable, testing::ValuesIn(both_faults), shape_name);

class PostUnreadable : public testing::TestWithParam<ShapeFault> {};
TEST_P(PostUnreadable, Ends) {
  expect_unreadable_post(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Each, PostUnreadable, testing::ValuesIn(post_faults), shape_name);

class PollUnreadable : public testing::TestWithParam<ShapeFault> {};
TEST_P(PollUnreadable, Ends) {
  expect_unreadable_poll(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Each, PollUnreadable, testing::ValuesIn(poll_faults), shape_name);

// An error status whose body says nothing, or not what it should.
class ErrorBody : public testing::TestWithParam<const char*> {};

TEST_P(ErrorBody, DoesNotHideTheStatus) {
  FakeService service;
  service.push_post(json_answer(401, GetParam()));
  const Streamed streamed = stream(seed_src(service));
  expect_one_error(streamed.outcome, {.codes = unauthorized, .http_status = "401"});
  EXPECT_EQ(service.count(is_generate), 1U);
}

INSTANTIATE_TEST_SUITE_P(Each, ErrorBody,
                         testing::Values("", "<h1>401</h1>", "[]", "null", "{}",
                                         "{\"error\": null}", "{\"error\": {\"message\": \"no\"}}",
                                         "{\"error\": [\"a\", \"b\"]}", "{\"error\": 5}",
                                         "{\"error\": \"no code\"}",
                                         "{\"error\": \"x\", \"error_code\": 7}",
                                         "{\"error\": \""));

}  // namespace
}  // namespace genpro::test
