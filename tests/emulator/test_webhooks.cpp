// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Webhooks: each change, in order, at least once.
#include <algorithm>
#include <set>

#include "emulator_fixture.h"
#include "hook_receiver.h"

namespace genpro::emulator::test {

class WebhooksTest : public EmulatorTest {
 protected:
  static constexpr const char* path = "/v1/agents/42/automation_config";

  Response configure(const std::string& config) {
    return client_->send("PATCH", path, R"({"automation_config":)" + config + "}",
                         {{"Content-Type", "application/json"}});
  }
  // "9040 pending", … of all that came in.
  static std::vector<std::string> changes(const HookReceiver& receiver) {
    std::vector<std::string> found;
    for (const auto& body : receiver.bodies()) {
      const Json event = Json::parse(body);
      found.push_back(event["generation_id"].dump() + " " + event["status"].text());
    }
    return found;
  }
  static void expect_changes(const HookReceiver& receiver,
                             const std::vector<std::string>& expected) {
    eventually([&] { return changes(receiver).size() >= expected.size(); });
    EXPECT_EQ(changes(receiver), expected);
  }
};

TEST_F(WebhooksTest, TheConfigurationIsKept) {
  const std::string none = R"({"webhook_url":null,"callback_url":null,"polling_enabled":true})";
  EXPECT_EQ(client_->get(path).body, none);
  const std::string set =
      R"({"webhook_url":"http://127.0.0.1:1/a","callback_url":"https://localhost/b","polling_enabled":false})";
  EXPECT_EQ(configure(set).body, set);
  EXPECT_EQ(client_->get(path).body, set);
  // What is not named stays.
  EXPECT_EQ(configure(R"({"polling_enabled":true})").json()["webhook_url"].text(),
            "http://127.0.0.1:1/a");
  EXPECT_EQ(configure(R"({"webhook_url":null,"callback_url":null})").body, none);
  for (const char* wrong :
       {R"({"webhook_url":"ftp://x/"})", R"({"webhook_url":"nonsense"})", R"({"webhook_url":5})",
        R"({"callback_url":"http://"})", R"({"webhook_url":"file:///etc/passwd"})",
        R"({"polling_enabled":"yes"})"}) {
    expect_error(configure(wrong), 422, "validation_error");
  }
  expect_error(client_->get("/v1/agents/9/automation_config"), 422, "agent_not_found");
}

TEST_F(WebhooksTest, AJobByItselfHasNoCell) {
  HookReceiver receiver;
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  const Response made =
      client_->post("/v1/user_jobs", R"({"agent_id":42,"user_job_type":"grok_video_generation",)"
                                     R"("data":{"prompt":"a","duration":1}})");
  ASSERT_EQ(made.status, 201U) << made.body;
  ASSERT_TRUE(eventually([&] { return !receiver.bodies().empty(); }));
  const Json event = Json::parse(receiver.bodies().front());
  EXPECT_TRUE(event["sheet_id"].is_null()) << event.dump();
  EXPECT_TRUE(event["cell_id"].is_null()) << event.dump();
}

TEST_F(WebhooksTest, TellOfEachChangeInOrder) {
  HookReceiver all;
  HookReceiver ends;
  upload_two();
  wait_for(generate("before"), "completed");
  configure(R"({"webhook_url":")" + all.url() + R"(","callback_url":")" + ends.url() + "\"}");
  wait_for(generate("a"), "completed");
  wait_for(generate("[refuse]"), "failed");
  const auto stopped = generate("[hang]");
  wait_for(stopped, "processing");
  client_->post(stopped + "/stop", "{}");
  client_->post(stopped + "/continue", "{}");
  expect_changes(ends, {"9041 completed", "9042 failed", "9043 stopped"});
  const bool quick = eventually([&] { return changes(all).size() >= 9; });
  EXPECT_TRUE(quick);
  const Json last = Json::parse(all.bodies().at(0));
  EXPECT_EQ(last.names(),
            (std::vector<std::string>{"event", "event_id", "agent_id", "sheet_id", "cell_id",
                                      "generation_id", "status", "at_ts"}));
  EXPECT_EQ(last["agent_id"].number(), 42);
  EXPECT_EQ(last["sheet_id"].number(), 101);
  EXPECT_EQ(last["cell_id"].number(), 3300);
  // Which steps a quick render passes through is the renderer's affair; their order is not.
  std::vector<double> ids;
  for (const auto& body : all.bodies()) ids.push_back(Json::parse(body)["event_id"].number());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  for (const auto& header : all.headers()) {
    EXPECT_EQ(header.find(test_key), std::string::npos) << header;
  }
}

TEST_F(WebhooksTest, AreTriedAgainUntilTheyAreTaken) {
  HookReceiver receiver;
  receiver.answer_with(500);
  upload_two();
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  const auto path = generate("[hang]");
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() >= 2; }));
  const auto refused = changes(receiver);
  EXPECT_EQ(refused[0], "9040 pending");
  EXPECT_EQ(refused[1], "9040 pending");
  receiver.answer_with(204);
  ASSERT_TRUE(eventually([&] { return changes(receiver).back() == "9040 processing"; }));
  client_->post(path + "/stop", "{}");
  ASSERT_TRUE(eventually([&] { return changes(receiver).back() == "9040 stopped"; }));
}

