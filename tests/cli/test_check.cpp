// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

class Check : public CliTest {
 protected:
  // What is printed with the exit code.
  std::string checked(int exit_code) {
    const Finished finished = CliTest::ledger({"check"});
    EXPECT_EQ(finished.exit_code, exit_code) << finished.out;
    return finished.out;
  }
  // The document that comes with the exit code.
  api::JsonObjectPtr document(int exit_code) {
    const Finished finished =
        shell("\"$0\" \"$@\" 2>/dev/null", {"ledger", "--ledger", path_, "check", "--json"});
    EXPECT_EQ(finished.exit_code, exit_code) << finished.out;
    auto parsed = api::parse_json_object(finished.out);
    if (!parsed) throw std::runtime_error(parsed.error() + ": " + finished.out);
    return std::move(*parsed);
  }
};

void expect_texts(const std::string& page, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    EXPECT_NE(page.find(text), std::string::npos) << text << " in\n" << page;
  }
}

TEST_F(Check, AWholeLedgerIsSaidToBeWhole) {
  const auto ledger = open();
  add(*ledger, request("1"), failed("9040"));
  add(*ledger, request("2"), completed("9041"), true);
  add(*ledger, request("3"), pending("9042"));
  expect_texts(checked(0), {path_, "is whole", "nothing in it is in doubt"});
  const auto found = document(0);
  EXPECT_EQ(member_text(found.get(), "damaged"), "false");
  EXPECT_EQ(member_text(found.get(), "in_doubt"), "0");
  EXPECT_EQ(member_text(found.get(), "findings"), "[]");
}

TEST_F(Check, ADoubtIsToldAndNeedsAPersonOnlyWhenItIsOld) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  lose(*ledger, id);
  make_old(id, 3 * hour);
  expect_texts(checked(0), {"Row " + std::to_string(id) + ": ", "3 h", "the answer was lost",
                            "101/cells/3300"});
  {
    const auto found = document(0);
    EXPECT_EQ(member_text(found.get(), "damaged"), "false");
    EXPECT_EQ(member_text(found.get(), "in_doubt"), "1");
    JsonArray* findings = json_object_get_array_member(found.get(), "findings");
    ASSERT_EQ(json_array_get_length(findings), 1U);
    JsonObject* one = json_array_get_object_element(findings, 0);
    EXPECT_EQ(member_text(one, "row"), std::to_string(id));
    EXPECT_EQ(member_text(one, "kind"), "\"doubt\"");
    EXPECT_EQ(member_text(one, "needs_person"), "false");
    EXPECT_EQ(names_of(one),
              (std::vector<std::string>{"row", "kind", "text", "advice", "needs_person"}));
  }
  make_old(id, 33 * hour);
  expect_texts(checked(1), {"Row " + std::to_string(id), "33 h", "forgotten"});
  // Whoever is at it sees to it.
  const auto held = must(ledger->take(id));
  expect_texts(checked(0), {"Row " + std::to_string(id), "A process is at it"});
}

TEST_F(Check, ARowThatContradictsItsHistoryIsDamage) {
  const auto ledger = open();
  add(*ledger, request("1"), failed("9040"));
  const std::int64_t id = add(*ledger, request("2"), pending("9041"));
  sql("UPDATE generations SET status = 'stopped' WHERE id = " + std::to_string(id));
  expect_texts(checked(1), {"Row " + std::to_string(id), "stopped", "pending", "history"});
  const auto found = document(1);
  EXPECT_EQ(member_text(found.get(), "damaged"), "true");
  JsonArray* findings = json_object_get_array_member(found.get(), "findings");
  ASSERT_EQ(json_array_get_length(findings), 1U);
  JsonObject* one = json_array_get_object_element(findings, 0);
  EXPECT_EQ(member_text(one, "kind"), "\"damage\"");
  EXPECT_EQ(member_text(one, "needs_person"), "true");
}

TEST_F(Check, ARequestThatWasChangedIsDamage) {
  const std::int64_t id = add(*open(), request(), failed("9040"));
  sql("UPDATE generations SET request = '{\"data\":{}}'");
  expect_texts(checked(1), {"Row " + std::to_string(id), "fingerprint", "genpro ledger prune 1"});
}

TEST_F(Check, WhatSqliteFindsIsToldOfTheFile) {
  {
    const auto ledger = open();
    for (int row = 0; row < 200; ++row) add(*ledger, request(), failed("9040"));
  }
  // An index that lacks a row that is there.
  sql("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX by_status ON "
      "generations (agent_id)' WHERE name = 'by_status'");
  expect_texts(checked(1), {"The file: "});
  const auto found = document(1);
  EXPECT_EQ(member_text(found.get(), "damaged"), "true");
  JsonArray* findings = json_object_get_array_member(found.get(), "findings");
  ASSERT_GE(json_array_get_length(findings), 1U);
  EXPECT_EQ(member_text(json_array_get_object_element(findings, 0), "row"), "null");
}

TEST_F(Check, ChangesNothing) {
  {
    const auto ledger = open();
    lose(*ledger, add(*ledger, request()));
    sql("UPDATE generations SET request = '{}'");
  }
  const std::string before = read_file(path_);
  checked(1);
  EXPECT_EQ(read_file(path_), before);
}

}  // namespace
}  // namespace genpro::test
