// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What fills an empty store.
#include <filesystem>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

class SeedTest : public EmulatorTest {
 protected:
  void seeded(const std::string& json, const std::function<void(EmulatorSettings&)>& more = {}) {
    const std::string path = folder_.write("seed/seed.json", json);
    start([&](EmulatorSettings& settings) {
      settings.seed = path;
      if (more) more(settings);
    });
  }
  void SetUp() override { std::filesystem::create_directory(folder_.path("seed")); }
};

TEST_F(SeedTest, FillsAnEmptyStore) {
  folder_.write("seed/a.png", png_bytes());
  folder_.write("seed/b.mp4", mp4_bytes());
  const std::string json = R"({
    "credit": 20,
    "agents": [{"id": 7, "name": "Desk", "webhook_url": "http://127.0.0.1:9/hook"}, {"id": "a-1"}],
    "resources": [{"id": 600, "file": "a.png"}, {"file": "b.mp4"}],
    "sheets": [{
      "id": 200, "title": "March",
      "columns": [{"id": 31, "title": "Product", "type": "text"}, {"title": "Clip", "type": "video"}],
      "rows": [
        {"id": 900, "cells": {"Product": "a lamp", "Clip": {"id": 3400,
          "additional_attributes": {"autoGenerate": true, "duration": 4},
          "card": {"generation_type": "video_from_ingredients",
                   "data": {"prompt": "{{Product}} by {{brand}}", "asset_resource_ids": [600]}}}}},
        {}
      ],
      "variables": {"brand": "Acme"}
    }]
  })";
  seeded(json);
  EXPECT_EQ(credit(), 20);
  const Json agents = client_->get("/v1/agents").json();
  ASSERT_EQ(agents.size(), 2u);
  EXPECT_EQ(agents.at(0)["name"].text(), "Desk");
  EXPECT_EQ(client_->get("/v1/agents/7/automation_config").json()["webhook_url"].text(),
            "http://127.0.0.1:9/hook");
  const Json sheet = client_->get("/v1/vidsheet/200?agent_id=7").json();
  EXPECT_EQ(sheet["title"].text(), "March");
  EXPECT_EQ(sheet["spreadsheet_columns"].at(0)["id"].number(), 31);
  EXPECT_EQ(sheet["spreadsheet_rows"].size(), 2u);
  const Json cells = sheet["spreadsheet_rows"].at(0)["spreadsheet_cells"];
  EXPECT_EQ(cells.at(0)["value"].text(), "a lamp");
  EXPECT_EQ(cells.at(1)["id"].number(), 3400);
  EXPECT_EQ(sheet["global_variables_sheet"]["variables"].dump(),
            R"([{"id":700,"key":"brand","value":"Acme"}])");
  EXPECT_EQ(client_->get("/v1/content_resources/600?agent_id=7").json()["file_name"].text(),
            "a.png");
  EXPECT_EQ(client_->get("/v1/content_resources/601?agent_id=7").json()["file_name"].text(),
            "b.mp4");
  // Nothing but what the seed says exists.
  EXPECT_EQ(client_->get("/v1/vidsheet/101?agent_id=7").status, 404u);
  EXPECT_EQ(client_->get("/v1/vidsheet/200?agent_id=42").status, 422u);
  // Its cards can be relied on.
  client_->send("PATCH", "/v1/vidsheet/200/cells/" + cells.at(0)["id"].dump() + "?agent_id=7",
                R"({"value":"a chair"})", {{"Content-Type", "application/json"}});
  wait_for("/v1/generations/9040", "completed");
  const Json settings = inspect("/v1/generations/9040")["settings"];
  EXPECT_EQ(settings["prompt"].text(), "a chair by Acme");
  EXPECT_EQ(settings["duration"].number(), 4);
  // New ids start behind those that were given.
  EXPECT_EQ(
      client_->send("POST", "/v1/vidsheet?agent_id=7", R"({"title":"x"})").json()["id"].number(),
      201);

  // A store that holds something is left alone.
  folder_.write("seed/other.json", R"({"credit": 5})");
  restart([&](EmulatorSettings& settings) { settings.seed = folder_.path("seed/other.json"); });
  EXPECT_NEAR(credit(), 20 - 4 * 0.7, 1e-9);
  EXPECT_EQ(client_->get("/v1/vidsheet/101?agent_id=7").status, 404u);
}

TEST_F(SeedTest, OptionsComeOnTop) {
  seeded(R"({"credit":20,"sheets":[{"id":5}]})", [](EmulatorSettings& settings) {
    settings.credit = 3;
    settings.known.sheets.insert("9");
    settings.known.cells.insert("c");
    settings.known.agents.insert("a");
  });
  EXPECT_EQ(credit(), 3);
  EXPECT_EQ(client_->get("/v1/vidsheet/9/cells/c?agent_id=a").status, 200u);
  EXPECT_EQ(client_->get("/v1/vidsheet/5?agent_id=42").status, 200u);
}

