// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "api/answers/cell.h"
#include "api/answers/generation.h"
#include "api/client.h"
#include "api/json.h"
#include "api/key.h"
#include "api/prices/price_client.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/variables.h"
#include "base/text.h"

namespace genpro::api {
namespace {

using namespace std::chrono_literals;

RequestSettings seed() {
  RequestSettings settings;
  settings.sheet_id = "101";
  settings.cell_id = "3300";
  settings.agent_id = "42";
  settings.prompt = "A product";
  settings.asset_ids = "501,502";
  return settings;
}

TEST(Request, SendsWhatIsSetAndNothingElse) {
  const auto request = make_request(seed());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->cell_path, "autocontentengine/101/cells/3300");
  EXPECT_EQ(request->body,
            R"({"generation_type":"video_from_ingredients","data":{"prompt":"A product",)"
            R"("asset_resource_ids":[501,502]}})");
}

TEST(Request, SendsEveryField) {
  RequestSettings settings = seed();
  settings.sheet_route = "vidsheet";
  settings.model = "kling_1_6";
  settings.aspect_ratio = "9:16";
  settings.duration = 10;
  settings.prompt_var = "title";
  settings.content_resource_vars = "a, b";
  settings.asset_ids = "501,asset_x,007";
  settings.extra_data = R"({"seed": 7, "duration": 4})";
  const auto request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->cell_path, "vidsheet/101/cells/3300");
  EXPECT_EQ(request->body,
            R"({"generation_type":"video_from_ingredients","data":{"prompt":"A product",)"
            R"("model":"kling_1_6","asset_resource_ids":[501,"asset_x",7],)"
            R"("aspect_ratio":"9:16","duration":4,"prompt_var":"title",)"
            R"("content_resource_vars":["a","b"],"seed":7}})");
}

TEST(Request, TakesPromptAndIngredientsFromVariables) {
  RequestSettings settings = seed();
  settings.prompt.clear();
  settings.prompt_var = "title";
  settings.asset_ids.clear();
  settings.content_resource_vars = "logo";
  const auto request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body,
            R"({"generation_type":"video_from_ingredients","data":{"asset_resource_ids":[],)"
            R"("prompt_var":"title","content_resource_vars":["logo"]}})");
}

TEST(Request, WarnsOfLengthsThatAModelIsNotDocumentedToMake) {
  const auto warnings = [](const char* model, unsigned seconds) {
    RequestSettings settings = seed();
    settings.model = model;
    settings.duration = seconds;
    return make_request(settings)->warnings.size();
  };
  EXPECT_EQ(warnings("kling_1_6", 5), 0U);
  EXPECT_EQ(warnings("kling_1_6", 10), 0U);
  EXPECT_EQ(warnings("kling_1_6", 7), 1U);
  EXPECT_EQ(warnings("veo_3_1", 8), 0U);
  EXPECT_EQ(warnings("veo_3_1_fast", 9), 1U);
  EXPECT_EQ(warnings("", 9), 0U);
  RequestSettings left_to_cell = seed();
  left_to_cell.model.clear();
  left_to_cell.aspect_ratio = "banana";
  const auto request = make_request(left_to_cell);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->warnings.size(), 1U);
  EXPECT_NE(request->warnings[0].find("aspect-ratio is \"banana\""), std::string::npos);
}

struct Wrong {
  const char* name;
  const char* word;  // what the message has to name
  void (*spoil)(RequestSettings&);
};

class RequestError : public testing::TestWithParam<Wrong> {};

