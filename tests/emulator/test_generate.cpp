// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The generate call: what it takes, what it refuses and how it says so.
#include "emulator_fixture.h"

namespace genpro::emulator::test {

using Generate = EmulatorTest;

TEST_F(Generate, AnswersWithIdAndStatusOnly) {
  upload_two();
  for (const char* route : {"autocontentengine", "vidsheet"}) {
    const auto response = client_->post(
        std::string("/v1/") + route + "/101/cells/3300/generate?agent_id=42", body_with("a"));
    EXPECT_EQ(response.status, 201u);
    EXPECT_EQ(response.header("content-type"), "application/json");
    EXPECT_EQ(response.body, std::string(R"({"generation_id":)") +
                                 (route[0] == 'a' ? "9040" : "9041") + R"(,"status":"pending"})");
  }
}

TEST_F(Generate, CompletesWithTheDocumentedAnswer) {
  upload_two();
  const Json generation = wait_for(generate("a", R"("model":"pika","duration":5)"), "completed");
  const std::string origin = emulator_->origin();
  const std::string clip = clip_of("/v1/generations/9040");
  EXPECT_TRUE(clip.ends_with("/outputs/vid_ingredients_001.mp4")) << clip;
  const std::string thumbnail =
      clip.substr(0, clip.find("/outputs")) + "/thumbnails/vid_ingredients_001.jpg";
  EXPECT_EQ(generation.dump(),
            R"({"id":9040,"status":"completed","user_job_type":"video_generation","result":null,)"
            R"("failed_reason":null,"output_resources":[{"id":1900,"url":")" +
                origin + clip + R"(","thumbnail_url":")" + origin + thumbnail +
                R"(","object_type":"video","type":"output"}],)"
                R"("execution_cost":3.5})");
  EXPECT_EQ(client_->get(clip).body, fake_clip());
  EXPECT_EQ(client_->get(thumbnail).body, "a picture");
}

TEST_F(Generate, CountsIdsAndNamesUp) {
  upload_two();
  wait_for(generate("a"), "completed");
  const Json second = wait_for(generate("b"), "completed");
  EXPECT_EQ(second["id"].number(), 9041);
  EXPECT_EQ(second["output_resources"].at(0)["id"].number(), 1901);
  EXPECT_TRUE(
      second["output_resources"].at(0)["url"].text().ends_with("/outputs/vid_ingredients_002.mp4"));
}

TEST_F(Generate, GivesTheRendererWhatWasAsked) {
  upload_two();
  struct Case {
    const char* more;
    double width, height, duration;
    bool audio, moov_at_end;
  };
  for (const Case& c :
       {Case{R"("model":"pika","aspect_ratio":"9:16","duration":7)", 720, 1280, 7, false, true},
        Case{R"("model":"veo_3_1","aspect_ratio":"1:1")", 720, 720, 5, true, false},
        Case{R"("model":"veo_3_1_fast")", 1280, 720, 5, true, false},
        Case{R"("model":"kling_1_6")", 1280, 720, 5, false, false},
        Case{R"("model":"seedance_lite")", 1280, 720, 5, false, false},
        Case{R"("model":null,"duration":null)", 1280, 720, 5, false, true}}) {
    const Json done = wait_for(generate("é \\\"[spec]\\\"", c.more), "completed");
    const Json spec = client_->get(done["output_resources"].at(0)["url"].text()).json();
    EXPECT_EQ(spec["width"].number(), c.width) << c.more;
    EXPECT_EQ(spec["height"].number(), c.height) << c.more;
    EXPECT_EQ(spec["fps"].number(), 24);
    EXPECT_EQ(spec["duration"].number(), c.duration) << c.more;
    EXPECT_EQ(spec["audio"].dump(), c.audio ? "true" : "false") << c.more;
    EXPECT_EQ(spec["moov_at_end"].dump(), c.moov_at_end ? "true" : "false") << c.more;
    EXPECT_EQ(spec["prompt"].text(), "é \"[spec]\"");
    EXPECT_EQ(spec["generation_id"].text(), std::to_string(static_cast<int>(done["id"].number())));
    ASSERT_EQ(spec["ingredients"].size(), 2u);
    EXPECT_EQ(spec["ingredients"].at(0)["file_name"].text(), "a.png");
    EXPECT_EQ(spec["ingredients"].at(0)["content_type"].text(), "image/png");
    EXPECT_EQ(spec["ingredients"].at(1)["content_type"].text(), "video/mp4");
    EXPECT_TRUE(spec["ingredients"].at(1)["path"].text().starts_with(folder_.path("data")));
  }
}

