// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

class Prune : public CliTest {
 protected:
  std::vector<std::int64_t> ids() {
    std::vector<std::int64_t> result;
    for (const ledger::Entry& entry : must(open()->list({}))) result.push_back(entry.id);
    return result;
  }
  static constexpr ledger::WallTime day = 24 * hour;
};
using Ids = std::vector<std::int64_t>;

TEST_F(Prune, RemovesWhatHasEndedLongAgoAndNothingElse) {
  const auto ledger = open();
  const auto add_old = [&](const payment::State& state, bool delivered, int days) {
    const std::int64_t id = add(*ledger, request(), state, delivered);
    age(id, days * day);
    return id;
  };
  add_old(failed("1"), false, 91);
  add_old(completed("2"), true, 400);
  const Ids left = {
      add_old(completed("3"), false, 400), add_old(pending("4"), false, 400),
      add_old(failed("5"), false, 89),     add_old(failed("6"), false, 2),
      add_old(failed("7"), false, 0),      add(*ledger, request("x", "3301")),
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
              static_cast<double>((ledger::wall_clock_now() - 3 * day) / 1000), 60);
  EXPECT_EQ(output({"prune", "--older-than", "1"}), "Removed 1 row.\n");
  EXPECT_EQ(ids(), (Ids{left[5], left[4], left[1], left[0]}));
}

TEST_F(Prune, NamedRowsGoInAnyStateAndWhatIsLostIsSaid) {
  const auto ledger = open();
  const std::int64_t old = add(*ledger, request(), failed("1"));
  age(old, 400 * day);
  const std::int64_t running = add(*ledger, request(), pending("9040"));
  const std::int64_t unknown = add(*ledger, request());
  const std::int64_t undelivered = add(*ledger, request(), completed("9041"));
  const std::int64_t refunded = add(*ledger, request(), failed("9042"));
  const Finished finished =
      CliTest::ledger({"prune", std::to_string(running), std::to_string(unknown),
                       std::to_string(undelivered), std::to_string(refunded)});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  for (const char* text :
       {"Generation 9040 goes on at the service", "will not be found out",
        "Generation 9041 is paid, and its clip was never delivered", "Removed 4 rows."}) {
    EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
  }
  EXPECT_EQ(finished.out.find("9042"), std::string::npos) << finished.out;
  // Rows that were not named are not looked at, however old.
  EXPECT_EQ(ids(), Ids{old});
}

TEST_F(Prune, ARowThatAProcessIsAtStays) {
  const auto ledger = open();
  const auto begun = must(begin(*ledger, request()));
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

// They tell whose the cell's other generations are.
TEST_F(Prune, TheRowsOfACellStayWhileARequestToItIsInDoubt) {
  const auto ledger = open();
  const std::int64_t old = add(*ledger, request(), failed("1"));
  age(old, 400 * day);
  const std::int64_t doubt = add(*ledger, request("x"));
  EXPECT_EQ(output({"prune"}), "Removed 0 rows.\n");
  put(*ledger, doubt, pending("2"));
  EXPECT_EQ(output({"prune"}), "Removed 1 row.\n");
  EXPECT_EQ(ids(), Ids{doubt});
}

TEST_F(Prune, ADamagedRowGoesAndALostGenerationIsNamed) {
  const auto ledger = open();
  const std::int64_t broken = add(*ledger, request(), pending("9040"));
  const std::int64_t lost = add(*ledger, request(), gone("9041"));
  sql("UPDATE generations SET generation_id = '%zz' WHERE id = " + std::to_string(broken));
  const Finished finished =
      CliTest::ledger({"prune", std::to_string(broken), std::to_string(lost)});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  for (const char* text : {"damaged", "Generation 9041 is paid", "Removed 2 rows."}) {
    EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
  }
  EXPECT_EQ(ids(), Ids{});
}

TEST_F(Prune, JsonTellsOfEachNamedRow) {
  const auto ledger = open();
  const std::int64_t old = add(*ledger, request(), failed("1"));
  age(old, 400 * day);
  const auto begun = must(begin(*ledger, request("x", "3301")));
  const std::int64_t running = add(*ledger, request(), pending("9040"));
  const std::string line = "\"$0\" \"$@\" 2>/dev/null";
  const Finished finished =
      shell(line, {"ledger", "--ledger", path_, "prune", "--json", "--older-than", "90",
                   std::to_string(begun.entry.id), std::to_string(running), "999"});
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