TEST_P(RequestError, NamesTheSetting) {
  RequestSettings settings = seed();
  GetParam().spoil(settings);
  const auto request = make_request(settings);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().kind, ErrorKind::settings);
  EXPECT_NE(request.error().message.find(GetParam().word), std::string::npos)
      << request.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Each, RequestError,
    testing::Values(
        Wrong{"no_sheet", "sheet-id", [](RequestSettings& s) { s.sheet_id.clear(); }},
        Wrong{"path_as_cell", "cell-id", [](RequestSettings& s) { s.cell_id = "../x"; }},
        Wrong{"spaced_agent", "agent-id", [](RequestSettings& s) { s.agent_id = "a b"; }},
        Wrong{"path_as_route", "sheet-route", [](RequestSettings& s) { s.sheet_route = "a/b"; }},
        Wrong{"blank_prompt", "prompt", [](RequestSettings& s) { s.prompt = " \n"; }},
        Wrong{"prompt_that_empties", "prompt",
              [](RequestSettings& s) {
                s.prompt = "{{a}}";
                s.variables = R"({"a": ""})";
              }},
        Wrong{"prompt_of_bytes", "UTF-8", [](RequestSettings& s) { s.prompt = "\xff"; }},
        Wrong{"no_ingredients", "asset-ids", [](RequestSettings& s) { s.asset_ids.clear(); }},
        Wrong{"gap_in_ids", "asset-ids", [](RequestSettings& s) { s.asset_ids = "1,,2"; }},
        Wrong{"gap_in_names", "content-resource-vars",
              [](RequestSettings& s) { s.content_resource_vars = "a,"; }},
        Wrong{"variables_list", "variables", [](RequestSettings& s) { s.variables = "[1]"; }},
        Wrong{"variables_nested", "variables",
              [](RequestSettings& s) { s.variables = R"({"a": {}})"; }},
        Wrong{"extra_text", "extra-data", [](RequestSettings& s) { s.extra_data = "x"; }},
        Wrong{"extra_number", "extra-data",
              [](RequestSettings& s) { s.extra_data = R"({"seed": 18446744073709551615})"; }},
        Wrong{"extra_infinity", "extra-data",
              [](RequestSettings& s) { s.extra_data = R"({"seed": 1e999})"; }},
        Wrong{"variable_number", "variables",
              [](RequestSettings& s) { s.variables = R"({"n": 9223372036854775808})"; }},
        Wrong{"long", "duration", [](RequestSettings& s) { s.duration = 100000; }}),
    [](const auto& info) { return info.param.name; });

TEST(Variables, FillKnownNamesOnceAndLeaveOthers) {
  const auto variables = parse_variables(R"({"a": "{{b}}", "b": 2, "c": true, "d e": 1.5})");
  ASSERT_TRUE(variables);
  EXPECT_EQ(fill_variables("{{a}} {{ b }} {{c}} {{d e}} {{other}}", *variables),
            "{{b}} 2 true 1.5 {{other}}");
  EXPECT_EQ(fill_variables("{{x {{b}} }} {{", *variables), "{{x 2 }} {{");
  EXPECT_EQ(fill_variables("no names", *variables), "no names");
}

TEST(Variables, NumbersAreFilledInAsAPersonWritesThem) {
  const auto variables = parse_variables(R"({"a": 9.99, "b": 0.1, "c": 3.0, "d": -7})");
  ASSERT_TRUE(variables);
  EXPECT_EQ(fill_variables("{{a}} {{b}} {{c}} {{d}}", *variables), "9.99 0.1 3 -7");
}

TEST(Generation, ReadsTheSeedsAnswer) {
  const auto generation = parse_generation(R"({
    "id": 9040, "status": "completed", "user_job_type": "video_generation", "result": null,
    "failed_reason": null, "output_resources": [{"id": 1900,
    "url": "https://cdn.gen.pro/outputs/vid_ingredients_001.mp4", "thumbnail_url": "x",
    "object_type": "video", "type": "output"}], "execution_cost": 3.5})");
  ASSERT_TRUE(generation);
  EXPECT_EQ(generation->id, "9040");
  EXPECT_EQ(generation->phase, Phase::completed);
  EXPECT_EQ(generation->cost, 3.5);
  EXPECT_EQ(generation->video_url, "https://cdn.gen.pro/outputs/vid_ingredients_001.mp4");
}

TEST(Generation, IsReadLiberally) {
  EXPECT_EQ(parse_generation(R"({"generation_id": "gen_1", "status": "pending"})")->id, "gen_1");
  EXPECT_EQ(parse_generation(R"({"id": "77", "status": "Processing"})")->phase, Phase::processing);
  EXPECT_EQ(parse_generation(R"({"id": 1, "status": "queued"})")->phase, Phase::unknown);
  EXPECT_EQ(parse_generation(R"({"id": 1, "execution_cost": "3.50"})")->cost, 3.5);
  EXPECT_FALSE(parse_generation(R"({"id": 1, "execution_cost": "free"})")->cost);
  EXPECT_FALSE(parse_generation(R"({"id": 1, "execution_cost": -3.5})")->cost);
  EXPECT_FALSE(parse_generation(R"({"id": 1, "output_resources": null})")->video_url);
  EXPECT_EQ(parse_generation(R"({"id": 1, "output_resources": [{"object_type": "image",
            "url": "a"}, 5, {"object_type": "Video", "url": "b"}]})")
                ->video_url,
            "b");
  EXPECT_EQ(parse_generation(R"({"status": "pending"})")->id, "");
  // A number that an integer cannot hold is no id, and spoils nothing else.
  EXPECT_EQ(parse_generation(R"({"id": 18446744073709551617, "status": "pending"})")->id, "");
  EXPECT_EQ(parse_generation(R"({"id": 9223372036854775807})")->id, "9223372036854775807");
}

