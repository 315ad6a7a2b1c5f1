// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store that an older version has written.
#include "emulator/store/database.h"
#include "emulator_fixture.h"
#include "first_store.h"

namespace genpro::emulator::test {

namespace {

// What that version has kept of a completed generation, an agent with a webhook, and credits.
constexpr const char* migrated_rows = R"SQL(
INSERT INTO account VALUES(1, 77500);
INSERT INTO agents VALUES('42', 'Old agent', 0, 1700000000000), ('a-1', 'Other', 1, 1700000000001);
INSERT INTO hooks VALUES('a-1', 'webhook', 'http://127.0.0.1:9/x', 0);
INSERT INTO sheets VALUES('101', 'Old sheet', 'u', 0, 1700000000000, 1700000000000);
INSERT INTO columns VALUES(200, '101', 'Video', 'video', 1, 1700000000000, 1700000000000);
INSERT INTO rows VALUES(500, '101', 1, 1700000000000, 1700000000000);
INSERT INTO cells VALUES(
  '101', '3300', 500, 200, 'kept', '{"model":"pika"}', '', NULL, 0, 1700000000000, 1700000000000);
INSERT INTO variable_sheets VALUES('101', 600);
INSERT INTO variables VALUES('101', 'brand', 'Acme', 1), ('101', 'city', 'Oslo', 2);
INSERT INTO generations VALUES(
  9040, '42', '101', '3300', NULL, '{}', 'Old prompt', '501', 'pika', '16:9', 5, 3, 'Gone wrong.',
  NULL, NULL, 0, 1700000000000, 1700000000000);
INSERT INTO events VALUES(1, 9040, '42', '101', '3300', 3, 1700000000000);
UPDATE counters SET next = 9041 WHERE name = 'generation';
)SQL";

}  // namespace

class MigrationTest : public EmulatorTest {
 protected:
  void SetUp() override { write_first_store(folder_.path("data"), migrated_rows); }
  std::int64_t version() {
    return Database(folder_.path("data/store.db")).integer("PRAGMA user_version").value_or(0);
  }
};

TEST_F(MigrationTest, AnOldStoreIsTakenOnWithAllThatIsInIt) {
  ASSERT_EQ(version(), 1);
  restart();
  EXPECT_GT(version(), 1);
  // Twice: the second start finds the new version.
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(credit(), 77.5);
    const Json agent = client_->get("/v1/agents/42").json();
    EXPECT_EQ(agent["name"].text(), "Old agent");
    EXPECT_TRUE(agent["description"].is_null());
    EXPECT_EQ(client_->get("/v1/agents/a-1/automation_config").json()["webhook_url"].text(),
              "http://127.0.0.1:9/x");
    EXPECT_EQ(client_->get("/v1/agents/42/automation_config").json()["polling_enabled"].dump(),
              "false");
    EXPECT_EQ(cell()["value"].text(), "kept");
    EXPECT_EQ(cell()["additional_attributes"]["model"].text(), "pika");
    EXPECT_EQ(cell()["user_jobs"].at(0)["failed_reason"].text(), "Gone wrong.");
    const Json variables = call("GET", "global_variables");
    EXPECT_EQ(variables["id"].number(), 600);
    ASSERT_EQ(variables["variables"].size(), 2u);
    EXPECT_EQ(variables["variables"].at(1)["key"].text(), "city");
    EXPECT_EQ(variables["variables"].at(1)["value"].text(), "Oslo");
    restart();
  }
  // It goes on as a new one does.
  EXPECT_EQ(
      client_->post("/v1/agents", R"({"agent":{"name":"New"}})").json()["agent"]["id"].number(),
      43);
  upload_two();
  EXPECT_EQ(generate("a"), "/v1/generations/9041");
  wait_for("/v1/generations/9041", "completed");
}

TEST_F(MigrationTest, AMigrationThatFailsLeavesTheFileAsItWas) {
  {
    Database database(folder_.path("data/store.db"));
    database.execute("ALTER TABLE account ADD COLUMN organization TEXT");
  }
  try {
    restart();
    FAIL() << "it was taken";
  } catch (const std::runtime_error& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("store.db"), std::string::npos) << refusal.what();
  }
  EXPECT_EQ(version(), 1);
  Database database(folder_.path("data/store.db"));
  EXPECT_FALSE(database.integer("SELECT 1 FROM counters WHERE name = 'agent'"));
  EXPECT_EQ(database.integer("SELECT count(*) FROM agents"), 2);
}

}  // namespace genpro::emulator::test
