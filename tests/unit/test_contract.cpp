// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files of tests/contract, which the emulator is tested with as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/dialect.h"
#include "api/prices/price_client.h"
#include "base/text.h"
#include "job/answers.h"
#include "payment/answers.h"

namespace genpro::api {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files(const char* folder) {
  std::vector<std::string> result;
  for (const auto& entry : fs::directory_iterator(fs::path(CONTRACT_FOLDER) / folder)) {
    result.push_back(entry.path());
  }
  std::ranges::sort(result);
  return result;
}

JsonObjectPtr read(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto object = parse_json_object(text);
  EXPECT_TRUE(object) << path;
  return object ? std::move(*object) : JsonObjectPtr(json_object_new());
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  std::string name = fs::path(info.param).stem();
  std::ranges::replace(name, '-', '_');
  return name;
}

RequestSettings settings_of(JsonObject* file) {
  JsonObject* given = as_object(member(file, "settings"));
  const auto text = [given](const char* name) { return as_text(member(given, name)).value_or(""); };
  RequestSettings settings;
  settings.dialect = text("dialect");
  const std::string type = text("generation-type");
  if (!type.empty()) settings.generation_type = type;
  settings.sheet_id = text("sheet-id");
  settings.cell_id = text("cell-id");
  settings.layer_id = text("layer-id");
  settings.agent_id = text("agent-id");
  settings.prompt = text("prompt");
  settings.negative_prompt = text("negative-prompt");
  settings.asset_ids = text("asset-ids");
  settings.model = text("model");
  settings.aspect_ratio = text("aspect-ratio");
  settings.resolution = text("resolution");
  settings.duration = static_cast<unsigned>(parse_unsigned(text("duration")).value_or(0));
  if (!text("native-audio").empty()) settings.native_audio = text("native-audio") == "on";
  settings.prompt_var = text("prompt-var");
  settings.content_resource_vars = text("content-resource-vars");
  settings.variables = text("variables");
  settings.extra_data = text("extra-data");
  for (const std::string& id : split_list(settings.asset_ids)) {
    settings.asset_addresses.push_back("https://cdn.gen.pro/uploads/" + id + ".png");
  }
  return settings;
}

class ContractRequest : public testing::TestWithParam<std::string> {};

TEST_P(ContractRequest, IsWhatTheSettingsBecome) {
  const JsonObjectPtr file = read(GetParam());
  const auto request = make_request(settings_of(file.get()));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->dialect->path(*request), as_text(member(file.get(), "path")));
  JsonNode* body = member(file.get(), "body");
  EXPECT_EQ(canonical_json(std::string_view(request->body)),
            body != nullptr ? canonical_json(body) : "");
  EXPECT_EQ(as_text(member(file.get(), "agent_in_query")),
            request->dialect->agent_in_query ? "true" : "false");
}

TEST_P(ContractRequest, HasAnAnswerThatNamesItsGeneration) {
  const JsonObjectPtr file = read(GetParam());
  const auto request = make_request(settings_of(file.get()));
  ASSERT_TRUE(request);
  const auto generation = request->dialect->read(canonical_json(member(file.get(), "answer")));
  ASSERT_TRUE(generation) << generation.error();
  EXPECT_EQ(generation->id, "9040");
  EXPECT_EQ(generation->phase, Phase::pending);
}

INSTANTIATE_TEST_SUITE_P(Each, ContractRequest, testing::ValuesIn(files("requests")), name_of);

class ContractAnswer : public testing::TestWithParam<std::string> {};