TEST_F(Generate, RefusesEachWrongField) {
  upload_two();
  const std::string type = R"("generation_type":"video_from_ingredients")";
  const auto data = [&](const std::string& members) {
    return "{" + type + R"(,"data":{)" + members + "}}";
  };
  const std::string ids = R"("asset_resource_ids":[501])";
  const std::string prompt = R"("prompt":"a")";
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"data":{}})", "generation_type"},
      {R"({"generation_type":"video","data":{}})", "generation_type"},
      {R"({"generation_type":5,"data":{}})", "generation_type"},
      {"{" + type + "}", "data must be an object"},
      {"{" + type + R"(,"data":[]})", "data must be an object"},
      {data(ids), "data.prompt"},
      {data(ids + R"(,"prompt":"  ")"), "data.prompt"},
      {data(ids + R"(,"prompt":7)"), "data.prompt"},
      {data(ids + R"(,"prompt_var":"")"), "data.prompt_var"},
      {data(ids + R"(,"prompt_var":[])"), "data.prompt_var"},
      {data(prompt), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":[])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":"501")"), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":[1.5])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":["x"])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":[-1])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"asset_resource_ids":[null])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"content_resource_vars":[])"), "data.asset_resource_ids"},
      {data(prompt + R"(,"content_resource_vars":"a")"), "data.content_resource_vars"},
      {data(prompt + R"(,"content_resource_vars":[1])"), "data.content_resource_vars"},
      {data(prompt + "," + ids + R"(,"model":"sora")"), "data.model must be one of pika, "},
      {data(prompt + "," + ids + R"(,"model":1)"), "veo_3_1_fast"},
      {data(prompt + "," + ids + R"(,"aspect_ratio":"4:3")"), "1:1, 9:16, 16:9"},
      {data(prompt + "," + ids + R"(,"duration":0)"), "data.duration"},
      {data(prompt + "," + ids + R"(,"duration":61)"), "1 to 60"},
      {data(prompt + "," + ids + R"(,"duration":-5)"), "data.duration"},
      {data(prompt + "," + ids + R"(,"duration":2.5)"), "data.duration"},
      {data(prompt + "," + ids + R"(,"duration":"5")"), "data.duration"},
      {data(prompt + "," + ids + R"(,"duration":100000)"), "data.duration"},
      {"[]", "JSON object"},
      {"not json", "not valid JSON"},
      {"{\"a\":", "not valid JSON"},
      {"", "not valid JSON"},
  };
  for (const auto& [body, words] : cases) {
    SCOPED_TRACE(body);
    expect_error(client_->post(generate_path, body), 422, "validation_error", words);
  }
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Generate, TakesWhatTheContractLeavesOpen) {
  upload_two();
  ASSERT_EQ(client_
                ->post("/v1/vidsheet/101/import_global_variables?agent_id=42",
                       R"({"variables":{"text":"b","picture":"501","p":"502"}})")
                .status,
            200u);
  const std::string head = R"({"generation_type":"video_from_ingredients","data":{)";
  for (const std::string& data : {
           std::string(R"("prompt":"a","asset_resource_ids":["501",502])"),
           std::string(R"("prompt_var":"text","content_resource_vars":["picture"])"),
           std::string(R"("prompt":"a","asset_resource_ids":[],"content_resource_vars":["p"])"),
           std::string(R"("prompt":"a","asset_resource_ids":[501],"seed":{"x":[1,2,{}]})"),
       }) {
    EXPECT_EQ(client_->post(generate_path, head + data + "}}").status, 201u) << data;
  }
  const auto charset = client_->send("POST", generate_path, body_with("a"),
                                     {{"Content-Type", "application/json; charset=utf-8"}});
  EXPECT_EQ(charset.status, 201u);
  const auto slash = client_->post("/v1/autocontentengine/101/cells/3300/generate/?agent_id=42&x=1",
                                   body_with("a"));
  EXPECT_EQ(slash.status, 201u);
  // A body in pieces, as streaming clients send it, with header names in lower case.
  const std::string json = body_with("a");
  char length[16];
  std::snprintf(length, sizeof length, "%zx", json.size() - 10);
  const auto answer = raw_exchange(
      emulator_->port(),
      std::string("POST ") + generate_path +
          " HTTP/1.1\r\nhost: localhost\r\nx-api-key: " + test_key +
          "\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
          "connection: close\r\n\r\na\r\n" +
          json.substr(0, 10) + "\r\n" + length + "\r\n" + json.substr(10) + "\r\n0\r\n\r\n",
      false);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 201")) << answer;
}

