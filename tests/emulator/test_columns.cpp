// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Columns over HTTP: their titles are the names of variables.
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class ColumnsTest : public SheetCallsTest {};

TEST_F(ColumnsTest, CanBeChanged) {
  const std::string script = add_column("Script", "a lamp");
  const Json changed = call("PATCH", "columns/" + script,
                            R"({"spreadsheet_column":{"title":"Hook","type":"audio","position":0,)"
                            R"("additional_attributes":{"width":3,"own":[1]}}})");
  EXPECT_EQ(changed["id"].dump(), script);
  EXPECT_EQ(changed["title"].text(), "Hook");
  EXPECT_EQ(changed["type"].text(), "audio");
  EXPECT_EQ(changed["position"].number(), 1);
  EXPECT_EQ(titles(), "Hook,Video");
  EXPECT_EQ(call("GET", "columns").at(0).dump(), changed.dump());
  EXPECT_EQ(call("GET", "rows").at(0)["cells"].at(0)["value"].text(), "a lamp");
  // Without the wrapping; what is not named stays.
  const Json moved = call("PATCH", "columns/" + script,
                          R"({"position":"2","additional_attributes":{"own":null}})");
  EXPECT_EQ(moved["title"].text(), "Hook");
  EXPECT_EQ(moved["additional_attributes"].dump(), R"({"width":3})");
  EXPECT_EQ(titles(), "Video,Hook");
  restart();
  EXPECT_EQ(call("GET", "columns").at(1).dump(), moved.dump());
}

TEST_F(ColumnsTest, RefuseWhatMakesNoSense) {
  const std::string script = add_column("Script");
  const std::string before = everything();
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "title"},
           {R"({"spreadsheet_column":{}})", "title"},
           {R"({"spreadsheet_column":[]})", "spreadsheet_column"},
           {R"({"title":" "})", "spreadsheet_column.title"},
           {R"({"title":"{{x}}"})", "braces"},
           {R"({"title":"x}"})", "braces"},
           {R"({"title":"{x"})", "braces"},
           {R"({"title":"x","type":5})", "spreadsheet_column.type"},
           {R"({"title":"x","position":"first"})", "spreadsheet_column.position"},
           {R"({"title":"x","position":1.5})", "spreadsheet_column.position"},
           {R"({"title":"x","additional_attributes":"y"})", "additional_attributes"},
           {"[]", ""},
           {"", ""}}) {
    expect_error(send("PATCH", "columns/" + script, body), 422, "validation_error", words);
  }
  expect_error(send("POST", "columns", R"({"title":"{{x}}","type":"text"})"), 422,
               "validation_error", "spreadsheet_column.title");
  expect_error(send("PUT", "columns/mass_update",
                    R"({"columns":[{"id":)" + script + R"(,"title":"a}}b"}]})"),
               422, "validation_error", "columns.title");
  for (const char* id : {"9", "x", "200x", "99999999999999999999"}) {
    const std::string path = std::string("columns/") + id;
    expect_error(send("PATCH", path, R"({"title":"x"})"), 404, "not_found", id);
    expect_error(send("DELETE", path), 404, "not_found", id);
    expect_error(send("POST", path + "/duplicate"), 404, "not_found", id);
  }
  for (const char* wrong : {"", "?agent_id=9"}) {
    const std::string path = "/v1/vidsheet/101/columns/" + script;
    expect_error(client_->send("DELETE", path + wrong), 422, "agent_not_found");
    expect_error(client_->send("POST", path + "/duplicate" + wrong), 422, "agent_not_found");
  }
  expect_error(client_->send("DELETE", "/v1/vidsheet/9/columns/200?agent_id=42"), 404,
               "spreadsheet_not_found");
  // A column of another sheet.
  const Json other = client_->post("/v1/vidsheet?agent_id=42", R"({"title":"x"})").json();
  expect_error(client_->send("DELETE", "/v1/vidsheet/" + other["id"].dump() + "/columns/" + script +
                                           "?agent_id=42"),
               404, "not_found");
  EXPECT_EQ(everything(), before);
}

TEST_F(ColumnsTest, ChangeTogetherOrNotAtAll) {
  const std::string a = add_column("a");
  const std::string b = add_column("b");
  for (const char* method : {"PUT", "PATCH"}) {
    const Json changed =
        call(method, "columns/mass_update",
             R"({"columns":[{"id":)" + b + R"(,"title":"B","position":1},{"id":")" + a +
                 R"(","type":"image"}]})");
    ASSERT_EQ(changed.size(), 2u);
    EXPECT_EQ(changed.at(0)["title"].text(), "B");
    EXPECT_EQ(changed.at(0)["position"].number(), 1);
    EXPECT_EQ(changed.at(1)["type"].text(), "image");
    EXPECT_EQ(titles(), "B,Video,a");
  }
  call("PUT", "columns/mass_update", R"([{"id":)" + a + R"(,"title":"A"}])");
  call("PUT", "columns/mass_update",
       R"({"spreadsheet_columns":[{"id":)" + a + R"(,"position":2}]})");
  EXPECT_EQ(titles(), "B,A,Video");
  const std::string before = everything();
  const std::string good = R"({"id":)" + a + R"(,"title":"x"})";
  expect_error(send("PUT", "columns/mass_update", "[" + good + R"(,{"id":9,"title":"y"}])"), 404,
               "not_found", "Nothing was changed");
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "columns"},
           {R"({"columns":{}})", "columns"},
           {R"({"columns":[1]})", "columns"},
           {R"({"columns":[{"title":"x"}]})", "id"},
           {R"({"columns":[{"id":[],"title":"x"}]})", "columns.id"},
           {"[" + good + "," + good + "]", "twice"},
           {"[" + good + R"(,{"id":)" + b + "}]", "none of"},
           {"[" + good + R"(,{"id":)" + b + R"(,"title":5}])", "columns.title"}}) {
    expect_error(send("PUT", "columns/mass_update", body), 422, "validation_error", words);
  }
  EXPECT_EQ(everything(), before);
}

