// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sheets, columns, rows and cells over HTTP.
#include <cmath>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

class SheetTest : public EmulatorTest {
 protected:
  Response send(const std::string& method, const std::string& path, const std::string& body = {}) {
    return client_->send(method, path, body, {{"Content-Type", "application/json"}});
  }
  std::vector<std::string> titles() {
    std::vector<std::string> found;
    const Json columns = call("GET", "columns");
    for (std::size_t i = 0; i < columns.size(); ++i) found.push_back(columns.at(i)["title"].text());
    return found;
  }
  std::vector<std::string> row_ids() {
    std::vector<std::string> found;
    const Json rows = call("GET", "rows");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows.at(i)["position"].number(), static_cast<double>(i + 1));
      found.push_back(rows.at(i)["id"].dump());
    }
    return found;
  }
};

TEST_F(SheetTest, HasTheDocumentedForm) {
  for (const char* route : {"autocontentengine", "vidsheet"}) {
    const Json sheet = client_->get(std::string("/v1/") + route + "/101?agent_id=42").json();
    EXPECT_EQ(sheet.names(),
              (std::vector<std::string>{"id", "slug", "title", "project_type", "is_default", "uuid",
                                        "status", "created_at", "created_at_ts", "updated_at_ts",
                                        "spreadsheet_columns", "spreadsheet_rows", "columns",
                                        "rows", "global_variables_sheet"}));
    EXPECT_EQ(sheet["columns"].dump(), sheet["spreadsheet_columns"].dump());
    EXPECT_EQ(sheet["id"].number(), 101);
    EXPECT_TRUE(sheet["global_variables_sheet"].is_null());
    EXPECT_EQ(sheet["spreadsheet_columns"].at(0).names(),
              (std::vector<std::string>{"id", "title", "temp_title", "type", "column_role",
                                        "description", "position", "additional_attributes",
                                        "created_at_ts", "updated_at_ts"}));
    // Cells go by one name where their rows do, and by both in a row of its own.
    std::vector<std::string> names{"id",
                                   "position",
                                   "additional_attributes",
                                   "created_at_ts",
                                   "updated_at_ts",
                                   "spreadsheet_cells"};
    EXPECT_EQ(sheet["spreadsheet_rows"].at(0).names(), names);
    names.back() = "cells";
    EXPECT_EQ(sheet["rows"].at(0).names(), names);
    const Json row = client_->get(std::string("/v1/") + route + "/101/rows/500?agent_id=42").json();
    names.back() = "spreadsheet_cells";
    names.push_back("cells");
    EXPECT_EQ(row.names(), names);
    EXPECT_EQ(row["cells"].at(0)["id"].number(), 3300);
    for (const Json& same : {row["spreadsheet_cells"], sheet["rows"].at(0)["cells"],
                             sheet["spreadsheet_rows"].at(0)["spreadsheet_cells"]}) {
      EXPECT_EQ(same.dump(), row["cells"].dump());
    }
    // Milliseconds, of this century.
    EXPECT_GT(sheet["created_at_ts"].number(), 1.6e12);
    // The same time in seconds.
    EXPECT_EQ(sheet["created_at"].number(), std::floor(sheet["created_at_ts"].number() / 1000));
  }
}

