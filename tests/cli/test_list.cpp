// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using List = CliTest;

// 2026-05-01 00:00 in the zone of the tests.
constexpr ledger::WallTime may_day = 1777573800LL * 1000;

TEST_F(List, ATableWithTheNewestFirst) {
  const auto ledger = open();
  const std::int64_t first = add_costing(*ledger, request(), completed("9040"), 3.5, true);
  const std::int64_t second =
      add(*ledger, request("x", "3301", "43", "größe"), processing("gen_9041", true));
  must(ledger->note_bytes(second, 4711));
  const std::int64_t third = add(*ledger, request("y", "3300", "42", ""));
  sql("UPDATE generations SET created_at = " + std::to_string(may_day + 1000));

  const auto lines = lines_of(output({"list"}));
  ASSERT_EQ(lines.size(), 4U);
  for (const char* title : {"Row", "Asked for", "Status", "In use", "Generation", "Model", "Cost",
                            "Bytes", "Agent", "Cell"}) {
    EXPECT_NE(lines[0].find(title), std::string::npos) << title;
  }
  const auto has = [](const std::string& line, const std::vector<std::string>& texts) {
    std::size_t at = 0;
    for (const std::string& text : texts) {
      at = line.find(text, at);
      if (at == std::string::npos) return false;
      at += text.size();
    }
    return true;
  };
  EXPECT_TRUE(has(lines[1], {std::to_string(third), "2026-05-01 00:00:01", "in doubt", "no", "-",
                             "cell's own", "-", "0", "42", "101/3300"}))
      << lines[1];
  EXPECT_TRUE(has(lines[2], {std::to_string(second), "processing, stop to be sent", "no",
                             "gen_9041", "größe", "-", "4711", "43", "101/3301"}))
      << lines[2];
  EXPECT_TRUE(has(lines[3], {std::to_string(first), "completed", "no", "9040", "pika", "3.5",
                             "whole", "42", "101/3300"}))
      << lines[3];
  // What is wider in bytes is not wider on the terminal.
  const auto column = [](const std::string& line, const char* text) {
    return g_utf8_strlen(line.c_str(), static_cast<gssize>(line.find(text)));
  };
  EXPECT_EQ(column(lines[2], "größe"), column(lines[3], "pika"));
  EXPECT_EQ(column(lines[2], "  43  "), column(lines[3], "  42  "));
  EXPECT_EQ(column(lines[2], "101/3301"), column(lines[3], "101/3300"));
  EXPECT_EQ(column(lines[0], "Cell"), column(lines[3], "101/3300"));
  for (const std::string& line : lines) EXPECT_FALSE(line.ends_with(' '));
}

TEST_F(List, SaysWhoIsAtItNow) {
  const auto ledger = open();
  auto begun = must(begin(*ledger, request()));
  EXPECT_EQ(member_text(object_at(json({"list"}), 0), "status"), "\"submitting\"");
  EXPECT_EQ(member_text(object_at(json({"list"}), 0), "followed"), "true");
  EXPECT_NE(output({"list"}).find("  yes  "), std::string::npos);
  EXPECT_EQ(number_of(json({"list", "--status", "submitting"})), 1U);
  EXPECT_EQ(number_of(json({"list", "--status", "unknown"})), 0U);
  begun.presence.release();
  EXPECT_EQ(member_text(object_at(json({"list"}), 0), "status"), "\"unknown\"");
  EXPECT_EQ(member_text(object_at(json({"list"}), 0), "followed"), "false");
  EXPECT_EQ(number_of(json({"list", "--status", "submitting"})), 0U);
  EXPECT_EQ(number_of(json({"list", "--status", "unknown"})), 1U);
  EXPECT_NE(output({"list"}).find("  in doubt  "), std::string::npos);
}

