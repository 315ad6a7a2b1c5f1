// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the live service is said to do other than the seed: estimates, what becomes of the credits,
// waits and payments, lists.
#include "today_fixture.h"

namespace genpro::emulator::test {

TEST_F(Today, AnEstimateIsWhatIsThenCharged) {
  const std::string images = R"("images":[)" + value(501) + "," + value(502) + "]";
  const std::string pair =
      R"("talking_avatar_video_data":{"video":)" + value(503) + R"(,"audio":)" + value(504) + "}";
  const std::pair<const char*, std::string> jobs[] = {
      {"video_from_ingredients", R"("prompt":"a","model":"grok","duration":7,)" + images},
      {"video_from_ingredients", R"("prompt":"a",)" + images},
      {"video_from_text", R"("prompt":"a","model":"kling-v3")"},
      {"video_from_image", R"("prompt":"a","model":"veo-3.1","image_resource_id":501)"},
      {"seedance_2_0_video_generation", R"("prompt":"a","duration":4,)" + images},
      {"lipsync", R"("lip_sync_model":"sync.so",)" + pair},
      {"lipsync", pair},
      {"remove_background", R"("model":"transparent","video":)" + value(503)},
  };
  for (const auto& [type, data] : jobs) {
    const double before = credit();
    const double estimated = estimate(type, data)["estimated_credits"].number();
    EXPECT_EQ(credit(), before) << "it is free";
    EXPECT_GT(estimated, 0) << type;
    const Json record = wait_for(path_of(vidsheet(type, data)), "completed");
    EXPECT_EQ(record["execution_cost"].number(), estimated) << type << data;
    EXPECT_EQ(record["credit_outcome"].text(), "charged");
    EXPECT_EQ(before - credit(), estimated);
  }
}

TEST_F(Today, AnEstimateTakesSeveralJobsAndDataAsText) {
  const Json answer =
      client_
          ->post("/v1/user_jobs/estimate",
                 R"({"agent_id":42,"user_jobs":[{"user_job_type":"video_from_text",)"
                 R"("data":"{\"model\":\"grok\",\"duration\":3}"},)"
                 R"({"user_job_type":"video_from_ingredients","data":)"
                 R"({"model":"pika","duration":10}}]})")
          .json();
  EXPECT_EQ(answer["estimated_credits"].number(), 10);
  EXPECT_EQ(answer["items"].size(), 2U);
  EXPECT_EQ(answer["items"].at(1)["estimated_credits"].number(), 7);
  EXPECT_EQ(client_->post("/v1/user_jobs/estimate", R"({"agent_id":42})").status, 422U);
  EXPECT_EQ(client_
                ->post("/v1/user_jobs/estimate",
                       R"({"agent_id":42,"user_job":{"user_job_type":"video_from_text","data":)"
                       R"({"model":"none"}}})")
                .status,
            422U);
}

TEST_F(Today, AStopIsRefundedAndProvesIt) {
  start_with({}, 100);
  const double before = credit();
  const std::string path = path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok")"));
  EXPECT_TRUE(client_->get(path).json()["credit_outcome"].is_null()) << "while it runs";
  const Json stopped = client_->post(path + "/stop", R"({"agent_id":42})").json();
  EXPECT_EQ(stopped["status"].text(), "stopped");
  EXPECT_EQ(stopped["credit_outcome"].text(), "refunded");
  EXPECT_EQ(credit(), before);
  EXPECT_EQ(transactions(2), "refund 5 in, charge 5 out");
}

TEST_F(Today, AFaultMayBeOfOneOfItsModels) {
  start_with({{"failed-generations", "model=grok:reason=Not today."}});
  const Json failed =
      wait_for(path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok","duration":1)")),
               "failed");
  EXPECT_EQ(failed["failed_reason"].text(), "Not today.");
  EXPECT_EQ(failed["credit_outcome"].text(), "refunded");
  wait_for(path_of(vidsheet("video_from_text", R"("prompt":"a","model":"kling-v3")")), "completed");
}

TEST_F(Today, AStopOfAnAgentThatIsNotThereIsRefused) {
  start_with({}, 100);
  const std::string path = path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok")"));
  EXPECT_EQ(client_->post(path + "/stop", R"({"agent_id":43})").json()["error_code"].text(),
            "agent_not_found");
  EXPECT_EQ(client_->get(path).json()["status"].text(), "pending");
}