TEST_F(SheetTest, CanBeMade) {
  const auto made = send("POST", "/v1/autocontentengine?agent_id=42",
                         R"({"spreadsheet":{"title":"March","is_default":true}})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.json()["id"].number(), 102);
  EXPECT_EQ(made.json()["title"].text(), "March");
  EXPECT_EQ(made.json()["is_default"].dump(), "true");
  EXPECT_EQ(made.json()["spreadsheet_rows"].dump(), "[]");
  EXPECT_EQ(made.json()["rows"].dump(), "[]");
  EXPECT_EQ(client_->get("/v1/vidsheet/102?agent_id=42").body, made.body);
  const Json sheets = client_->get("/v1/autocontentengine?agent_id=42").json();
  ASSERT_EQ(sheets.size(), 2u);
  EXPECT_EQ(sheets.at(0)["id"].number(), 101);
  EXPECT_EQ(sheets.at(0)["spreadsheet_rows"].dump(), "[]");
  expect_error(send("POST", "/v1/vidsheet?agent_id=42", "{}"), 422, "validation_error", "title");
  expect_error(send("POST", "/v1/vidsheet", R"({"title":"x"})"), 422, "agent_not_found");
  expect_error(client_->get("/v1/vidsheet/103?agent_id=42"), 404, "spreadsheet_not_found", "103");
}

TEST_F(SheetTest, EachRowHasACellForEachColumn) {
  call("POST", "columns", R"({"spreadsheet_column":{"title":"Script","type":"text"}})");
  call("POST", "rows", "");
  call("POST", "columns", R"({"spreadsheet_column":{"title":"First","type":"text","position":1}})");
  EXPECT_EQ(titles(), (std::vector<std::string>{"First", "Video", "Script"}));
  const Json rows = call("GET", "rows");
  ASSERT_EQ(rows.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const Json cells = rows.at(i)["spreadsheet_cells"];
    ASSERT_EQ(cells.size(), 3u);
    EXPECT_EQ(cells.at(0)["cell_role"].text(), "content");
    EXPECT_EQ(cells.at(1)["cell_role"].text(), "video");
  }
  EXPECT_EQ(rows.at(0)["spreadsheet_cells"].at(1)["id"].number(), 3300);
  for (const char* wrong : {R"({"title":"x"})", R"({"type":"text"})", R"({"title":" ","type":"x"})",
                            R"({"title":"x","type":"y","position":"z"})", "[]", ""}) {
    expect_error(send("POST", "/v1/vidsheet/101/columns?agent_id=42", wrong), 422,
                 "validation_error");
  }
}

TEST_F(SheetTest, RowsHaveAnOrder) {
  const std::string second = call("POST", "rows", "{}")["id"].dump();
  const std::string first =
      call("POST", "rows", R"({"spreadsheet_row":{"position":1}})")["id"].dump();
  EXPECT_EQ(row_ids(), (std::vector<std::string>{first, "500", second}));
  const std::string copy = call("POST", "rows/500/duplicate")["id"].dump();
  EXPECT_EQ(row_ids(), (std::vector<std::string>{first, "500", copy, second}));
  const std::string last =
      call("POST", "rows", R"({"spreadsheet_row":{"position":99}})")["id"].dump();
  EXPECT_EQ(row_ids(), (std::vector<std::string>{first, "500", copy, second, last}));
  EXPECT_EQ(call("GET", "rows/" + copy)["position"].number(), 3);
  expect_error(client_->get("/v1/vidsheet/101/rows/9?agent_id=42"), 404, "not_found", "\"9\"");
  expect_error(send("POST", "/v1/vidsheet/101/rows/x/duplicate?agent_id=42"), 404, "not_found");
}

TEST_F(SheetTest, CellsHoldValues) {
  const Json set = call("PATCH", "cells/3300", R"({"spreadsheet_cell":{"value":"héllo"}})");
  EXPECT_EQ(set["value"].text(), "héllo");
  EXPECT_EQ(call("PATCH", "cells/3300", R"({"value":5})")["value"].text(), "5");
  EXPECT_TRUE(call("PATCH", "cells/3300", R"({"value":null})")["value"].is_null());
  const std::string path = "/v1/vidsheet/101/cells/3300?agent_id=42";
  for (const char* wrong : {"{}", R"({"spreadsheet_cell":{}})", R"({"spreadsheet_cell":[]})",
                            R"({"value":[]})", R"({"value":{}})", "[]", "x"}) {
    expect_error(send("PATCH", path, wrong), 422, "validation_error");
  }
  expect_error(send("PATCH", "/v1/vidsheet/101/cells/9?agent_id=42", R"({"value":""})"), 404,
               "not_found");
  // Attributes do not grow without an end.
  const std::string large(60000, 'x');
  call("PATCH", "cells/3300", R"({"additional_attributes":{"a":")" + large + "\"}}");
  expect_error(send("PATCH", path, R"({"additional_attributes":{"b":")" + large + "\"}}"), 422,
               "validation_error", "64 kB");
}

