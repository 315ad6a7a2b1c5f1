// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Copies of a sheet and of a column.
#include <set>

#include "sheet_fixture.h"

namespace genpro::emulator::test {

class SheetCopiesTest : public SheetCallsTest {
 protected:
  Response clone(const std::string& body = "{}") {
    return client_->post("/v1/autocontentengine/101/clone?agent_id=42", body);
  }
  // The ids of what is in a sheet.
  static std::set<std::string> ids(const Json& sheet) {
    std::set<std::string> found;
    for (const char* part : {"columns", "rows"}) {
      const Json things = sheet[part];
      for (std::size_t i = 0; i < things.size(); ++i) {
        found.insert(part + things.at(i)["id"].dump());
        const Json cells = things.at(i)["cells"];
        for (std::size_t j = 0; j < cells.size(); ++j) {
          found.insert("cell " + cells.at(j)["id"].dump());
          const Json layers = cells.at(j)["video_layers"];
          for (std::size_t k = 0; k < layers.size(); ++k) {
            found.insert("layer " + layers.at(k)["id"].dump());
          }
        }
      }
    }
    return found;
  }
};

TEST_F(SheetCopiesTest, OfASheetAreWholeAndHaveIdsOfTheirOwn) {
  upload_two();
  const std::string script = add_column("script", "a lamp");
  call("PATCH", "columns/" + script, R"({"position":1,"additional_attributes":{"w":1}})");
  call("POST", "rows", R"({"position":1})");
  call("PATCH", "cells/3300",
       R"({"value":"v","additional_attributes":{"ratio":"1:1","autoGenerate":true}})");
  call("POST", "cells/3300/layers", R"({"name":"Logo","type":"clip"})");
  call("PATCH", "cells/3300/layers/4000", R"({"additional_attributes":{"model":"kling_1_6"}})");
  client_->post("/v1/vidsheet/101/import_global_variables?agent_id=42", R"({"brand":"Acme"})");
  wait_for(generate("{{script}}"), "completed");

  const std::string before = everything();
  const auto made = clone();
  EXPECT_EQ(made.status, 201u) << made.body;
  EXPECT_EQ(everything(), before);
  const Json copy = made.json();
  const Json original = Json::parse(before);
  const std::string id = copy["id"].dump();
  EXPECT_NE(id, "101");
  EXPECT_NE(copy["uuid"].text(), original["uuid"].text());
  EXPECT_EQ(copy["title"].text(), original["title"].text());
  EXPECT_EQ(client_->get("/v1/vidsheet/" + id + "?agent_id=42").body, made.body);
  EXPECT_EQ(client_->get("/v1/vidsheet?agent_id=42").json().size(), 2u);
  EXPECT_EQ(in_order(copy["columns"], "title"), "script,Video");
  EXPECT_EQ(copy["columns"].at(0)["additional_attributes"].dump(), R"({"w":1})");
  ASSERT_EQ(copy["rows"].size(), 2u);
  const Json cells = copy["rows"].at(1)["cells"];
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells.at(0)["value"].text(), "a lamp");
  EXPECT_EQ(cells.at(1)["value"].text(), "v");
  EXPECT_EQ(cells.at(1)["additional_attributes"].dump(), R"({"autoGenerate":false,"ratio":"1:1"})");
  EXPECT_EQ(cells.at(1)["user_jobs"].size(), 0u);
  EXPECT_TRUE(cells.at(1)["default_user_job"].is_null());
  const Json layer = cells.at(1)["video_layers"].at(0);
  EXPECT_EQ(layer["name"].text(), "Logo");
  EXPECT_EQ(layer["additional_attributes"].dump(), R"({"model":"kling_1_6"})");
  const Json variables = copy["global_variables_sheet"];
  EXPECT_NE(variables["id"].dump(), original["global_variables_sheet"]["id"].dump());
  EXPECT_EQ(variables["variables"].at(0)["key"].text(), "brand");
  EXPECT_NE(variables["variables"].at(0)["id"].dump(),
            original["global_variables_sheet"]["variables"].at(0)["id"].dump());
  // Of two columns, two rows, four cells and a layer none is a thing of the original.
  const auto own = ids(copy);
  EXPECT_EQ(own.size(), 9u);
  for (const auto& known : ids(original)) EXPECT_FALSE(own.contains(known)) << known;