TEST_F(Today, ContinuesOnlyWhatIsStoppedAndWithAKey) {
  start([](EmulatorSettings& settings) {
    settings.latency = 100;
    settings.dialect = Dialect::today;
  });
  const auto go_on = [this](const std::string& path, const std::string& key) {
    return client_->post(path + "/continue", R"({"agent_id":42})", {{"Idempotency-Key", key}});
  };
  const std::string stopped =
      path_of(vidsheet("video_from_text", R"("prompt":"a","model":"kling-v3")"));
  client_->post(stopped + "/stop", R"({"agent_id":42})");
  const double before = credit();
  expect_error(client_->post(stopped + "/continue", R"({"agent_id":42})"), 422,
               "idempotency_key_required", "Idempotency-Key");
  EXPECT_EQ(credit(), before);
  EXPECT_EQ(go_on(stopped, "k").status, 200u);
  EXPECT_LT(credit(), before);
  client_->post(stopped + "/stop", R"({"agent_id":42})");
  EXPECT_EQ(go_on(stopped, "k").json()["status"].text(), "pending") << "what was answered before";
  EXPECT_EQ(client_->get(stopped).json()["status"].text(), "stopped");

  start([](EmulatorSettings& settings) {
    settings.faults = {{"failed-generations", "model=grok:reason=Not today."}};
    settings.dialect = Dialect::today;
  });
  const std::string failed = path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok")"));
  wait_for(failed, "failed");
  expect_error(go_on(failed, "l"), 422, "validation_error", "failed");
}

TEST_F(Today, AStopMayCostWhatWasCharged) {
  start_with({{"stop-refunds", "none"}}, 100);
  const double before = credit();
  const std::string path = path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok")"));
  const Json stopped = client_->post(path + "/stop", {}).json();
  EXPECT_EQ(stopped["credit_outcome"].text(), "charged");
  EXPECT_EQ(stopped["execution_cost"].number(), 5);
  EXPECT_EQ(before - credit(), 5);
  EXPECT_EQ(transactions(2), "charge 5 out");
}

TEST_F(Today, ARefundMayBeProvenByItsTransactionAlone) {
  start_with({{"stop-refunds", "untold"}}, 100);
  const double before = credit();
  const std::string path = path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok")"));
  EXPECT_TRUE(client_->post(path + "/stop", {}).json()["credit_outcome"].is_null());
  EXPECT_EQ(credit(), before);
  EXPECT_EQ(transactions(2), "refund 5 in, charge 5 out");
}

TEST_F(Today, TransactionsAreOfAnAgentAndInPages) {
  const Json first = client_->get("/v1/credit_transactions?agent_id=42&page=1").json();
  EXPECT_EQ(first.size(), 0U);
  for (int i = 0; i < 21; ++i) {
    wait_for(path_of(vidsheet("video_from_text", R"("prompt":"a","model":"grok","duration":1)")),
             "completed");
  }
  EXPECT_EQ(client_->get("/v1/credit_transactions?agent_id=42&page=1").json().size(), 20U);
  const Json second = client_->get("/v1/credit_transactions?agent_id=42&page=2").json();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second.at(0)["source"]["id"].number(), 9040);
  EXPECT_EQ(client_->get("/v1/credit_transactions?agent_id=42&page=0").status, 422U);
  EXPECT_EQ(client_->get("/v1/credit_transactions").status, 422U);
}

TEST_F(Today, TheListOfASheetHasWhatRuns) {
  start_with({}, 100);
  const Response first = vidsheet("video_from_text", R"("prompt":"a","model":"grok")");
  const Response second = vidsheet("video_from_text", R"("prompt":"b","model":"grok")");
  client_->post(path_of(first) + "/stop", {});
  const Json list = client_->get("/v1/vidsheet/101/generations?agent_id=42").json()["generations"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list.at(0)["generation_id"].dump(), second.json()["generation_id"].dump());
  EXPECT_EQ(list.at(0)["container_id"].number(), 3300);
  EXPECT_EQ(list.at(0)["container_type"].text(), "SpreadsheetCell");
}

TEST_F(Today, WhatIsNotReadyIsPutOffAndTakenUnderTheSameKey) {
  start_with({{"not-ready", "source_not_ready:retry-after=3:count=1"}});
  const std::string body = text_action();
  const Response wait = act(body);
  EXPECT_EQ(wait.status, 202U);
  EXPECT_EQ(wait.json()["error_code"].text(), "source_not_ready");
  EXPECT_EQ(wait.json()["retry_after_seconds"].number(), 3);
  EXPECT_EQ(wait.json()["retryable"].dump(), "true");
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
  EXPECT_EQ(act(body).status, 200U);
  EXPECT_EQ(cell()["user_jobs"].size(), 1U);
}

TEST_F(Today, CreditsAreOfferedWhereTheyDoNotSuffice) {
  start_with({{"payment-required", "1250:count=1"}});
  const std::string body = text_action();
  const Response refused = act(body);
  EXPECT_EQ(refused.status, 402U);
  EXPECT_EQ(refused.json()["x402_credit_purchase"]["credits"].number(), 1250);
  EXPECT_EQ(refused.json()["x402_credit_purchase"]["amount_usd"].text(), "12.50");
  EXPECT_EQ(act(body).status, 200U) << "once funded, under the same key";
  start([](EmulatorSettings& settings) { settings.credit = 1; });
  const Response poor = act(body);
  EXPECT_EQ(poor.status, 402U);
  EXPECT_EQ(poor.json()["code"].text(), "payment_required");
}

