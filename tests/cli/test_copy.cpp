// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger that is moved into another one, of whichever kind: nothing of it is lost, and at no time
// two of them can be spent from.
#include <fstream>

#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

using Kind = ledger::Claim::Kind;

class Copy : public CliTest {
 protected:
  std::string new_file() { return folder_.file("copy" + std::to_string(++files_) + ".db"); }
  static std::string new_server() { return shared_postgres().new_ledger(); }
  static std::unique_ptr<ledger::Ledger> open_at(const std::string& path) {
    return must(ledger::Ledger::open(path));
  }

  Finished copy(const std::string& from, const std::string& to) {
    return genpro({"ledger", "copy", from, to});
  }
  std::string copied(const std::string& from, const std::string& to) {
    const Finished finished = copy(from, to);
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    return finished.out;
  }
  std::string refused(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = {"ledger", "copy"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Finished finished = genpro(words);
    EXPECT_EQ(finished.exit_code, 1) << finished.out;
    EXPECT_EQ(lines_of(finished.out).size(), 1U) << finished.out;
    return finished.out;
  }

  // A row in each state, and what else a ledger knows.
  void fill() {
    const auto ledger = open();
    add(*ledger, request("\"quoted\" ä 字\\n"), failed("9001", "the model gave up"));
    add(*ledger, request("2"), completed("9002"), true);
    add(*ledger, request("3"), completed("9003"));
    add(*ledger, request("4", "3301", "042", "veo", 7.5), pending("9004"));
    add(*ledger, request("5"), likely(processing("9005", true)));
    add(*ledger, request("6"), stopped("9006"));
    add(*ledger, request("7"), gone("9007"));
    refuse(*ledger, add(*ledger, request("8")), "no credits");
    add_costing(*ledger, request("9"), completed("9009"), 0.1 + 0.2);
    add_costing(*ledger, request("10"), completed("9010"), 12);
    prepare(*ledger, request("11", "3302"));
    lose(*ledger, add(*ledger, request("12", "3303"), Jobs{"1", "2-b"}), true);
    add(*ledger, request("13", "3304"), Jobs{});
    make_old(2, 40 * 24 * hour);
    const ledger::AssetScope scope{"https://api.gen.pro/v1", "42"};
    const std::string digest(64, 'a');
    must(ledger->note_asset(scope,
                            {"501", digest, 17, "image/png", "größe.png", 1'700'000'000'000}));
    must(ledger->note_asset(scope, {"502", digest, 17, "image/png", "b.png", 1'700'000'000'001}));
    must(ledger->note_asset_gone(scope, "502"));
    must(ledger->note_digests({{{"/a/b", 1, 2, 3, 4, 5}, {digest, "image/png"}}}));
    // The last number is none for another row.
    const std::int64_t last = add(*ledger, request("14"), failed("9014"));
    must(ledger->remove(last));
  }

  // Each value of each table of a file, with its type.
  static std::string dump(const std::string& path) {
    sqlite::Database file(path, SQLITE_OPEN_READWRITE);
    std::string text;
    for (const char* sql :
         {"SELECT * FROM generations ORDER BY id", "SELECT * FROM history ORDER BY row, number",
          "SELECT * FROM assets ORDER BY service, agent, id",
          "SELECT rowid, * FROM files ORDER BY rowid",
          "SELECT * FROM sqlite_sequence WHERE name = 'generations'"}) {
      sqlite3_stmt* raw = nullptr;
      sqlite3_prepare_v2(file.handle(), sql, -1, &raw, nullptr);
      const Owned<sqlite3_stmt, sqlite3_finalize> statement(raw);
      while (sqlite3_step(raw) == SQLITE_ROW) {
        for (int at = 0; at < sqlite3_column_count(raw); ++at) {
          const auto* value = sqlite3_column_text(raw, at);
          text += std::string(sqlite3_column_name(raw, at)) + ":" +
                  std::to_string(sqlite3_column_type(raw, at)) + "=" +
                  (value == nullptr ? "" : reinterpret_cast<const char*>(value)) + "\n";
        }
      }
    }
    return text;
  }

  // Whether a request that nobody has made can be paid for with it.
  static bool is_open(const std::string& path) {
    const auto ledger = open_at(path);
    const auto claim = ask(*ledger, request("new", "77"));
    if (!claim) {
      EXPECT_NE(claim.error().message.find("Nothing was sent"), std::string::npos)
          << claim.error().message;
    }
    return static_cast<bool>(claim);
  }
  static std::string transfer_of(const std::string& path) {
    sqlite::Database file(path, SQLITE_OPEN_READWRITE);
    sqlite::Query query(file, "SELECT transfer FROM ledger");
    return query.step() ? query.text(0) : "";
  }
  static std::size_t rows_of(const std::string& path) {
    return must(open_at(path)->list({})).size();
  }

 private:
  int files_ = 0;
};

class CopyToServer : public Copy {
 protected:
  void SetUp() override {
    if (!PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  }
};

TEST_F(Copy, AFileIsTheSameInAnotherOne) {
  fill();
  const std::string before = dump(path_);
  const std::string to = new_file();
  const std::string told = copied(path_, to);
  for (const std::string& text :
       {std::string("13 generations"), std::string("2 uploads"), std::string("1 digest of a file"),
        std::string("12.3 credits"), path_, to}) {
    EXPECT_NE(told.find(text), std::string::npos) << text << " in " << told;
  }
  EXPECT_EQ(dump(path_), before);
  EXPECT_EQ(dump(to), before);
  // The row that was removed had number 14.
  EXPECT_EQ(add(*open_at(to), request("15", "99")), 15);
}

TEST_F(CopyToServer, WhatWasOnAServerInBetweenIsTheSameBitByBit) {
  fill();
  const std::string before = dump(path_);
  const std::string server = new_server();
  copied(path_, server);
  EXPECT_EQ(rows_of(server), 13U);
  // Another server's is no different.
  const std::string other = new_server();
  copied(server, other);
  const std::string to = new_file();
  copied(other, to);
  EXPECT_EQ(dump(to), before);
  EXPECT_EQ(add(*open_at(to), request("15", "99")), 15);
}

TEST_F(CopyToServer, NewRowsOfAServerGoOnBehindAll) {
  fill();
  const std::string server = new_server();
  copied(path_, server);
  const auto ledger = open_at(server);
  EXPECT_EQ(add(*ledger, request("15", "99")), 15);
  must(ledger->note_digests({{{"/c", 1, 2, 3, 4, 5}, {std::string(64, 'b'), "image/png"}}}));
  // What is in doubt is served by its row, and not paid for anew.
  EXPECT_EQ(must(ask(*ledger, request("12", "3303"))).entry.id, 12);
}

TEST_F(CopyToServer, OldRowsDoNotCountForToday) {
  const std::int64_t old = add(*open(), request(), failed("1"));
  make_old(old, 48 * hour);
  const std::string server = new_server();
  copied(path_, server);
  const auto ledger = open_at(server);
  const auto first = begin(*ledger, request("x"), {}, 1);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(begin(*ledger, request("y"), {}, 1));
}

// In a file, what is of another boot was before this machine's.
TEST_F(CopyToServer, WhatAnotherMachineHasJustSentGoesIntoNoFile) {
  path_ = new_server();
  const std::string name = path_.substr(path_.rfind('/') + 1);
  lose(*open(), add(*open(), request()));
  shared_postgres().sql(name, "UPDATE genpro.generations SET posted_boot = 'aaaaaaaa-0000'");
  EXPECT_NE(refused({path_, new_file()}).find("Row 1 of the ledger " + path_ + " was changed"),
            std::string::npos);
  EXPECT_TRUE(is_open(path_));
  shared_postgres().sql(name,
                        "ALTER TABLE genpro.generations DISABLE TRIGGER note_change; UPDATE "
                        "genpro.generations SET changed_at = changed_at - 120000; ALTER TABLE "
                        "genpro.generations ENABLE TRIGGER note_change");
  copied(path_, new_file());
}

TEST_F(Copy, WhatWasMovedIsForReadingOnly) {
  fill();
  const auto opened_before = open();
  const std::string to = new_file();
  copied(path_, to);
  for (const auto& claim : {ask(*opened_before, request("2")), ask(*open(), request("new"))}) {
    ASSERT_FALSE(claim);
    EXPECT_NE(claim.error().message.find("moved to " + to), std::string::npos)
        << claim.error().message;
    EXPECT_NE(claim.error().message.find("Nothing was sent"), std::string::npos);
  }
  const auto begun = begin(*opened_before, request("new"));
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("moved to " + to), std::string::npos);
  EXPECT_EQ(number_of(json({"list", "--all"})), 13U);
  EXPECT_NE(output({"list"}).find("reading only: its rows were moved to " + to), std::string::npos);
  const Finished prune = CliTest::ledger({"prune", "1"});
  EXPECT_EQ(prune.exit_code, 1);
  EXPECT_NE(prune.out.find(to), std::string::npos) << prune.out;
  EXPECT_TRUE(is_open(to));
  // Once more: it is done, and nothing else is.
  EXPECT_NE(copied(path_, to).find("before"), std::string::npos);
  EXPECT_NE(refused({path_, new_file()}).find("moved to " + to), std::string::npos);
}

// It had the server's ledger open all the time.
TEST_F(CopyToServer, WhoHadAServersLedgerOpenCannotPayWithItEither) {
  path_ = new_server();
  const auto opened_before = open();
  add(*opened_before, request(), failed("1"));
  const std::string to = new_file();
  copied(path_, to);
  const auto begun = begin(*opened_before, request("new"));
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("moved to " + to), std::string::npos)
      << begun.error().message;
  EXPECT_FALSE(is_open(path_));
  EXPECT_EQ(rows_of(path_), 1U);
}

