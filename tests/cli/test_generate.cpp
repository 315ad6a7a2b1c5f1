// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro generate`: one clip in one file, paid once.
#include <csignal>
#include <filesystem>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class GenerateCommand : public ServiceCliTest {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"generate", "--prompt", "A product", "-o", clip()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string clip() const { return file("clip.mp4"); }
  void expect_clip() {
    const auto charged = service_.books().charged();
    ASSERT_EQ(charged.size(), 1U) << service_.books().text();
    EXPECT_EQ(read_file(clip()), service_.clip(charged.front().id));
  }
  // A run whose generation the service does not end before `end_` is opened.
  std::unique_ptr<Child> start_unfinished(const std::vector<std::string>& more = {}) {
    Manners manners;
    manners.end_gate = end_;
    service_.behave(manners);
    auto child = start(words(more));
    EXPECT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
    return child;
  }
  // What has been left beside the clip and the outputs of children.
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(fs::path(clip()).parent_path())) {
      count += entry.path().filename().string().starts_with("output-") ? 0 : 1;
    }
    return count;
  }

  const std::shared_ptr<Gate> end_ = std::make_shared<Gate>();
};

TEST_F(GenerateCommand, WritesTheClipAndTellsWhatItCost) {
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip();
  EXPECT_NE(finished.out.find("clip.mp4: generation "), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("cost "), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find('\r'), std::string::npos) << finished.out;
}

TEST_F(GenerateCommand, TellsItAsJson) {
  const auto document = document_of(words({"--json"}));
  JsonObject* object = api::as_object(document.get());
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(names_of(object), (std::vector<std::string>{"status", "file", "generation_id", "cost",
                                                        "bytes", "picked_up"}));
  EXPECT_EQ(member_text(object, "status"), "\"done\"");
  EXPECT_EQ(member_text(object, "bytes"), std::to_string(read_file(clip()).size()));
}

