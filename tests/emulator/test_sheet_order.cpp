// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The order of columns and rows, and changes of many rows at once.
#include "emulator/domain/order.h"
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class SheetOrderTest : public SheetCallsTest {};

namespace {

struct Thing {
  std::int64_t id = 0;
};

// Of 1 to 5.
std::string ordered(const std::vector<Place>& wanted) {
  std::string found;
  for (const auto& thing : put_in_order<Thing>({{1}, {2}, {3}, {4}, {5}}, wanted)) {
    found += std::to_string(thing.id);
  }
  return found;
}

}  // namespace

TEST(PutInOrder, GivesEachItsPlace) {
  EXPECT_EQ(ordered({}), "12345");
  EXPECT_EQ(ordered({{5, 1}}), "51234");
  EXPECT_EQ(ordered({{1, 3}}), "23145");
  EXPECT_EQ(ordered({{2, 5}, {4, 1}}), "41352");
  EXPECT_EQ(ordered({{1, 5}, {2, 4}, {3, 3}, {4, 2}, {5, 1}}), "54321");
  // Outside of the list.
  EXPECT_EQ(ordered({{1, 99}}), "23451");
  EXPECT_EQ(ordered({{3, 0}, {4, -7}}), "43125");
  // Two at one place: in the order in which they are named.
  EXPECT_EQ(ordered({{4, 2}, {3, 2}}), "14325");
  EXPECT_EQ(ordered({{3, 2}, {4, 2}}), "13425");
  EXPECT_EQ(ordered({{1, 5}, {2, 5}}), "34512");
  // From 0.
  EXPECT_EQ(ordered({{5, 0}, {4, 1}, {3, 2}, {2, 3}, {1, 4}}), "54321");
}

TEST_F(SheetOrderTest, OfColumns) {
  const std::string a = add_column("a");
  const std::string b = add_column("b");
  for (const char* method : {"PATCH", "PUT"}) {
    const Json moved = call(
        method, "columns/update_positions",
        R"({"columns":[{"id":")" + b + R"(","position":1},{"id":)" + a + R"(,"position":"2"}]})");
    EXPECT_EQ(in_order(moved, "title"), "b,a,Video");
    EXPECT_EQ(titles(), "b,a,Video");
  }
  // A new one, a copy and a deleted one leave no gap either.
  call("POST", "columns", R"({"title":"c","type":"text","position":2})");
  EXPECT_EQ(titles(), "b,c,a,Video");
  call("DELETE", "columns/" + a);
  EXPECT_EQ(titles(), "b,c,Video");
  // Cells come in the order of their columns.
  EXPECT_EQ(call("GET", "rows").at(0)["cells"].at(2)["id"].number(), 3300);
}

TEST_F(SheetOrderTest, OfRows) {
  const std::string a = call("POST", "rows", "{}")["id"].dump();
  const std::string b = call("POST", "rows", "{}")["id"].dump();
  for (const char* method : {"PUT", "PATCH"}) {
    const Json moved =
        call(method, "rows/update_positions",
             R"({"rows":[{"id":)" + b + R"(,"position":1},{"id":500,"position":3}]})");
    EXPECT_EQ(in_order(moved, "id"), b + "," + a + ",500");
    EXPECT_EQ(moved.at(2)["cells"].at(0)["id"].number(), 3300);
    EXPECT_EQ(row_ids(), b + "," + a + ",500");
  }
  restart();
  EXPECT_EQ(row_ids(), b + "," + a + ",500");
}

TEST_F(SheetOrderTest, IsNotChangedByHalves) {
  add_column("a");
  call("POST", "rows", "{}");
  const std::string before = everything();
  for (const std::string things : {"rows", "columns"}) {
    const std::string path = things + "/update_positions";
    const std::string good =
        things == "rows" ? R"({"id":500,"position":2})" : R"({"id":200,"position":2})";
    expect_error(send("PUT", path, "[" + good + R"(,{"id":9,"position":1}])"), 404, "not_found",
                 "\"9\"");
    expect_error(send("PUT", path, "[" + good + R"(,{"id":"x","position":1}])"), 404, "not_found",
                 "\"x\"");
    for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
             {"{}", things},
             {"5", things},
             {"", ""},
             {"{\"" + things + "\":5}", things},
             {"[" + good + "," + good + "]", "twice"},
             {"[" + good + ",5]", things},
             {R"([{"position":1}])", "id"},
             {R"([{"id":true,"position":1}])", things + ".id"},
             {"[" + good.substr(0, good.find(',')) + "}]", "position"},
             {"[" + good.substr(0, good.find(',')) + R"(,"position":"x"}])",
              things + ".position"}}) {
      expect_error(send("PUT", path, body), 422, "validation_error", words);
    }
  }
  expect_error(client_->send("PUT", "/v1/vidsheet/9/rows/update_positions?agent_id=42", "[]"), 404,
               "spreadsheet_not_found");
  EXPECT_EQ(everything(), before);
  const auto wrong_method = send("POST", "columns/update_positions", "[]");
  expect_error(wrong_method, 405, "method_not_allowed");
  EXPECT_EQ(wrong_method.header("allow"), "PATCH, PUT, DELETE");
  // Nothing to move is no mistake.
  EXPECT_EQ(in_order(call("PUT", "rows/update_positions", "[]"), "id"), row_ids());
}