TEST_P(ContractAnswer, MeansWhatIsSaidOfIt) {
  const JsonObjectPtr file = read(GetParam());
  HttpReply reply;
  reply.status = static_cast<unsigned>(as_number(member(file.get(), "status")).value());
  reply.body = canonical_json(member(file.get(), "body"));
  const Subject subject{.what = "the request",
                        .unknown = "an id",
                        .not_found = "",
                        .address = "https://api.gen.pro/v1",
                        .secret = ""};
  const Failure failure = reply.status < 300
                              ? failure_from_shape(reply, "it has no generation_id", subject)
                              : failure_from_reply(reply, subject);
  const payment::Answer answer = job::facts_of_post(failure);
  const std::string means = payment::is_under_way(answer) ? "wait"
                            : payment::is_refusal(answer) ? "refused"
                                                          : "doubt";
  EXPECT_EQ(means, as_text(member(file.get(), "means")));
  const std::string says = as_text(member(file.get(), "says")).value_or("");
  EXPECT_NE(failure.error.message.find(says), std::string::npos) << failure.error.message;
  const auto is_other_dialect = as_text(member(file.get(), "other_dialect"));
  if (!is_other_dialect) return;
  Failure told = failure;
  tell_dialect(seed_dialect, told);
  EXPECT_EQ(told.error.message.find("set dialect to") != std::string::npos,
            is_other_dialect == "true")
      << told.error.message;
}

INSTANTIATE_TEST_SUITE_P(Each, ContractAnswer, testing::ValuesIn(files("answers")), name_of);

// ---- Prices ----

TEST(ContractPrices, EstimatesAreAskedForAndRead) {
  unsigned estimates = 0;
  for (const std::string& path : files("prices")) {
    const JsonObjectPtr file = read(path);
    if (member(file.get(), "body") == nullptr) continue;
    ++estimates;
    const RequestSettings settings = settings_of(file.get());
    const auto request = make_request(settings);
    ASSERT_TRUE(request) << path << ": " << request.error().message;
    EXPECT_EQ(request->frames, split_list(settings.asset_ids)) << path;
    const KnownAssets assets{.frames = settings.asset_addresses};
    EXPECT_EQ(canonical_json(std::string_view(estimate_body(*request, assets))),
              canonical_json(member(file.get(), "body")))
        << path;
    const auto credits = parse_estimate(canonical_json(member(file.get(), "answer")));
    ASSERT_TRUE(credits) << path << ": " << credits.error().reason;
    EXPECT_EQ(*credits, as_number(member(file.get(), "credits"))) << path;
  }
  EXPECT_EQ(estimates, 3U);
}

TEST(ContractPrices, ARawJobIsEstimatedAsItself) {
  const JsonObjectPtr file = read(std::string(CONTRACT_FOLDER) + "/requests/vidsheet-raw-job.json");
  RequestSettings settings = settings_of(file.get());
  settings.model = "grok";
  const auto request = make_request(settings);
  ASSERT_TRUE(request) << request.error().message;
  const std::string body = estimate_body(*request);
  EXPECT_NE(body.find(R"("user_job_type":"seedance_2_0_video_generation")"), std::string::npos)
      << body;
}

TEST(ContractRecord, AFailureIsToldInTheWordsThatThereAre) {
  const auto why = [](const char* record) {
    const auto generation = parse_generation(record);
    return generation ? generation->failed_reason : generation.error();
  };
  EXPECT_EQ(why(R"({"id": 1, "status": "failed", "failed_reason": null, "user_message": "No."})"),
            "No.");
  EXPECT_EQ(why(R"({"id": 1, "status": "failed", "failed_reason": "Why", "user_message": "No."})"),
            "Why");
  // What is said of one that has not failed is no reason.
  for (const char* status : {"completed", "processing", "stopped", "new_word"}) {
    const std::string record = std::string(R"({"id": 1, "status": ")") + status +
                               R"(", "user_message": "Your video is ready."})";
    EXPECT_EQ(why(record.c_str()), "") << status;
  }
}

TEST(ContractRecord, AnActionsGenerationIsReadWithoutItsWrappingAsWell) {
  for (const char* body :
       {R"({"results": [{"index": 0, "result": {"user_job_id": 9040, "status": "generating"}}]})",
        R"({"results": [{"index": 0, "user_job_id": 9040, "status": "generating"}]})",
        R"({"user_job_id": "9040", "status": "generating"})"}) {
    const auto generation = actions_dialect.read(body);
    ASSERT_TRUE(generation) << body << ": " << generation.error();
    EXPECT_EQ(generation->id, "9040") << body;
    EXPECT_EQ(generation->phase, Phase::processing) << body;
  }
}

