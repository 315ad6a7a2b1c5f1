// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ledgers that are not there, not usable, or in use.
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;
using api::Phase;

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
      {"list"}, {"show", "1"}, {"spend"}, {"prune"}};
};

TEST_F(Trouble, WithoutALedgerThereIsNothingAndNothingIsMade) {
  path_ = folder_.file("genpro/ledger.db");
  for (const std::vector<std::string>& arguments : {all_[0], all_[2], all_[3]}) {
    const Finished finished = ledger(arguments);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_NE(finished.out.find("There is no ledger " + path_), std::string::npos) << finished.out;
  }
  EXPECT_EQ(number_of(json({"list"})), 0U);
  const auto spend = json({"spend"});
  EXPECT_EQ(member_text(api::as_object(spend.get()), "days"), "[]");
  const auto prune = json({"prune"});
  EXPECT_EQ(member_text(api::as_object(prune.get()), "removed"), "0");
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

TEST_F(Trouble, ANewerLedgerIsLeftAsItIs) {
  add(*open(), request(), generation("9040", Phase::failed));
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
  const std::int64_t id = add(*open(), request(), generation("9040", Phase::failed, 3.5));
  age(id, 400LL * 24 * hour);
  job::Database writer(path_, SQLITE_OPEN_READWRITE);
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
  add(*open(), request(), generation("9040", Phase::failed));
  job::Database holder(path_, SQLITE_OPEN_READWRITE);
  holder.execute("PRAGMA locking_mode = EXCLUSIVE");
  holder.execute("BEGIN IMMEDIATE");
  EXPECT_NE(refused({"list"}).find("locked"), std::string::npos);
}

TEST_F(Trouble, NeedsNoKeyAndNoHome) {
  add(*open(), request(), generation("9040", Phase::failed));
  const Finished finished = shell("env -i \"$0\" \"$@\"", {"ledger", "--ledger", path_, "list"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_NE(finished.out.find("9040"), std::string::npos) << finished.out;
}

}  // namespace
}  // namespace genpro::test