TEST_F(List, JsonHasStableNamesAndTypes) {
  const auto ledger = open();
  add(*ledger, request("x", "3300", "agent_xyz", ""));
  add_costing(*ledger, request(), likely(completed("9040")), 3.5, true);
  sql("UPDATE generations SET created_at = " + std::to_string(may_day + 7));
  const auto list = json({"list"});
  ASSERT_EQ(number_of(list), 2U);
  EXPECT_EQ(names_of(object_at(list, 0)),
            (std::vector<std::string>{"id", "created_at", "status", "charged", "in_doubt",
                                      "followed", "stop_wanted", "generation_id", "evidence",
                                      "model", "cost", "estimate", "refund_proven",
                                      "bytes_delivered", "delivered", "agent_id", "cell_path"}));
  const std::vector<std::pair<const char*, std::pair<const char*, const char*>>> members = {
      {"id", {"2", "1"}},
      {"created_at", {"\"2026-04-30T18:30:00.007Z\"", "\"2026-04-30T18:30:00.007Z\""}},
      {"status", {"\"completed\"", "\"unknown\""}},
      {"charged", {"\"unknown\"", "\"unknown\""}},
      {"in_doubt", {"false", "true"}},
      {"evidence", {"\"likely\"", "null"}},
      {"followed", {"false", "false"}},
      {"stop_wanted", {"false", "false"}},
      {"generation_id", {"\"9040\"", "null"}},
      {"model", {"\"pika\"", "null"}},
      {"cost", {"3.5", "null"}},
      {"estimate", {"null", "null"}},
      {"refund_proven", {"null", "null"}},
      {"bytes_delivered", {"1000", "0"}},
      {"delivered", {"true", "false"}},
      {"agent_id", {"\"42\"", "\"agent_xyz\""}},
      {"cell_path",
       {"\"autocontentengine/101/cells/3300\"", "\"autocontentengine/101/cells/3300\""}},
  };
  for (const auto& [name, values] : members) {
    EXPECT_EQ(member_text(object_at(list, 0), name), values.first) << name;
    EXPECT_EQ(member_text(object_at(list, 1), name), values.second) << name;
  }
}

TEST_F(List, SelectsByStatusAndNumber) {
  const auto ledger = open();
  std::vector<std::int64_t> ids;
  for (const payment::State& state : {failed("1"), pending("1"), failed("1"), failed("1")}) {
    ids.push_back(add(*ledger, request(), state));
  }
  add(*ledger, request());
  lose(*ledger, add(*ledger, request()));
  const auto list = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "list");
    const auto rows = json(arguments);
    std::vector<std::string> result;
    for (guint index = 0; index < number_of(rows); ++index) {
      result.push_back(member_text(object_at(rows, index), "id"));
    }
    return result;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(list({"--status", "failed"}), (Ids{"4", "3", "1"}));
  EXPECT_EQ(list({"--status", "failed", "--limit", "2"}), (Ids{"4", "3"}));
  EXPECT_EQ(list({"--limit", "1"}), Ids{"6"});
  EXPECT_EQ(list({"--status", "unknown"}), (Ids{"6", "5"}));
  EXPECT_EQ(list({"--status", "unknown", "--limit", "1"}), Ids{"6"});
  EXPECT_EQ(list({"--status", "in-doubt"}), (Ids{"6", "5"}));
  EXPECT_EQ(list({"--status", "refused"}), Ids{});
  prepare(*ledger, request());
  add(*ledger, request(), gone("2"));
  EXPECT_EQ(list({"--status", "prepared"}), Ids{"7"});
  EXPECT_EQ(list({"--status", "gone"}), Ids{"8"});
  EXPECT_EQ(list({"--status", "submitting"}), Ids{});
}

TEST_F(List, SinceIsADayAMomentOrHowLongAgo) {
  const auto ledger = open();
  const auto add_at = [&](ledger::WallTime time) {
    const std::int64_t id = add(*ledger, request(), failed("1"));
    sql("UPDATE generations SET created_at = " + std::to_string(time) +
        " WHERE id = " + std::to_string(id));
  };
  const ledger::WallTime now = ledger::wall_clock_now();
  const std::vector<std::pair<std::string, std::size_t>> moments = {
      {"2026-05-01", 3},
      {"2026-05-02", 2},
      {"2026-05-01 00:00", 3},
      {"2026-05-01 00:01", 2},
      {"2026-05-01T00:00:00", 3},
      {"2026-05-01T00:00:01", 2},
      {"2026-04-30T18:30Z", 3},
      {"2026-04-30T18:30:01Z", 2},
      {"2026-05-01 00:00+05:30", 3},
      {"2026-04-30 20:30:01+02:00", 2},
      {"3d", 2},
      {"36h", 2},
      {"90m", 1},
      {"59m", 0},
      {"99999999999999d", 3},
      {"1970-01-01", 3},
  };
  add_at(may_day);
  add_at(now - 30 * hour);
  add_at(now - hour);
  for (const auto& [when, number] : moments) {
    EXPECT_EQ(number_of(json({"list", "--since", when})), number) << when;
    EXPECT_EQ(lines_of(output({"list", "--since", when})).size(), number + 1) << when;
  }
  for (const char* when : {"7", "d", "-7d", "7w", "2026", "2026-5-1", "2026-13-01", "2026-02-30",
                           "2026-05-01 25:00", "2026-05-01 08", "2026-05-01x", "7.5d", "now"}) {
    const Finished finished = CliTest::ledger({"list", std::string("--since=") + when});
    EXPECT_EQ(finished.exit_code, 2) << when << finished.out;
  }
}

