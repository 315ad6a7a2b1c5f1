// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From pending to an end: timing, stop, continue, refunds, and renderers that misbehave.
#include <dirent.h>

#include <chrono>
#include <filesystem>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Renderers of this test that run, by what their command line says.
int running_renderers(const std::string& data_dir) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string line = read_file(entry.path().string() + "/cmdline");
    if (line.starts_with(FAKE_RENDERER) && line.find(data_dir) != std::string::npos) ++found;
  }
  return found;
}

}  // namespace

class Lifecycle : public EmulatorTest {
 protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    upload_two();
  }
  void restart(const std::function<void(EmulatorSettings&)>& change) {
    start(change);
    upload_two();
  }
  int renderers() { return running_renderers(folder_.path("data")); }
};

TEST_F(Lifecycle, PassesThroughItsStatusesInTheLatency) {
  restart([](EmulatorSettings& settings) { settings.latency = 0.9; });
  const auto start = Clock::now();
  const auto path = generate("a");
  const Json pending = client_->get(path).json();
  EXPECT_EQ(pending["status"].text(), "pending");
  EXPECT_EQ(pending["output_resources"].dump(), "[]");
  EXPECT_EQ(pending["execution_cost"].number(), 0);
  wait_for(path, "processing");
  EXPECT_GE(seconds_since(start), 0.29);
  wait_for(path, "completed");
  EXPECT_GE(seconds_since(start), 0.89);
}

TEST_F(Lifecycle, StopRefundsAndKillsTheRender) {
  const auto path = generate("[hang]");
  wait_for(path, "processing");
  EXPECT_EQ(credit(), 996.5);
  EXPECT_EQ(renderers(), 1);
  const auto stopped = client_->post(path + "/stop", "");
  EXPECT_EQ(stopped.status, 200u);
  EXPECT_EQ(stopped.json()["status"].text(), "stopped");
  EXPECT_EQ(stopped.json()["id"].number(), 9040);
  EXPECT_EQ(stopped.json()["execution_cost"].number(), 0);
  EXPECT_EQ(credit(), 1000);
  EXPECT_TRUE(eventually([this] { return renderers() == 0; }));
  EXPECT_EQ(client_->get(path).json()["status"].text(), "stopped");
  expect_error(client_->post(path + "/stop", ""), 422, "job_cannot_be_stopped", "stopped");
  EXPECT_EQ(credit(), 1000);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path("data/jobs")));
}

TEST_F(Lifecycle, AStoppedGenerationCanBeContinued) {
  restart([](EmulatorSettings& settings) { settings.latency = 0.6; });
  const auto path = generate("a");
  EXPECT_EQ(client_->post(path + "/stop", "{}").status, 200u);
  const auto continued = client_->post(path + "/continue", "{}");
  EXPECT_EQ(continued.status, 200u);
  EXPECT_EQ(continued.json()["status"].text(), "pending");
  EXPECT_EQ(credit(), 996.5);
  const Json done = wait_for(path, "completed");
  EXPECT_EQ(done["execution_cost"].number(), 3.5);
  EXPECT_EQ(done["output_resources"].size(), 1u);
  EXPECT_EQ(credit(), 996.5);
  expect_error(client_->post(path + "/continue", ""), 422, "validation_error", "completed");
  expect_error(client_->post(path + "/stop", ""), 422, "job_cannot_be_stopped", "completed");
}

TEST_F(Lifecycle, OnlyEndedGenerationsCanBeContinued) {
  const auto path = generate("[hang]");
  expect_error(client_->post(path + "/continue", ""), 422, "validation_error");
  EXPECT_EQ(credit(), 996.5);
  expect_error(client_->post("/v1/generations/1/stop", ""), 404, "not_found");
  expect_error(client_->post("/v1/generations/1/continue", ""), 404, "not_found");
}

TEST_F(Lifecycle, AnAgentThatIsNotThereContinuesNothing) {
  const auto path = generate("[hang]");
  client_->post(path + "/stop", "");
  expect_error(client_->post(path + "/continue", R"({"agent_id":9})"), 422, "agent_not_found",
               "\"9\"");
  expect_error(client_->post(path + "/continue?agent_id=9", ""), 422, "agent_not_found");
  EXPECT_EQ(credit(), 1000);
  EXPECT_EQ(client_->post(path + "/continue", R"({"agent_id":42})").status, 200u);
}

