// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Stores of earlier versions.
#include "emulator/database.h"
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class SchemaTest : public SheetCallsTest {
 protected:
  std::string store() const { return folder_.path("data/store.db"); }
};

TEST_F(SchemaTest, AStoreOfTheFirstVersionKeepsWhatIsInIt) {
  add_column("script", "a lamp");
  client_->post("/v1/vidsheet/101/import_global_variables?agent_id=42",
                R"({"brand":"Acme","tone":"calm"})");
  const Json copy = client_->post("/v1/vidsheet/101/clone?agent_id=42", "{}").json();
  const std::string before = everything();
  emulator_.reset();
  {
    // What has come since then is taken away.
    Database database(store());
    for (const char* statement :
         {"DROP INDEX variables_by_id", "ALTER TABLE variables DROP COLUMN id",
          "ALTER TABLE columns DROP COLUMN attributes", "ALTER TABLE rows DROP COLUMN attributes",
          "DELETE FROM counters WHERE name = 'variable'", "PRAGMA user_version = 1"}) {
      database.execute(statement);
    }
  }
  restart();
  // The variables get ids, sheet by sheet and in their order: the same as they had.
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(client_->get("/v1/vidsheet/" + copy["id"].dump() + "?agent_id=42").json().dump(),
            copy.dump());
  EXPECT_EQ(call("POST", "global_variables", R"({"key":"a","value":"b"})")["id"].number(), 704);
  emulator_.reset();
  EXPECT_EQ(Database(store()).integer("PRAGMA user_version"), 2);
}

}  // namespace genpro::emulator::test
