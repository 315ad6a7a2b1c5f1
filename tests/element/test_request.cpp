// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What genprosrc sends: exactly the published request, and nothing that was not set.
#include <set>

#include "element/element_fixture.h"
#include "support/json_text.h"
#include "support/process.h"

namespace genpro::test {
namespace {

// The published example, as it is published.
constexpr const char* seed_body = R"({
"generation_type": "video_from_ingredients",
"data": {
"prompt": "A dynamic product showcase video featuring the uploaded product image, camera orbiting around it with particle effects and dramatic lighting",
"model": "pika",
"asset_resource_ids": [501, 502],
"aspect_ratio": "16:9",
"duration": 5
}
})";

class Request : public testing::Test {
 protected:
  Request() { service.set_clip({.bytes = small_clip()}); }

  // Runs the element to its end and gives back the one POST that it made.
  Seen posted(const Settings& changes) { return posted_by(seed_src(service, changes)); }
  Seen posted_by(ElementPtr src) {
    const Streamed streamed = stream(std::move(src));
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    const auto posts = service.requests(is_generate);
    if (posts.empty()) {
      ADD_FAILURE() << "nothing was posted";
      return {};
    }
    return posts.back();
  }
  // With only what is required.
  Settings least() const {
    return {{"api-base-url", service.api_base()},
            {"api-key", test_key},
            {"sheet-id", "101"},
            {"cell-id", "3300"},
            {"agent-id", "42"},
            {"poll-interval", "20"}};
  }
  Seen posted_least(Settings more) {
    Settings settings = least();
    settings.insert(settings.end(), more.begin(), more.end());
    return posted_by(src_with(settings));
  }

  FakeService service;
};

TEST_F(Request, EqualsThePublishedExample) {
  const Seen post = posted({});
  EXPECT_EQ(canonical_json(post.body), canonical_json(seed_body));
  EXPECT_EQ(post.method, "POST");
  EXPECT_EQ(post.path, "/v1/autocontentengine/101/cells/3300/generate");
  EXPECT_EQ(post.query, "agent_id=42");
  EXPECT_EQ(post.header("x-api-key"), test_key);
  EXPECT_TRUE(post.header("content-type").starts_with("application/json"))
      << post.header("content-type");
  EXPECT_NE(post.header("idempotency-key"), "");
  EXPECT_EQ(post.body.find("agent"), std::string::npos);
  EXPECT_EQ(service.count(is_generate), 1U);
}

TEST_F(Request, PollsTheGenerationWithTheKeyAndWithoutTheAgent) {
  posted({});
  const auto polls = service.requests(is_poll);
  ASSERT_GE(polls.size(), 1U);
  EXPECT_EQ(polls[0].path, "/v1/generations/9040");
  EXPECT_EQ(polls[0].query, "");
  EXPECT_EQ(polls[0].header("x-api-key"), test_key);
  expect_cdn_saw_no_key(service);
}

TEST_F(Request, LeavesOutWhatIsNotSet) {
  const Seen post = posted_least({{"prompt", "A lamp"}, {"asset-ids", "501"}});
  EXPECT_EQ(canonical_json(post.body), R"({"data":{"asset_resource_ids":[501],"prompt":"A lamp"},)"
                                       R"("generation_type":"video_from_ingredients"})");
}

TEST_F(Request, AnEmptyTextIsNotSet) {
  const Seen post = posted_least({{"prompt", "A lamp"},
                                  {"asset-ids", "501"},
                                  {"prompt-var", ""},
                                  {"content-resource-vars", ""},
                                  {"variables", ""},
                                  {"extra-data", ""},
                                  {"generation-id", ""}});
  EXPECT_EQ(canonical_json(post.body), R"({"data":{"asset_resource_ids":[501],"prompt":"A lamp"},)"
                                       R"("generation_type":"video_from_ingredients"})");
}

TEST_F(Request, KeepsOpaqueIdsAsText) {
  const Seen post = posted({{"sheet-id", "sheet_9-Z"},
                            {"cell-id", "c-1"},
                            {"agent-id", "agent_xyz789"},
                            {"asset-ids", "abc_1,502,x-9"}});
  EXPECT_EQ(post.path, "/v1/autocontentengine/sheet_9-Z/cells/c-1/generate");
  EXPECT_EQ(post.query, "agent_id=agent_xyz789");
  EXPECT_NE(canonical_json(post.body).find(R"("asset_resource_ids":["abc_1",502,"x-9"])"),
            std::string::npos)
      << post.body;
}

TEST_F(Request, KeepsEveryDigitOfALongId) {
  const Seen post = posted({{"asset-ids", "9007199254740993,123456789012345678"}});
  EXPECT_NE(canonical_json(post.body).find(
                R"("asset_resource_ids":[9007199254740993,123456789012345678])"),
            std::string::npos)
      << post.body;
  const Seen longer = posted({{"asset-ids", "99999999999999999999"}});
  EXPECT_NE(longer.body.find("99999999999999999999"), std::string::npos) << longer.body;
}