  // The copy lives for itself: it generates what its own cells say, and the original does not.
  const std::string path = "/v1/vidsheet/" + id + "/cells/";
  const auto patch = [&](std::size_t index, const std::string& body) {
    const std::string cell = path + cells.at(index)["id"].dump() + "?agent_id=42";
    EXPECT_EQ(client_->send("PATCH", cell, body).status, 200u);
  };
  const auto jobs_of_copy = [&] {
    return client_->get(path + cells.at(1)["id"].dump() + "?agent_id=42").json()["user_jobs"];
  };
  patch(0, R"({"value":"a table"})");
  EXPECT_EQ(jobs_of_copy().size(), 0u);
  patch(1, R"({"additional_attributes":{"autoGenerate":true}})");
  patch(0, R"({"value":"a chair"})");
  const Json jobs = jobs_of_copy();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(inspect("/v1/generations/" + jobs.at(0)["id"].dump())["settings"]["prompt"].text(),
            "a chair");
  EXPECT_EQ(everything(), before);
}

TEST_F(SheetCopiesTest, OfASheetMayBeForAnotherAgent) {
  start([](EmulatorSettings& settings) { settings.known.agents.insert("43"); });
  EXPECT_EQ(clone(R"({"target_agent_id":43})").status, 201u);
  EXPECT_EQ(clone(R"({"target_agent_id":"42"})").status, 201u);
  EXPECT_EQ(clone("").status, 201u);
  const Json copies = client_->get("/v1/vidsheet?agent_id=43").json();
  EXPECT_EQ(copies.size(), 4u);
  // One without variables has none.
  EXPECT_TRUE(copies.at(3)["global_variables_sheet"].is_null());
  expect_error(clone(R"({"target_agent_id":9})"), 422, "agent_not_found", "\"9\"");
  expect_error(clone(R"({"target_agent_id":[]})"), 422, "validation_error", "target_agent_id");
  expect_error(clone("[]"), 422, "validation_error");
  expect_error(client_->post("/v1/vidsheet/9/clone?agent_id=42", "{}"), 404,
               "spreadsheet_not_found", "\"9\"");
  expect_error(client_->post("/v1/vidsheet/101/clone", "{}"), 422, "agent_not_found");
  EXPECT_EQ(client_->get("/v1/vidsheet?agent_id=42").json().size(), 4u);
}

TEST_F(SheetCopiesTest, OfAColumnComeRightAfterIt) {
  upload_two();
  const std::string script = add_column("script", "a lamp");
  call("PATCH", "columns/" + script, R"({"position":1,"additional_attributes":{"w":1}})");
  call("PATCH", "cells/3300", R"({"additional_attributes":{"ratio":"1:1","autoGenerate":true}})");
  call("POST", "cells/3300/layers", R"({"name":"Logo","type":"clip"})");
  wait_for(generate("a"), "completed");
  const auto copied = send("POST", "columns/" + script + "/duplicate");
  EXPECT_EQ(copied.status, 201u) << copied.body;
  EXPECT_NE(copied.json()["id"].dump(), script);
  EXPECT_EQ(copied.json()["additional_attributes"].dump(), R"({"w":1})");
  EXPECT_EQ(titles(), "script,script,Video");
  EXPECT_EQ(call("GET", "rows").at(0)["cells"].at(1)["value"].text(), "a lamp");
  EXPECT_EQ(send("POST", "columns/200/duplicate").status, 201u);
  EXPECT_EQ(titles(), "script,script,Video,Video");
  const Json cells = call("GET", "rows").at(0)["cells"];
  EXPECT_EQ(cells.at(2)["id"].number(), 3300);
  EXPECT_NE(cells.at(3)["id"].number(), 3300);
  EXPECT_EQ(cells.at(3)["cell_role"].text(), "video");
  EXPECT_EQ(cells.at(3)["additional_attributes"].dump(), R"({"autoGenerate":false,"ratio":"1:1"})");
  EXPECT_EQ(cells.at(2)["additional_attributes"].dump(), R"({"autoGenerate":true,"ratio":"1:1"})");
  EXPECT_EQ(cells.at(3)["video_layers"].at(0)["name"].text(), "Logo");
  EXPECT_EQ(cells.at(3)["user_jobs"].size(), 0u);
  EXPECT_EQ(cells.at(2)["user_jobs"].size(), 1u);
}

TEST_F(SheetCopiesTest, OfARowKeepItsAttributes) {
  const Json made =
      call("POST", "rows", R"({"spreadsheet_row":{"additional_attributes":{"k":"v","x":1}}})");
  EXPECT_EQ(made["additional_attributes"].dump(), R"({"k":"v","x":1})");
  const std::string row = made["id"].dump();
  call("PUT", "rows/mass_update", R"([{"id":)" + row + R"(,"additional_attributes":{"x":null}}])");
  EXPECT_EQ(call("POST", "rows/" + row + "/duplicate")["additional_attributes"].dump(),
            R"({"k":"v"})");
}

}  // namespace genpro::emulator::test