TEST_F(Copy, WhileRowsAreFollowedNothingIsCopied) {
  const auto ledger = open();
  add(*ledger, request("1"), failed("1"));
  const auto second = must(begin(*ledger, request("2")));
  const auto third = must(begin(*ledger, request("3", "3301")));
  const std::string to = new_file();
  const std::string told = refused({path_, to});
  EXPECT_NE(told.find("rows 2 and 3 are followed"), std::string::npos) << told;
  EXPECT_FALSE(std::filesystem::exists(to));
  EXPECT_TRUE(is_open(path_));
}

TEST_F(CopyToServer, WhileRowsOfAServerAreFollowedNothingIsCopied) {
  path_ = new_server();
  const auto ledger = open();
  auto begun = must(begin(*ledger, request()));
  const std::string to = new_file();
  EXPECT_NE(refused({path_, to}).find("row 1 is followed"), std::string::npos);
  begun.presence.release();
  must(ledger->give_back());
  copied(path_, to);
}

// Who is about to ask for something has the cell, and no row yet.
TEST_F(Copy, WhileACellIsHeldNothingIsCopied) {
  auto claim = must(ask(*open(), request()));
  ASSERT_EQ(claim.kind, Kind::create);
  const std::string to = new_file();
  EXPECT_NE(refused({path_, to}).find("Programs use the ledger " + path_), std::string::npos);
  claim = {};
  copied(path_, to);

  const std::string next = new_file();
  claim = must(ask(*open_at(next), request()));
  EXPECT_NE(refused({to, next}).find("Programs use the ledger " + next), std::string::npos);
  EXPECT_TRUE(is_open(to));
}