TEST(Generation, RefusesOtherShapes) {
  for (const char* text : {"[]", "5", "\"x\"", "null", R"({"id": "../x"})", "<html></html>"}) {
    EXPECT_FALSE(parse_generation(text)) << text;
  }
}

struct Status {
  unsigned status;
  const char* code;
  ErrorKind kind;
  bool retryable;
};

class ReplyError : public testing::TestWithParam<Status> {};

TEST_P(ReplyError, IsClassifiedByStatusThenByCode) {
  const auto& [status, code, kind, retryable] = GetParam();
  HttpReply reply;
  reply.status = status;
  reply.body = std::string(R"({"error": "no: s3cret", "error_code": ")") + code + "\"}";
  const Failure failure = failure_from_reply(
      reply, {"generation 1", "generation 1", "Check it.", "https://a/b", "s3cret"});
  EXPECT_EQ(failure.error.kind, kind);
  EXPECT_EQ(failure.retryable, retryable);
  EXPECT_EQ(failure.error.http_status, status);
  EXPECT_EQ(failure.error.error_code, code);
  EXPECT_NE(failure.error.message.find("no: ***"), std::string::npos) << failure.error.message;
  EXPECT_EQ((failure.error.message + failure.error.debug).find("s3cret"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ReplyError,
    testing::Values(Status{401, "unauthorized", ErrorKind::not_authorized, false},
                    Status{403, "permission_denied", ErrorKind::not_authorized, false},
                    Status{404, "spreadsheet_not_found", ErrorKind::not_found, false},
                    Status{422, "usable_gen_credit_required", ErrorKind::not_authorized, false},
                    Status{422, "insufficient_credits_for_job", ErrorKind::not_authorized, false},
                    Status{422, "agent_not_found", ErrorKind::not_found, false},
                    Status{422, "validation_error", ErrorKind::settings, false},
                    Status{422, "job_cannot_be_stopped", ErrorKind::settings, false},
                    Status{429, "rate_limited", ErrorKind::open_read, true},
                    Status{500, "any", ErrorKind::open_read, true},
                    Status{501, "any", ErrorKind::open_read, false},
                    Status{502, "any", ErrorKind::open_read, true},
                    Status{503, "any", ErrorKind::open_read, true},
                    Status{504, "any", ErrorKind::open_read, true}));

TEST(ReplyError, NeedsNoJson) {
  HttpReply reply;
  reply.status = 503;
  reply.body = "<html>Bad \x01 gateway</html>";
  const Failure failure = failure_from_reply(reply, {"it", "it", "Check.", "https://a", "KEY"});
  EXPECT_TRUE(failure.retryable);
  EXPECT_NE(failure.error.debug.find("Bad gateway"), std::string::npos);
}

Failure failure_of(const std::string& body, unsigned status = 422) {
  HttpReply reply;
  reply.status = status;
  reply.body = body;
  return failure_from_reply(reply, {"it", "it", "Check.", "https://a", "KEY"});
}

TEST(ReplyError, IsTheApisOwnOnlyAsAnObjectWithATextOrACode) {
  for (const char* body :
       {R"({"error": "no"})", R"({"code": "x", "message": "no", "errors": [], "retryable": false})",
        R"({"error_code": "x"})", R"({"error": {}, "error_code": "x"})",
        R"({"error": {"message": "no", "code": "x"}})", R"({"error": {"message": "no"}})",
        R"({"error": {"code": "x"}})", R"({"message": "no", "errors": [{"path": "a"}]})",
        R"({"message": "no", "errors": ["a is no field"]})",
        R"({"message": "no", "errors": {"a": ["is no field"]}})",
        R"({"message": "no", "retryable": false})"}) {
    EXPECT_TRUE(failure_of(body).is_api_error) << body;
  }
  for (const char* body : {"",
                           "{}",
                           "[]",
                           R"([{"error": "no"}])",
                           "\"error\"",
                           "null",
                           "<html>error</html>",
                           R"({"error": ""})",
                           R"({"error": " "})",
                           R"({"error": 5})",
                           R"({"error": null})",
                           R"({"error": {"a": 1}})",
                           R"({"error": "cut)",
                           R"({"id": 5})",
                           R"({"message": "Forbidden"})",
                           R"({"code": "x"})",
                           R"({"error": {"code": 404}})",
                           R"({"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}})",
                           R"({"message": "no", "errors": []})",
                           R"({"message": "no", "errors": {}})",
                           R"({"message": "no", "retryable": "false"})",
                           R"({"errors": [{"path": "a"}]})",
                           R"({"retryable": true})"}) {
    EXPECT_FALSE(failure_of(body).is_api_error) << body;
  }
}

