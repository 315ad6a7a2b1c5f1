// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files of tests/contract, which the client is tested with as well.
#include <algorithm>
#include <filesystem>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace fs = std::filesystem;

class Contract : public EmulatorTest {
 protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    upload_two();
  }

  static Json file(const std::string& name, const std::string& folder = "requests") {
    return Json::parse(read_file(std::string(CONTRACT_FOLDER) + "/" + folder + "/" + name));
  }
  static std::vector<std::string> all_files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(fs::path(CONTRACT_FOLDER) / "requests")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  // A new emulator with what the request is about: resources 501 and 502 of the kinds that its type
  // takes, the global variable 700, and a layer of the cell.
  void start_for(const Json& request) {
    start({});
    const std::string type = request["settings"]["generation-type"].text();
    const bool is_video = type == "lipsync" || type == "remove_background";
    client_->upload("a", is_video ? mp4_bytes() : png_bytes());
    client_->upload("b", type == "lipsync" ? wav_bytes() : png_bytes());
    client_->post("/v1/vidsheet/101/global_variables?agent_id=42", R"({"key":"a","value":"501"})");
    client_->post(
        "/v1/vidsheet/101/cells/3300/layers?agent_id=42",
        R"({"name":"a","type":"image","additional_attributes":{"asset_resource_ids":[501]}})");
  }
  // Its body, with the addresses and ids that the ingredients have here.
  std::string body_of(const Json& request) {
    if (request["body"].is_null()) return {};
    std::string body = request["body"].dump();
    std::vector<std::pair<std::string, std::string>> names = {{":4821", ":501"},
                                                              {R"("value":123)", R"("value":700)"}};
    for (const char* id : {"501", "502"}) {
      names.emplace_back(std::string("https://cdn.gen.pro/uploads/") + id + ".png",
                         client_->get(std::string("/v1/content_resources/") + id + "?agent_id=42")
                             .json()["url"]
                             .text());
    }
    for (const auto& [published, own] : names) {
      for (auto at = body.find(published); at != std::string::npos; at = body.find(published)) {
        body.replace(at, published.size(), own);
      }
    }
    return body;
  }
  Response ask(const Json& request, const std::string& body, const std::string& key) {
    const bool in_query = request["agent_in_query"].dump() == "true";
    return client_->post("/v1/" + request["path"].text() + (in_query ? "?agent_id=42" : ""), body,
                         {{"Idempotency-Key", key}});
  }
};

std::string id_in(const Response& response) {
  const Json results = response.json()["results"];
  return results.size() > 0 ? results.at(0)["result"]["user_job_id"].dump()
                            : response.json()["generation_id"].dump();
}

TEST_F(Contract, RequestsAreTakenOnceAKey) {
  unsigned taken = 0;
  for (const std::string& name : all_files()) {
    const Json request = file(name);
    if (request["emulator"].dump() != "true") continue;
    ++taken;
    start_for(request);
    const std::string body = body_of(request);
    const Response first = ask(request, body, name);
    ASSERT_LT(first.status, 300U) << name << ": " << first.body;
    // An answer has the members that the file's answer has.
    EXPECT_EQ(first.json().names(), request["answer"].names()) << name;
    EXPECT_EQ(ask(request, body, name).body, first.body) << name;
    wait_for("/v1/generations/" + id_in(first), "completed");
    const bool is_layers = request["settings"]["layer-id"].text() == "4000";
    const Json target = is_layers ? cell()["video_layers"].at(0) : cell();
    EXPECT_EQ(target["user_jobs"].size(), 1U) << name;
  }
  EXPECT_GE(taken, 17U);
}

TEST_F(Contract, EstimatesAreFree) {
  for (const char* name : {"estimate-actions-image.json", "estimate-actions-text.json",
                           "estimate-vidsheet-image.json"}) {
    const Json price = file(name, "prices");
    start_for(price);
    const double before = credit();
    const Response answer = client_->post("/v1/" + price["path"].text(), body_of(price));
    ASSERT_EQ(answer.status, 200U) << name << ": " << answer.body;
    EXPECT_EQ(answer.json().names(), price["answer"].names()) << name;
    EXPECT_EQ(answer.json()["items"].at(0).names(), price["answer"]["items"].at(0).names());
    EXPECT_EQ(credit(), before);
  }
}

TEST_F(Contract, ARefundIsATransaction) {
  start([](EmulatorSettings& settings) { settings.latency = 100; });
  upload_two();
  const Json request = file("vidsheet-text.json");
  const std::string id = id_in(ask(request, body_of(request), "a"));
  client_->post("/v1/generations/" + id + "/stop", R"({"agent_id":42})");
  const Json price = file("transactions.json", "prices");
  const Json all = client_->get("/v1/" + price["path"].text() + "?agent_id=42").json();
  ASSERT_EQ(all.size(), 2U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all.at(i).names(), price["answer"].at(0).names());
    EXPECT_EQ(all.at(i)["source"].names(), price["answer"].at(0)["source"].names());
    EXPECT_EQ(all.at(i)["source"]["id"].dump(), id);
    EXPECT_EQ(all.at(i)["is_incoming"].dump(), i == 0 ? "true" : "false");
  }
}

TEST_F(Contract, ActionsTellWhatIsWrongByItsPath) {
  const Json request = file("actions-ingredients.json");
  std::string body = body_of(request);
  const std::string kind = R"("kind":"cell")";
  ASSERT_NE(body.find(kind), std::string::npos) << body;
  body.replace(body.find(kind), kind.size(), R"("kind":"column")");
  const Response response = ask(request, body, "a");
  EXPECT_EQ(response.status, 422U);
  EXPECT_EQ(response.json()["code"].text(), "invalid_action");
  EXPECT_EQ(response.json()["errors"].at(0)["path"].text(), "actions[0].target.kind");
}

TEST_F(Contract, ActionsNeedAKeyOfTheirOwn) {
  const Json request = file("actions-ingredients.json");
  const std::string body = body_of(request);
  EXPECT_EQ(client_->post("/v1/vidsheet/actions", body).json()["code"].text(),
            "idempotency_key_required");
  EXPECT_LT(ask(request, body, "a").status, 300U);
  std::string other = body;
  other.replace(other.find("Orbit"), 5, "Pan");
  const Response response = ask(request, other, "a");
  EXPECT_EQ(response.status, 409U);
  EXPECT_EQ(response.json()["code"].text(), "idempotency_conflict");
}

TEST_F(Contract, SpeaksTheDialectsThatItIsToldTo) {
  const Json seed = file("seed-ingredients.json");
  const Json vidsheet = file("vidsheet-ingredients.json");
  const Json actions = file("actions-ingredients.json");
  start([](EmulatorSettings& settings) { settings.dialect = Dialect::today; });
  upload_two();
  EXPECT_EQ(ask(seed, body_of(seed), "a").status, 404U);
  EXPECT_EQ(ask(vidsheet, body_of(seed), "b").status, 422U);
  EXPECT_EQ(ask(vidsheet, body_of(vidsheet), "c").status, 201U);
  start([](EmulatorSettings& settings) { settings.dialect = Dialect::seed; });
  upload_two();
  EXPECT_EQ(ask(seed, body_of(seed), "a").status, 201U);
  EXPECT_EQ(ask(vidsheet, body_of(vidsheet), "b").status, 422U);
  EXPECT_EQ(ask(actions, body_of(actions), "c").status, 404U);
}

}  // namespace genpro::emulator::test