TEST_F(Copy, NothingIsWrittenOver) {
  fill();
  const std::string other = new_file();
  add(*open_at(other), request(), failed("1"));
  const std::string before = dump(other);
  EXPECT_NE(refused({path_, other}).find("There are rows in the ledger " + other),
            std::string::npos);
  EXPECT_EQ(dump(other), before);
  EXPECT_NE(refused({path_, path_}).find("into itself"), std::string::npos);
  EXPECT_TRUE(is_open(path_));
  const std::string none = folder_.file("none.db");
  EXPECT_NE(refused({none, new_file()}).find("There is no ledger " + none), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(none));
  const std::string secret = refused({path_, "postgresql://me:hush@127.0.0.1/x"});
  EXPECT_EQ(secret.find("hush"), std::string::npos) << secret;
}

TEST_F(Copy, ADamagedRowIsNamedAndNothingIsCopied) {
  for (const char* change : {"UPDATE generations SET status = 'paid' WHERE id = 105",
                             "UPDATE generations SET generation_id = x'00' WHERE id = 105",
                             "UPDATE history SET came = x'ff' WHERE row = 105",
                             "UPDATE generations SET cost = 'much' WHERE id = 105"}) {
    path_ = new_file();
    const auto ledger = open();
    for (int row = 1; row <= 110; ++row) {
      const std::string id = std::to_string(row);
      add(*ledger, request(id, id), pending(id));
    }
    sql(change);
    const std::string to = new_file();
    const std::string told = refused({path_, to});
    EXPECT_NE(told.find("Row 105 of the ledger " + path_), std::string::npos) << change << told;
    for (const char* part : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_FALSE(std::filesystem::exists(to + part)) << part;
    }
    EXPECT_TRUE(is_open(path_));
  }
}