TEST_F(SheetTest, SeveralCellsChangeTogetherOrNotAtAll) {
  call("POST", "rows", "{}");
  const Json changed = call("PUT", "cells/mass_update",
                            R"({"cells":[{"id":3300,"value":"a"},{"id":"3301","value":"b",)"
                            R"("additional_attributes":{"ratio":"1:1"}}]})");
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed.at(1)["value"].text(), "b");
  EXPECT_EQ(changed.at(1)["additional_attributes"].dump(), R"({"ratio":"1:1"})");
  const std::string path = "/v1/vidsheet/101/cells/mass_update?agent_id=42";
  EXPECT_EQ(send("PUT", path, R"([{"id":3300,"value":"c"}])").status, 200u);
  expect_error(send("PUT", path, R"({"cells":[{"id":3300,"value":"d"},{"id":9,"value":"e"}]})"),
               404, "not_found", "Nothing was changed");
  expect_error(send("PUT", path,
                    R"({"cells":[{"id":3300,"value":"d"},{"id":3301,"additional_attributes":1}]})"),
               422, "validation_error");
  EXPECT_EQ(cell()["value"].text(), "c");
  for (const char* wrong : {"{}", R"({"cells":{}})", R"({"cells":[1]})", R"({"cells":[{}]})"}) {
    expect_error(send("PUT", path, wrong), 422, "validation_error");
  }
}

TEST_F(SheetTest, AGenerationCanBeMadeTheDefault) {
  upload_two();
  for (int i = 0; i < 2; ++i) wait_for(generate("a"), "completed");
  EXPECT_EQ(cell()["default_user_job"]["id"].number(), 9041);
  const std::string path = "cells/3300/set_default_user_job";
  EXPECT_EQ(call("PATCH", path, R"({"user_job_id":9040})")["default_user_job"]["id"].number(),
            9040);
  EXPECT_EQ(call("PATCH", path,
                 R"({"default_user_job":{"user_job_id":"9041"}})")["default_user_job"]["id"]
                .number(),
            9041);
  call("POST", "rows", "{}");
  const std::string full = "/v1/vidsheet/101/" + path + "?agent_id=42";
  expect_error(send("PATCH", "/v1/vidsheet/101/cells/3301/set_default_user_job?agent_id=42",
                    R"({"user_job_id":9040})"),
               422, "validation_error", "9040");
  expect_error(send("PATCH", full, R"({"user_job_id":1})"), 404, "not_found", "1");
  expect_error(send("PATCH", full, "{}"), 422, "validation_error", "user_job_id");
}

TEST_F(SheetTest, CostsAreAddedUpOnDemand) {
  upload_two();
  wait_for(generate("a"), "completed");
  wait_for(generate("a"), "completed");
  const Json row =
      client_->get("/v1/vidsheet/101/rows/500?agent_id=42&with_execution_cost=true").json();
  EXPECT_EQ(row["execution_cost"].number(), 7);
  const Json sheet = client_->get("/v1/vidsheet/101?agent_id=42&with_execution_cost=true").json();
  EXPECT_EQ(sheet["spreadsheet_rows"].at(0)["execution_cost"].number(), 7);
}

TEST_F(SheetTest, TellsWhoAndWhatThereIs) {
  EXPECT_EQ(client_->get("/v1/me").json().names(),
            (std::vector<std::string>{"id", "email", "name", "username", "created_at"}));
  EXPECT_EQ(client_->get("/v1/workspaces").body, R"([{"id":1,"name":"GEN emulator"}])");
  EXPECT_EQ(client_->get("/v1/agents").body, R"([{"id":42,"name":"Agent 42","workspace_id":1}])");
  EXPECT_EQ(client_->get("/v1/agents?workspace_id=1").json().size(), 1u);
  EXPECT_EQ(client_->get("/v1/agents?workspace_id=2").body, "[]");
  EXPECT_EQ(client_->get("/v1/agents/42").json()["name"].text(), "Agent 42");
  expect_error(client_->get("/v1/agents/9"), 422, "agent_not_found", "\"9\"");
  const Json prices = client_->get("/v1/pricing_configs").json();
  ASSERT_GT(prices.size(), 5u);
  EXPECT_EQ(prices.at(0)["model"].text(), "pika");
  EXPECT_EQ(prices.at(0)["credits"].number(), 0.7);
}

}  // namespace genpro::emulator::test
