// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Commands that ask the service, and the manual that is made of all commands.
#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

class ServiceCommands : public CliTest {
 protected:
  Finished run(std::vector<std::string> words) {
    words.insert(words.begin(), g_getenv("GENPRO"));
    // An estimate waits for no generation.
    if (words[1] != "estimate") words.insert(words.end(), {"--retries", "1"});
    words.insert(words.end(), {"--api-base-url", service_.api_base()});
    return run_command(words, {{"GEN_API_KEY", "test_key_4711"},
                               {"LC_ALL", "C.UTF-8"},
                               {"GEN_AGENT_ID", "42"},
                               {"GEN_SHEET_ID", "101"},
                               {"GEN_CELL_ID", "3300"}});
  }
  void answer(const std::string& method, const std::string& path, Answer answer) {
    service_.set_script([=](const Seen& seen) -> std::optional<Answer> {
      if (seen.method != method || !seen.path.starts_with("/v1/" + path)) return std::nullopt;
      return answer;
    });
  }
  FakeService service_;
};

TEST_F(ServiceCommands, BalanceTellsTheCreditsOfEachOrganization) {
  answer("GET", "organizations",
         json_answer(200, R"([{"id":1,"name":"Us","available_credit":{"generic":"12.5"}},
                              {"id":"two","available_credit":{"aura":3}}])"));
  const Finished finished = run({"balance"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(lines_of(finished.out).size(), 3U) << finished.out;
  EXPECT_NE(finished.out.find("12.5"), std::string::npos) << finished.out;
  EXPECT_EQ(run({"balance", "../me"}).exit_code, 2);
}

TEST_F(ServiceCommands, PricesAreToldAlsoWhereNoModelsAre) {
  answer("GET", "pricing_configs",
         json_answer(200, R"([{"model":"grok","credits":25,"unit":"clip"}])"));
  Finished finished = run({"models"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("The service does not tell"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("grok 25 a clip"), std::string::npos) << finished.out;
  // A key that is refused is told of once.
  answer("GET", "", json_answer(401, R"({"error":"no","error_code":"unauthorized"})"));
  finished = run({"models"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  const std::size_t told = finished.out.find("The service does not tell");
  ASSERT_NE(told, std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("The service does not tell", told + 1), std::string::npos)
      << finished.out;
}

TEST_F(ServiceCommands, WhereTheTableOfModelsIsBehindIsTold) {
  answer("GET", "vidsheet/action_schema",
         json_answer(200, R"({"models":{"grok":{"label":"Grok"},"new-1":{}},"generation_schema":{
           "properties":{"ratio":{"enum":["16:9","21:9"]},"outputResolution":{"enum":["720p","4k"]},
                         "duration":{"minimum":1,"maximum":90}}}})"));
  const Finished finished = run({"models", "--type", "video_from_text"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("has as well: new-1."), std::string::npos) << finished.out;
  EXPECT_NE(
      finished.out.find("video-from-text: aspect-ratio 21:9, resolution 4k, duration up to 90."),
      std::string::npos)
      << finished.out;
}

TEST_F(ServiceCommands, GenerationsOfACellAreListed) {
  service_.set_cell(json_answer(
      200, R"({"id":3300,"user_jobs":[{"id":9040,"status":"completed","execution_cost":"3.5"},
               {"id":"9041","status":"failed","failed_reason":"too\u001b[31m red"}]})"));
  const Finished finished = run({"generations", "list"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  const auto lines = lines_of(finished.out);
  ASSERT_EQ(lines.size(), 3U) << finished.out;
  EXPECT_NE(lines[1].find("completed   3.5"), std::string::npos) << lines[1];
  EXPECT_FALSE(has_control_characters(finished.out));
}

TEST_F(ServiceCommands, AnEstimateHasTheFramesByTheirAddresses) {
  service_.set_script([](const Seen& seen) -> std::optional<Answer> {
    if (seen.path == "/v1/content_resources/501") {
      return json_answer(
          200, R"({"content_resource":{"id":501,"url":"https://cdn.gen.pro/uploads/a.png"}})");
    }
    if (!seen.path.ends_with("/user_jobs/estimate")) return std::nullopt;
    return json_answer(200, R"({"estimated_credits":4,"status":"completed"})");
  });
  const Finished finished = run({"estimate", "--prompt", "A kite", "--dialect", "vidsheet",
                                 "--generation-type", "video_from_image", "--model", "kling-v2-6",
                                 "--asset-ids", "501,502", "--ledger", path_});
  EXPECT_EQ(finished.out, "4 credits, as the service estimates.\n");
  const auto asked = service_.requests(
      [](const Seen& seen) { return seen.path.ends_with("/user_jobs/estimate"); });
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(api::canonical_json(std::string_view(asked[0].body)),
            api::canonical_json(std::string_view(R"({"agent_id":42,"user_job":{
        "user_job_type":"kling_img2video","data":{"prompt":"A kite","model":"kling-v2-6",
        "image":{"value":"https://cdn.gen.pro/uploads/a.png"},"image_tail_resource_id":502}}})")))
      << "the address of the other one is not known";
}

// Also not a part of it that a cut has left.
TEST_F(ServiceCommands, AKeyThatTheServiceEchoesIsNotShown) {
  for (const std::size_t before : {0U, 115U, 120U, 125U, 192U, 294U}) {
    const std::string echo = std::string(before, 'x') + R"(test_key_4711 is not allowed"})";
    const std::string record = R"({"id":9040,"status":"failed","failed_reason":")" + echo;
    service_.set_cell(json_answer(200, R"({"id":3300,"user_jobs":[)" + record + "]}"));
    answer("GET", "generations/9040", json_answer(200, record));
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"generations", "list"},
                                               {"generations", "list", "--json"},
                                               {"generations", "show", "9040"},
                                               {"generations", "show", "9040", "--json"}}) {
      const Finished finished = run(words);
      EXPECT_EQ(finished.exit_code, 0) << finished.out;
      EXPECT_NE(finished.out.find("failed"), std::string::npos) << finished.out;
      EXPECT_EQ(finished.out.find("test_"), std::string::npos) << before << ": " << finished.out;
    }
    answer("POST", "user_jobs/estimate",
           json_answer(200, R"({"status":"failed","message":")" + echo));
    const Finished estimate =
        run({"estimate", "--prompt", "A kite", "--asset-ids", "501", "--ledger", path_});
    EXPECT_NE(estimate.out.find(R"("failed")"), std::string::npos) << estimate.out;
    EXPECT_EQ(estimate.out.find("test_"), std::string::npos) << before << ": " << estimate.out;
  }
}

TEST_F(ServiceCommands, WhatHasEndedIsNotSaidToBeStopped) {
  service_.set_stop(json_answer(422, R"({"error":"ended","error_code":"job_cannot_be_stopped"})"));
  service_.push_status("completed");
  const Finished finished = run({"generations", "stop", "9040"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.out.find("9040 is completed"), std::string::npos) << finished.out;
  service_.set_stop(json_answer(200, R"({"generation_id":9040,"status":"stopped"})"));
  EXPECT_EQ(run({"generations", "stop", "9040"}).exit_code, 0);
}

TEST_F(ServiceCommands, OfSeveralThatAreToBeStoppedTheWorstIsTold) {
  service_.set_stop(json_answer(422, R"({"error":"ended","error_code":"job_cannot_be_stopped"})"));
  service_.push_status("completed");
  service_.push_status("completed");
  const Finished ended_first = run({"generations", "stop", "9040", "no id"});
  EXPECT_EQ(ended_first.exit_code, 1) << ended_first.out;
  const Finished ended_last = run({"generations", "stop", "no id", "9040"});
  EXPECT_EQ(ended_last.exit_code, 1) << ended_last.out;
}

TEST_F(ServiceCommands, ExitCodesAreThoseOfOtherCommands) {
  service_.set_script([](const Seen&) {
    return json_answer(401, R"({"error":"no such key","error_code":"unauthorized"})");
  });
  EXPECT_EQ(run({"generations", "stop", "9040"}).exit_code, 3);
  EXPECT_EQ(run({"assets", "delete", "501"}).exit_code, 3);
  EXPECT_EQ(run({"assets", "list"}).exit_code, 3);
  EXPECT_EQ(run({"upload", "--ledger", path_, path_ + ".missing"}).exit_code, 2);
  EXPECT_EQ(genpro({"ledger", "settle", "--timeout", "long"}).exit_code, 2);
}

TEST_F(ServiceCommands, AllThatIsMissingIsNamedAtOnce) {
  for (const auto& [words, missing] :
       {std::pair{std::vector<std::string>{"assets", "list"}, "--agent-id and --api-key-file are"},
        {{"generations", "list"}, "--sheet-id, --cell-id, --agent-id and --api-key-file are"},
        {{"generate", "--prompt", "A", "--ingredient", "501"},
         "--output, --sheet-id, --cell-id, --agent-id and --api-key-file are"}}) {
    std::vector<std::string> command = {g_getenv("GENPRO")};
    command.insert(command.end(), words.begin(), words.end());
    const Finished finished = run_command(command, {{"GEN_API_KEY", ""},
                                                    {"GEN_AGENT_ID", ""},
                                                    {"GEN_SHEET_ID", ""},
                                                    {"GEN_CELL_ID", ""},
                                                    {"XDG_CONFIG_HOME", "/nonexistent"}});
    EXPECT_EQ(finished.exit_code, 2) << finished.out;
    EXPECT_NE(finished.out.find(missing), std::string::npos) << finished.out;
  }
}

// It is charged, so one that may have been taken is not sent once more.
TEST_F(ServiceCommands, ContinueIsSentOnceAndOnlyForWhatIsStopped) {
  const auto is_continue = [](const Seen& seen) { return seen.path.ends_with("/continue"); };
  service_.push_status("completed");
  service_.push_status("stopped");
  EXPECT_EQ(run({"generations", "continue", "9040"}).exit_code, 1);
  EXPECT_EQ(service_.count(is_continue), 0U);

  Answer refusal;
  service_.set_script([&](const Seen& seen) -> std::optional<Answer> {
    if (!is_continue(seen)) return std::nullopt;
    return refusal;
  });
  std::size_t sent = 0;
  for (const Answer& doubtful :
       {json_answer(502, ""), json_answer(500, R"({"error":"oh","error_code":"internal"})"),
        json_answer(409, R"({"error":"busy","error_code":"generation_busy"})")}) {
    refusal = doubtful;
    const Finished doubt = run({"generations", "continue", "9040"});
    EXPECT_EQ(doubt.exit_code, 4) << doubt.out;
    EXPECT_EQ(service_.count(is_continue), ++sent);
    const Seen request = service_.requests(is_continue).back();
    EXPECT_EQ(request.body, R"({"agent_id":42})");
    EXPECT_FALSE(request.header("idempotency-key").empty());
  }
  refusal = json_answer(422, R"({"error":"no","error_code":"insufficient_credits_for_job"})");
  EXPECT_NE(run({"generations", "continue", "9040"}).exit_code, 4);
}

TEST_F(ServiceCommands, AssetsAreListedToTheLastPageAndDeleted) {
  service_.set_script([](const Seen& seen) -> std::optional<Answer> {
    if (seen.path.find("/content_resources") == std::string::npos) return std::nullopt;
    if (seen.method == "DELETE") {
      return seen.path.ends_with("/501")
                 ? json_answer(200, "{}")
                 : json_answer(404, R"({"error":"none","error_code":"not_found"})");
    }
    const bool is_first = seen.query.find("page=1") == std::string::npos;
    return json_answer(200, is_first ? R"([{"id":502,"file_name":"b.png"}])" : "[]");
  });
  const Finished finished = run({"assets", "list"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(lines_of(finished.out).size(), 2U) << finished.out;
  const Finished removed = run({"assets", "delete", "501", "999"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out;
  EXPECT_NE(removed.out.find("999 is not there"), std::string::npos) << removed.out;
}

TEST_F(ServiceCommands, TheManualHasEachCommandAndOption) {
  for (const char* format : {"man", "bash", "zsh"}) {
    const Finished finished = genpro({"help", "--format", format});
    EXPECT_EQ(finished.exit_code, 0);
    for (const char* text : {"generate", "batch", "ledger", "settle", "columns", "veo_3_1_fast"}) {
      EXPECT_NE(finished.out.find(text), std::string::npos) << format << ": " << text;
    }
    EXPECT_EQ(finished.out.find("--api-key="), std::string::npos) << format;
  }
  const std::string complete =
      "compopt() { :; }; eval \"$(\"$0\" help --format bash)\"; COMP_WORDS=(genpro \"$@\"); "
      "COMP_CWORD=$#; _genpro; echo \"${COMPREPLY[@]}\"";
  const auto completed = [&](std::vector<std::string> words) {
    std::vector<std::string> command = {"bash", "-c", complete, g_getenv("GENPRO")};
    command.insert(command.end(), words.begin(), words.end());
    return run_command(command).out;
  };
  EXPECT_EQ(completed({"ledger", "s"}), "show spend settle\n");
  EXPECT_EQ(completed({"generate", "--model", "veo_3_1_"}), "veo_3_1_fast\n");
  EXPECT_EQ(completed({"batch", "--max-co"}), "--max-cost\n");
  EXPECT_EQ(completed({"ledger", "list", "--status", "in"}), "in-doubt\n");
  EXPECT_EQ(completed({"help", "le"}), "ledger\n");
  // One that may be given again, with the name of a file.
  const std::string zsh = genpro({"help", "--format", "zsh"}).out;
  EXPECT_NE(zsh.find("'*--ingredient=["), std::string::npos);
  EXPECT_NE(zsh.find(":ITEM:_files'"), std::string::npos);
}

}  // namespace
}  // namespace genpro::test