TEST_F(WebhooksTest, GoOnAfterARestart) {
  HookReceiver receiver;
  upload_two();
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  wait_for(generate("[hang]"), "processing");
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() == 2; }));
  receiver.answer_with(500);
  client_->post("/v1/generations/9040/stop", "{}");
  ASSERT_TRUE(eventually([&] { return changes(receiver).back() == "9040 stopped"; }));
  emulator_.reset();
  const std::size_t before = receiver.bodies().size();
  receiver.answer_with(200);
  restart();
  // Nothing has changed since: it is the one that was not taken.
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() > before; }));
  EXPECT_EQ(changes(receiver).back(), "9040 stopped");
  client_->post("/v1/generations/9040/continue", "{}");
  // Behind it comes what happened next.
  EXPECT_TRUE(eventually([&] {
    const auto heard = changes(receiver);
    return std::find(heard.begin() + static_cast<std::ptrdiff_t>(before), heard.end(),
                     "9040 pending") != heard.end();
  }));
}

TEST_F(WebhooksTest, StopWhenTheAddressIsTakenAway) {
  HookReceiver receiver;
  upload_two();
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  wait_for(generate("[hang]"), "processing");
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() == 2; }));
  configure(R"({"webhook_url":null})");
  client_->post("/v1/generations/9040/stop", "{}");
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  client_->post("/v1/generations/9040/continue", "{}");
  ASSERT_TRUE(eventually([&] { return receiver.bodies().size() >= 3; }));
  EXPECT_EQ(changes(receiver)[2], "9040 pending");
}

TEST_F(WebhooksTest, ARedirectIsNotFollowed) {
  start([](EmulatorSettings& settings) { settings.webhook_test_seconds = 0.5; });
  HookReceiver receiver;
  receiver.answer_with(302);
  configure(R"({"webhook_url":")" + receiver.url() + "\"}");
  const Json answer = client_->post(std::string(path) + "/test_webhook", "").json();
  EXPECT_EQ(answer["success"].dump(), "false");
  EXPECT_FALSE(answer["error"].text().empty());
  EXPECT_EQ(receiver.bodies().size(), 1u);
}

TEST_F(WebhooksTest, AnAddressThatIsNoneCanBeReplaced) {
  upload_two();
  emulator_.reset();
  // Only a store that something else has written into holds such an address.
  Database(folder_.path("data/store.db"))
      .run("INSERT INTO hooks(agent, kind, url, cursor) VALUES('42', 'webhook', 'nonsense', 0)");
  restart();
  const Json answer = client_->post(std::string(path) + "/test_webhook", "").json();
  EXPECT_EQ(answer["success"].dump(), "false");
  EXPECT_NE(answer["error"].text().find("nonsense"), std::string::npos) << answer.dump();
  wait_for(generate("[hang]"), "processing");
  HookReceiver receiver;
  EXPECT_EQ(configure(R"({"webhook_url":")" + receiver.url() + "\"}").status, 200u);
  expect_changes(receiver, {"9040 pending", "9040 processing"});
}

TEST_F(WebhooksTest, CanBeTried) {
  const auto attempt = [this](const char* which) {
    return client_->post(std::string(path) + "/test_" + which, "");
  };
  EXPECT_EQ(attempt("webhook").json()["success"].dump(), "false");
  HookReceiver receiver;
  configure(R"({"webhook_url":")" + receiver.url() + R"("})");
  EXPECT_EQ(attempt("webhook").body, R"({"success":true})");
  EXPECT_EQ(Json::parse(receiver.bodies().at(0))["event"].text(), "test");
}

TEST_F(WebhooksTest, ATestDoesNotTellWhatIsBehindAnAddress) {
  start([](EmulatorSettings& settings) { settings.webhook_test_seconds = 0.5; });
  HookReceiver refusing;
  refusing.answer_with(404);
  HookReceiver speechless;
  speechless.answer_raw("SSH-2.0-OpenSSH_9.2\r\n");
  HookReceiver silent;
  silent.answer_raw("");
  std::set<std::string> answers;
  for (const std::string& url :
       {refusing.url(), speechless.url(), silent.url(), std::string("http://127.0.0.1:1/"),
        std::string("https://127.0.0.1:1/")}) {
    configure(R"({"webhook_url":")" + url + "\"}");
    const gint64 begun = g_get_monotonic_time();
    answers.insert(client_->post(std::string(path) + "/test_webhook", "").body);
    // A closed port refuses at once, which is not to be seen either.
    EXPECT_GE(g_get_monotonic_time() - begun, 490'000) << url;
  }
  EXPECT_EQ(answers.size(), 1u) << *answers.begin() << "\n" << *answers.rbegin();
  EXPECT_EQ(Json::parse(*answers.begin())["success"].dump(), "false");
}

TEST_F(WebhooksTest, OfAnAnswerOnlyTheHeadIsRead) {
  HookReceiver receiver;
  receiver.answer_without_end("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  upload_two();
  configure(R"({"webhook_url":")" + receiver.url() + R"("})");
  wait_for(generate("[hang]"), "processing");
  // What is not read fills the buffers of the sockets, and no more.
  ASSERT_TRUE(eventually([&] { return changes(receiver).size() == 2; }));
  EXPECT_EQ(changes(receiver).back(), "9040 processing");
  EXPECT_LT(receiver.most_sent(), std::size_t{64} << 20);
  for (const auto& header : receiver.headers()) {
    EXPECT_EQ(header.find("Accept-Encoding"), std::string::npos) << header;
  }
}

}  // namespace genpro::emulator::test
