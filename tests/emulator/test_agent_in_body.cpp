// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The agent of a call in its body, where its query has none.
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class AgentInBodyTest : public SheetCallsTest {
 protected:
  Response bare(const std::string& method, const std::string& path, const std::string& body) {
    return client_->send(method, "/v1/vidsheet/101/" + path, body,
                         {{"Content-Type", "application/json"}});
  }
};

TEST_F(AgentInBodyTest, CountsWhereTheQueryHasNone) {
  for (const char* agent : {R"("agent_id":42)", R"("agent_id":"42")"}) {
    const auto changed =
        bare("PATCH", "columns/200",
             std::string("{") + agent + R"(,"spreadsheet_column":{"title":"Clip"}})");
    EXPECT_EQ(changed.status, 200u) << changed.body;
    EXPECT_EQ(bare("PATCH", "cells/3300", std::string("{") + agent + R"(,"value":"x"})").status,
              200u);
    EXPECT_EQ(bare("POST", "columns/200/duplicate", std::string("{") + agent + "}").status, 201u);
    EXPECT_EQ(
        bare("PUT", "rows/update_positions", std::string("{") + agent + R"(,"rows":[]})").status,
        200u);
  }
  upload_two();
  EXPECT_EQ(client_
                ->send("PATCH", "/v1/content_resources/501",
                       R"({"agent_id":42,"content_resource":{"filename":"b.png"}})")
                .status,
            200u);
  // An empty one in the query is none.
  EXPECT_EQ(bare("PATCH", "cells/3300?agent_id=", R"({"agent_id":42,"value":"y"})").status, 200u);
  EXPECT_EQ(cell()["value"].text(), "y");
}

TEST_F(AgentInBodyTest, IsTheAgentOfWhatIsGenerated) {
  start([](EmulatorSettings& settings) { settings.known.agents.insert("43"); });
  upload_two();
  std::string body = body_with("a");
  body.insert(1, R"("agent_id":"43",)");
  const auto asked = bare("POST", "cells/3300/generate", body);
  EXPECT_EQ(asked.status, 201u) << asked.body;
  EXPECT_EQ(inspect("/v1/generations/9040")["agent_id"].dump(), "43");
  // The one in the query counts before it.
  EXPECT_EQ(bare("POST", "cells/3300/generate?agent_id=42", body).status, 201u);
  EXPECT_EQ(inspect("/v1/generations/9041")["agent_id"].dump(), "42");
}

TEST_F(AgentInBodyTest, IsCheckedLikeThatOfTheQuery) {
  expect_error(bare("PATCH", "cells/3300", R"({"agent_id":9,"value":"x"})"), 422, "agent_not_found",
               "There is no agent \"9\"");
  expect_error(bare("PATCH", "cells/3300?agent_id=9", R"({"agent_id":42,"value":"x"})"), 422,
               "agent_not_found", "\"9\"");
  for (const char* lacking :
       {R"({"value":"x"})", R"({"agent_id":null,"value":"x"})", R"({"agent_id":"","value":"x"})",
        R"({"spreadsheet_cell":{"agent_id":42,"value":"x"}})", "[42]", "", "{"}) {
    expect_error(bare("PATCH", "cells/3300", lacking), 422, "agent_not_found",
                 "query parameter agent_id is missing");
  }
  for (const char* wrong : {"[42]", "4.2", "true", "{}"}) {
    expect_error(
        bare("PATCH", "cells/3300", std::string(R"({"value":"x","agent_id":)") + wrong + "}"), 422,
        "validation_error", "agent_id");
  }
  EXPECT_TRUE(cell()["value"].is_null());
  // A body of an import holds variables.
  expect_error(bare("POST", "import_global_variables", R"({"agent_id":42})"), 422,
               "agent_not_found");
}

}  // namespace genpro::emulator::test