TEST_F(Copy, ARefusedOneLeavesNothingBehind) {
  const std::string folder = folder_.file("new");
  const std::string to = folder + "/deep/to.db";
  refused({folder_.file("none.db"), to});
  EXPECT_FALSE(std::filesystem::exists(folder));
  fill();
  auto claim = must(ask(*open(), request("new")));
  refused({path_, to});
  EXPECT_FALSE(std::filesystem::exists(folder));
  claim = {};
  copied(path_, new_file());
  refused({path_, to});
  EXPECT_FALSE(std::filesystem::exists(folder));
  // Of that one it is not known before rows are copied.
  path_ = new_file();
  add(*open(), request(), failed("1"));
  sql("UPDATE generations SET status = 'paid'");
  refused({path_, to});
  EXPECT_FALSE(std::filesystem::exists(folder));
  // What was there before stays.
  const std::string empty = new_file();
  open_at(empty);
  refused({path_, empty});
  EXPECT_TRUE(std::filesystem::exists(empty));
  EXPECT_TRUE(is_open(empty));
}

TEST_F(Copy, AnEmptyFileIsNoLedger) {
  const std::string none = new_file();
  std::ofstream(none).flush();
  const std::string to = new_file();
  EXPECT_NE(refused({none, to}).find("There is no ledger " + none), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(none), 0U);
  EXPECT_FALSE(std::filesystem::exists(none + ".lock"));
  EXPECT_FALSE(std::filesystem::exists(to));
}

TEST_F(CopyToServer, ADatabaseWithoutOneIsNoLedger) {
  const std::string none = new_server();
  const std::string to = new_file();
  EXPECT_NE(refused({none, to}).find("There is no ledger " + none), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(to));
  EXPECT_EQ(shared_postgres()
                .sql(none.substr(none.rfind('/') + 1),
                     "SELECT 'found' FROM pg_namespace WHERE nspname = 'genpro'")
                .find("found"),
            std::string::npos);
}

