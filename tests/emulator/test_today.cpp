// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the live service is said to do other than the seed: estimates, what becomes of the credits,
// its catalogue, waits and payments, lists.
#include <cmath>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

constexpr const char* cell_path = "/v1/vidsheet/101/cells/3300/";

// Of one action on the cell.
std::string action_with(const std::string& card, const std::string& inputs) {
  return R"({"agent_id":42,"auto_regenerate":false,"actions":[{"action":"generate","target":)"
         R"({"kind":"cell","vidsheet_id":101,"id":3300},"card":{"type":")" +
         card + R"(","inputs":{)" + inputs + "}}}]}";
}

constexpr const char* prompt_input =
    R"("prompt":{"activeMode":"manual","manual":{"text":"Orbit","var":[]}})";

std::string text_action() {
  return action_with("video-from-text", std::string(R"("model":"grok",)") + prompt_input);
}

}  // namespace

class Today : public EmulatorTest {
 protected:
  void SetUp() override { start_with({}); }
  void start_with(std::vector<FaultChoice> faults, double latency = 0) {
    start([&](EmulatorSettings& settings) {
      settings.faults = std::move(faults);
      settings.latency = latency;
    });
    client_->upload("a.png", png_bytes());
    client_->upload("b.png", png_bytes());
    client_->upload("c.mp4", mp4_bytes());
    client_->upload("d.wav", wav_bytes());
  }
  std::string address(int id) {
    return client_->get("/v1/content_resources/" + std::to_string(id) + "?agent_id=42")
        .json()["url"]
        .text();
  }
  std::string value(int id) { return R"({"value":")" + address(id) + R"("})"; }
  Response vidsheet(const std::string& type, const std::string& data) {
    return client_->post(std::string(cell_path) + "generate?agent_id=42",
                         R"({"generation_type":")" + type + R"(","data":{)" + data + "}}");
  }
  Response act(const std::string& body, const std::string& key = "k") {
    return client_->post("/v1/vidsheet/actions", body, {{"Idempotency-Key", key}});
  }
  // The page tells which request has made the generation.
  void expect_recorded(const std::string& id, const std::string& target) {
    const Json said =
        client_->get("/_emulator/generations/" + id + "/exchanges").json()["exchanges"];
    ASSERT_GE(said.size(), 1U) << id;
    EXPECT_EQ(said.at(0)["method"].text(), "POST");
    EXPECT_EQ(said.at(0)["target"].text(), target);
  }
  Json estimate(const std::string& type, const std::string& data) {
    const Response response =
        client_->post("/v1/user_jobs/estimate", R"({"agent_id":42,"user_job":{"user_job_type":")" +
                                                    type + R"(","data":{)" + data + "}}}");
    EXPECT_EQ(response.status, 200U) << response.body;
    return response.json();
  }
  static std::string path_of(const Response& response) {
    EXPECT_EQ(response.status, 201U) << response.body;
    return "/v1/generations/" + response.json()["generation_id"].dump();
  }
  // Of the newest transactions, such as "charge 5".
  std::string transactions(std::size_t count) {
    const Json list = client_->get("/v1/credit_transactions?agent_id=42&page=1").json();
    std::string text;
    for (std::size_t i = 0; i < std::min(count, list.size()); ++i) {
      const Json one = list.at(i);
      text += (text.empty() ? "" : ", ") + one["purpose"].text() + " " +
              std::to_string(std::lround(one["amount"].number())) +
              (one["is_incoming"].dump() == "true" ? " in" : " out");
    }
    return text;
  }
};

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

// ---- The catalogue ----