TEST_F(SeedTest, RefusesWhatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "JSON"},
      {"[]", "JSON object"},
      {R"({"credit":-1})", "credit"},
      {R"({"agents":{}})", "agents must be an array"},
      {R"({"agents":[{}]})", "an agent has no id"},
      {R"({"agents":[{"id":"a b"}]})", "an id is a number"},
      {R"({"resources":[{}]})", "no file"},
      {R"({"resources":[{"file":"missing.png"}]})", "missing.png does not exist"},
      {R"({"resources":[{"id":7,"file":"a"},{"id":7,"file":"b"}]})", "two resources have the id 7"},
      {R"({"sheets":[{"id":1,"rows":[{"id":3}]},{"id":2,"rows":[{"id":3}]}]})", "two rows"},
      {R"({"sheets":[{"id":1,"rows":[{"id":"x"}]}]})", "numbers"},
      {R"({"sheets":[{}]})", "a sheet has no id"},
      {R"({"sheets":[{"id":1},{"id":1}]})", "two sheets"},
      {R"({"sheets":[{"id":1,"columns":[{}]}]})", "a column has no title"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a"},{"title":"a"}]}]})", "two columns"},
      {R"({"sheets":[{"id":1,"rows":[{"cells":{"b":"x"}}]}]})", "no column called b"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a"}],"rows":[{"cells":{"a":[]}}]}]})", "value"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a"}],"rows":[{"cells":{"a":)"
       R"({"additional_attributes":{"model":"sora"}}}}]}]})",
       "model"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a"}],"rows":[{"cells":{"a":{"card":{}}}}]}]})",
       "generation_type"},
      {R"({"sheets":[{"id":1,"variables":{"a":[]}}]})", "variable"},
      {R"({"sheets":[{"id":1,"variables":5}]})", "variables"},
      {R"({"agents":[{"id":9007199254740993}]})", "9007199254740993"},
      {R"({"resources":[{"id":9223372036854775807,"file":"a"}]})", "9223372036854775807"},
      {R"({"sheets":[{"id":"9223372036854775807"}]})", "9223372036854775807"},
      {R"({"sheets":[{"id":123456789012345678901234567890}]})", "123456789012345678901234567890"},
      {R"({"sheets":[{"id":1,"columns":[{"id":9223372036854775807,"title":"a"}]}]})",
       "9223372036854775807"},
      {R"({"sheets":[{"id":1,"rows":[{"id":9223372036854775806}]}]})", "9223372036854775806"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a"}],"rows":[{"cells":{"a":)"
       R"({"id":9223372036854775807}}}]}]})",
       "9223372036854775807"},
      {R"({"sheets":[{"id":1,"columns":[{"title":"a}"}]}]})", "braces"},
      {R"({"agents":[{"id":1,"webhook_url":"nonsense"}]})", "webhook_url"},
      {R"({"agents":[{"id":1,"callback_url":"ftp://x/"}]})", "callback_url"},
      {R"({"agents":[{"id":1,"webhook_url":"http://"}]})", "webhook_url"},
  };
  for (const auto& [json, words] : cases) {
    try {
      seeded(json);
      ADD_FAILURE() << "taken: " << json;
    } catch (const std::runtime_error& refusal) {
      const std::string reason = refusal.what();
      EXPECT_NE(reason.find("seed.json"), std::string::npos) << reason;
      EXPECT_NE(reason.find(words), std::string::npos) << reason;
    }
    // The next start finds an empty store.
  }
  restart();
  EXPECT_EQ(client_->get("/v1/vidsheet/101?agent_id=42").status, 200u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path("data/uploads")));
}

TEST_F(SeedTest, TheLargestIdsLeaveRoomForMore) {
  folder_.write("seed/a.png", png_bytes());
  seeded(R"({"resources":[{"id":9007199254740992,"file":"a.png"}],"sheets":[
    {"id":9007199254740992,"columns":[{"id":9007199254740992,"title":"a"}],
     "rows":[{"id":9007199254740992,"cells":{"a":{"id":9007199254740992}}}]}]})");
  const auto post = [this](const std::string& path) {
    const auto made = client_->post("/v1/" + path + "?agent_id=42", R"({"title":"x","type":"y"})");
    EXPECT_EQ(made.status, 201u) << made.body;
    return made.json()["id"].dump();
  };
  EXPECT_EQ(post("vidsheet"), "9007199254740993");
  EXPECT_EQ(post("vidsheet/9007199254740992/columns"), "9007199254740993");
  EXPECT_EQ(post("vidsheet/9007199254740992/rows"), "9007199254740993");
  EXPECT_EQ(client_->upload("b.png", png_bytes()).json()["content_resource"]["id"].dump(),
            "9007199254740993");
}

TEST_F(SeedTest, AMissingOneLeavesTheDataFolderAsItWas) {
  for (const std::string& path : {folder_.path("missing.json"), folder_.path("seed")}) {
    try {
      start([&](EmulatorSettings& settings) { settings.seed = path; });
      ADD_FAILURE() << "taken: " << path;
    } catch (const std::runtime_error& refusal) {
      EXPECT_NE(std::string(refusal.what()).find(path), std::string::npos) << refusal.what();
    }
    EXPECT_FALSE(std::filesystem::exists(folder_.path("data"))) << path;
  }
}

TEST_F(SeedTest, TheExampleWorks) {
  start([](EmulatorSettings& settings) { settings.seed = EXAMPLE_SEED; });
  const Json sheet = client_->get("/v1/vidsheet/101?agent_id=42").json();
  EXPECT_GE(sheet["spreadsheet_rows"].size(), 2u);
  // The second row makes its clip when its product changes.
  upload_two();
  const Json cells = sheet["spreadsheet_rows"].at(1)["spreadsheet_cells"];
  call("PATCH", "cells/" + cells.at(0)["id"].dump(), R"({"value":"a green chair"})");
  wait_for("/v1/generations/9040", "completed");
  EXPECT_NE(inspect("/v1/generations/9040")["settings"]["prompt"].text().find("a green chair"),
            std::string::npos);
}

}  // namespace genpro::emulator::test
