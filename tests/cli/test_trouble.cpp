// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ledgers that are not there, not usable, or in use.
#include <chrono>

#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

class Trouble : public CliTest {
 protected:
  // One line that names the file; the exit code of a failure.
  std::string refused(const std::vector<std::string>& arguments) {
    const Finished finished = ledger(arguments);
    EXPECT_EQ(finished.exit_code, 1) << finished.out;
    EXPECT_EQ(lines_of(finished.out).size(), 1U) << finished.out;
    EXPECT_NE(finished.out.find(path_), std::string::npos) << finished.out;
    return finished.out;
  }
  const std::vector<std::vector<std::string>> all_ = {
      {"list"}, {"show", "1"}, {"spend"}, {"prune"}, {"check"}};
};

TEST_F(Trouble, WithoutALedgerThereIsNothingAndNothingIsMade) {
  path_ = folder_.file("genpro/ledger.db");
  for (const std::vector<std::string>& arguments : {all_[0], all_[2], all_[3], all_[4]}) {
    const Finished finished = ledger(arguments);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_NE(finished.out.find("There is no ledger " + path_), std::string::npos) << finished.out;
  }
  EXPECT_EQ(number_of(json({"list"})), 0U);
  const auto spend = json({"spend"});
  EXPECT_EQ(member_text(api::as_object(spend.get()), "days"), "[]");
  const auto prune = json({"prune"});
  EXPECT_EQ(member_text(api::as_object(prune.get()), "removed"), "0");
  const auto check = json({"check"});
  EXPECT_EQ(member_text(api::as_object(check.get()), "findings"), "[]");
  EXPECT_NE(refused({"show", "1"}).find("There is no ledger"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Trouble, ADamagedLedgerIsNamed) {
  write_file(path_, std::string(9000, 'x'));
  for (const auto& arguments : all_) {
    EXPECT_NE(refused(arguments).find("damaged"), std::string::npos);
  }
  EXPECT_EQ(read_file(path_), std::string(9000, 'x'));
}

// One row that cannot be: each command that reads it names it, at once, and says what to do.
TEST_F(Trouble, ADamagedRowIsNamed) {
  add(*open(), request(), failed("9040"));
  const std::int64_t broken = add(*open(), request(), pending("9041"));
  const std::string id = std::to_string(broken);
  for (const char* change :
       {"generation_id = '%zz'", "generation_id = '../x'", "generation_id = x'00'",
        "status = 'paid'", "base_url = 'gopher://x'", "cell_path = '../../..'",
        "posted_at = 'soon'", "evidence = ''", "cost = 'much'", "stop_wanted = 7"}) {
    const std::string column = std::string(change).substr(0, std::string(change).find(' '));
    const std::string kept = "kept_" + column;
    sql("CREATE TABLE " + kept + " AS SELECT " + column +
        " AS value FROM generations WHERE id = " + id);
    sql(std::string("UPDATE generations SET ") + change + " WHERE id = " + id);
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"list"},
          {"list", "--json"},
          {"show", id},
          {"show", id, "--json"},
          {"settle", "--api-base-url", "http://127.0.0.1:1/v1"}}) {
      if (arguments[0] == "settle" && column == "status") continue;  // it is not open
      const std::string text = refused(arguments);
      EXPECT_NE(text.find("ow " + id), std::string::npos) << change << ": " << text;
      EXPECT_NE(text.find("damaged"), std::string::npos) << change << ": " << text;
      EXPECT_NE(text.find("genpro ledger"), std::string::npos) << change << ": " << text;
    }
    const Finished check = ledger({"check"});
    EXPECT_EQ(check.exit_code, 1) << change << check.out;
    EXPECT_NE(check.out.find("Row " + id + ": "), std::string::npos) << check.out;
    EXPECT_NE(output({"show", "1"}).find("9040"), std::string::npos) << "the other one";
    sql("UPDATE generations SET " + column + " = (SELECT value FROM " + kept +
        ") WHERE id = " + id);
    sql("DROP TABLE " + kept);
  }
  EXPECT_NE(output({"list"}).find("9041"), std::string::npos);
}

// A byte that is not the one that was written: an answer or an error, soon, and never a crash.
TEST_F(Trouble, NoByteOfTheFileHangsOrEndsACommand) {
  {
    const auto ledger = open();
    for (int row = 0; row < 30; ++row) add(*ledger, request(), failed("9040"));
    add(*ledger, request());
  }
  const std::string whole = read_file(path_);
  ASSERT_GT(whole.size(), 4096U);
  const std::size_t step = whole.size() / 80;
  for (std::size_t at = 0; at < whole.size(); at += at < 100 ? 9 : step) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    const std::vector<std::string> command = all_[at % all_.size()];
    for (const char* end : {"-wal", "-shm"}) fs::remove(path_ + end);
    write_file(path_, bytes);
    const auto started = std::chrono::steady_clock::now();
    const Finished finished = ledger(command);
    EXPECT_LE(std::chrono::steady_clock::now() - started, std::chrono::seconds(60)) << at;
    EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 1) << at << finished.out;
    if (finished.exit_code == 1 && command[0] != "check") {
      EXPECT_EQ(lines_of(finished.out).size(), 1U) << at << finished.out;
    }
    EXPECT_FALSE(has_control_characters(finished.out)) << at << finished.out;
  }
}

TEST_F(Trouble, ANewerLedgerIsLeftAsItIs) {
  add(*open(), request(), failed("9040"));
  sql("PRAGMA user_version = 99");
  const std::string before = read_file(path_);
  for (const auto& arguments : all_) {
    EXPECT_NE(refused(arguments).find("newer version"), std::string::npos);
  }
  EXPECT_EQ(read_file(path_), before);
}

TEST_F(Trouble, AFolderIsNoLedger) {
  path_ = folder_.path();
  refused({"list"});
}

TEST_F(Trouble, WhileAnotherOneWritesReadingWorksAndPruningWaits) {
  const std::int64_t id = add(*open(), request(), failed("9040"));
  age(id, 400LL * 24 * hour);
  sqlite::Database writer(path_, SQLITE_OPEN_READWRITE);
  writer.execute("BEGIN IMMEDIATE");
  writer.execute("UPDATE generations SET generation_id = '1'");
  EXPECT_NE(output({"list"}).find("9040"), std::string::npos);
  EXPECT_NE(output({"show", std::to_string(id)}).find("9040"), std::string::npos);
  EXPECT_NE(output({"spend"}).find("Total"), std::string::npos);
  EXPECT_NE(refused({"prune"}).find("locked"), std::string::npos);
  writer.execute("COMMIT");
  EXPECT_EQ(output({"prune"}), "Removed 1 row.\n");
}

TEST_F(Trouble, ALedgerThatOneHoldsForItselfIsNamedAsLocked) {
  add(*open(), request(), failed("9040"));
  sqlite::Database holder(path_, SQLITE_OPEN_READWRITE);
  holder.execute("PRAGMA locking_mode = EXCLUSIVE");
  holder.execute("BEGIN IMMEDIATE");
  EXPECT_NE(refused({"list"}).find("locked"), std::string::npos);
}

TEST_F(Trouble, NeedsNoKeyAndNoHome) {
  add(*open(), request(), failed("9040"));
  const Finished finished = shell("env -i \"$0\" \"$@\"", {"ledger", "--ledger", path_, "list"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("9040"), std::string::npos) << finished.out;
}

}  // namespace
}  // namespace genpro::test