TEST_F(GenerateCommand, PaysForNothingThatCannotBeWritten) {
  write_file(clip(), "mine");
  EXPECT_EQ(run(words()).exit_code, 1);
  EXPECT_EQ(read_file(clip()), "mine");
  const Finished missing = run({"generate", "--prompt", "A", "-o", file("missing") + "/clip.mp4"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.out.find(file("missing") + " for"), std::string::npos) << missing.out;
  EXPECT_EQ(run({"generate", "--prompt", "A", "--force", "-o", "/dev/null"}).exit_code, 1);
  EXPECT_EQ(run({"generate", "--prompt", "A"}).exit_code, 2);
  EXPECT_EQ(run({"generate", "--prompt", "A", "-o", "-"}).exit_code, 2);
  EXPECT_TRUE(service_.books().posts.empty());
  EXPECT_EQ(run(words({"--force"})).exit_code, 0);
  expect_clip();
}

TEST_F(GenerateCommand, NamesWhatIsMissingAsOptions) {
  const Finished finished = run_command(
      {g_getenv("GENPRO"), "generate", "--prompt", "A", "-o", clip(), "--ledger", path_},
      {{"GEN_API_KEY", ""}, {"GEN_SHEET_ID", ""}, {"XDG_CONFIG_HOME", file("")}});
  EXPECT_EQ(finished.exit_code, 2) << finished.out;
  for (const char* name : {"--sheet-id", "--ingredient", "--api-key-file"}) {
    EXPECT_NE(finished.out.find(name), std::string::npos) << finished.out;
  }
  EXPECT_EQ(finished.out.find("propert"), std::string::npos) << finished.out;
}

TEST_F(GenerateCommand, FetchesThePaidClipOfARunThatWasKilled) {
  ASSERT_TRUE(start_unfinished()->kill());
  EXPECT_FALSE(fs::exists(clip()));
  EXPECT_EQ(files(), 0U) << "a part of the clip is left";
  end_->open();
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip();
  EXPECT_NE(finished.out.find("nothing new was charged"), std::string::npos) << finished.out;
}

TEST_F(GenerateCommand, StopsTheGenerationAtCtrlC) {
  const auto child = start_unfinished();
  child->send(SIGINT);
  ASSERT_TRUE(child->wait());
  EXPECT_EQ(child->exit_code(), 130) << child->output();
  EXPECT_TRUE(service_.books().charged().empty()) << service_.books().text();
  EXPECT_NE(child->output().find("refund is not proven"), std::string::npos) << child->output();
  EXPECT_EQ(files(), 0U);
}

TEST_F(GenerateCommand, LeavesItRunningWhenAskedTo) {
  const auto child = start_unfinished({"--on-shutdown", "detach"});
  child->send(SIGTERM);
  ASSERT_TRUE(child->wait());
  EXPECT_EQ(child->exit_code(), 143) << child->output();
  EXPECT_EQ(service_.books().charged().size(), 1U);
  end_->open();
  EXPECT_EQ(run(words()).exit_code, 0);
  expect_clip();
}

TEST_F(GenerateCommand, WhatIsPaidInPlaceOfAnEarlierOneIsSaidToBeNew) {
  Manners manners;
  manners.next_posts = {PostFate::dropped};
  manners.strangers = {1ms};
  manners.end_gate = end_;
  service_.behave(manners);
  const auto child = start(words({"--on-shutdown", "detach"}));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  child->send(SIGTERM);
  ASSERT_TRUE(child->wait());
  const unsigned before = service_.books().polls;
  const auto next = start(words({"--json"}));
  ASSERT_TRUE(service_.wait_for([&](const Books& books) { return books.polls > before + 1; }));
  // It was somebody else's.
  service_.end(service_.books().generations.front().id, "failed");
  service_.behave({});
  ASSERT_TRUE(next->wait());
  EXPECT_EQ(next->exit_code(), 0) << next->output();
  EXPECT_EQ(service_.books().charged().size(), 1U) << service_.books().text();
  EXPECT_NE(next->output().find("was asked for before"), std::string::npos) << next->output();
  EXPECT_NE(next->output().find("\"picked_up\" : false"), std::string::npos) << next->output();
}

TEST_F(GenerateCommand, FollowsAStoppedGenerationToWhatTheServiceSays) {
  const auto child = start_unfinished();
  child->send(SIGINT);
  ASSERT_TRUE(child->wait());
  const std::vector<std::string> follow = {"generate", "--generation-id",
                                           service_.books().created().front().id, "-o", clip()};
  const Finished stopped = run(follow);
  EXPECT_TRUE(stopped.in_time);
  EXPECT_EQ(stopped.exit_code, 1) << stopped.out;
  service_.end(follow[2], "completed");
  EXPECT_EQ(run(follow).exit_code, 0);
  EXPECT_EQ(read_file(clip()), service_.clip(follow[2]));
}

TEST_F(GenerateCommand, AScriptCanTellWhatWentWrong) {
  Manners manners;
  const Answer refusal =
      json_answer(422, R"({"error":"No credits","error_code":"usable_gen_credit_required"})");
  manners.given_posts = {{refusal, false}};
  service_.behave(manners);
  EXPECT_EQ(run(words()).exit_code, 3);
  manners.given_posts.clear();
  manners.end = "failed";
  service_.behave(manners);
  EXPECT_EQ(run(words()).exit_code, 1);
  EXPECT_EQ(run(words({"--reuse", "nosuch"})).exit_code, 2);
  EXPECT_TRUE(service_.books().charged().empty()) << service_.books().text();
  manners.end = "completed";
  service_.behave(manners);
  EXPECT_EQ(run(words()).exit_code, 0);
  // The same again: a clip that was delivered is none for a new run.
  const Finished limited = run(words({"--daily-generation-limit", "1", "--force"}));
  EXPECT_EQ(limited.exit_code, 5) << limited.out << service_.books().text();
  expect_clip();
}

TEST_F(GenerateCommand, TakesNoKeyFromTheCommandLineAndShowsNone) {
  const Finished finished = run(words({"--api-key=secret_4711"}));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.out.find("secret_4711"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("--api-key-file"), std::string::npos) << finished.out;
  EXPECT_EQ(run(words()).out.find(key), std::string::npos);
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

}  // namespace
}  // namespace genpro::test