TEST_F(ColumnsTest, AreDeletedWithTheirCells) {
  const std::string script = add_column("Script", "a");
  add_column("Hook", "b");
  const std::string gone = call("GET", "rows").at(0)["cells"].at(1)["id"].dump();
  call("POST", "cells/" + gone + "/layers", R"({"name":"x","type":"clip"})");
  const auto deleted = send("DELETE", "columns/" + script);
  EXPECT_EQ(deleted.status, 204u);
  EXPECT_TRUE(deleted.body.empty());
  EXPECT_EQ(titles(), "Video,Hook");
  const Json cells = call("GET", "rows").at(0)["cells"];
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells.at(1)["value"].text(), "b");
  expect_error(send("GET", "cells/" + gone), 404, "not_found");
  expect_error(send("GET", "cells/" + gone + "/layers/4000"), 404, "not_found");
  expect_error(send("DELETE", "columns/" + script), 404, "not_found", script);
  restart();
  EXPECT_EQ(titles(), "Video,Hook");
}

TEST_F(ColumnsTest, AreKeptWhileOneOfTheirGenerationsRuns) {
  start([](EmulatorSettings& settings) { settings.latency = 1000; });
  upload_two();
  const std::string script = add_column("Script");
  // In the cell itself, then in a layer of it.
  const auto own = generate("a");
  const std::string before = titles();
  expect_error(send("DELETE", "columns/200"), 422, "validation_error", "generation 9040");
  EXPECT_EQ(titles(), before);
  EXPECT_EQ(client_->post(own + "/stop", "").status, 200u);
  call("POST", "cells/3300/layers", R"({"name":"x","type":"clip"})");
  EXPECT_EQ(
      client_->post("/v1/vidsheet/101/cells/3300/layers/4000/generate?agent_id=42", body_with("b"))
          .status,
      201u);
  expect_error(send("DELETE", "columns/200"), 422, "validation_error", "generation 9041");
  // Another column is not concerned.
  EXPECT_EQ(send("DELETE", "columns/" + script).status, 204u);
  EXPECT_EQ(client_->post("/v1/generations/9041/stop", "").status, 200u);
  EXPECT_EQ(send("DELETE", "columns/200").status, 204u);
  EXPECT_EQ(titles(), "");
  // What was generated is still there to be asked for.
  EXPECT_EQ(status_of(own), "stopped");
}

TEST_F(ColumnsTest, ACellGeneratesOnceWhenANameOfItsCardChanges) {
  upload_two();
  const std::string script = add_column("script", "a lamp");
  const std::string mood = add_column("mood", "calm");
  watch("{{script}}, {{mood}}");
  // No name that it uses, and no other value of one that it does.
  const std::string other = add_column("other", "x");
  call("PATCH", "columns/" + other, R"({"title":"another"})");
  call("PATCH", "columns/" + script, R"({"position":9})");
  call("POST", "columns/" + script + "/duplicate");
  EXPECT_EQ(new_jobs(), 0u);
  // Two changes in one call are one.
  call("PUT", "columns/mass_update",
       R"([{"id":)" + script + R"(,"title":"mood"},{"id":)" + mood + R"(,"title":"script"}])");
  EXPECT_EQ(new_jobs(), 1u);
  // The copy of the script is the first one of its title now no more: it comes last.
  EXPECT_EQ(latest_prompt(), "calm, a lamp");
  call("PATCH", "columns/" + mood, R"({"title":"unused"})");
  // The copy, which was hidden by it, takes its place.
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "a lamp, a lamp");
  // Renamed without anything in its place: a job that says what is missing.
  call("PATCH", "columns/" + script, R"({"title":"unused too"})");
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_job()["status"].text(), "failed");
  EXPECT_NE(latest_job()["failed_reason"].text().find("\"mood\""), std::string::npos);
}

TEST_F(ColumnsTest, ACellGeneratesOnceWhenAColumnIsDeletedOrMoved) {
  upload_two();
  const std::string first = add_column("script", "one");
  const std::string second = add_column("script", "two");
  watch("{{script}}");
  EXPECT_EQ(latest_prompt(), "one");
  call("PATCH", "columns/update_positions",
       R"([{"id":)" + second + R"(,"position":1},{"id":)" + first + R"(,"position":2}])");
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "two");
  EXPECT_EQ(send("DELETE", "columns/" + second).status, 204u);
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "one");
  client_->post("/v1/vidsheet/101/import_global_variables?agent_id=42", R"({"script":"three"})");
  EXPECT_EQ(new_jobs(), 0u);
  EXPECT_EQ(send("DELETE", "columns/" + first).status, 204u);
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "three");
}

}  // namespace genpro::emulator::test
