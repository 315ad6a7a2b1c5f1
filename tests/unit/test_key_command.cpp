// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A key that another program keeps.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "api/key_command.h"
#include "support/process.h"

namespace genpro::test {
namespace {

using api::run_key_command;

std::string problem(const std::vector<std::string>& command,
                    std::chrono::milliseconds limit = generous) {
  const auto key = run_key_command(command, limit);
  return key ? "the key " + *key : key.error().message;
}

TEST(KeyCommand, GivesItsFirstLine) {
  const auto key = run_key_command({"printf", " gen_pat_1 \nsecond\n"});
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(*key, "gen_pat_1");
}

TEST(KeyCommand, HasNoShellAndNoInput) {
  const auto words = run_key_command({"printf", "%s", "$HOME;true"});
  ASSERT_TRUE(words);
  EXPECT_EQ(*words, "$HOME;true");
  EXPECT_NE(problem({"cat"}).find("is empty"), std::string::npos);
}

TEST(KeyCommand, TellsWhyThereIsNone) {
  EXPECT_NE(problem({"no-such-program", "hush"}).find("no-such-program"), std::string::npos);
  EXPECT_NE(problem({"sh", "-c", "echo hush; exit 3"}).find("exit code is 3"), std::string::npos);
  EXPECT_NE(problem({"sh", "-c", "kill -9 $$"}).find("a signal"), std::string::npos);
  EXPECT_NE(problem({"yes", "hush"}).find("no end"), std::string::npos);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"no-such-program", "hush"}, {"sh", "-c", "echo hush; exit 3"}}) {
    EXPECT_EQ(problem(command).find("hush"), std::string::npos) << problem(command);
    EXPECT_NE(problem(command).find("api-key-command"), std::string::npos) << problem(command);
  }
}

TEST(KeyCommand, EndsAtTheLimit) {
  const std::chrono::milliseconds limit{100};
  EXPECT_NE(problem({"sleep", "1000"}, limit).find("not ended after"), std::string::npos);
  // Also one that has closed its output.
  EXPECT_NE(problem({"sh", "-c", "exec >&-; sleep 1000"}, limit).find("not ended after"),
            std::string::npos);
}

TEST(KeyCommand, IsEndedWithItsRequest) {
  const auto runtime = Runtime::acquire();
  std::promise<bool> ended;
  runtime->post([&] {
    auto request = std::make_unique<api::KeyRequest>(
        *runtime, std::vector<std::string>{"sleep", "1000"}, [](const auto&) { FAIL(); });
    request.reset();
    ended.set_value(true);
  });
  EXPECT_EQ(ended.get_future().wait_for(generous), std::future_status::ready);
}

TEST(KeyCommand, AnswersOnTheRuntimeThread) {
  const auto runtime = Runtime::acquire();
  std::promise<std::string> key;
  std::unique_ptr<api::KeyRequest> request;
  runtime->post([&] {
    request = std::make_unique<api::KeyRequest>(
        *runtime, std::vector<std::string>{"echo", "gen_pat_1"},
        [&, asked_on = std::this_thread::get_id()](const auto& answer) {
          EXPECT_EQ(std::this_thread::get_id(), asked_on);
          key.set_value(answer ? *answer : answer.error().message);
        });
  });
  EXPECT_EQ(key.get_future().get(), "gen_pat_1");
  std::promise<void> ended;
  runtime->post([&] {
    request.reset();
    ended.set_value();
  });
  ended.get_future().wait();
}

}  // namespace
}  // namespace genpro::test
