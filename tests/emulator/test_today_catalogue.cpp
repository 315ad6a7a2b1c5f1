// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The live service's catalogue: what its models take, and how it is refused otherwise.
#include "today_fixture.h"

namespace genpro::emulator::test {

class TodayCatalogue : public Today {};

TEST_F(TodayCatalogue, VidsheetRefusesWhatTheCatalogueDoesNotHave) {
  const std::string images = R"("prompt":"a","images":[)" + value(501) + "," + value(502) + "],";
  const std::string frames =
      R"("prompt":"a","image_resource_id":501,"image_tail_resource_id":502,)";
  const std::string text = R"("prompt":"a",)";
  struct Misfit {
    const char* field;
    const char* type;
    std::string data;
  };
  const Misfit misfits[] = {
      {"data.model", "video_from_text", text + R"("model":"veo_9")"},
      {"data.model", "video_from_ingredients", images + R"("model":"veo-3.1-fast")"},
      {"data.model", "video_from_text", text + R"("model":"kling-v2-6")"},
      {"data.model", "lipsync",
       R"("lip_sync_model":"other","talking_avatar_video_data":{"video":)" + value(503) +
           R"(,"audio":)" + value(504) + "}"},
      {"data.aspect_ratio", "video_from_text", text + R"("model":"veo-3.1","aspect_ratio":"1:1")"},
      {"data.duration", "video_from_text", text + R"("model":"veo-3.1","duration":5)"},
      {"data.duration", "video_from_ingredients", images + R"("model":"veo-3.1","duration":4)"},
      {"data.duration", "video_from_text", text + R"("duration":1)"},
      {"data.resolution", "video_from_text",
       text + R"("model":"seedance-2.0-fast","resolution":"1080p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"721p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"999999999p")"},
      {"data.resolution", "video_from_text", text + R"("model":"grok","resolution":"banana")"},
      {"data.images", "video_from_ingredients", images + R"("model":"gemini-omni-1.1-flash")"},
      {"data.image_tail_resource_id", "video_from_image", frames + R"("model":"grok")"},
      {"data.prompt", "video_from_text",
       R"("model":"kling-v3","prompt":")" + std::string(2501, 'a') + "\""},
      {"data.asset_resource_ids", "video_from_text", text + R"("asset_resource_ids":[501])"},
      {"503", "video_from_image", R"("prompt":"a","model":"grok","image_resource_id":503)"},
      {"501", "remove_background", R"("model":"transparent","video":)" + value(501)},
      {"data.model", "remove_background", R"("video":)" + value(503)},
      {"generation_type", "video_from_nothing", text},
  };
  for (const Misfit& misfit : misfits) {
    std::string data = misfit.data;
    if (data.ends_with(",")) data.pop_back();
    const Response response = vidsheet(misfit.type, data);
    EXPECT_EQ(response.status, 422U) << misfit.type << data << response.body;
    EXPECT_NE(response.json()["error"].text().find(misfit.field), std::string::npos)
        << misfit.field << ": " << response.body;
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
  EXPECT_EQ(credit(), 1000);
}

TEST_F(TodayCatalogue, ActionsRefuseItByItsPath) {
  const std::string image =
      R"("image":{"key":"var","references":{"type":"content_resource","value":501}},)";
  const std::string tail =
      R"("imageTail":{"key":"var","references":{"type":"content_resource","value":502}},)";
  const std::tuple<const char*, const char*, std::string> misfits[] = {
      {"model", "video-from-text", R"("model":"veo_9",)"},
      {"ratio", "video-from-text", R"("model":"veo-3.1","ratio":"1:1",)"},
      {"ratio", "video-from-text", R"("model":"veo-3.1","ratio":"21:9",)"},
      {"duration", "video-from-text", R"("model":"kling-v3","duration":"long",)"},
      {"ratio", "video-from-image", R"("model":"kling-v3","ratio":"16:9",)" + image},
      {"duration", "video-from-text", R"("model":"kling-v3","duration":2,)"},
      {"duration", "video-from-text", R"("model":"gemini-omni-1.1-flash","duration":5,)"},
      {"outputResolution", "video-from-text", R"("model":"grok","outputResolution":"720p",)"},
      {"nativeAudio", "video-from-text", R"("model":"grok","nativeAudio":true,)"},
      {"imageTail", "video-from-image", R"("model":"grok",)" + image + tail},
      {"image", "video-from-image", R"("model":"grok",)"},
      {"images", "video-from-ingredients", R"("model":"grok",)"},
      {"images", "video-from-ingredients", R"("model":"seedance-2.0","images":[],)"},
      {"imageTail", "video-from-image", R"("model":"seedance-2.0",)" + tail},
      {"model", "video-from-text", ""},
  };
  for (const auto& [field, card, inputs] : misfits) {
    const Response response = act(action_with(card, inputs + prompt_input), field);
    EXPECT_EQ(response.status, 422U) << field << response.body;
    EXPECT_EQ(response.json()["code"].text(), "invalid_action") << response.body;
    EXPECT_EQ(response.json()["errors"].at(0)["path"].text(),
              std::string("actions[0].card.inputs.") + field);
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
}

TEST_F(TodayCatalogue, ACardSaysWhatItTakes) {
  const std::string route = "/v1/vidsheet/action_schema?agent_id=42&card_type=";
  const Json text = client_->get(route + "video-from-text").json();
  const Json all = text["generation_schema"]["properties"];
  EXPECT_EQ(all["model"]["enum"].dump(), text["models"].dump());
  EXPECT_EQ(all["duration"]["maximum"].dump(), "30");
  EXPECT_NE(all["ratio"]["enum"].dump().find("\"3:2\""), std::string::npos) << all.dump();
  EXPECT_NE(text["modes"].dump().find("manual"), std::string::npos) << text.dump();

  const Json image = client_->get(route + "video-from-image&model=kling-v2-6").json();
  const Json own = image["generation_schema"]["properties"];
  EXPECT_EQ(own["duration"]["enum"].dump(), "[5,10]");
  EXPECT_EQ(own["model"]["enum"].dump(), R"(["kling-v2-6"])");
  EXPECT_EQ(own["ratio"].dump(), "<missing>") << "it has no such field";
  EXPECT_NE(own["imageTail"].dump(), "<missing>");
  EXPECT_EQ(image["generation_schema"]["required"].dump(), R"(["model","prompt","image"])");
  EXPECT_EQ(image["draft_schema"]["required"].dump(), "<missing>");
  const Json optional = client_->get(route + "video-from-image&model=seedance-2.0").json();
  EXPECT_EQ(optional["generation_schema"]["required"].dump(), R"(["model","prompt"])");
  EXPECT_EQ(client_->get(route + "video-from-text&model=kling-v2-6").status, 422U);
}

TEST_F(TodayCatalogue, SomeModelsNeedNoImage) {
  for (const char* card : {"video-from-ingredients", "video-from-image"}) {
    const Response response =
        act(action_with(card, R"("model":"seedance-2.5",)" + std::string(prompt_input)), card);
    EXPECT_EQ(response.status, 200U) << response.body;
    EXPECT_EQ(response.json()["results"].at(0)["result"]["card_type"].text(), card);
  }
}

TEST_F(TodayCatalogue, AnActionKeepsTheOrderOfReferencesOrIsRefused) {
  const std::string id = R"({"key":"var","references":{"type":"content_resource","value":501}})";
  const std::string variable = R"({"key":"var","references":{"type":"global_variable","value":1}})";
  const std::string frames = R"("model":"kling-v3",)" + std::string(prompt_input);
  const Response image = act(
      action_with("video-from-image", frames + R"(,"image":)" + variable + R"(,"imageTail":)" + id),
      "a");
  EXPECT_EQ(image.json()["errors"].at(0)["path"].text(), "actions[0].card.inputs.imageTail");
  const Response images = act(
      action_with("video-from-ingredients", frames + R"(,"images":[)" + variable + "," + id + "]"),
      "b");
  EXPECT_EQ(images.json()["errors"].at(0)["path"].text(), "actions[0].card.inputs.images[1]");
  EXPECT_EQ(cell()["user_jobs"].size(), 0U);
}

TEST_F(TodayCatalogue, AResolutionIsTheLengthOfTheShortSide) {
  const std::string path = path_of(vidsheet(
      "video_from_text",
      R"("prompt":"[spec]","model":"seedance-2.0","aspect_ratio":"9:16","resolution":"480p")"));
  const Json spec = Json::parse(client_->get(clip_of(path)).body);
  EXPECT_EQ(spec["width"].number(), 480);
  EXPECT_EQ(spec["height"].number(), 854 - 2 * (854 % 2));
  EXPECT_EQ(spec["kind"].text(), "ingredients");
}

TEST_F(TodayCatalogue, TheSeedHasTextsAndImagesOfItsOwn) {
  const std::string seed = "/v1/autocontentengine/101/cells/3300/generate?agent_id=42";
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_text","data":{"prompt":"a",)"
                             R"("model":"veo_3","duration":10}})")
                .status,
            201U);
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_image","data":{"prompt":"a",)"
                             R"("image_resource_id":501}})")
                .status,
            201U);
  EXPECT_EQ(client_
                ->post(seed, R"({"generation_type":"video_from_text","data":{"prompt":"a",)"
                             R"("resolution":7,"native_audio":"yes"}})")
                .status,
            201U)
      << "these are no fields of it";
  EXPECT_EQ(client_->post(seed, R"({"generation_type":"lipsync","data":{"prompt":"a"}})").status,
            422U);
}

}  // namespace genpro::emulator::test
