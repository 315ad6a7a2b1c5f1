// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An emulator of the live service, with files of each kind.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

inline constexpr const char* cell_path = "/v1/vidsheet/101/cells/3300/";

// Of one action on the cell.
inline std::string action_with(const std::string& card, const std::string& inputs) {
  return R"({"agent_id":42,"auto_regenerate":false,"actions":[{"action":"generate","target":)"
         R"({"kind":"cell","vidsheet_id":101,"id":3300},"card":{"type":")" +
         card + R"(","inputs":{)" + inputs + "}}}]}";
}

inline constexpr const char* prompt_input =
    R"("prompt":{"activeMode":"manual","manual":{"text":"Orbit","var":[]}})";

inline std::string text_action() {
  return action_with("video-from-text", std::string(R"("model":"grok",)") + prompt_input);
}

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

}  // namespace genpro::emulator::test
