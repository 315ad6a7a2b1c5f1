// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sheets in a store that the first version has written.
#include "emulator/store/database.h"
#include "first_store.h"
#include "sheet_fixture.h"

namespace genpro::emulator::test {

namespace {

// Two sheets, the second of which was made first.
constexpr const char* schema_rows = R"SQL(
INSERT INTO account VALUES(1, 1000000);
INSERT INTO agents VALUES('42', 'Old agent', 1, 1700000000000);
INSERT INTO sheets VALUES
  ('101', 'Old sheet', 'u', 0, 1700000000001, 1700000000001),
  ('7', 'Older sheet', 'v', 0, 1700000000000, 1700000000000);
INSERT INTO columns VALUES
  (200, '101', 'Video', 'video', 1, 1700000000000, 1700000000000),
  (201, '101', 'script', 'text', 2, 1700000000000, 1700000000000);
INSERT INTO rows VALUES(500, '101', 1, 1700000000000, 1700000000000);
INSERT INTO cells VALUES
  ('101', '3300', 500, 200, 'kept', '{"model":"pika"}', '', NULL, 0, 1700000000000, 1700000000000),
  ('101', '3301', 500, 201, 'a lamp', '{}', '', NULL, 0, 1700000000000, 1700000000000);
INSERT INTO layers VALUES
  (4000, '101', '3300', 'Logo', 'clip', 1, '{"x":1}', 1700000000000, 1700000000000);
INSERT INTO variable_sheets VALUES('101', 600), ('7', 601);
INSERT INTO variables VALUES
  ('101', 'brand', 'Acme', 2), ('101', 'tone', 'calm', 1), ('7', 'brand', 'Other', 1);
UPDATE counters SET next = 3302 WHERE name = 'cell';
UPDATE counters SET next = 202 WHERE name = 'column';
)SQL";

}  // namespace

class SchemaTest : public SheetCallsTest {
 protected:
  void SetUp() override { write_first_store(folder_.path("data"), schema_rows); }
};

TEST_F(SchemaTest, AnOldSheetKeepsWhatIsInIt) {
  // The second start finds the new version.
  for (int start = 0; start < 2; ++start) {
    restart();
    const Json sheet = client_->get("/v1/vidsheet/101?agent_id=42").json();
    EXPECT_EQ(sheet["title"].text(), "Old sheet");
    EXPECT_EQ(sheet["created_at"].number(), 1700000000);
    EXPECT_EQ(in_order(sheet["columns"], "title"), "Video,script");
    EXPECT_EQ(sheet["columns"].at(1)["additional_attributes"].dump(), "{}");
    EXPECT_EQ(in_order(sheet["rows"], "id"), "500");
    EXPECT_EQ(sheet["rows"].at(0)["additional_attributes"].dump(), "{}");
    const Json cells = sheet["rows"].at(0)["cells"];
    EXPECT_EQ(cells.at(0)["value"].text(), "kept");
    EXPECT_EQ(cells.at(0)["additional_attributes"].dump(), R"({"model":"pika"})");
    EXPECT_EQ(cells.at(0)["video_layers"].at(0)["name"].text(), "Logo");
    EXPECT_EQ(cells.at(1)["value"].text(), "a lamp");
    // In their order, and each with an id of its own over all sheets.
    EXPECT_EQ(sheet["global_variables_sheet"].dump(),
              R"({"id":600,"variables":[{"id":700,"key":"tone","value":"calm"},)"
              R"({"id":701,"key":"brand","value":"Acme"}]})");
    EXPECT_EQ(client_->get("/v1/vidsheet/7/global_variables?agent_id=42").body,
              R"({"id":601,"variables":[{"id":702,"key":"brand","value":"Other"}]})");
  }
  EXPECT_EQ(call("POST", "global_variables", R"({"key":"a","value":"b"})")["id"].number(), 703);
  EXPECT_EQ(call("PATCH", "global_variables/701", R"({"value":"Bcme"})")["key"].text(), "brand");
  EXPECT_EQ(add_column("new"), "202");
  EXPECT_EQ(titles(), "Video,script,new");
}

}  // namespace genpro::emulator::test