TEST_F(Today, ACellIsRenderedFromItsLayersInOrder) {
  EXPECT_EQ(client_->post(std::string(cell_path) + "render?agent_id=42", {}).status, 422U)
      << "there are none";
  const auto add_layer = [&](const char* name, int resource) {
    call("POST", "cells/3300/layers",
         std::string(R"({"name":")") + name + R"(","type":"image","additional_attributes":)" +
             R"({"asset_resource_ids":[)" + std::to_string(resource) + "]}}");
  };
  add_layer("ground", 501);
  add_layer("logo", 502);
  const Response response = client_->post(std::string(cell_path) + "render?agent_id=42", {});
  const Json record = wait_for(path_of(response), "completed");
  EXPECT_EQ(inspect(path_of(response))["settings"]["generation_type"].text(), "render");
  EXPECT_NE(record["output_resources"].at(0)["url"].text().find(".mp4"), std::string::npos);
  EXPECT_EQ(client_->post("/v1/autocontentengine/101/cells/3300/render?agent_id=42", {}).status,
            404U);
  EXPECT_EQ(
      client_
          ->post(std::string(cell_path) + "render?agent_id=42", R"({"generation_type":"lipsync"})")
          .status,
      422U);
}

TEST_F(Today, ARenderOfTooManyLayersOrOfAnEmptyOneIsRefused) {
  const std::string path = std::string(cell_path) + "render?agent_id=42";
  call("POST", "cells/3300/layers", R"({"name":"hollow","type":"video"})");
  const Response empty = client_->post(path, {});
  EXPECT_EQ(empty.status, 422U);
  EXPECT_NE(empty.json()["error"].text().find("\"hollow\""), std::string::npos) << empty.body;
  for (int i = 0; i < 8; ++i) call("POST", "cells/3300/layers", R"({"name":"a","type":"video"})");
  const Response many = client_->post(path, {});
  EXPECT_EQ(many.status, 422U);
  EXPECT_NE(many.json()["error"].text().find("9 layers"), std::string::npos) << many.body;
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Today, AClipWithAlphaIsAQuickTimeFile) {
  const Json record = wait_for(
      path_of(vidsheet("remove_background", R"("model":"transparent","video":)" + value(503))),
      "completed");
  const std::string url = record["output_resources"].at(0)["url"].text();
  EXPECT_TRUE(url.ends_with(".mov")) << url;
  const Response clip = client_->get(url.substr(url.find("/cdn/")));
  EXPECT_EQ(clip.status, 200U);
  EXPECT_EQ(clip.header("content-type"), "video/quicktime");
  restart();
  EXPECT_EQ(client_->get(url.substr(url.find("/cdn/"))).status, 200U) << "it is no stray";
}

TEST_F(Today, AnActionOnALayerGeneratesInIt) {
  const Json layer = call("POST", "cells/3300/layers", R"({"name":"a","type":"video"})");
  std::string body = text_action();
  const std::string cell_target = R"({"kind":"cell","vidsheet_id":101,"id":3300})";
  body.replace(body.find(cell_target), cell_target.size(),
               R"({"kind":"layer","vidsheet_id":101,"id":)" + layer["id"].dump() + "}");
  const Json result = act(body).json()["results"].at(0)["result"];
  EXPECT_EQ(result["container_type"].text(), "VideoLayer");
  EXPECT_EQ(result["container_id"].dump(), layer["id"].dump());
  const std::string id = result["user_job_id"].dump();
  wait_for("/v1/generations/" + id, "completed");
  expect_recorded(id, "/v1/vidsheet/actions");
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
  EXPECT_EQ(cell()["video_layers"].at(0)["user_jobs"].size(), 1U);
}

TEST_F(Today, AJobNeedsNoSheet) {
  const auto job = [&](const std::string& type, const std::string& data) {
    return client_->post("/v1/user_jobs", R"({"agent_id":42,"user_job_type":")" + type +
                                              R"(","data":)" + data + "}");
  };
  const Response text = job("grok_video_generation", R"("{\"prompt\":\"a\",\"duration\":1}")");
  ASSERT_EQ(text.status, 201U) << text.body;
  EXPECT_EQ(text.json().names(), std::vector<std::string>{"user_job_id"});
  const Response images = job("video_from_ingredients", R"({"prompt":"a","model":"grok",)"
                                                        R"("images":[)" +
                                                            value(501) + "]}");
  ASSERT_EQ(images.status, 201U) << images.body;
  for (const Response& response : {text, images}) {
    const std::string id = response.json()["user_job_id"].dump();
    const Json record = wait_for("/v1/generations/" + id, "completed");
    EXPECT_EQ(record["output_resources"].size(), 1U);
    EXPECT_TRUE(client_->get("/_emulator/generations/" + id).json()["cell_id"].is_null());
    expect_recorded(id, "/v1/user_jobs");
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
  EXPECT_EQ(job("no_such_job", "{}").status, 422U);
  EXPECT_EQ(job("grok_video_generation", R"({"prompt":"a","duration":60})").status, 422U);
  EXPECT_EQ(client_->post("/v1/user_jobs", R"({"user_job_type":"grok_video_generation"})").status,
            422U);
}

}  // namespace genpro::emulator::test