TEST_F(Today, VidsheetRefusesWhatTheCatalogueDoesNotHave) {
  const std::string images = R"("prompt":"a","images":[)" + value(501) + "," + value(502) + "],";
  const std::string frames =
      R"("prompt":"a","image_resource_id":501,"image_tail_resource_id":502,)";
  const std::string text = R"("prompt":"a",)";
  struct Misfit {
    const char* field;
    const char* type;
    std::string data;
  };
  const Misfit misfits[] = {
      {"data.model", "video_from_text", text + R"("model":"veo_9")"},
      {"data.model", "video_from_ingredients", images + R"("model":"veo-3.1-fast")"},
      {"data.model", "video_from_text", text + R"("model":"kling-v2-6")"},
      {"data.model", "lipsync",
       R"("lip_sync_model":"other","talking_avatar_video_data":{"video":)" + value(503) +
           R"(,"audio":)" + value(504) + "}"},
      {"data.aspect_ratio", "video_from_text", text + R"("model":"veo-3.1","aspect_ratio":"1:1")"},
      {"data.duration", "video_from_text", text + R"("model":"veo-3.1","duration":5)"},
      {"data.duration", "video_from_ingredients", images + R"("model":"veo-3.1","duration":4)"},
      {"data.duration", "video_from_text", text + R"("duration":1)"},
      {"data.resolution", "video_from_text",
       text + R"("model":"seedance-2.0-fast","resolution":"1080p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"721p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"999999999p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"banana")"},
      {"data.images", "video_from_ingredients", images + R"("model":"gemini-omni-1.1-flash")"},
      {"data.image_tail_resource_id", "video_from_image", frames + R"("model":"grok")"},
      {"data.prompt", "video_from_text",
       R"("model":"kling-v3","prompt":")" + std::string(2501, 'a') + "\""},
      {"data.asset_resource_ids", "video_from_text", text + R"("asset_resource_ids":[501])"},
      {"503", "video_from_image", R"("prompt":"a","model":"grok","image_resource_id":503)"},
      {"501", "remove_background", R"("model":"transparent","video":)" + value(501)},
      {"data.model", "remove_background", R"("video":)" + value(503)},
      {"generation_type", "video_from_nothing", text},
  };
  for (const Misfit& misfit : misfits) {
    std::string data = misfit.data;
    if (data.ends_with(",")) data.pop_back();
    const Response response = vidsheet(misfit.type, data);
    EXPECT_EQ(response.status, 422U) << misfit.type << data << response.body;
    EXPECT_NE(response.json()["error"].text().find(misfit.field), std::string::npos)
        << misfit.field << ": " << response.body;
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Today, ActionsRefuseItByItsPath) {
  const std::string image =
      R"("image":{"key":"var","references":{"type":"content_resource","value":501}},)";
  const std::string tail =
      R"("imageTail":{"key":"var","references":{"type":"content_resource","value":502}},)";
  const std::tuple<const char*, const char*, std::string> misfits[] = {
      {"model", "video-from-text", R"("model":"veo_9",)"},
      {"ratio", "video-from-text", R"("model":"veo-3.1","ratio":"1:1",)"},
      {"ratio", "video-from-text", R"("model":"veo-3.1","ratio":"21:9",)"},
      {"duration", "video-from-text", R"("model":"kling-v3","duration":"long",)"},
      {"ratio", "video-from-image", R"("model":"kling-v3","ratio":"16:9",)" + image},
      {"duration", "video-from-text", R"("model":"kling-v3","duration":2,)"},
      {"duration", "video-from-text", R"("model":"gemini-omni-1.1-flash","duration":5,)"},
      {"outputResolution", "video-from-text", R"("model":"grok","outputResolution":"720p",)"},
      {"nativeAudio", "video-from-text", R"("model":"grok","nativeAudio":true,)"},
      {"imageTail", "video-from-image", R"("model":"grok",)" + image + tail},
      {"image", "video-from-image", R"("model":"grok",)"},
      {"images", "video-from-ingredients", R"("model":"grok",)"},
      {"images", "video-from-ingredients", R"("model":"seedance-2.0","images":[],)"},
      {"imageTail", "video-from-image", R"("model":"seedance-2.0",)" + tail},
      {"model", "video-from-text", ""},
  };
  for (const auto& [field, card, inputs] : misfits) {
    const Response response = act(action_with(card, inputs + prompt_input), field);
    EXPECT_EQ(response.status, 422U) << field << response.body;
    EXPECT_EQ(response.json()["code"].text(), "invalid_action") << response.body;
    EXPECT_EQ(response.json()["errors"].at(0)["path"].text(),
              std::string("actions[0].card.inputs.") + field);
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
}

TEST_F(Today, ACardSaysWhatItTakes) {
  const std::string route = "/v1/vidsheet/action_schema?agent_id=42&card_type=";
  const Json text = client_->get(route + "video-from-text").json();
  const Json all = text["generation_schema"]["properties"];
  EXPECT_EQ(all["model"]["enum"].dump(), text["models"].dump());
  EXPECT_EQ(all["duration"]["maximum"].dump(), "30");
  EXPECT_NE(all["ratio"]["enum"].dump().find("\"3:2\""), std::string::npos) << all.dump();
  EXPECT_NE(text["modes"].dump().find("manual"), std::string::npos) << text.dump();

  const Json image = client_->get(route + "video-from-image&model=kling-v2-6").json();
  const Json own = image["generation_schema"]["properties"];
  EXPECT_EQ(own["duration"]["enum"].dump(), "[5,10]");
  EXPECT_EQ(own["model"]["enum"].dump(), R"(["kling-v2-6"])");
  EXPECT_EQ(own["ratio"].dump(), "<missing>") << "it has no such field";
  EXPECT_NE(own["imageTail"].dump(), "<missing>");
  EXPECT_EQ(image["generation_schema"]["required"].dump(), R"(["model","prompt","image"])");
  EXPECT_EQ(image["draft_schema"]["required"].dump(), "<missing>");
  const Json optional = client_->get(route + "video-from-image&model=seedance-2.0").json();
  EXPECT_EQ(optional["generation_schema"]["required"].dump(), R"(["model","prompt"])");
  EXPECT_EQ(client_->get(route + "video-from-text&model=kling-v2-6").status, 422U);
}

TEST_F(Today, SomeModelsNeedNoImage) {
  for (const char* card : {"video-from-ingredients", "video-from-image"}) {
    const Response response =
        act(action_with(card, R"("model":"seedance-2.5",)" + std::string(prompt_input)), card);
    EXPECT_EQ(response.status, 200U) << response.body;
    EXPECT_EQ(response.json()["results"].at(0)["result"]["card_type"].text(), card);
  }
}

TEST_F(Today, AnActionKeepsTheOrderOfReferencesOrIsRefused) {
  const std::string id = R"({"key":"var","references":{"type":"content_resource","value":501}})";
  const std::string variable = R"({"key":"var","references":{"type":"global_variable","value":1}})";
  const std::string frames = R"("model":"kling-v3",)" + std::string(prompt_input);
  const Response image = act(
      action_with("video-from-image", frames + R"(,"image":)" + variable + R"(,"imageTail":)" + id),
      "a");
  EXPECT_EQ(image.json()["errors"].at(0)["path"].text(), "actions[0].card.inputs.imageTail");
  const Response images = act(
      action_with("video-from-ingredients", frames + R"(,"images":[)" + variable + "," + id + "]"),
      "b");
  EXPECT_EQ(images.json()["errors"].at(0)["path"].text(), "actions[0].card.inputs.images[1]");
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
}

TEST_F(Today, AResolutionIsTheLengthOfTheShortSide) {
  const std::string path = path_of(vidsheet(
      "video_from_text",
      R"("prompt":"[spec]","model":"seedance-2.0","aspect_ratio":"9:16","resolution":"480p")"));
  const Json spec = Json::parse(client_->get(clip_of(path)).body);
  EXPECT_EQ(spec["width"].number(), 480);
  EXPECT_EQ(spec["height"].number(), 854 - 2 * (854 % 2));
  EXPECT_EQ(spec["kind"].text(), "ingredients");
}

TEST_F(Today, TheSeedHasTextsAndImagesOfItsOwn) {
  const std::string seed = "/v1/autocontentengine/101/cells/3300/generate?agent_id=42";
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_text","data":{"prompt":"a",)"
                             R"("model":"veo_3","duration":10}})")
                .status,
            201U);
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_image","data":{"prompt":"a",)"
                             R"("image_resource_id":501}})")
                .status,
            201U);
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_text","data":{"prompt":"a",)"
                             R"("resolution":7,"native_audio":"yes"}})")
                .status,
            201U)
      << "these are no fields of it";
  EXPECT_EQ(client_->post(seed, R"({"generation_type":"lipsync","data":{"prompt":"a"}})").status,
            422U);
}

}  // namespace genpro::emulator::test