TEST_F(Lifecycle, ContinueNeedsCreditsAndIngredients) {
  restart([](EmulatorSettings& settings) { settings.credit = 5; });
  const auto path = generate("[hang]");
  client_->post(path + "/stop", "");
  generate("[hang]");
  expect_error(client_->post(path + "/continue", ""), 422, "insufficient_credits_for_job");
  EXPECT_EQ(status_of(path), "stopped");
  client_->send("DELETE", "/v1/content_resources/502?agent_id=42");
  expect_error(client_->post(path + "/continue", ""), 404, "content_resource_not_found", "502");
}

TEST_F(Lifecycle, HurriedStopsAndContinuesKeepTheBooks) {
  for (int round = 0; round < 20; ++round) {
    const auto path = generate(round % 2 == 0 ? "a" : "[hang]");
    const auto first = client_->post(path + "/stop", "");
    const auto second = client_->post(path + "/continue", "");
    const auto third = client_->post(path + "/stop", "");
    // A render without latency may have ended before a stop arrives; then it stays paid.
    for (const auto& response : {first, third}) {
      EXPECT_TRUE(response.status == 200 || response.status == 422) << response.body;
    }
    EXPECT_TRUE(second.status == 200 || second.status == 422);
  }
  double completed = 0;
  const Json jobs = client_->get("/v1/vidsheet/101/cells/3300?agent_id=42").json()["user_jobs"];
  ASSERT_EQ(jobs.size(), 20u);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::string status = jobs.at(i)["status"].text();
    EXPECT_TRUE(status == "completed" || status == "stopped") << status;
    if (status == "completed") ++completed;
  }
  EXPECT_NEAR(credit(), 1000 - completed * 3.5, 1e-9);
  EXPECT_TRUE(eventually([this] { return renderers() == 0; }));
}

TEST_F(Lifecycle, ACrashFailsOneGenerationAndNamesTheIngredient) {
  const auto crashed = generate("[crash]");
  const auto fine = generate("a");
  const Json failed = wait_for(crashed, "failed");
  const std::string reason = failed["failed_reason"].text();
  EXPECT_NE(reason.find("crashed"), std::string::npos) << reason;
  EXPECT_NE(reason.find("\"b.mp4\""), std::string::npos) << reason;
  EXPECT_NE(reason.find("upload it again"), std::string::npos) << reason;
  EXPECT_EQ(failed["execution_cost"].number(), 0);
  EXPECT_EQ(failed["output_resources"].dump(), "[]");
  wait_for(fine, "completed");
  EXPECT_EQ(credit(), 996.5);
  expect_error(client_->post(crashed + "/stop", ""), 422, "job_cannot_be_stopped", "failed");
  const auto again = client_->post(crashed + "/continue", "");
  EXPECT_TRUE(again.json()["failed_reason"].is_null()) << again.body;
  EXPECT_EQ(again.json()["status"].text(), "pending");
  wait_for(crashed, "failed");
  EXPECT_EQ(credit(), 996.5);
}

TEST_F(Lifecycle, EachWayToFailHasItsReason) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"[refuse]", "The ingredient \"a.png\" is damaged. Upload it again."},
      {"[exit]", "exit code 3"},
      {"[silent]", "without saying that it was done"},
      {"[nothing]", "left no clip behind"},
  };
  for (const auto& [prompt, words] : cases) {
    const Json failed = wait_for(generate(prompt), "failed");
    EXPECT_NE(failed["failed_reason"].text().find(words), std::string::npos) << failed.dump();
  }
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Lifecycle, ARenderThatTakesTooLongIsKilled) {
  restart([](EmulatorSettings& settings) { settings.renderer.timeout = 0.3; });
  const Json failed = wait_for(generate("[hang]"), "failed");
  EXPECT_NE(failed["failed_reason"].text().find("stopped after"), std::string::npos)
      << failed.dump();
  EXPECT_EQ(credit(), 1000);
  EXPECT_TRUE(eventually([this] { return renderers() == 0; }));
}

TEST_F(Lifecycle, ARendererThatWantsTooMuchMemoryFailsItsGeneration) {
  restart(
      [](EmulatorSettings& settings) { settings.renderer.max_memory = std::uint64_t{256} << 20; });
  upload_two();
  const Json failed = wait_for(generate("[memory]"), "failed");
  const std::string reason = failed["failed_reason"].text();
  EXPECT_NE(reason.find("256 MB of memory"), std::string::npos) << reason;
}

