// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The key goes to the API's origin and appears nowhere else.
#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

constexpr const char* signature = "s1gnature-0f-the-cl1p";

// What the elements and the rooms below them have logged.
std::string own_lines(const std::string& log) {
  std::istringstream lines(log);
  std::string own;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" genprosrc ") != std::string::npos ||
        line.find(" genpro-") != std::string::npos) {
      own += line + "\n";
    }
  }
  return own;
}

class Secrets : public testing::TestWithParam<const char*> {
 protected:
  Secrets() { service.set_clip({.bytes = small_clip()}); }

  // Runs the application with everything logged and looks for the key in all that it leaves.
  // `evidence` has to be in its output, so that an application that did nothing cannot pass.
  void run_app(const std::string& evidence) {
    const TempDir folder;
    const std::string way = GetParam();
    std::vector<std::string> command{SECRET_APP, service.api_base(), way};
    Environment environment{{"GST_DEBUG", "*:9"},
                            {"GST_DEBUG_NO_COLOR", "1"},
                            {"GST_DEBUG_FILE", folder.file("gst.log")},
                            {"GST_DEBUG_DUMP_DOT_DIR", folder.path()},
                            {"G_MESSAGES_DEBUG", "all"}};
    const TempDir elsewhere;
    if (way == "env") environment.emplace_back("GEN_API_KEY", test_key);
    if (way == "file") {
      write_file(elsewhere.file("key"), std::string(test_key) + "\n");
      command.push_back(elsewhere.file("key"));
    }
    if (way == "command") {
      const std::string config = elsewhere.file("genpro/config");
      std::filesystem::create_directory(elsewhere.file("genpro"));
      write_file(elsewhere.file("key"), std::string(test_key) + "\n");
      write_file(config, "[default]\napi-key-command=cat " + elsewhere.file("key") + "\n");
      std::filesystem::permissions(config, std::filesystem::perms::owner_all);
      environment.emplace_back("XDG_CONFIG_HOME", elsewhere.path());
    }
    const Finished finished =
        run_command(command, environment, way == "property" ? std::string(test_key) + "\n" : "");
    ASSERT_TRUE(finished.in_time) << finished.out;
    ASSERT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_NE(finished.out.find(evidence), std::string::npos) << finished.out;
    EXPECT_EQ(finished.out.find(test_key), std::string::npos) << "the key is on the bus";
    EXPECT_EQ(finished.out.find(signature), std::string::npos) << "the signature is on the bus";

    std::size_t graphs = 0;
    std::size_t logged = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      const std::string text = read_file(entry.path());
      // The last one is of the request's body.
      for (const char* secret : {test_key, signature, "asset_resource_ids"}) {
        const auto at = text.find(secret);
        EXPECT_EQ(at, std::string::npos)
            << entry.path() << ": " << text.substr(at < 200 ? 0 : at - 200, 300);
      }
      const std::string own = own_lines(text);
      EXPECT_EQ(own.find("Lamp"), std::string::npos) << "the prompt is in the log:\n" << own;
      if (entry.path().extension() == ".dot") ++graphs;
      if (entry.path().filename() == "gst.log") logged = text.size();
    }
    EXPECT_GE(graphs, 3U);
    EXPECT_GE(logged, 100'000U);

    const auto posts = service.requests(is_generate);
    ASSERT_FALSE(posts.empty());
    EXPECT_EQ(posts[0].header("x-api-key"), test_key);
    expect_cdn_saw_no_key(service);
  }

  FakeService service;
};

TEST_P(Secrets, AreNowhereAfterAGoodRun) {
  run_app("message eos");
}

TEST_P(Secrets, AreNowhereWhenTheClipMovesAndItsConnectionBreaks) {
  const std::string query = std::string("?Signature=") + signature;
  const auto signed_address = [&](const std::string& name) {
    return service.cdn_url() + "/" + name + query;
  };
  service.push_poll(json_answer(200, FakeService::completed_json(signed_address("old.mp4"))));
  service.push_poll(json_answer(200, FakeService::completed_json(signed_address("new.mp4"))));
  service.files().set_script([this, query](const Seen& seen, int) -> std::optional<Answer> {
    if (seen.path == "/old.mp4") return html_answer(403, "<h1>expired</h1>");
    if (seen.path == "/new.mp4") return redirect_answer(302, service.clip_url() + query);
    return std::nullopt;
  });
  service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 2000});
  run_app("message eos");
  const auto gets = service.requests(is_cdn);
  ASSERT_FALSE(gets.empty());
  EXPECT_EQ(gets.back().query, query.substr(1));
}

