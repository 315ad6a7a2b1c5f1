// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Help, what cannot be understood, and outputs that cannot be written.
#include <sys/stat.h>

#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using CommandLine = CliTest;

TEST_F(CommandLine, HelpSaysWhatThereIs) {
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases = {
      {{"--help"}, {"genpro [OPTION", "ledger ", "--ledger=FILE", "--version"}},
      {{"-h"}, {"genpro [OPTION"}},
      {{"ledger", "--help"}, {"genpro ledger", "  list ", "  show ", "  spend ", "  prune "}},
      {{"ledger", "list", "--help"},
       {"genpro ledger list", "--status=WORD", "--since=WHEN", "--limit=N", "--json", "90m",
        "submitting", "gone", "in-doubt", "--all", "--columns=NAMES", "prompt"}},
      {{"ledger", "show", "--help"}, {"genpro ledger show [OPTION…] ID", "--generation", "--json"}},
      {{"ledger", "check", "--help"}, {"genpro ledger check", "--json", "exit code is 1"}},
      {{"ledger", "spend", "--help"}, {"genpro ledger spend", "--since=WHEN", "--json", "7d"}},
      {{"ledger", "prune", "--help"},
       {"genpro ledger prune [OPTION…] [ID…]", "--older-than=DAYS", "--json", "cannot be picked"}},
  };
  for (const auto& [arguments, texts] : cases) {
    const Finished finished = genpro(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    for (const std::string& text : texts) {
      EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
    }
  }
  EXPECT_EQ(genpro({"--version"}).out, "genpro " GENPRO_VERSION "\n");
}

TEST_F(CommandLine, WhatIsNotUnderstoodIsNamedWithWhatToType) {
  struct Case {
    std::vector<std::string> arguments;
    std::vector<std::string> texts;
  };
  const std::vector<Case> cases = {
      {{}, {"command is missing", "genpro --help"}},
      {{"legder"}, {"\"legder\"", "ledger", "genpro --help"}},
      {{"--bogus"}, {"--bogus", "genpro --help"}},
      {{"ledger"},
       {"command is missing", "list, show, spend, settle, check, prune and copy",
        "genpro ledger --help"}},
      {{"ledger", "lst"},
       {"\"lst\"", "list, show, spend, settle, check, prune and copy", "genpro ledger --help"}},
      {{"ledger", "list", "--bogus"}, {"--bogus", "genpro ledger list --help"}},
      {{"ledger", "list", "extra"}, {"\"extra\"", "genpro ledger list --help"}},
      {{"ledger", "list", "--json=no"},
       {"--json", "\"no\"", "no value", "genpro ledger list --help"}},
      {{"generate", "--prompt", "--force=x", "--force=no"}, {"--force", "\"no\"", "no value"}},
      {{"ledger", "list", "--limit"}, {"--limit"}},
      {{"ledger", "list", "--limit", "0"}, {"--limit", "\"0\"", "from 1"}},
      {{"ledger", "list", "--limit", "4x"}, {"--limit", "\"4x\""}},
      {{"ledger", "list", "--limit", "99999999999999999999"}, {"--limit"}},
      {{"ledger", "list", "--limit", "5", "--all"}, {"--limit", "--all"}},
      {{"ledger", "list", "--columns", "row,bogus"},
       {"\"bogus\"", "row, time, status", "prompt", "genpro ledger list --help"}},
      {{"ledger", "list", "--columns", ""}, {"--columns", "empty"}},
      {{"ledger", "list", "--columns", " "}, {"--columns", "row, time"}},
      {{"ledger", "list", "--columns", "row,,time"}, {"\"\"", "row, time"}},
      {{"ledger", "list", "--columns", "row", "--json"}, {"--columns", "--json"}},
      {{"ledger", "check", "5"}, {"\"5\"", "genpro ledger check --help"}},
      {{"ledger", "list", "--status", "done"},
       {"\"done\"", "completed", "refused", "prepared", "gone", "in-doubt"}},
      {{"ledger", "list", "--since", "yesterday"}, {"\"yesterday\"", "2026-05-01", "7d"}},
      {{"ledger", "list", "--since", ""}, {"--since", "empty"}},
      {{"ledger", "list", "--ledger", ""}, {"--ledger", "empty"}},
      {{"--ledger", "", "ledger", "list"}, {"--ledger", "empty"}},
      {{"ledger", "show"}, {"missing", "genpro ledger show --help"}},
      {{"ledger", "show", "1", "2"}, {"one ID", "genpro ledger show --help"}},
      {{"ledger", "spend", "5"}, {"\"5\"", "genpro ledger spend --help"}},
      {{"ledger", "prune", "x"}, {"\"x\"", "genpro ledger prune --help"}},
      {{"ledger", "prune", "--older-than", "0"}, {"--older-than", "from 1"}},
      {{"ledger", "prune", "1", "-5"}, {"-5", "genpro ledger prune --help"}},
      {{"ledger", "l\033[31mst"}, {"[31mst"}},
  };
  for (const Case& one : cases) {
    const Finished finished = genpro(one.arguments);
    EXPECT_EQ(finished.exit_code, 2) << finished.out;
    EXPECT_EQ(lines_of(finished.out).size(), 1U) << finished.out;
    EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
    for (const std::string& text : one.texts) {
      EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
    }
    EXPECT_EQ(shell("\"$0\" \"$@\" 2>/dev/null", one.arguments).out, "");
  }
}

TEST_F(CommandLine, TheLedgerMayBeNamedBeforeAndAfterTheCommand) {
  add(*open(), request(), pending("9040"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--ledger", path_, "ledger", "list"},
        {"ledger", "--ledger", path_, "list"},
        {"ledger", "list", "--ledger=" + path_},
        {"--ledger", "/nowhere/else.db", "ledger", "list", "--ledger", path_}}) {
    const Finished finished = genpro(arguments);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_NE(finished.out.find("9040"), std::string::npos) << finished.out;
  }
}

TEST_F(CommandLine, TheDefaultLedgerIsInTheStateFolder) {
  path_ = folder_.file("genpro/ledger.db");
  add(*open(), request(), pending("9040"));
  const Finished finished = shell(
      "XDG_STATE_HOME=" + folder_.path() + " HOME=/nowhere \"$0\" \"$@\"", {"ledger", "list"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("9040"), std::string::npos) << finished.out;
}

TEST_F(CommandLine, AnOutputThatCannotBeWrittenIsAnErrorAndNoCrash) {
  add(*open(), request(), pending("9040"));
  const std::string gate = folder_.file("gate");
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  for (const std::vector<std::string>& what : {std::vector<std::string>{"list"},
                                               {"list", "--json"},
                                               {"show", "1"},
                                               {"spend"},
                                               {"check"},
                                               {"check", "--json"},
                                               {"prune", "--json"},
                                               {"list", "--help"}}) {
    std::vector<std::string> arguments = {"--ledger", path_, "ledger"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    const Finished full = shell("\"$0\" \"$@\" >/dev/full", arguments);
    EXPECT_EQ(full.exit_code, 1);
    EXPECT_NE(full.out.find("cannot be written: No space left"), std::string::npos) << full.out;
    // The reader is gone before anything is written.
    const Finished broken =
        shell("{ read line <" + gate + "; \"$0\" \"$@\"; echo code $? >&2; } | { exec <&-; echo >" +
                  gate + "; }",
              arguments);
    EXPECT_NE(broken.out.find("code 1"), std::string::npos) << broken.out;
    EXPECT_NE(broken.out.find("cannot be written"), std::string::npos) << broken.out;
    // No descriptor at all: what is opened later must not get its number.
    const Finished closed = shell("\"$0\" \"$@\" >&-", arguments);
    EXPECT_EQ(closed.exit_code, 1) << closed.out;
  }
  EXPECT_EQ(must(open()->list({})).size(), 1U);
  EXPECT_EQ(std::filesystem::file_size(path_ + ".lock"), 0U);
}

}  // namespace
}  // namespace genpro::test
