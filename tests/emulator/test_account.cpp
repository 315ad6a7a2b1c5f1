// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Organizations and agents.
#include "emulator_fixture.h"
#include "hook_receiver.h"

namespace genpro::emulator::test {

class Account : public EmulatorTest {
 protected:
  Response patch(const std::string& path, const std::string& body) {
    return client_->send("PATCH", path, body, {{"Content-Type", "application/json"}});
  }
  // Makes an agent and returns its path.
  std::string make(const std::string& fields) {
    const auto response = client_->post("/v1/agents", R"({"agent":)" + fields + "}");
    EXPECT_EQ(response.status, 201u) << response.body;
    return "/v1/agents/" + response.json()["agent"]["id"].dump();
  }
};

TEST_F(Account, OrganizationsAreListedAndRead) {
  const Json all = client_->get("/v1/organizations").json();
  ASSERT_EQ(all.size(), 1u);
  const Json one = all.at(0);
  EXPECT_EQ(one.names(), (std::vector<std::string>{
                             "id", "uuid", "organization_id", "name", "avatar", "user_role",
                             "credit", "available_credit", "total_members", "credit_plan"}));
  EXPECT_EQ(one["id"].number(), 1);
  EXPECT_EQ(one["organization_id"].number(), 1);
  EXPECT_EQ(one["uuid"].text().size(), 36u);
  EXPECT_EQ(one["user_role"].text(), "owner");
  EXPECT_TRUE(one["avatar"].is_null());
  EXPECT_TRUE(one["credit_plan"].is_null());
  EXPECT_EQ(one["total_members"].number(), 1);
  EXPECT_EQ(one["available_credit"].dump(), R"({"generic":1000,"aura":0})");
  EXPECT_EQ(client_->get("/v1/organizations/1").json().dump(), one.dump());
  upload_two();
  wait_for(generate("a"), "completed");
  EXPECT_EQ(client_->get("/v1/organizations").json().at(0)["credit"].number(), 996.5);
}

TEST_F(Account, TheOrganizationCanBeRenamed) {
  const std::string path = "/v1/organizations/1";
  const auto renamed = patch(path, R"({"organization":{"name":"Acme"}})");
  EXPECT_EQ(renamed.status, 200u);
  EXPECT_EQ(renamed.json()["organization_id"].number(), 1);
  expect_error(patch(path, R"({"organization":{"name":""}})"), 422, "validation_error",
               "organization.name");
  expect_error(patch(path, R"({"organization":{"name":5}})"), 422, "validation_error",
               "organization.name");
  expect_error(patch(path, R"({"organization":[]})"), 422, "validation_error", "organization");
  // As a form.
  const auto form = client_->send("PATCH", path,
                                  "--b\r\nContent-Disposition: form-data; "
                                  "name=\"organization[name]\"\r\n\r\nAcme & \"Co\"\r\n--b--",
                                  {{"Content-Type", "multipart/form-data; boundary=b"}});
  EXPECT_EQ(form.status, 200u) << form.body;
  EXPECT_EQ(form.json()["name"].text(), "Acme & \"Co\"");
  expect_error(client_->send("PATCH", path,
                             "--b\r\nContent-Disposition: form-data; name=other\r\n\r\nx\r\n--b--",
                             {{"Content-Type", "multipart/form-data; boundary=b"}}),
               422, "validation_error", "organization.name");
  restart();
  EXPECT_EQ(client_->get(path).json()["name"].text(), "Acme & \"Co\"");
  EXPECT_EQ(client_->get("/v1/workspaces").json().at(0)["name"].text(), "Acme & \"Co\"");
}

TEST_F(Account, AnAgentIsMadeReadAndChanged) {
  const auto made = client_->post(
      "/v1/agents",
      R"({"organization_id":1,"agent":{"name":"Second","description":"d","time_zone":"Europe/Oslo"}})");
  ASSERT_EQ(made.status, 201u) << made.body;
  const Json agent = made.json()["agent"];
  EXPECT_EQ(agent["id"].number(), 43);
  const std::string path = "/v1/agents/43";
  EXPECT_EQ(client_->get(path).json().dump(), agent.dump());
  EXPECT_EQ(agent.names(), (std::vector<std::string>{
                               "id", "name", "description", "organization_id", "workspace_id",
                               "time_zone", "primary_avatar_id", "primary_avatar_url",
                               "agent_setup_project_id", "role", "default_user_voice"}));
  EXPECT_EQ(agent["description"].text(), "d");
  EXPECT_EQ(agent["time_zone"].text(), "Europe/Oslo");
  EXPECT_EQ(agent["organization_id"].number(), 1);
  EXPECT_TRUE(agent["primary_avatar_id"].is_null());
  EXPECT_TRUE(agent["default_user_voice"].is_null());
  EXPECT_EQ(client_->get("/v1/agents").json().size(), 2u);

  // What is not named stays; null takes away.
  EXPECT_EQ(patch(path, R"({"agent":{"name":"Third"}})").json()["agent"]["description"].text(),
            "d");
  EXPECT_TRUE(
      patch(path, R"({"agent":{"description":null}})").json()["agent"]["description"].is_null());
  EXPECT_EQ(patch(path, R"({"time_zone":"UTC"})").json()["agent"]["time_zone"].text(), "UTC");
  restart();
  const Json kept = client_->get(path).json();
  EXPECT_EQ(kept["name"].text(), "Third");
  EXPECT_EQ(kept["time_zone"].text(), "UTC");
  // It is as good as the first one.
  EXPECT_EQ(client_->get("/v1/content_resources?agent_id=43").status, 200u);
  EXPECT_EQ(make(R"({"name":"Next"})"), "/v1/agents/44");
}

TEST_F(Account, WhatIsWrongWithAnAgentIsNamedAndNothingIsKept) {
  const auto post = [this](const std::string& body) { return client_->post("/v1/agents", body); };
  expect_error(post("{}"), 422, "validation_error", "agent.name");
  expect_error(post(R"({"agent":{"name":" "}})"), 422, "validation_error", "agent.name");
  expect_error(post(R"({"agent":{"name":5}})"), 422, "validation_error", "agent.name");
  expect_error(post(R"({"agent":"x"})"), 422, "validation_error", "agent");
  expect_error(post(R"({"agent":{"name":"x","description":5}})"), 422, "validation_error",
               "agent.description");
  expect_error(post(R"({"agent":{"name":"x","time_zone":[]}})"), 422, "validation_error",
               "agent.time_zone");
  expect_error(post("nonsense"), 422, "validation_error");
  EXPECT_EQ(client_->get("/v1/agents").json().size(), 1u);
  const auto change = [this](const std::string& body) { return patch("/v1/agents/42", body); };
  expect_error(change(R"({"agent":{"name":null}})"), 422, "validation_error", "agent.name");
  expect_error(change(R"({"agent":{"name":"New","time_zone":5}})"), 422, "validation_error",
               "agent.time_zone");
  EXPECT_EQ(client_->get("/v1/agents/42").json()["name"].text(), "Agent 42");
  for (const char* path : {"/v1/agents/9", "/v1/agents/%22x"}) {
    expect_error(client_->get(path), 422, "agent_not_found");
    expect_error(patch(path, R"({"agent":{"name":"x"}})"), 422, "agent_not_found");
    expect_error(client_->send("DELETE", path), 422, "agent_not_found");
  }
}

TEST_F(Account, TheSameKeyMakesOneAgent) {
  const std::string body = R"({"agent":{"name":"Once"}})";
  const Headers key{{"Idempotency-Key", "k"}};
  const auto first = client_->post("/v1/agents", body, key);
  EXPECT_EQ(client_->post("/v1/agents", body, key).body, first.body);
  EXPECT_EQ(client_->get("/v1/agents").json().size(), 2u);
}

TEST_F(Account, NoIdIsGivenTwice) {
  restart([](EmulatorSettings& settings) { settings.known.agents.insert("43"); });
  EXPECT_EQ(make(R"({"name":"a"})"), "/v1/agents/44");
  upload_two();
  const auto ended =
      client_->post("/v1/vidsheet/101/cells/3300/generate?agent_id=44", body_with("a"));
  wait_for("/v1/generations/9040", "completed");
  EXPECT_EQ(client_->send("DELETE", "/v1/agents/44").status, 200u);
  EXPECT_EQ(make(R"({"name":"b"})"), "/v1/agents/45");
}

TEST_F(Account, AnAgentIsDeletedOnceNothingOfItsRuns) {
  upload_two();
  const HookReceiver receiver;
  const std::string path = make(R"({"name":"Short-lived"})");
  ASSERT_EQ(path, "/v1/agents/43");
  const std::string generate_here = "/v1/vidsheet/101/cells/3300/generate?agent_id=43";
  ASSERT_EQ(client_->post(generate_here, body_with("[hang]")).status, 201u);
  expect_error(client_->send("DELETE", path), 422, "validation_error", "9040");
  EXPECT_EQ(client_->get(path).status, 200u);

  EXPECT_EQ(client_->post("/v1/generations/9040/stop", "{}").status, 200u);
  const auto deleted = client_->send("DELETE", path);
  EXPECT_EQ(deleted.status, 200u);
  EXPECT_EQ(deleted.json()["agent"]["name"].text(), "Short-lived");
  for (int start = 0; start < 2; ++start) {
    expect_error(client_->get(path), 422, "agent_not_found", "\"43\"");
    expect_error(client_->send("DELETE", path), 422, "agent_not_found");
    expect_error(client_->post(generate_here, body_with("a")), 422, "agent_not_found", "\"43\"");
    expect_error(client_->get("/v1/content_resources?agent_id=43"), 422, "agent_not_found");
    EXPECT_EQ(client_->get("/v1/agents").json().size(), 1u);
    // What it has asked for can be read, and not started again in its name.
    EXPECT_EQ(status_of("/v1/generations/9040"), "stopped");
    expect_error(client_->post("/v1/generations/9040/continue", "{}"), 422, "agent_not_found",
                 "9040");
    EXPECT_EQ(credit(), 1000);
    restart();
  }
}

TEST_F(Account, ADeletedAgentHasNoWebhooks) {
  upload_two();
  HookReceiver receiver;
  const std::string path = make(R"({"name":"With a hook"})");
  patch(path + "/automation_config",
        R"({"automation_config":{"webhook_url":")" + receiver.url() + R"("}})");
  client_->post("/v1/vidsheet/101/cells/3300/generate?agent_id=43", body_with("a"));
  wait_for("/v1/generations/9040", "completed");
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() >= 3; }));
  EXPECT_EQ(client_->send("DELETE", path).status, 200u);
  expect_error(client_->get(path + "/automation_config"), 422, "agent_not_found");
  // One of the same name begins without.
  restart([](EmulatorSettings& settings) { settings.known.agents.insert("43"); });
  EXPECT_TRUE(client_->get(path + "/automation_config").json()["webhook_url"].is_null());
}

TEST_F(Account, StoppingAndContinuingTellTheGenerationAndItsId) {
  upload_two();
  const auto path = generate("[hang]");
  const Json stopped = client_->post(path + "/stop", "{}").json();
  EXPECT_EQ(stopped["generation_id"].number(), 9040);
  EXPECT_EQ(stopped["id"].number(), 9040);
  EXPECT_EQ(stopped["status"].text(), "stopped");
  const Json read = client_->get(path).json();
  EXPECT_EQ(stopped.names().size(), read.names().size() + 1);
  for (const auto& name : read.names()) {
    EXPECT_EQ(stopped[name.c_str()].dump(), read[name.c_str()].dump()) << name;
  }
  const Json continued = client_->post(path + "/continue", "{}").json();
  EXPECT_EQ(continued["generation_id"].number(), 9040);
  EXPECT_EQ(continued["status"].text(), "pending");
}

}  // namespace genpro::emulator::test