TEST_P(Secrets, AreNotRepeatedWhenTheServiceDoes) {
  service.push_post(json_answer(401, std::string(R"({"error": "The key )") + test_key +
                                         R"( is unknown", "error_code": ")" + test_key + R"("})"));
  run_app("message error");
}

TEST_P(Secrets, AreNotRepeatedFromAReasonOfFailure) {
  service.push_poll(json_answer(
      200, std::string(R"({"id": 9040, "status": "failed", "failed_reason": "job of )") + test_key +
               R"(", "output_resources": []})"));
  run_app("message error");
}

TEST_P(Secrets, AreNotRepeatedFromAnUnreadableAnswer) {
  service.push_post(html_answer(200, std::string("<h1>X-API-Key: ") + test_key + "</h1>"));
  run_app("message error");
}

TEST_P(Secrets, AreNotRepeatedFromAnOutage) {
  service.push_poll(json_answer(422, std::string(R"({"error": "The key )") + test_key +
                                         R"( is busy", "error_code": "busy"})"));
  service.push_poll(html_answer(502, std::string("<h1>X-API-Key: ") + test_key + "</h1>"));
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  run_app(R"(does\ not\ tell\ how\ it\ stands)");
}

INSTANTIATE_TEST_SUITE_P(By, Secrets, testing::Values("env", "file", "property", "command"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Log, TellsTheStoryOfARunInSomeTwentyLines) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  const TempDir folder;
  const std::string file = folder.file("gst.log");
  const Finished finished = run_command({SECRET_APP, service.api_base(), "env"},
                                        {{"GST_DEBUG", "genpro*:4"},
                                         {"GST_DEBUG_NO_COLOR", "1"},
                                         {"GST_DEBUG_FILE", file},
                                         {"GEN_API_KEY", test_key}},
                                        "");
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const std::string log = read_file(file);
  const std::string own = own_lines(log);
  EXPECT_EQ(own, log) << "something else is logged";
  const auto lines = std::count(own.begin(), own.end(), '\n');
  EXPECT_GE(lines, 8) << own;
  EXPECT_LE(lines, 25) << own;
  std::size_t at = 0;
  for (const char* word : {"<src> starts: sheet 101, cell 3300", "which is charged",
                           "generation 9040", "is streaming", "the clip is delivered"}) {
    at = own.find(word, at);
    ASSERT_NE(at, std::string::npos) << word << " is not there, or not in its turn:\n" << own;
  }
}

TEST(SecretsAndRedirects, ThePostIsNotFollowed) {
  std::map<int, Trial> trials;
  for (const int status : {301, 302, 303, 307, 308}) {
    FakeService& service = trials[status].service;
    service.push_post(redirect_answer(status, service.cdn_url() + "/v1/generate"));
    trials[status].start();
  }
  for (auto& [status, trial] : trials) {
    SCOPED_TRACE(status);
    expect_one_error(trial.end(), {.mentions = {"may have taken"}, .charged = "unknown"});
    EXPECT_EQ(trial.service.count(is_cdn), 0U);
    EXPECT_EQ(trial.service.count(is_generate), 1U);
  }
}

TEST(SecretsAndRedirects, APollIsNotFollowed) {
  std::map<int, Trial> trials;
  for (const int status : {301, 302, 307}) {
    FakeService& service = trials[status].service;
    service.push_poll(redirect_answer(status, service.cdn_url() + "/v1/generations/9040"));
    trials[status].start({{"generation-timeout", "2"}});
  }
  for (auto& [status, trial] : trials) {
    SCOPED_TRACE(status);
    const Outcome outcome = trial.end();
    expect_one_error(outcome, {.mentions = {"generation-timeout"}, .charged = "yes"});
    expect_one_outage(outcome);
    EXPECT_GE(trial.service.count(is_poll), 2U);
    EXPECT_EQ(trial.service.count(is_cdn), 0U);
  }
}

// Nor is that of the cell, which is read first: what is there is not the API.
TEST(SecretsAndRedirects, NothingIsPostedWhereTheCellIsElsewhere) {
  FakeService service;
  service.set_cell(redirect_answer(302, service.cdn_url() + "/v1/cell"));
  expect_one_error(stream(seed_src(service)).outcome, {.charged = "no"});
  expect_nothing_posted(service);
  EXPECT_EQ(service.count(is_cdn), 0U);
}

// A clip whose address is at the API's own origin is still a clip.
TEST(SecretsAndClips, TheClipIsFetchedWithoutTheKeyWhereverItLies) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  service.files().push_answer(redirect_answer(302, service.clip_url() + "?signed=1"));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_GE(service.count(is_cdn), 2U);
  expect_cdn_saw_no_key(service);
}

}  // namespace
}  // namespace genpro::test