TEST_F(Copy, JsonTellsTheSums) {
  fill();
  const std::string to = new_file();
  const Finished finished = genpro({"ledger", "copy", path_, to, "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const auto document = api::parse_json(finished.out);
  ASSERT_TRUE(document) << finished.out;
  JsonObject* object = api::as_object(document->get());
  EXPECT_EQ(member_text(object, "generations"), "13");
  EXPECT_EQ(member_text(object, "copied_before"), "false");
  EXPECT_NEAR(json_object_get_double_member(object, "cost"), 12.3, 1e-9);
}

// ---- Copies that are cut off ----

class CopyCutOff : public CopyToServer {};

// Where it was cut off between its steps, as what is on disk then has it.
TEST_F(CopyCutOff, ItIsFinishedByTheSameCommand) {
  fill();
  const std::string before = dump(path_);
  const std::string to = new_file();
  copied(path_, to);
  const auto at_copy = [&](const std::string& statement) {
    sqlite::Database(to, SQLITE_OPEN_READWRITE).execute(statement);
  };
  // The rows are there, and neither is the other's.
  sql("UPDATE ledger SET moved_to = '', transfer = ''");
  at_copy("UPDATE ledger SET filled_from = '" + path_ + "'");
  EXPECT_FALSE(is_open(to));
  EXPECT_TRUE(is_open(path_));
  copied(path_, to);
  EXPECT_EQ(dump(to), before);
  EXPECT_TRUE(is_open(to));
  // The old one is given up, and the new one not open yet.
  at_copy("UPDATE ledger SET filled_from = '" + path_ + "'");
  EXPECT_FALSE(is_open(to));
  EXPECT_FALSE(is_open(path_));
  copied(path_, to);
  EXPECT_EQ(dump(to), before);
  EXPECT_TRUE(is_open(to));
  // That of another ledger is left alone.
  at_copy("UPDATE ledger SET filled_from = '/other.db'");
  path_ = new_file();
  open();
  EXPECT_NE(refused({path_, to}).find("unfinished copy of the ledger /other.db"),
            std::string::npos);
  EXPECT_EQ(dump(to), before);
}

TEST_F(CopyCutOff, KilledAtAnyMomentNoTwoCanBeSpentFrom) {
  {
    const auto ledger = open();
    add(*ledger, request(), pending("1"));
  }
  sql("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
      "INSERT INTO generations (id, fingerprint, base_url, cell_path, agent_id, model, request, "
      "idempotency_key, generation_id, status, created_at, posted_at, place) SELECT i, fingerprint "
      "|| i, base_url, cell_path, agent_id, model, request, 'key-' || i, i, 'failed', created_at, "
      "posted_at, place FROM generations, n");
  const std::string before = dump(path_);
  for (const bool is_server : {false, true}) {
    const std::string to = is_server ? new_server() : new_file();
    int kills = 0;
    for (int delay_ms = 10;; delay_ms += delay_ms / 2) {
      const std::string delay = std::to_string(delay_ms / 1000.0);
      const Finished finished =
          shell("timeout -s KILL " + delay + " \"$0\" ledger copy \"$@\"", {path_, to});
      EXPECT_FALSE(is_open(path_) && is_open(to) && rows_of(to) > 0) << delay;
      if (finished.exit_code == 0) break;
      ++kills;
      ASSERT_LT(delay_ms, 120'000) << finished.out;
    }
    EXPECT_GT(kills, 0);
    EXPECT_FALSE(is_open(path_));
    EXPECT_TRUE(is_open(to));
    EXPECT_EQ(rows_of(to), 3000U);
    const std::string back = new_file();
    copied(to, back);
    EXPECT_EQ(dump(back), before);
    path_ = back;
  }
}

// ---- Going back ----

TEST_F(Copy, ACopyThatWasNotUsedIsUndone) {
  fill();
  const std::string before = dump(path_);
  const std::string to = new_file();
  EXPECT_NE(refused({"--undo", path_}).find("were not moved"), std::string::npos);
  copied(path_, to);
  const Finished finished = genpro({"ledger", "copy", "--undo", path_});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_TRUE(is_open(path_));
  EXPECT_FALSE(is_open(to));
  EXPECT_EQ(dump(path_), before);
  // Cut off in between, it is finished.
  sql("UPDATE ledger SET moved_to = '" + to + "', transfer = '" + transfer_of(to) + "'");
  EXPECT_EQ(genpro({"ledger", "copy", "--undo", path_}).exit_code, 0);
  EXPECT_TRUE(is_open(path_));
  EXPECT_FALSE(is_open(to));
}

TEST_F(Copy, ACopyThatWasUsedIsNotUndoneUnlessItIsLost) {
  fill();
  const std::string to = new_file();
  copied(path_, to);
  add(*open_at(to), request("15", "99"));
  EXPECT_NE(refused({"--undo", path_}).find("More is known in the ledger " + to),
            std::string::npos);
  EXPECT_FALSE(is_open(path_));
  EXPECT_TRUE(is_open(to));
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(to + end);
  EXPECT_NE(refused({"--undo", path_}).find("--lost"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(to));
  EXPECT_EQ(genpro({"ledger", "copy", "--undo", "--lost", path_}).exit_code, 0);
  EXPECT_TRUE(is_open(path_));
}

TEST_F(Copy, WhatIsTypedWrongIsTold) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"copy"},
                                             {"copy", "a"},
                                             {"copy", "a", "b", "c"},
                                             {"copy", "--lost", "a", "b"},
                                             {"copy", "--undo", "a", "b"}}) {
    EXPECT_EQ(CliTest::ledger(words).exit_code, 2);
  }
}

}  // namespace
}  // namespace genpro::test