TEST_F(Lifecycle, AMissingRendererFailsWithAReason) {
  restart([](EmulatorSettings& settings) { settings.renderer.command = {"/nonexistent/render"}; });
  const Json failed = wait_for(generate("a"), "failed");
  EXPECT_NE(failed["failed_reason"].text().find("could not be started"), std::string::npos);
  EXPECT_EQ(credit(), 1000);
}

TEST_F(Lifecycle, WhatARendererLeavesBehindDoesNotHoldItUp) {
  wait_for(generate("[orphan]"), "completed");
  EXPECT_TRUE(eventually([this] { return renderers() == 0; }));
}

TEST_F(Lifecycle, TwoRenderAtOnceAndTheRestWait) {
  std::vector<std::string> paths;
  for (int i = 0; i < 4; ++i) paths.push_back(generate("[hang]"));
  wait_for(paths[0], "processing");
  wait_for(paths[1], "processing");
  EXPECT_EQ(renderers(), 2);
  EXPECT_EQ(status_of(paths[2]), "pending");
  // One that waits can be stopped and is never started.
  EXPECT_EQ(client_->post(paths[2] + "/stop", "").status, 200u);
  EXPECT_EQ(client_->post(paths[0] + "/stop", "").status, 200u);
  wait_for(paths[3], "processing");
  EXPECT_EQ(renderers(), 2);
  EXPECT_EQ(status_of(paths[2]), "stopped");
}

TEST_F(Lifecycle, RenderersGoWithTheServer) {
  wait_for(generate("[hang]"), "processing");
  EXPECT_EQ(renderers(), 1);
  emulator_.reset();
  EXPECT_EQ(renderers(), 0);
}

TEST_F(Lifecycle, DeletingAnIngredientDoesNotPullItFromUnderARender) {
  generate("[hang]");
  generate("[hang]");
  const auto waiting = generate("[spec]");
  EXPECT_EQ(client_->send("DELETE", "/v1/content_resources/501?agent_id=42").status, 200u);
  const auto path = waiting;
  EXPECT_EQ(client_->post("/v1/generations/9040/stop", "").status, 200u);
  wait_for(path, "completed");
}

TEST_F(Lifecycle, TheCellListsItsGenerations) {
  const std::string cell = "/v1/autocontentengine/101/cells/3300?agent_id=42";
  const Json empty = client_->get(cell).json();
  EXPECT_EQ(empty.names(),
            (std::vector<std::string>{"id", "value", "additional_attributes", "cell_role",
                                      "created_at_ts", "updated_at_ts", "default_user_job",
                                      "user_jobs", "video_layers", "execution_cost"}));
  EXPECT_EQ(empty["id"].number(), 3300);
  EXPECT_EQ(empty["user_jobs"].dump(), "[]");
  EXPECT_TRUE(empty["default_user_job"].is_null());
  wait_for(generate("a"), "completed");
  const auto second = generate("[hang]");
  const Json full = client_->get(cell).json();
  ASSERT_EQ(full["user_jobs"].size(), 2u);
  EXPECT_EQ(full["user_jobs"].at(0).dump(), client_->get("/v1/generations/9040").json().dump());
  EXPECT_EQ(full["user_jobs"].at(1)["id"].number(), 9041);
  EXPECT_EQ(full["default_user_job"]["id"].number(), 9040);
  EXPECT_EQ(full["execution_cost"].number(), 3.5);
  expect_error(client_->get("/v1/vidsheet/9/cells/3300?agent_id=42"), 404, "spreadsheet_not_found");
  expect_error(client_->get("/v1/vidsheet/101/cells/9?agent_id=42"), 404, "not_found");
  expect_error(client_->get("/v1/vidsheet/101/cells/3300"), 422, "agent_not_found");
}

TEST_F(Lifecycle, AnOrganizationHasItsCredits) {
  const Json organization = client_->get("/v1/organizations/12").json();
  EXPECT_EQ(organization["id"].number(), 12);
  EXPECT_FALSE(organization["name"].text().empty());
  EXPECT_EQ(organization["available_credit"].names(),
            (std::vector<std::string>{"generic", "aura"}));
}

}  // namespace genpro::emulator::test
