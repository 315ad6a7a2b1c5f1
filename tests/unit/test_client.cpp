// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <memory>

#include "api/answers/cell.h"
#include "api/answers/generation.h"
#include "api/client.h"
#include "api/request.h"
#include "api/variables.h"
#include "base/text.h"
#include "support/fake_service.h"

namespace genpro::api {
namespace {

using namespace std::chrono_literals;

// A client and the service that it asks.
class ClientTest : public testing::Test {
 protected:
  // Runs `ask` with a client on the runtime thread, and waits for what it is told.
  template <typename T>
  Result<T, Failure> ask(
      const std::function<void(Client&, std::function<void(Result<T, Failure>)>)>& ask) {
    using Done = std::function<void(Result<T, Failure>)>;
    return run_to_end<Result<T, Failure>>([&](Runtime& runtime, Done done) {
      auto client = std::make_unique<Client>(runtime, *make_access(service_.api_base(), "KEY"), 5s);
      const auto is_within = std::make_shared<bool>(true);
      ask(*client, [done = std::move(done), is_within](Result<T, Failure> result) {
        EXPECT_FALSE(*is_within) << "done was called from within the call";
        done(std::move(result));
      });
      *is_within = false;
      return client;
    });
  }
  Result<Generation, Failure> generate(const std::string& key = "key-1",
                                       const std::string& cell = "r/1/cells/2",
                                       const std::string& agent = "3") {
    return ask<Generation>([=](Client& client, Client::Done done) {
      GenerationRequest request;
      request.cell_path = cell;
      request.agent_id = agent;
      request.body = "{}";
      client.generate(request, key, std::move(done));
    });
  }
  Result<Generation, Failure> poll(const std::string& id) {
    return ask<Generation>(
        [=](Client& client, Client::Done done) { client.get_generation(id, std::move(done)); });
  }

  test::FakeService service_;
  std::shared_ptr<Runtime> runtime_ = Runtime::acquire();
};

TEST_F(ClientTest, SendsNothingForAnIdThatIsNone) {
  const std::string long_id(max_id_length + 1, 'a');
  for (const std::string& id :
       {std::string("%zz"), std::string(), std::string("a/b"), std::string("1?x=2"),
        std::string("..\n"), std::string("\xff\x00", 2), std::string("1/stop"), long_id}) {
    const auto stop = ask<Generation>([=](Client& client, Client::Done done) {
      client.stop_generation(id, "", std::move(done));
    });
    const auto cell = ask<Cell>([=](Client& client, Client::CellDone done) {
      client.get_cell("r/1/cells/2", id, std::move(done));
    });
    const auto variables =
        ask<std::map<std::string, std::string>>([=](Client& client, Client::VariablesDone done) {
          client.get_global_variables("r/1", id, std::move(done));
        });
    const auto poll = this->poll(id);
    const auto post = generate("key-1", "r/1/cells/2", id);
    ASSERT_FALSE(stop || cell || variables || poll || post) << id;
    for (const Failure* failure :
         {&stop.error(), &cell.error(), &variables.error(), &poll.error(), &post.error()}) {
      EXPECT_FALSE(failure->sent);
      EXPECT_FALSE(failure->retryable);
      EXPECT_TRUE(g_utf8_validate(failure->error.message.c_str(), -1, nullptr));
    }
  }
  for (const char* path : {"", "%zz", "r//cells/2", "../r", "r/1/", "/r", "r/1?x", "r/1#"}) {
    EXPECT_FALSE(ask<Cell>([=](Client& client, Client::CellDone done) {
      client.get_cell(path, "3", std::move(done));
    })) << path;
    EXPECT_FALSE(generate("key-1", path)) << path;
  }
  // Without its header a repeat would be another charge.
  for (const char* key : {"", "a b", "a\r\nX: y", "\xc3\xa4"}) EXPECT_FALSE(generate(key)) << key;
  EXPECT_EQ(service_.count(), 0U);
}

TEST_F(ClientTest, AsksForACellAndForVariables) {
  service_.set_script([](const test::Seen& seen) -> std::optional<test::Answer> {
    if (seen.path.ends_with("/global_variables")) {
      return test::json_answer(200, R"({"id": 1, "variables": [{"key": "a", "value": 1}]})");
    }
    return test::json_answer(200, R"({"user_jobs": [{"id": 5}], "value": 1})");
  });
  const auto cell = ask<Cell>([](Client& client, Client::CellDone done) {
    client.get_cell("r/1/cells/2", "3", std::move(done));
  });
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->jobs, std::vector<std::string>{"5"});
  EXPECT_EQ(cell->defaults, R"({"value":1})");
  const auto variables =
      ask<std::map<std::string, std::string>>([](Client& client, Client::VariablesDone done) {
        client.get_global_variables("r/1", "3", std::move(done));
      });
  ASSERT_TRUE(variables);
  EXPECT_EQ(variables->at("a"), "1");
  const auto seen = service_.requests();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].path + "?" + seen[0].query, "/v1/r/1/cells/2?agent_id=3");
  EXPECT_EQ(seen[1].path + "?" + seen[1].query, "/v1/r/1/global_variables?agent_id=3");
}

