// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service offers, as it tells it, and what is known of that without asking.
#include <gtest/gtest.h>

#include "api/dialect.h"
#include "api/prices/offer_client.h"
#include "api/prices/price_client.h"
#include "base/text.h"

namespace genpro::api {
namespace {

RequestSettings request_in(const char* dialect) {
  RequestSettings settings;
  settings.dialect = dialect;
  settings.sheet_id = settings.cell_id = settings.agent_id = "1";
  settings.prompt = "Orbit";
  settings.asset_ids = "501";
  return settings;
}

std::vector<std::string> warnings_of(const RequestSettings& settings) {
  const auto request = make_request(settings);
  EXPECT_TRUE(request);
  return request ? request->warnings : std::vector<std::string>();
}

TEST(Offer, IsFoundInWhateverHoldsIt) {
  for (
      const char* body :
      {R"({"models":["a","b"]})", R"({"card":{"models":[{"name":"a"},{"id":"b"}]}})",
       R"([{"models":["a"]},{"models":["a",{"value":"b","label":"B"}]}])",
       R"({"models":{"a":{"label":"A"},"b":{}}})", R"({"models":{"type":"x","enum":["a","b"]}})",
       R"({"generation_schema":{"properties":{"model":{"anyOf":[{"enum":["a"]},{"const":"b"}]}}}})"}) {
    const auto offer = parse_card_offer(body);
    ASSERT_TRUE(offer) << body;
    EXPECT_EQ(offer->models, (std::vector<std::string>{"a", "b"})) << body;
  }
  for (const char* body : {"[]", R"({"models":{}})", "no JSON"}) {
    EXPECT_FALSE(parse_card_offer(body)) << body;
  }
  const auto offer = parse_card_offer(
      R"({"models":["a"],"draft_schema":{"properties":{"ratio":{"enum":["0:0"]}}},
          "generation_schema":{"properties":{"inputs":{"properties":{
            "ratio":{"enum":["1:1","21:9"]},"outputResolution":{"enum":["4k"]},
            "duration":{"anyOf":[{"enum":[5,"10"]},{"minimum":2,"maximum":"60"}]}}}}}})");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->ratio.words, (std::vector<std::string>{"1:1", "21:9"}));
  EXPECT_EQ(offer->resolution.words, (std::vector<std::string>{"4k"}));
  EXPECT_EQ(offer->duration.words, (std::vector<std::string>{"5", "10"}));
  EXPECT_EQ(offer->duration.least, 2);
  EXPECT_EQ(offer->duration.most, 60);
  const auto prices =
      parse_prices(R"({"video":[{"model":"a","credits":"2.5","unit":"second"},{"model":"b"}],)"
                   R"("other":{"model":"c","price":3}})");
  ASSERT_TRUE(prices);
  ASSERT_EQ(prices->size(), 2U);
  EXPECT_EQ((*prices)[0].credits, 2.5);
  EXPECT_EQ((*prices)[0].unit, "second");
  EXPECT_EQ((*prices)[1].model, "c");
}

TEST(Catalogue, ListsWhatIsKnownWithoutAModel) {
  const auto warnings = [](const char* dialect, const char* ratio, const char* resolution,
                           unsigned duration) {
    RequestSettings settings = request_in(dialect);
    settings.aspect_ratio = ratio;
    settings.resolution = resolution;
    settings.duration = duration;
    return warnings_of(settings);
  };
  EXPECT_EQ(warnings("seed", "16:9", "", 8), std::vector<std::string>());
  EXPECT_EQ(warnings("vidsheet", "4:3", "1080p", 30), std::vector<std::string>());
  const auto of_seed = warnings("seed", "21:9", "", 60);
  ASSERT_EQ(of_seed.size(), 2U) << join(of_seed);
  EXPECT_NE(of_seed[0].find("aspect-ratio is \"21:9\""), std::string::npos) << of_seed[0];
  EXPECT_NE(of_seed[0].find("1:1, 9:16 or 16:9"), std::string::npos) << of_seed[0];
  EXPECT_NE(of_seed[1].find("duration is 60 s"), std::string::npos) << of_seed[1];
  EXPECT_NE(of_seed[1].find("5 or 10 s; up to 8 s"), std::string::npos) << of_seed[1];
  const auto of_today = warnings("vidsheet", "", "4k", 60);
  ASSERT_EQ(of_today.size(), 2U) << join(of_today);
  EXPECT_NE(of_today[0].find("480p, 720p or 1080p"), std::string::npos) << of_today[0];
  EXPECT_NE(of_today[1].find("4 to 30 s"), std::string::npos) << of_today[1];
}

TEST(Catalogue, KnowsWhatTheSeedHasForTextsAndImages) {
  RequestSettings settings;
  settings.generation_type = "video_from_text";
  settings.sheet_id = settings.cell_id = settings.agent_id = "1";
  settings.prompt = "Orbit";
  settings.model = "veo_3";
  settings.duration = 10;
  auto request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_EQ(join(request->warnings), "");
  settings.model = "kling_3";
  request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_NE(join(request->warnings).find("veo_3."), std::string::npos) << join(request->warnings);
}

TEST(Catalogue, KnowsHowLongAPromptMayBe) {
  const auto warnings = [](const char* model, const std::string& prompt) {
    RequestSettings settings = request_in("vidsheet");
    settings.generation_type = "video_from_text";
    settings.asset_ids.clear();
    settings.prompt = prompt;
    settings.model = model;
    return join(warnings_of(settings));
  };
  std::string boats;  // each is beyond the first 65536 characters, and so two units
  for (int i = 0; i < 1251; ++i) boats += "\xf0\x9f\x9a\xa2";
  EXPECT_EQ(warnings("kling-v3", std::string(2500, 'a')), "");
  EXPECT_NE(warnings("kling-v3", std::string(2501, 'a')).find("2500"), std::string::npos);
  EXPECT_NE(warnings("kling-v3", boats).find("2502 UTF-16 units"), std::string::npos);
  EXPECT_EQ(warnings("veo-3.1", boats), "");
  EXPECT_NE(warnings("veo-3.1", boats + boats).find("3000"), std::string::npos);
  EXPECT_NE(warnings("grok", boats + boats).find("4000"), std::string::npos);
}

TEST(Catalogue, KnowsWhatDependsOnTheType) {
  const auto warnings = [](const char* type, const char* model, unsigned duration,
                           const char* ratio) {
    RequestSettings settings = request_in("actions");
    settings.generation_type = type;
    settings.model = model;
    settings.duration = duration;
    settings.aspect_ratio = ratio;
    return join(warnings_of(settings));
  };
  EXPECT_EQ(warnings("video_from_image", "veo-3.1", 4, "16:9"), "");
  EXPECT_NE(warnings("video_from_ingredients", "veo-3.1", 4, "16:9").find("8 s"),
            std::string::npos);
  EXPECT_EQ(warnings("video_from_ingredients", "kling-v3", 4, "16:9"), "");
  EXPECT_NE(warnings("video_from_image", "kling-v3", 4, "16:9").find("no such field"),
            std::string::npos);
}

TEST(Catalogue, KnowsTheModelsOfWhatMakesNoVideoAnew) {
  RequestSettings settings;
  settings.dialect = "vidsheet";
  settings.generation_type = "lipsync";
  settings.sheet_id = settings.cell_id = settings.agent_id = "1";
  settings.asset_ids = "501,502";
  settings.model = "sync.so";
  auto request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->warnings.empty()) << join(request->warnings);
  settings.model = "kling-v3";
  request = make_request(settings);
  ASSERT_TRUE(request);
  EXPECT_NE(join(request->warnings).find("gen or sync.so"), std::string::npos)
      << join(request->warnings);
}

TEST(Catalogue, IsNoReasonToRefuse) {
  RequestSettings settings;
  settings.dialect = "vidsheet";
  settings.generation_type = "video_from_text";
  settings.sheet_id = settings.cell_id = settings.agent_id = "1";
  settings.prompt = "Orbit";
  settings.model = "veo-9";
  auto request = make_request(settings);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->warnings.size(), 1U);
  EXPECT_NE(request->warnings[0].find("veo-3.1-lite"), std::string::npos) << request->warnings[0];
  settings.model = "veo-3.1";
  settings.duration = 5;
  settings.aspect_ratio = "1:1";
  request = make_request(settings);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->warnings.size(), 2U);
  EXPECT_NE(request->warnings[0].find("4, 6 or 8 s"), std::string::npos) << request->warnings[0];
  EXPECT_NE(request->warnings[1].find("9:16 or 16:9"), std::string::npos) << request->warnings[1];
}

}  // namespace
}  // namespace genpro::api