TEST_F(Generate, NamesUnknownIds) {
  upload_two();
  const auto at = [this](const std::string& path) { return client_->post(path, body_with("a")); };
  expect_error(at("/v1/autocontentengine/9/cells/3300/generate?agent_id=42"), 404,
               "spreadsheet_not_found", "\"9\"");
  expect_error(at("/v1/autocontentengine/101/cells/9/generate?agent_id=42"), 404, "not_found",
               "\"9\"");
  expect_error(at("/v1/autocontentengine/101/cells/3300/generate"), 422, "agent_not_found",
               "missing");
  expect_error(at("/v1/autocontentengine/101/cells/3300/generate?agent_id="), 422,
               "agent_not_found", "missing");
  expect_error(at("/v1/autocontentengine/101/cells/3300/generate?agent_id=9"), 422,
               "agent_not_found", "\"9\"");
  expect_error(at("/v1/othersheet/101/cells/3300/generate?agent_id=42"), 404, "not_found");
  expect_error(client_->post(generate_path, R"({"generation_type":"video_from_ingredients","data":)"
                                            R"({"prompt":"a","asset_resource_ids":[501,777]}})"),
               404, "content_resource_not_found", "777");
  expect_error(client_->get("/v1/generations/1"), 404, "not_found", "1");
  expect_error(client_->get("/v1/generations/abc"), 404, "not_found", "abc");
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Generate, KnowsTheIdsItWasStartedWith) {
  start([](EmulatorSettings& settings) {
    settings.known.sheets.insert("7");
    settings.known.cells.insert("cell_x");
    settings.known.agents.insert("agent_xyz789");
  });
  upload_two();
  EXPECT_EQ(
      client_->post("/v1/vidsheet/7/cells/cell_x/generate?agent_id=agent_xyz789", body_with("a"))
          .status,
      201u);
  EXPECT_EQ(client_->post(generate_path, body_with("a")).status, 201u);
  EXPECT_EQ(client_->get("/v1/vidsheet/7/cells/cell_x?agent_id=42").json()["id"].text(), "cell_x");
}

TEST_F(Generate, TheSameIdempotencyKeyIsChargedOnce) {
  upload_two();
  const Headers key{{"Idempotency-Key", "0b8e9b1c"}};
  const auto first = client_->post(generate_path, body_with("a", R"("duration":5)"), key);
  EXPECT_EQ(first.status, 201u);
  // The same JSON in another order and with other white space is the same body.
  const auto again =
      client_->post(generate_path,
                    R"({ "data": {"duration":5, "asset_resource_ids":[501,502], "prompt":"a"},
          "generation_type":"video_from_ingredients"})",
                    key);
  EXPECT_EQ(again.status, 201u);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(credit(), 996.5);
  EXPECT_EQ(client_->get("/v1/vidsheet/101/cells/3300?agent_id=42").json()["user_jobs"].size(), 1u);
  expect_error(client_->post(generate_path, body_with("b"), key), 422, "validation_error",
               "Idempotency-Key");
  const auto other = client_->post(generate_path, body_with("b"), {{"Idempotency-Key", "other"}});
  EXPECT_EQ(other.json()["generation_id"].number(), 9041);
  EXPECT_EQ(credit(), 993);
}