// A cache before the service may answer with somebody else's.
TEST_F(ClientTest, WhatIsAboutAnotherOneSaysNothing) {
  service_.push_poll(test::json_answer(200, R"({"id": "0009040", "status": "pending"})"));
  service_.push_poll(test::json_answer(200, R"({"id": 9001, "status": "failed"})"));
  service_.push_poll(test::json_answer(200, R"({"id": 9040, "status": "completed"})"));
  std::vector<Result<Generation, Failure>> told;
  const auto last = ask<Generation>([&](Client& client, const Client::Done& done) {
    client.get_generation("9040", [&client, &told, done](Result<Generation, Failure> first) {
      told.push_back(std::move(first));
      client.get_generation("9040", [&client, &told, done](Result<Generation, Failure> second) {
        told.push_back(std::move(second));
        client.get_generation("9040", done);
      });
    });
  });
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(told[0]) << "the same number, written otherwise";
  ASSERT_FALSE(told[1]);
  EXPECT_TRUE(told[1].error().retryable);
  EXPECT_FALSE(told[1].error().is_api_error);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->phase, Phase::completed);
}

TEST_F(ClientTest, TellsARedirect) {
  service_.push_post(test::redirect_answer(303, "/elsewhere"));
  const auto answered = generate();
  ASSERT_FALSE(answered);
  EXPECT_TRUE(answered.error().is_redirected);
  EXPECT_TRUE(answered.error().sent);
  EXPECT_EQ(answered.error().error.http_status, 303U);

  // One that keeps the method would be a second request for a generation.
  service_.push_post(test::redirect_answer(307, service_.api_url() + "/other"));
  service_.push_post(test::json_answer(201, R"({"generation_id": 5, "status": "pending"})"));
  const auto not_followed = generate();
  ASSERT_FALSE(not_followed);
  EXPECT_TRUE(not_followed.error().is_redirected && not_followed.error().sent);
  EXPECT_EQ(service_.count([](const test::Seen& seen) { return seen.path == "/other"; }), 0U);

  service_.set_script([](const test::Seen&) -> std::optional<test::Answer> {
    return test::json_answer(422, R"({"error": "no"})");
  });
  const auto plain = generate();
  ASSERT_FALSE(plain);
  EXPECT_FALSE(plain.error().is_redirected);
  EXPECT_TRUE(plain.error().is_api_error);
}

TEST_F(ClientTest, ASuccessWithoutAnIdIsAFailureWithItsStatus) {
  service_.push_post(
      test::json_answer(202, R"({"code": "generation_pending", "retry_after_seconds": "4"})"));
  const auto taken = generate();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().error.http_status, 202U);
  EXPECT_EQ(taken.error().error.error_code, "generation_pending");
  EXPECT_EQ(taken.error().retry_after, 4s);
  EXPECT_TRUE(taken.error().sent);
}

}  // namespace
}  // namespace genpro::api