TEST(ReplyError, HasTheCodeOfItsObject) {
  const Failure failure =
      failure_of(R"({"error": {"message": "gone away", "code": "agent_not_found"}})");
  EXPECT_EQ(failure.error.error_code, "agent_not_found");
  EXPECT_EQ(failure.error.kind, ErrorKind::not_found);
  EXPECT_NE(failure.error.message.find("gone away"), std::string::npos) << failure.error.message;
}

TEST(ReplyError, IsReadInBothShapes) {
  const Failure older = failure_of(R"({"error": "no credits", "error_code": "agent_not_found"})");
  EXPECT_EQ(older.error.error_code, "agent_not_found");
  EXPECT_EQ(older.error.kind, ErrorKind::not_found);
  const Failure newer = failure_of(
      R"({"code": "agent_not_found", "message": "gone away", "errors": [], "retryable": true})");
  EXPECT_EQ(newer.error.error_code, "agent_not_found");
  EXPECT_EQ(newer.error.kind, ErrorKind::not_found);
  EXPECT_NE(newer.error.message.find("gone away"), std::string::npos) << newer.error.message;
  EXPECT_FALSE(newer.retryable) << "the status decides";
  const Failure listed = failure_of(R"({"code": "validation_error", "errors": ["too long"]})");
  EXPECT_NE(listed.error.message.find("too long"), std::string::npos) << listed.error.message;
}

TEST(ReplyError, SaysWhenToComeBack) {
  EXPECT_EQ(failure_of(R"({"retry_after_seconds": 7})").retry_after, 7s);
  EXPECT_EQ(failure_of(R"({"retry_after_seconds": "1.5"})").retry_after, 1500ms);
  EXPECT_EQ(failure_of(R"({"retry_after_seconds": 0})").retry_after, 0s);
  for (const char* body :
       {R"({"retry_after_seconds": -1})", R"({"retry_after_seconds": 1e9})",
        R"({"retry_after_seconds": "soon"})", R"({"retry_after_seconds": null})", "{}"}) {
    EXPECT_FALSE(failure_of(body).retry_after) << body;
  }
  HttpReply reply;
  reply.status = 503;
  reply.body = R"({"retry_after_seconds": 7})";
  reply.retry_after = 3s;
  EXPECT_EQ(failure_from_reply(reply, {}).retry_after, 3s) << "the header comes first";
  reply.status = 202;
  reply.retry_after.reset();
  const Failure accepted = failure_from_shape(reply, "it has no generation_id", {});
  EXPECT_EQ(accepted.retry_after, 7s);
  EXPECT_EQ(accepted.error.http_status, 202U);
}

TEST(CellAnswer, ListsEachJobOnce) {
  const auto cell = parse_cell(R"({"id": 1, "default_user_job": {"id": 99}, "user_jobs": [
      {"id": 3}, "gen_2", 3, {"generation_id": "1"}, {"id": null, "generation_id": 7}]})");
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->jobs, (std::vector<std::string>{"3", "gen_2", "1", "7"}));
  EXPECT_TRUE(cell->is_whole);
  EXPECT_EQ(cell->defaults, "");
}

TEST(CellAnswer, IsNotWholeWithAnEntryThatHasNoId) {
  for (const char* entry : {"{}", "null", "[]", "true", R"({"id": "../x"})", R"({"id": ""})",
                            R"({"id": {"id": 5}})", R"({"id": 18446744073709551617})"}) {
    const auto cell =
        parse_cell(R"({"user_jobs": [{"id": 3}, )" + std::string(entry) + R"(, {"id": 4}]})");
    ASSERT_TRUE(cell) << entry;
    EXPECT_FALSE(cell->is_whole) << entry;
    EXPECT_EQ(cell->jobs, (std::vector<std::string>{"3", "4"})) << entry;
  }
  EXPECT_TRUE(parse_cell(R"({"user_jobs": []})")->is_whole);
}

TEST(CellAnswer, NeedsAList) {
  for (const char* text : {"{}", R"({"user_jobs": null})", R"({"user_jobs": {}})", "[]", "null",
                           "<html></html>", ""}) {
    EXPECT_FALSE(parse_cell(text)) << text;
  }
}

TEST(CellAnswer, TellsTheDefaultsWhateverTheirOrder) {
  EXPECT_EQ(parse_cell(R"({"user_jobs": [], "value": "v",
                "additional_attributes": {"ratio": "9:16", "model": "pika"}})")
                ->defaults,
            R"({"additional_attributes":{"model":"pika","ratio":"9:16"},"value":"v"})");
  EXPECT_EQ(
      parse_cell(R"({"user_jobs": [], "value": null, "additional_attributes": {}})")->defaults,
      R"({"additional_attributes":{}})");
}