TEST(ContractRecord, WhatKeepsAnActionFromBeingTakenIsTold) {
  for (const char* body :
       {R"({"results": [{"index": 0, "result": null, "error": {"message": "no such layer"}}]})",
        R"({"results": [{"index": 0, "error": "no such layer"}]})",
        R"({"results": [{"errors": [{"path": "actions[0].target", "code": "invalid",
                                     "message": "no such layer"}]}]})",
        R"({"results": [{"index": 0, "result": null}],
            "errors": [{"path": "actions[0].target", "message": "no such layer"}]})"}) {
    const auto answer = actions_dialect.read(body);
    ASSERT_FALSE(answer) << body;
    EXPECT_NE(answer.error().find("no such layer"), std::string::npos) << answer.error();
    const bool has_place = std::string_view(body).find("path") != std::string_view::npos;
    EXPECT_EQ(answer.error().find("actions[0].target: ") != std::string::npos, has_place)
        << answer.error();
  }
  // A gateway may have such a one as well: it is told, and is no proof of a refusal.
  const HttpReply reply{.status = 422, .body = R"({"error": {"code": 1, "message": "too long"}})"};
  const Failure failure = failure_from_reply(reply, {});
  EXPECT_NE(failure.error.message.find("too long"), std::string::npos) << failure.error.message;
  EXPECT_FALSE(failure.is_api_error);
}

TEST(ContractPrices, AnEstimateThatIsNoneIsNoPrice) {
  using Kind = NoPrice::Kind;
  for (const auto& [answer, kind] :
       {std::pair(R"({"estimated_credits": 4, "status": "Failed", "message": "no such model"})",
                  Kind::refused),
        std::pair(R"({"estimated_credits": 0, "status": "pending"})", Kind::early),
        std::pair(R"({"estimated_credits": 4, "status": "completed",
                      "items": [{"estimated_credits": 4}, {"status": "not_ready"}]})",
                  Kind::early),
        std::pair(R"({"estimated_credits": 4, "status": "pending",
                      "items": [{"status": "refused"}]})",
                  Kind::refused),
        std::pair(R"({"status": "completed"})", Kind::unreadable),
        std::pair("[]", Kind::unreadable)}) {
    const auto credits = parse_estimate(answer);
    ASSERT_FALSE(credits) << answer;
    EXPECT_EQ(credits.error().kind, kind) << answer << ": " << credits.error().reason;
  }
  for (const char* answer :
       {R"({"estimated_credits": 4, "status": "quoted"})", R"({"estimated_credits": "4.0"})",
        R"({"estimated_credits": 4, "status": null, "items": null, "expires": 1})",
        R"({"status": "completed", "items": [{"estimated_credits": 1}, {"credits": "3"}]})"}) {
    const auto credits = parse_estimate(answer);
    ASSERT_TRUE(credits) << answer << ": " << credits.error().reason;
    EXPECT_EQ(*credits, 4) << answer;
  }
}

TEST(ContractPrices, OneTransactionIsTheRefund) {
  const JsonObjectPtr file = read(CONTRACT_FOLDER "/prices/transactions.json");
  const auto all = parse_transactions(canonical_json(member(file.get(), "answer")));
  ASSERT_TRUE(all) << all.error();
  JsonObject* refunded = as_object(member(file.get(), "refunded"));
  const std::string id = as_text(member(refunded, "generation")).value_or("");
  double sum = 0;
  for (const Transaction& one : *all) {
    if (one.is_incoming && one.generations == std::vector{id}) sum += one.amount;
  }
  EXPECT_EQ(sum, as_number(member(refunded, "credits")));
}

// ---- What does not fit together ----

constexpr std::size_t misfit_count = 115;

class ContractMisfit : public testing::TestWithParam<std::size_t> {};

JsonArray* misfits() {
  static const JsonNodePtr all = [] {
    std::ifstream file(std::string(CONTRACT_FOLDER) + "/misfits.json");
    auto node = parse_json(std::string((std::istreambuf_iterator<char>(file)), {}));
    EXPECT_TRUE(node);
    return node ? std::move(*node) : JsonNodePtr(json_node_new(JSON_NODE_NULL));
  }();
  return as_array(all.get());
}