TEST_F(Generate, ARefusalIsNotRemembered) {
  const Headers key{{"Idempotency-Key", "k"}};
  expect_error(client_->post(generate_path, body_with("a"), key), 404,
               "content_resource_not_found");
  upload_two();
  EXPECT_EQ(client_->post(generate_path, body_with("a"), key).status, 201u);
}

TEST_F(Generate, ChargesByModelAndSecond) {
  upload_two();
  const std::vector<std::pair<std::string, double>> prices{{"pika", 0.7},
                                                           {"kling_1_6", 1},
                                                           {"seedance_lite", 0.5},
                                                           {"veo_3_1", 4},
                                                           {"veo_3_1_fast", 1.5}};
  double left = 1000;
  for (const auto& [model, price] : prices) {
    const auto path = generate("a", R"("duration":6,"model":")" + model + "\"");
    left -= price * 6;
    EXPECT_NEAR(credit(), left, 1e-9) << model;
    EXPECT_NEAR(wait_for(path, "completed")["execution_cost"].number(), price * 6, 1e-9);
  }
  EXPECT_NEAR(credit(), left, 1e-9);
  // Written as people write it, not as 995.79999999999995.
  EXPECT_NE(client_->get("/v1/organizations/1").body.find("\"generic\":953.8"), std::string::npos);
}

TEST_F(Generate, StopsWhenCreditsRunOut) {
  start([](EmulatorSettings& settings) { settings.credit = 8; });
  upload_two();
  generate("a");
  generate("b");
  expect_error(client_->post(generate_path, body_with("c")), 422, "insufficient_credits_for_job",
               "3.5");
  EXPECT_EQ(credit(), 1);
  EXPECT_EQ(client_->get("/v1/vidsheet/101/cells/3300?agent_id=42").json()["user_jobs"].size(), 2u);
}

TEST_F(Generate, NeedsTheKeyOnEverythingUnderV1) {
  upload_two();
  for (const std::string key : {"", "wrong", "gen_pat_test-kex", "gen_pat_test-key2"}) {
    for (const char* path : {"/v1/generations/9040", "/v1/organizations/1", "/v1/unknown", "/v1",
                             "/v1/content_resources?agent_id=42"}) {
      expect_error(client_->get(path, {{"X-API-Key", key}}), 401, "unauthorized");
    }
    expect_error(client_->post(generate_path, body_with("a"), {{"X-API-Key", key}}), 401,
                 "unauthorized");
  }
  EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
  EXPECT_EQ(client_->get(clip_of(generate("a")), {{"X-API-Key", ""}}).status, 200u);
}

TEST_F(Generate, WithoutAKeyAnyWillDo) {
  start([](EmulatorSettings& settings) { settings.api_key.clear(); });
  EXPECT_EQ(client_->get("/v1/organizations/1", {{"X-API-Key", ""}}).status, 200u);
  EXPECT_EQ(client_->get("/v1/organizations/1", {{"X-API-Key", "anything"}}).status, 200u);
}

TEST_F(Generate, KnowsItsPathsAndMethods) {
  expect_error(client_->get("/v1/nothing"), 404, "not_found");
  expect_error(client_->get("/nothing"), 404, "not_found");
  const auto wrong = client_->get(generate_path);
  expect_error(wrong, 405, "method_not_allowed", "POST");
  EXPECT_EQ(wrong.header("allow"), "POST");
  const auto resource = client_->send("PUT", "/v1/content_resources/501?agent_id=42", "x");
  expect_error(resource, 405, "method_not_allowed");
  EXPECT_EQ(resource.header("allow"), "GET, HEAD, PATCH, DELETE");
  const auto head = client_->send("HEAD", "/v1/organizations/1");
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.header("content-length"),
            std::to_string(client_->get("/v1/organizations/1").body.size()));
  // Ranges are for files.
  EXPECT_EQ(client_->get("/v1/organizations/1", {{"Range", "bytes=0-3"}}).status, 200u);
}

}  // namespace genpro::emulator::test