TEST(GlobalVariables, AreTexts) {
  using Texts = std::map<std::string, std::string>;
  EXPECT_EQ(*parse_global_variables("null"), Texts{});
  EXPECT_EQ(*parse_global_variables(R"({"id": 1, "variables": null})"), Texts{});
  EXPECT_EQ(*parse_global_variables(R"({"id": 1, "variables": []})"), Texts{});
  EXPECT_EQ(*parse_global_variables(R"({"id": 1, "variables": [{"key": "a", "value": "x"},
                {"key": "b", "value": 9.5}, {"key": "c", "value": null}, {"key": "d"},
                {"key": "e", "value": [1, {"z": 1, "y": 2}]}]})"),
            (Texts{{"a", "x"}, {"b", "9.5"}, {"c", ""}, {"d", ""}, {"e", R"([1,{"y":2,"z":1}])"}}));
}

TEST(GlobalVariables, AreNotThereInAnotherShape) {
  for (const char* text :
       {"{}", "[]", "5", "", "<html></html>", R"({"error": "no"})", R"({"variables": {}})",
        R"({"variables": [5]})", R"({"variables": [{"value": 1}]})"}) {
    EXPECT_FALSE(parse_global_variables(text)) << text;
  }
}

TEST(Access, RefusesKeysAndAddressesThatCannotBe) {
  EXPECT_TRUE(make_access("https://api.gen.pro/v1/", "gen_pat_x"));
  EXPECT_EQ(make_access("https://api.gen.pro/v1//", "k")->base.text, "https://api.gen.pro/v1");
  EXPECT_EQ(make_access("http://localhost:1", "k")->base.text, "http://localhost:1");
  for (const char* key : {"", " ", "a b", "a\nb", "a\r\nX: y", "ké", "a\t"}) {
    const auto access = make_access("https://api.gen.pro/v1", key);
    ASSERT_FALSE(access) << key;
    EXPECT_EQ(access.error().kind, ErrorKind::settings);
  }
  for (const char* url :
       {"", "x", "http://gen.pro/v1", "https://api.gen.pro/v1?a=1", "https://u:p@api.gen.pro/"}) {
    EXPECT_FALSE(make_access(url, "k")) << url;
  }
  EXPECT_TRUE(is_utf8(make_access("w\303\266rter", "\266").error().message));
}

TEST(Key, IsTheFirstLineOfAFile) {
  const GCharPtr path(g_build_filename(testing::TempDir().c_str(), "key", nullptr));
  ASSERT_TRUE(g_file_set_contents(path.get(), "from_file \r\nsecond line\n", -1, nullptr));
  EXPECT_EQ(*find_key("", path.get()), "from_file");
  EXPECT_EQ(*find_key("set", path.get()), "set");
  ASSERT_TRUE(g_file_set_contents(path.get(), "\nkey\n", -1, nullptr));
  EXPECT_FALSE(find_key("", path.get()));
  EXPECT_FALSE(find_key("", "/nonexistent/key"));
  EXPECT_FALSE(find_key("", "/dev/null"));
  EXPECT_FALSE(find_key("", testing::TempDir()));
}

TEST(Transactions, AreOfAGenerationOnlyWhereTheySaySo) {
  const auto read = parse_transactions(R"([
      {"id": 1, "amount": "3.5", "is_incoming": true, "source": {"type": "UserJob", "id": 9040}},
      {"id": 2, "amount": -3.5, "is_incoming": true, "source_type": "user_job", "source_id": 9040},
      {"id": 3, "amount": 2, "is_incoming": true, "description": "Refund for generation 9040"},
      {"id": 4, "amount": 500, "is_incoming": true, "source": {"type": "Purchase", "id": 9040}},
      {"id": 5, "amount": 500, "is_incoming": true, "source_type": "Order", "source_id": 9040},
      {"id": 6, "amount": 500, "is_incoming": true, "purpose": "AI generation 9040 credits"}])");
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 6U);
  for (std::size_t at = 0; at < 6; ++at) {
    const Transaction& one = (*read)[at];
    EXPECT_EQ(one.generations,
              at < 3 ? std::vector<std::string>{"9040"} : std::vector<std::string>{})
        << one.id;
    EXPECT_TRUE(one.is_incoming);
  }
  EXPECT_EQ((*read)[1].amount, 3.5);
}

}  // namespace
}  // namespace genpro::api
