// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The settings by name, and where their ids are found.
#include <gtest/gtest.h>

#include "api/answers/directory.h"
#include "settings/table.h"
#include "settings/uri.h"

namespace genpro {
namespace {

std::string problem(std::string_view name, std::string_view text) {
  Settings settings;
  const auto error = set(settings, name, text);
  return error ? error->message : "";
}

TEST(SettingsTable, SetsEachKindByNameAndText) {
  Settings settings;
  const std::pair<const char*, const char*> texts[] = {
      {"prompt", "Ein Fluß, \"two\" words"},
      {"model", "veo_3_1"},
      {"reuse", "completed"},
      {"duration", "8"},
      {"max-clip-size", "5000000000"},
      {"faststart", "true"},
  };
  for (const auto& [name, text] : texts) EXPECT_FALSE(set(settings, name, text)) << name;
  EXPECT_EQ(settings.prompt, "Ein Fluß, \"two\" words");
  EXPECT_EQ(settings.model, "veo_3_1");
  EXPECT_EQ(settings.reuse, "completed");
  EXPECT_EQ(settings.duration, 8U);
  EXPECT_EQ(settings.max_clip_size, 5'000'000'000U);
  EXPECT_TRUE(settings.faststart);
}

TEST(Uri, IsOfEachTypeOfWhatItTakes) {
  const std::pair<const char*, Settings> types[] = {
      {"render", {}},
      {"lipsync", {.ingredients = "face.mp4,speech.wav"}},
      {"remove_background", {.asset_ids = "501"}},
      {"video_from_text", {.prompt = "A boat"}},
  };
  for (const auto& [type, given] : types) {
    Settings settings = given;
    settings.dialect = "vidsheet";
    settings.generation_type = type;
    settings.sheet_id = "101";
    settings.cell_id = "3300";
    const auto uri = make_uri(settings);
    ASSERT_TRUE(uri) << type;
    const auto again = apply_uri({}, *uri);
    ASSERT_TRUE(again) << *uri << again.error().message;
    EXPECT_EQ(again->generation_type, type);
    EXPECT_EQ(again->ingredients, given.ingredients);
  }
  Settings settings;
  settings.dialect = "vidsheet";
  settings.generation_type = "lipsync";
  EXPECT_FALSE(make_uri(settings)) << "it asks for nothing";
}

TEST(SettingsTable, DefaultIsNoWordOfTheService) {
  Settings settings;
  EXPECT_EQ(settings.model_word(), "");
  EXPECT_FALSE(set(settings, "model", "pika"));
  EXPECT_EQ(settings.model_word(), "pika");
  EXPECT_FALSE(set(settings, "model", "default"));
  EXPECT_EQ(settings.model_word(), "");
}

TEST(SettingsTable, TakesAModelThatNobodyKnowsYet) {
  Settings settings;
  EXPECT_FALSE(set(settings, "model", "veo-9"));
  EXPECT_EQ(settings.model_word(), "veo-9");
}

TEST(SettingsTable, TheRouteIsTheDialectsUnlessItIsSet) {
  Settings settings;
  EXPECT_EQ(settings.sheet_route_word(), "autocontentengine");
  EXPECT_FALSE(set(settings, "dialect", "actions"));
  EXPECT_EQ(settings.sheet_route_word(), "vidsheet");
  EXPECT_FALSE(set(settings, "sheet-route", "autocontentengine"));
  EXPECT_EQ(settings.sheet_route_word(), "autocontentengine");
}

TEST(SettingsTable, TellsWhatASettingCannotBe) {
  EXPECT_EQ(problem("dialect", "today"),
            "dialect is \"today\". Set it to seed, vidsheet or actions.");
  EXPECT_EQ(problem("faststart", "yes"), "faststart is \"yes\". Set it to true or false.");
  for (const char* text : {"-1", "5s", "", "99999999999"}) {
    EXPECT_NE(
        problem("duration", text).find("duration is \"" + std::string(text) + "\". Set it to"),
        std::string::npos)
        << problem("duration", text);
  }
  EXPECT_NE(problem("stall-timeout", "0").find("from 1 to"), std::string::npos);
}

TEST(SettingsTable, NamesWhatIsNoSetting) {
  const std::string message = problem("promt", "A lamp");
  EXPECT_NE(message.find("no setting \"promt\""), std::string::npos) << message;
  EXPECT_NE(message.find("prompt"), std::string::npos) << message;
}

TEST(SettingsTable, TellsNoSecretInAnError) {
  for (const char* name : {"api-key", "proxy"}) {
    const std::string message = problem(name, "hush-hush\xff");
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_EQ(message.find("hush"), std::string::npos) << message;
  }
}

TEST(SettingsTable, ChangesNothingAfterAnError) {
  Settings settings;
  EXPECT_FALSE(set(settings, "duration", "5"));
  EXPECT_TRUE(set(settings, "duration", "many"));
  EXPECT_EQ(settings.duration, 5U);
}

TEST(Directory, ListsMayBeBareOrWrapped) {
  for (const char* body : {R"([{"id": 42, "name": "Desk"}])",
                           R"({"agents": [{"id": "42", "title": "Desk"}], "page": 0})"}) {
    const auto names = api::parse_names(body);
    ASSERT_TRUE(names) << names.error();
    ASSERT_EQ(names->size(), 1U);
    EXPECT_EQ(names->front().id, "42");
    EXPECT_EQ(names->front().name, "Desk");
  }
  for (const char* body :
       {"{}", "null", "<html>", R"([{"name": "Desk"}])", R"([{"id": "../x"}])"}) {
    EXPECT_FALSE(api::parse_names(body)) << body;
  }
}

TEST(Directory, CellsAreThoseForVideosWhereThatIsKnown) {
  const auto cells = api::parse_sheet_cells(
      R"({"spreadsheet_columns": [{"id": 7, "title": "clip", "type": "video"}, {"id": 8, "title": "x"}],
          "spreadsheet_rows": [{"spreadsheet_cells": [{"id": 1, "column_id": 8, "value": "lamp"},
                                                      {"id": 2, "column_id": 7}]}]})");
  ASSERT_TRUE(cells) << cells.error();
  ASSERT_EQ(cells->size(), 1U);
  EXPECT_EQ(cells->front().id, "2");
  EXPECT_EQ(cells->front().column, "clip");
  EXPECT_EQ(cells->front().label, "lamp");
  const auto unknown = api::parse_sheet_cells(R"({"rows": [{"cells": [{"id": 1}, {"id": 2}]}]})");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->size(), 2U);
  EXPECT_FALSE(api::parse_sheet_cells(R"({"columns": []})"));
}

}  // namespace
}  // namespace genpro
