// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using api::Phase;

class Prune : public CliTest {
 protected:
  std::vector<std::int64_t> ids() {
    std::vector<std::int64_t> result;
    for (const job::Entry& entry : must(open()->list({}))) result.push_back(entry.id);
    return result;
  }
  static constexpr job::WallTime day = 24 * hour;
};
using Ids = std::vector<std::int64_t>;

TEST_F(Prune, RemovesWhatHasEndedLongAgoAndNothingElse) {
  const auto ledger = open();
  const auto add_old = [&](const api::Generation& generation, bool delivered, int days) {
    const std::int64_t id = add(*ledger, request(), generation, delivered);
    age(id, days * day);
    return id;
  };
  add_old(generation("1", Phase::failed), false, 91);
  add_old(generation("2", Phase::completed), true, 400);
  const Ids left = {
      add_old(generation("3", Phase::completed), false, 400),
      add_old(generation("4", Phase::pending), false, 400),
      add_old(generation("5", Phase::failed), false, 89),
      add_old(generation("6", Phase::failed), false, 2),
      add_old(generation("7", Phase::failed), false, 0),
      add(*ledger, request()),
  };
  age(left.back(), 400 * day);
  EXPECT_EQ(output({"prune"}), "Removed 2 rows.\n");
  EXPECT_EQ(ids(), Ids(left.rbegin(), left.rend()));
  EXPECT_EQ(output({"prune"}), "Removed 0 rows.\n");

  const auto document = json({"prune", "--older-than", "3"});
  JsonObject* object = api::as_object(document.get());
  EXPECT_EQ(member_text(object, "removed"), "1");
  EXPECT_EQ(member_text(object, "older_than_days"), "3");
  EXPECT_EQ(member_text(object, "rows"), "[]");
  const DateTimePtr before(
      g_date_time_new_from_iso8601(json_object_get_string_member(object, "before"), nullptr));
  ASSERT_TRUE(before);
  EXPECT_NEAR(static_cast<double>(g_date_time_to_unix(before.get())),
              static_cast<double>((job::wall_clock_now() - 3 * day) / 1000), 60);
  EXPECT_EQ(output({"prune", "--older-than", "1"}), "Removed 1 row.\n");
  EXPECT_EQ(ids(), (Ids{left[5], left[4], left[1], left[0]}));
}

TEST_F(Prune, NamedRowsGoInAnyStateAndWhatIsLostIsSaid) {
  const auto ledger = open();
  const std::int64_t old = add(*ledger, request(), generation("1", Phase::failed));
  age(old, 400 * day);
  const std::int64_t pending = add(*ledger, request(), generation("9040", Phase::pending));
  const std::int64_t unknown = add(*ledger, request());
  const std::int64_t undelivered = add(*ledger, request(), generation("9041", Phase::completed));
  const std::int64_t failed = add(*ledger, request(), generation("9042", Phase::failed));
  const Finished finished =
      CliTest::ledger({"prune", std::to_string(pending), std::to_string(unknown),
                       std::to_string(undelivered), std::to_string(failed)});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  for (const char* text :
       {"Generation 9040 goes on at the service", "will not be found out",
        "Generation 9041 is paid, and its clip was never handed on", "Removed 4 rows."}) {
    EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
  }
  EXPECT_EQ(finished.out.find("9042"), std::string::npos) << finished.out;
  // Rows that were not named are not looked at, however old.
  EXPECT_EQ(ids(), Ids{old});
}

TEST_F(Prune, ARowThatAProcessIsAtStays) {
  const auto ledger = open();
  const auto begun = must(ledger->begin(request(), std::nullopt, 0));
  const std::string held = std::to_string(begun.entry.id);
  const std::string other = std::to_string(add(*ledger, request()));
  const Finished finished = CliTest::ledger({"prune", held, other, "999"});
  EXPECT_EQ(finished.exit_code, 1);
  for (const std::string& text :
       {"Row " + held + " is not removed: a process is at it", "Row " + other + " is removed",
        std::string("Row 999 is not in the ledger"), std::string("Removed 1 row.")}) {
    EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
  }
  EXPECT_EQ(ids(), Ids{begun.entry.id});
}

TEST_F(Prune, JsonTellsOfEachNamedRow) {
  const auto ledger = open();
  const std::int64_t old = add(*ledger, request(), generation("1", Phase::failed));
  age(old, 400 * day);
  const auto begun = must(ledger->begin(request(), std::nullopt, 0));
  const std::int64_t pending = add(*ledger, request(), generation("9040", Phase::pending));
  const std::string line = "\"$0\" \"$@\" 2>/dev/null";
  const Finished finished =
      shell(line, {"ledger", "--ledger", path_, "prune", "--json", "--older-than", "90",
                   std::to_string(begun.entry.id), std::to_string(pending), "999"});
  EXPECT_EQ(finished.exit_code, 1);
  const auto document = must<api::JsonObjectPtr>([&]() -> Result<api::JsonObjectPtr> {
    auto parsed = api::parse_json_object(finished.out);
    if (parsed) return std::move(*parsed);
    Error error;
    error.message = parsed.error() + ": " + finished.out;
    return error;
  }());
  EXPECT_EQ(member_text(document.get(), "removed"), "2");
  JsonArray* rows = json_object_get_array_member(document.get(), "rows");
  ASSERT_EQ(json_array_get_length(rows), 3U);
  const auto row_text = [&](guint index, const char* name) {
    return member_text(json_array_get_object_element(rows, index), name);
  };
  EXPECT_EQ(row_text(0, "id"), std::to_string(begun.entry.id));
  EXPECT_EQ(row_text(0, "result"), "\"in_use\"");
  EXPECT_EQ(row_text(0, "lost"), "null");
  EXPECT_EQ(row_text(1, "result"), "\"removed\"");
  EXPECT_NE(row_text(1, "lost").find("9040"), std::string::npos);
  EXPECT_EQ(row_text(2, "result"), "\"missing\"");
  EXPECT_EQ(ids(), Ids{begun.entry.id});
}

}  // namespace
}  // namespace genpro::test
