// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables one by one.
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class VariableTest : public SheetCallsTest {
 protected:
  std::string all() { return client_->get("/v1/vidsheet/101/global_variables?agent_id=42").body; }
};

TEST_F(VariableTest, IsMadeChangedAndDeleted) {
  const auto made =
      send("POST", "global_variables", R"({"global_variable":{"key":" brand ","value":"Acme"}})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.body, R"({"id":700,"key":"brand","value":"Acme"})");
  EXPECT_EQ(call("POST", "global_variables", R"({"key":"year","value":2026})").dump(),
            R"({"id":701,"key":"year","value":"2026"})");
  EXPECT_EQ(all(), R"({"id":600,"variables":[{"id":700,"key":"brand","value":"Acme"},)"
                   R"({"id":701,"key":"year","value":"2026"}]})");
  EXPECT_EQ(call("PATCH", "global_variables/700", R"({"global_variable":{"value":"Bcme"}})").dump(),
            R"({"id":700,"key":"brand","value":"Bcme"})");
  EXPECT_EQ(call("PATCH", "global_variables/700", R"({"key":"maker","value":""})").dump(),
            R"({"id":700,"key":"maker","value":""})");
  // Its own key is no other one's.
  EXPECT_EQ(call("PATCH", "global_variables/700", R"({"key":"maker","value":"x"})").dump(),
            R"({"id":700,"key":"maker","value":"x"})");
  restart();
  EXPECT_EQ(all(), R"({"id":600,"variables":[{"id":700,"key":"maker","value":"x"},)"
                   R"({"id":701,"key":"year","value":"2026"}]})");
  const auto deleted = send("DELETE", "global_variables/700");
  EXPECT_EQ(deleted.status, 204u);
  EXPECT_TRUE(deleted.body.empty());
  EXPECT_EQ(all(), R"({"id":600,"variables":[{"id":701,"key":"year","value":"2026"}]})");
  EXPECT_EQ(send("DELETE", "global_variables/701").status, 204u);
  // There were some once.
  EXPECT_EQ(all(), R"({"id":600,"variables":[]})");
  EXPECT_EQ(call("POST", "global_variables", R"({"key":"new","value":true})").dump(),
            R"({"id":702,"key":"new","value":"true"})");
  EXPECT_EQ(
      client_->post("/v1/vidsheet/101/import_global_variables?agent_id=42", R"({"a":1})").body,
      R"({"id":600,"variables":[{"id":703,"key":"a","value":"1"}]})");
}

TEST_F(VariableTest, RefusesWhatMakesNoSense) {
  call("POST", "global_variables", R"({"key":"brand","value":"Acme"})");
  call("POST", "global_variables", R"({"key":"year","value":1})");
  const std::string before = all();
  expect_error(send("POST", "global_variables", R"({"key":"brand","value":"x"})"), 422,
               "validation_error", "\"brand\"");
  expect_error(send("PATCH", "global_variables/701", R"({"key":" brand "})"), 422,
               "validation_error", "\"brand\"");
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "global_variable.key"},
           {R"({"global_variable":5})", "global_variable"},
           {R"({"key":5,"value":"x"})", "global_variable.key"},
           {R"({"key":" ","value":"x"})", "global_variable.key"},
           {R"({"key":"{{a}}","value":"x"})", "braces"},
           {R"({"key":"a}","value":"x"})", "braces"},
           {R"({"key":"a"})", "global_variable.value"},
           {R"({"key":"a","value":null})", "global_variable.value"},
           {R"({"key":"a","value":{}})", "global_variable.value"},
           {"[]", ""},
           {"", ""}}) {
    expect_error(send("POST", "global_variables", body), 422, "validation_error", words);
  }
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "neither key nor value"},
           {R"({"key":"new","value":[]})", "global_variable.value"},
           {R"({"key":"new","value":null})", "global_variable.value"},
           {R"({"key":"}}","value":"x"})", "braces"}}) {
    expect_error(send("PATCH", "global_variables/700", body), 422, "validation_error", words);
  }
  for (const char* id : {"9", "brand"}) {
    const std::string path = std::string("global_variables/") + id;
    expect_error(send("PATCH", path, R"({"value":"x"})"), 404, "not_found", id);
    expect_error(send("DELETE", path), 404, "not_found", id);
  }
  // One of another sheet.
  const Json copy = client_->post("/v1/vidsheet/101/clone?agent_id=42", "{}").json();
  expect_error(send("DELETE", "global_variables/" +
                                  copy["global_variables_sheet"]["variables"].at(0)["id"].dump()),
               404, "not_found");
  expect_error(client_->post("/v1/vidsheet/9/global_variables?agent_id=42", "{}"), 404,
               "spreadsheet_not_found");
  expect_error(client_->post("/v1/vidsheet/101/global_variables", R"({"key":"a","value":"b"})"),
               422, "agent_not_found");
  EXPECT_EQ(all(), before);
}

TEST_F(VariableTest, MakesTheCellsGenerateThatUseIt) {
  upload_two();
  call("POST", "global_variables", R"({"key":"brand","value":"Acme"})");
  watch("a lamp by {{brand}}");
  call("POST", "global_variables", R"({"key":"other","value":"x"})");
  call("PATCH", "global_variables/700", R"({"value":"Acme"})");
  EXPECT_EQ(new_jobs(), 0u);
  call("PATCH", "global_variables/700", R"({"value":"Bcme"})");
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "a lamp by Bcme");
  EXPECT_EQ(send("DELETE", "global_variables/700").status, 204u);
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_job()["status"].text(), "failed");
  EXPECT_NE(latest_job()["failed_reason"].text().find("\"brand\""), std::string::npos);
  call("PATCH", "global_variables/701", R"({"key":"brand"})");
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "a lamp by x");
  EXPECT_EQ(send("DELETE", "global_variables/701").status, 204u);
  call("POST", "global_variables", R"({"key":"brand","value":"Ccme"})");
  EXPECT_EQ(new_jobs(), 2u);
  EXPECT_EQ(latest_prompt(), "a lamp by Ccme");
}

}  // namespace genpro::emulator::test