TEST_F(List, FiftyRowsUnlessMoreAreAskedFor) {
  const auto ledger = open();
  for (int row = 0; row < 55; ++row) add(*ledger, request(), failed("1"));
  const auto table = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"ledger", "--ledger", path_, "list"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return lines_of(shell("\"$0\" \"$@\" 2>/dev/null", arguments).out);
  };
  const auto told = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"ledger", "--ledger", path_, "list"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return lines_of(shell("\"$0\" \"$@\" 2>&1 >/dev/null", arguments).out);
  };
  EXPECT_EQ(table({}).size(), 51U);
  EXPECT_NE(table({})[1].find("55"), std::string::npos) << "the newest ones";
  EXPECT_EQ(table({"--all"}).size(), 56U);
  EXPECT_EQ(table({"--limit", "54"}).size(), 55U);
  EXPECT_EQ(table({"--limit", "55"}).size(), 56U);
  EXPECT_EQ(number_of(json({"list"})), 50U);
  EXPECT_EQ(number_of(json({"list", "--all"})), 55U);
  for (const std::vector<std::string>& cut :
       {std::vector<std::string>{}, {"--json"}, {"--limit", "54"}, {"--status", "failed"}}) {
    const auto lines = told(cut);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("more rows"), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("--limit"), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("--all"), std::string::npos) << lines[0];
  }
  for (const std::vector<std::string>& whole : {std::vector<std::string>{"--all"},
                                                {"--all", "--json"},
                                                {"--limit", "55"},
                                                {"--status", "gone"}}) {
    EXPECT_TRUE(told(whole).empty());
  }
}

TEST_F(List, TheColumnsThatAreAskedForInTheirOrder) {
  const auto ledger = open();
  add_costing(*ledger, request("A kettle, turning"), likely(completed("9040")), 3.5);
  add(*ledger, request("A boat"));
  sql("UPDATE generations SET created_at = " + std::to_string(may_day));
  EXPECT_EQ(output({"list", "--columns", "row,time,status,cost,prompt"}),
            "Row  Asked for            Status     Cost  Prompt\n"
            "  2  2026-05-01 00:00:00  in doubt      -  A boat\n"
            "  1  2026-05-01 00:00:00  completed   3.5  A kettle, turning\n");
  EXPECT_EQ(output({"list", "--columns", "evidence, charged,generation"}),
            "Evidence  Charged  Generation\n"
            "-         unknown  -\n"
            "likely    unknown  9040\n");
  const std::string long_prompt(5000, 'x');
  add(*ledger, request(long_prompt));
  for (const std::string& line : lines_of(output({"list", "--columns", "prompt"}))) {
    EXPECT_LE(line.size(), 110U);
  }
}

// Ids and agents with such characters are no ids; that is damage, and told without them.
TEST_F(List, WhatIsMeantForATerminalReachesNone) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("a\\u001b[2Jb\\u009b1m"), failed("9040", "x"));
  sql("UPDATE generations SET model = 'x' || char(10) || 'y' || char(8238) || char(27) || '[2J', "
      "reason = char(27) || ']0;title' || char(7)");
  sql("UPDATE history SET came = 'a' || char(27) || '[2Jb' || char(155) || '1m', "
      "decided = char(7) || char(8238), word = 'paid'");
  const std::vector<std::vector<std::string>> commands = {
      {"list", "--columns", "model,reason,prompt"},
      {"show", std::to_string(id)},
      {"spend"},
      {"check"},
      {"prune", std::to_string(id), "--older-than", "5"}};
  for (const auto& arguments : commands) {
    const Finished finished = CliTest::ledger(arguments);
    EXPECT_EQ(finished.exit_code, arguments[0] == "check" ? 1 : 0) << finished.out;
    EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
  }
  add(*ledger, request(), failed("9040"));
  for (const char* change :
       {"generation_id = 'a' || char(27) || '[2Jb' || char(155) || '1m'", "base_url = char(27)",
        "agent_id = char(7) || CAST(x'ff' AS TEXT)", "status = char(27) || '[2J'"}) {
    sql(std::string("UPDATE generations SET ") + change);
    for (const auto& arguments : commands) {
      if (arguments[0] == "prune") continue;
      const Finished finished = CliTest::ledger(arguments);
      EXPECT_LE(finished.exit_code, 1) << finished.out;
      EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
    }
  }
}

}  // namespace
}  // namespace genpro::test