TEST_F(Request, SendsEveryModelAndRasterByItsName) {
  for (const char* model : {"pika", "kling_1_6", "seedance_lite", "veo_3_1", "veo_3_1_fast"}) {
    EXPECT_NE(canonical_json(posted({{"model", model}}).body)
                  .find("\"model\":\"" + std::string(model) + "\""),
              std::string::npos)
        << model;
  }
  for (const char* ratio : {"1:1", "9:16", "16:9"}) {
    EXPECT_NE(canonical_json(posted({{"aspect-ratio", ratio}}).body)
                  .find("\"aspect_ratio\":\"" + std::string(ratio) + "\""),
              std::string::npos)
        << ratio;
  }
}

TEST_F(Request, MayTakePromptAndIngredientsFromColumns) {
  const Seen post =
      posted_least({{"prompt-var", "headline"}, {"content-resource-vars", "photo,logo"}});
  const std::string body = canonical_json(post.body);
  EXPECT_NE(body.find(R"("prompt_var":"headline")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("content_resource_vars":["photo","logo"])"), std::string::npos) << body;
  EXPECT_EQ(body.find("501"), std::string::npos) << body;
}

TEST_F(Request, FillsVariablesAndLeavesUnknownOnesForTheService) {
  const Seen post = posted({{"prompt", "A {{product}} beside {{other}}, {{product}}"},
                            {"variables", R"({"product": "lamp \"Ö\" \\ 1"})"}});
  EXPECT_NE(canonical_json(post.body).find(
                R"("prompt":"A lamp \"Ö\" \\ 1 beside {{other}}, lamp \"Ö\" \\ 1")"),
            std::string::npos)
      << post.body;
}

TEST_F(Request, MergesExtraDataLast) {
  const Seen post =
      posted({{"extra-data", R"({"duration": 8, "camera": {"zoom": 1.5}, "tags": ["a", 2]})"}});
  EXPECT_EQ(canonical_json(post.body),
            R"({"data":{"aspect_ratio":"16:9","asset_resource_ids":[501,502],)"
            R"("camera":{"zoom":1.5},"duration":8,"model":"pika","prompt":")" +
                std::string(seed_prompt) +
                R"(","tags":["a",2]},"generation_type":"video_from_ingredients"})");
}

TEST_F(Request, CarriesAnyTextInThePrompt) {
  const Seen post = posted({{"prompt", "Zeile 1\nline \"2\"\t\\ 灯 \U0001F4A1 </script>"}});
  EXPECT_NE(canonical_json(post.body).find(
                "\"prompt\":\"Zeile 1\\u000aline \\\"2\\\"\\u0009\\\\ 灯 \U0001F4A1 </script>\""),
            std::string::npos)
      << post.body;
}

TEST_F(Request, TakesTheRouteWord) {
  EXPECT_EQ(posted({{"sheet-route", "vidsheet"}}).path, "/v1/vidsheet/101/cells/3300/generate");
}

TEST_F(Request, TakesABaseWithASlashAtItsEnd) {
  const Seen post = posted({{"api-base-url", service.api_base() + "/"}});
  EXPECT_EQ(post.path, "/v1/autocontentengine/101/cells/3300/generate");
  const std::string port = service.api_url().substr(service.api_url().rfind(':'));
  EXPECT_EQ(posted({{"api-base-url", "http://localhost" + port + "/v1"}}).path,
            "/v1/autocontentengine/101/cells/3300/generate");
}

TEST_F(Request, EachGenerationHasItsOwnIdempotencyKey) {
  posted({});
  posted({});
  std::set<std::string> keys;
  for (const Seen& post : service.requests(is_generate))
    keys.insert(post.header("idempotency-key"));
  EXPECT_EQ(keys.size(), 2U) << "two wishes are two generations";
}

TEST_F(Request, TheEnvironmentGivesServiceAndKey) {
  const ScopedEnv base("GEN_API_BASE_URL", service.api_base());
  const ScopedEnv key("GEN_API_KEY", "key_from_environment");
  Settings settings = {{"sheet-id", "101"},  {"cell-id", "3300"},  {"agent-id", "42"},
                       {"prompt", "A lamp"}, {"asset-ids", "501"}, {"poll-interval", "20"}};
  EXPECT_EQ(posted_by(src_with(settings)).header("x-api-key"), "key_from_environment");
  settings.emplace_back("api-key", test_key);
  EXPECT_EQ(posted_by(src_with(settings)).header("x-api-key"), test_key)
      << "a set property comes before the environment";
}

TEST_F(Request, TheKeyMayStandInAFile) {
  const TempDir folder;
  write_file(folder.file("key"), "key_from_file\nand a second line\n");
  write_file(folder.file("bare"), "key_without_newline");
  write_file(folder.file("dos"), "key_from_dos\r\n");
  Settings settings = least();
  std::erase_if(settings, [](const auto& setting) { return setting.first == "api-key"; });
  settings.insert(settings.end(), {{"prompt", "A lamp"}, {"asset-ids", "501"}});
  for (const auto& [file, key] :
       {std::pair("key", "key_from_file"), std::pair("bare", "key_without_newline"),
        std::pair("dos", "key_from_dos")}) {
    Settings with_file = settings;
    with_file.emplace_back("api-key-file", folder.file(file));
    EXPECT_EQ(posted_by(src_with(with_file)).header("x-api-key"), key);
  }
}

}  // namespace
}  // namespace genpro::test