TEST_P(ContractMisfit, IsRefusedByName) {
  JsonNode* row = json_array_get_element(misfits(), static_cast<guint>(GetParam()));
  SCOPED_TRACE(canonical_json(row));
  JsonObject* misfit = as_object(row);
  const auto request = make_request(settings_of(misfit));
  ASSERT_FALSE(request);
  EXPECT_NE(request.error().message.find(as_string(member(misfit, "names")).value()),
            std::string::npos)
      << request.error().message;
  // It is that setting alone.
  const auto without = as_string(member(misfit, "fits_without"));
  if (!without) return;
  json_object_remove_member(as_object(member(misfit, "settings")), without->c_str());
  const auto fitting = make_request(settings_of(misfit));
  EXPECT_TRUE(fitting) << fitting.error().message;
}

INSTANTIATE_TEST_SUITE_P(Each, ContractMisfit, testing::Range<std::size_t>(0, misfit_count));

TEST(ContractMisfits, AreAllTried) {
  EXPECT_EQ(json_array_get_length(misfits()), misfit_count);
}

// By their places, as far as it is known what they are.
TEST(ContractMisfits, IngredientsOfTheWrongKindAreRefused) {
  struct Case {
    const char* dialect;
    const char* type;
    std::vector<std::string> kinds;
    const char* says;  // null: it is taken
  };
  const Case cases[] = {
      {"vidsheet", "lipsync", {"image", "audio"}, "Number 1 of the ingredients is an image"},
      {"vidsheet", "lipsync", {"audio", "video"}, "Number 1 of the ingredients is audio"},
      {"actions", "lipsync", {"video", "image"}, "Number 2 of the ingredients is an image"},
      {"vidsheet", "lipsync", {"video", "audio"}, nullptr},
      {"vidsheet", "lipsync", {"video", "video"}, nullptr},
      {"vidsheet", "lipsync", {"", "application"}, nullptr},
      {"seed", "video_from_image", {"video"}, "Number 1 of the ingredients is a video"},
      {"vidsheet", "video_from_image", {"image", "audio"}, "Number 2 of the ingredients is audio"},
      {"actions", "video_from_image", {"image", "video"}, "Number 2 of the ingredients is a video"},
      {"actions", "video_from_image", {"image", "image"}, nullptr},
      {"vidsheet", "remove_background", {"image"}, "Number 1 of the ingredients is an image"},
      {"vidsheet", "remove_background", {"video"}, nullptr},
      {"seed", "video_from_ingredients", {"video", "audio"}, nullptr},
  };
  for (const Case& one : cases) {
    RequestSettings settings{.dialect = one.dialect,
                             .generation_type = one.type,
                             .sheet_id = "101",
                             .cell_id = "3300",
                             .agent_id = "42",
                             .asset_ids = one.kinds.size() == 1 ? "501" : "501,502",
                             .asset_kinds = one.kinds};
    if (settings.generation_type.starts_with("video_")) {
      settings.prompt = "Orbit";
      settings.model = "kling-v3";
    }
    const auto request = make_request(settings);
    EXPECT_EQ(bool(request), one.says == nullptr) << one.dialect << " " << one.type;
    if (request || one.says == nullptr) continue;
    EXPECT_NE(request.error().message.find(one.says), std::string::npos) << request.error().message;
  }
}

TEST(WrongDialect, IsToldWithTheOthers) {
  HttpReply reply;
  reply.status = 422;
  reply.body =
      R"({"error":"data.asset_resource_ids is not allowed","error_code":"validation_error"})";
  const Subject subject{.what = "the request",
                        .unknown = "an id",
                        .not_found = "",
                        .address = "https://api.gen.pro/v1",
                        .secret = ""};
  Failure failure = failure_from_reply(reply, subject);
  tell_dialect(seed_dialect, failure);
  EXPECT_NE(failure.error.message.find("set dialect to vidsheet or actions"), std::string::npos);
  reply.body = R"({"error":"no credits","error_code":"usable_gen_credit_required"})";
  failure = failure_from_reply(reply, subject);
  tell_dialect(seed_dialect, failure);
  EXPECT_EQ(failure.error.message.find("dialect"), std::string::npos) << failure.error.message;
}

}  // namespace
}  // namespace genpro::api
