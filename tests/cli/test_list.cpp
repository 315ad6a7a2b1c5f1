// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using api::Phase;
using List = CliTest;

// 2026-05-01 00:00 in the zone of the tests.
constexpr job::WallTime may_day = 1777573800LL * 1000;

TEST_F(List, ATableWithTheNewestFirst) {
  const auto ledger = open();
  const std::int64_t first =
      add(*ledger, request(), generation("9040", Phase::completed, 3.5), true);
  const std::int64_t second =
      add(*ledger, request("x", "3301", "43", ""), generation("gen_größe", Phase::processing));
  must(ledger->note_delivery(second, 4711, false));
  must(ledger->note_stop_wanted(second, true));
  const std::int64_t third = add(*ledger, request("y"));
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
  EXPECT_TRUE(has(lines[1], {std::to_string(third), "2026-05-01 00:00:01", "unknown", "no", "-",
                             "pika", "-", "0", "42", "101/3300"}))
      << lines[1];
  EXPECT_TRUE(has(lines[2], {std::to_string(second), "processing, stop to be sent", "no",
                             "gen_größe", "cell's own", "-", "4711", "43", "101/3301"}))
      << lines[2];
  EXPECT_TRUE(has(lines[3], {std::to_string(first), "completed", "no", "9040", "pika", "3.5",
                             "whole", "42", "101/3300"}))
      << lines[3];
  // What is wider in bytes is not wider on the terminal.
  const auto column = [](const std::string& line, const char* text) {
    return g_utf8_strlen(line.c_str(), static_cast<gssize>(line.find(text)));
  };
  EXPECT_EQ(column(lines[2], "cell's own"), column(lines[3], "pika"));
  EXPECT_EQ(column(lines[2], "101/3301"), column(lines[3], "101/3300"));
  EXPECT_EQ(column(lines[0], "Cell"), column(lines[3], "101/3300"));
  for (const std::string& line : lines) EXPECT_FALSE(line.ends_with(' '));
}

TEST_F(List, SaysWhoIsAtItNow) {
  const auto ledger = open();
  auto begun = must(ledger->begin(request(), std::nullopt, 0));
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
}

TEST_F(List, JsonHasStableNamesAndTypes) {
  const auto ledger = open();
  add(*ledger, request("x", "3300", "agent_xyz", ""));
  add(*ledger, request(), generation("9040", Phase::completed, 3.5), true);
  sql("UPDATE generations SET created_at = " + std::to_string(may_day + 7));
  const auto list = json({"list"});
  ASSERT_EQ(number_of(list), 2U);
  EXPECT_EQ(names_of(object_at(list, 0)),
            (std::vector<std::string>{"id", "created_at", "status", "followed", "stop_wanted",
                                      "generation_id", "model", "cost", "bytes_delivered",
                                      "delivered", "agent_id", "cell_path"}));
  const std::vector<std::pair<const char*, std::pair<const char*, const char*>>> members = {
      {"id", {"2", "1"}},
      {"created_at", {"\"2026-04-30T18:30:00.007Z\"", "\"2026-04-30T18:30:00.007Z\""}},
      {"status", {"\"completed\"", "\"unknown\""}},
      {"followed", {"false", "false"}},
      {"stop_wanted", {"false", "false"}},
      {"generation_id", {"\"9040\"", "null"}},
      {"model", {"\"pika\"", "null"}},
      {"cost", {"3.5", "null"}},
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
  for (const Phase phase : {Phase::failed, Phase::pending, Phase::failed, Phase::failed}) {
    ids.push_back(add(*ledger, request(), generation("1", phase)));
  }
  add(*ledger, request());
  must(ledger->note_unknown(add(*ledger, request()), false));
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
  EXPECT_EQ(list({"--status", "refused"}), Ids{});
}

TEST_F(List, SinceIsADayAMomentOrHowLongAgo) {
  const auto ledger = open();
  const auto add_at = [&](job::WallTime time) {
    const std::int64_t id = add(*ledger, request(), generation("1", Phase::failed));
    sql("UPDATE generations SET created_at = " + std::to_string(time) +
        " WHERE id = " + std::to_string(id));
  };
  const job::WallTime now = job::wall_clock_now();
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

TEST_F(List, WhatIsMeantForATerminalReachesNone) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), generation("9040", Phase::failed));
  sql("UPDATE generations SET generation_id = 'a' || char(27) || '[2Jb' || char(155) || '1m', "
      "model = 'x' || char(10) || 'y' || char(8238), agent_id = char(7) || CAST(x'ff' AS TEXT), "
      "reason = char(27) || ']0;title' || char(7)");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list"},
        {"show", std::to_string(id)},
        {"spend"},
        {"prune", std::to_string(id), "--older-than", "5"}}) {
    const Finished finished = CliTest::ledger(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
  }
}

}  // namespace
}  // namespace genpro::test