TEST_F(SheetOrderTest, RowsChangeTogetherOrNotAtAll) {
  add_column("script");
  const Json made = call("POST", "rows", "{}");
  const std::string row = made["id"].dump();
  const std::string video = made["cells"].at(0)["id"].dump();
  const std::string script = made["cells"].at(1)["id"].dump();
  for (const char* method : {"PUT", "PATCH"}) {
    const Json changed = call(
        method, "rows/mass_update",
        R"({"rows":[{"id":)" + row + R"(,"position":1,"additional_attributes":{"k":1},"cells":[)" +
            R"({"id":)" + video + R"(,"additional_attributes":{"ratio":"1:1"}},{"id":)" + script +
            R"(,"value":"hi"}]},{"id":"500","spreadsheet_cells":[{"id":3300,"value":5}]}]})");
    ASSERT_EQ(changed.size(), 2u);
    EXPECT_EQ(changed.at(0)["position"].number(), 1);
    EXPECT_EQ(changed.at(0)["additional_attributes"].dump(), R"({"k":1})");
    EXPECT_EQ(changed.at(0)["cells"].at(0)["additional_attributes"].dump(), R"({"ratio":"1:1"})");
    EXPECT_EQ(changed.at(0)["cells"].at(1)["value"].text(), "hi");
    EXPECT_EQ(changed.at(1)["cells"].at(0)["value"].text(), "5");
    EXPECT_EQ(row_ids(), row + ",500");
  }
  const std::string before = everything();
  const std::string good = R"({"id":500,"position":1,"cells":[{"id":3300,"value":"no"}]})";
  // A cell of another row, a row and a cell that are none.
  for (const std::string& wrong : {R"({"id":)" + row + R"(,"cells":[{"id":3300,"value":"x"}]})",
                                   R"({"id":)" + row + R"(,"cells":[{"id":9,"value":"x"}]})",
                                   std::string(R"({"id":9,"position":1})")}) {
    expect_error(send("PUT", "rows/mass_update", "[" + good + "," + wrong + "]"), 404, "not_found",
                 "Nothing was changed");
  }
  for (const auto& [body, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"id":)" + row + "}", "neither position"},
           {R"({"id":)" + row + R"(,"position":[]})", "rows.position"},
           {R"({"id":)" + row + R"(,"cells":{}})", "rows.cells"},
           {R"({"id":)" + row + R"(,"cells":[{"value":1}]})", "rows.cells"},
           {R"({"id":)" + row + R"(,"additional_attributes":1})", "additional_attributes"},
           {R"({"id":)" + row + R"(,"cells":[{"id":)" + video + R"(,"value":[]}]})", "value"},
           {good, "twice"}}) {
    expect_error(send("PUT", "rows/mass_update", "[" + good + "," + body + "]"), 422,
                 "validation_error", words);
  }
  EXPECT_EQ(everything(), before);
}

TEST_F(SheetOrderTest, ACellGeneratesOnceWhenItsRowChanges) {
  upload_two();
  add_column("a", "one");
  add_column("b", "two");
  watch("{{a}} {{b}}");
  const Json cells = call("GET", "rows").at(0)["cells"];
  const auto update = [&](const std::string& a, const std::string& b) {
    call("PUT", "rows/mass_update",
         R"([{"id":500,"position":1,"cells":[{"id":)" + cells.at(1)["id"].dump() + R"(,"value":")" +
             a + R"("},{"id":)" + cells.at(2)["id"].dump() + R"(,"value":")" + b + R"("}]}])");
  };
  update("one", "two");
  EXPECT_EQ(new_jobs(), 0u);
  update("1", "2");
  EXPECT_EQ(new_jobs(), 1u);
  EXPECT_EQ(latest_prompt(), "1 2");
  call("PUT", "rows/update_positions", R"([{"id":500,"position":1}])");
  EXPECT_EQ(new_jobs(), 0u);
}

}  // namespace genpro::emulator::test
