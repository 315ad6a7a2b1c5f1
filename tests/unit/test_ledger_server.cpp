// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What only a ledger on a server has to stand: connections that end, rows that a fail-over loses,
// clocks of other machines.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "ledger/reports/metrics.h"
#include "ledger_fixture.h"
#include "support/lossy_relay.h"

namespace genpro::ledger {
namespace {

using test::must;

using Kind = Claim::Kind;

class LedgerServer : public test::LedgerTest {
 protected:
  void SetUp() override {
    if (!test::PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
    path_ = test::shared_postgres().new_ledger();
    name_ = path_.substr(path_.rfind('/') + 1);
  }
  std::string psql(const std::string& statement) {
    return test::shared_postgres().sql(name_, statement);
  }
  void cut_all() {
    psql("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '" + name_ +
         "' AND pid <> pg_backend_pid()");
  }

  std::string name_;
};

TEST_F(LedgerServer, ARunGoesOnAfterItsConnectionWasCut) {
  const auto ledger = open();
  auto claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::create);
  const auto begun = must(begin(*ledger, request()));
  cut_all();
  put(*ledger, begun.entry.id, pending("9001"));
  EXPECT_EQ(word(*ledger, begun.entry.id), "pending");
  // Its row is still followed.
  const auto other = open();
  EXPECT_TRUE(other->is_followed(begun.entry.id));
  EXPECT_FALSE(must(other->take(begun.entry.id)));
}

TEST_F(LedgerServer, NothingLeavesWithoutTheCellThatWasHeld) {
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::create);
  cut_all();
  const auto begun = begin(*ledger, request());
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("Nothing was sent"), std::string::npos)
      << begun.error().message;
  EXPECT_TRUE(must(ledger->list({})).empty());
  // Another one may have it meanwhile.
  const auto other = open();
  EXPECT_EQ(must(ask(*other, request())).kind, Kind::create);
}

TEST_F(LedgerServer, ARepeatDoesNotLeaveWithoutTheCellEither) {
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  const auto begun = must(begin(*ledger, request()));
  const payment::State doubt = in_doubt(begun.entry.state);
  must(ledger->store(begun.entry.id, begun.entry.state, doubt, note("lost"), clock_now()));
  cut_all();
  const payment::State again = payment::Posting{*payment::attempt(doubt)};
  const auto stored = ledger->store(begun.entry.id, doubt, again, note("again"), clock_now());
  EXPECT_FALSE(stored);
  EXPECT_EQ(word(*ledger, begun.entry.id), "unknown");
}

TEST_F(LedgerServer, APlaceThatWasLostIsNotKept) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  const auto held = must(ledger->take(id));
  ASSERT_TRUE(held);
  EXPECT_TRUE(must(ledger->has_kept(id)));
  cut_all();
  EXPECT_FALSE(must(ledger->has_kept(id))) << "somebody else may have had it";
}

TEST_F(LedgerServer, ARowThatAFailOverLostIsWrittenAnew) {
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  const auto begun = must(begin(*ledger, request()));
  psql("DELETE FROM genpro.history; DELETE FROM genpro.generations");
  cut_all();
  must(ledger->store(begun.entry.id, begun.entry.state, processing("9001"), note("taken"),
                     clock_now()));
  const Entry entry = row(*ledger, begun.entry.id);
  EXPECT_EQ(entry.identity.fingerprint, request().fingerprint);
  EXPECT_EQ(payment::generation_id(entry.state), "9001");
  EXPECT_NE(must(ledger->history(begun.entry.id)).front().came.find("lost the row"),
            std::string::npos);
  // Its number is not another one's.
  EXPECT_NE(must(begin(*open(), request("Another", "9"))).entry.id, begun.entry.id);
}

TEST_F(LedgerServer, TimesOfAnotherMachineAreNoneOfThisOnes) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  lose(*ledger, id);
  // It is up for a minute, and its clock is an hour slow.
  psql(
      "UPDATE genpro.generations SET posted_boot = 'aaaaaaaa-0000', posted_up = 60000, posted_at "
      "= posted_at - 3600000");
  const auto other = open();
  const auto claim = must(ask(*other, request("Another")));
  ASSERT_EQ(claim.kind, Kind::wait);
  EXPECT_GT(claim.wait_ms, payment::settling_time - 10'000);
  EXPECT_LE(claim.wait_ms, payment::settling_time);
  payment::Now later = clock_now();
  later.up += payment::settling_time;
  EXPECT_EQ(must(other->claim(request("Another"), payment::Reuse::in_flight, {}, later)).kind,
            Kind::create);
}

// Taken for as late as now, it would say that what this machine's request has made since is
// somebody else's, and the request would be made once more.
TEST_F(LedgerServer, ALookOfAnotherMachineIsNotTakenForLater) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  lose(*ledger, id);
  psql(
      "UPDATE genpro.generations SET looked_boot = 'aaaaaaaa-0000', looked_up = "
      "60000");
  const payment::State state = row(*open(), id).state;
  ASSERT_NE(payment::attempt(state), nullptr);
  EXPECT_NE(payment::attempt(state)->looked.boot, clock_now().boot);
}

// A key that the service has forgotten would be charged once more.
TEST_F(LedgerServer, AKeyOfAnotherMachineIsNoYoungerThanItsClockSays) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  lose(*ledger, id);
  psql(
      "UPDATE genpro.generations SET made_boot = 'aaaaaaaa-0000', made_up = 60000, made_at = "
      "made_at - 108000000");
  const payment::State state = row(*open(), id).state;
  ASSERT_NE(payment::attempt(state), nullptr);
  EXPECT_GT(payment::most_age(payment::attempt(state)->made, clock_now()), payment::key_lifetime);
}

// The server comes back without the rows, and without the numbers that they had.
class LedgerServerLosesRows : public LedgerServer {
 protected:
  void lose_rows() {
    psql(
        "DELETE FROM genpro.history; DELETE FROM genpro.generations; SELECT setval("
        "'genpro.generations_id_seq', 1, false)");
    cut_all();
  }
};

TEST_F(LedgerServerLosesRows, ARowWhoseNumberWasGivenOutOnceMoreIsWrittenUnderAnotherOne) {
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  const auto begun = must(begin(*ledger, request()));
  const std::int64_t id = begun.entry.id;
  lose_rows();
  const auto other = open();
  const auto others = must(begin(*other, request("Another", "9")));
  ASSERT_EQ(others.entry.id, id);

  must(ledger->store(id, begun.entry.state, processing("9001"), note("taken"), clock_now()));
  EXPECT_EQ(row(*other, id).state, others.entry.state);
  EXPECT_EQ(row(*other, id).identity.fingerprint, others.entry.identity.fingerprint);
  const auto found = must(other->find_generation("9001"));
  ASSERT_EQ(found.size(), 1U);
  const std::int64_t number = found.front().id;
  EXPECT_NE(number, id);
  EXPECT_EQ(found.front().identity.fingerprint, request().fingerprint);
  // It is followed under its new number, and its own generation is not taken for another row's.
  EXPECT_FALSE(must(other->take(number)));
  EXPECT_TRUE(must(ledger->others(begun.entry, {"9001"})).claimed.empty());

  must(ledger->store(id, processing("9001"), completed("9001"), note("done"), clock_now()));
  must(ledger->note_bytes(id, 500));
  must(ledger->note_delivery(id, 1000));
  EXPECT_NE(row(*other, number).delivered_at, 0);
  EXPECT_EQ(row(*other, number).bytes_delivered, 1000U);
  EXPECT_EQ(row(*other, id).bytes_delivered, 0U);
  EXPECT_EQ(row(*other, id).state, others.entry.state);
  EXPECT_EQ(must(other->list({})).size(), 2U);
}

// Its program would write what it knows of one request to the row of another one.
TEST_F(LedgerServerLosesRows, AProcessGivesANumberThatItHasHadToNothingElse) {
  const auto ledger = open();
  const auto first = must(begin(*ledger, request()));
  lose_rows();
  const auto second = must(begin(*ledger, request("Another", "9")));
  EXPECT_NE(second.entry.id, first.entry.id);
  must(ledger->store(first.entry.id, first.entry.state, processing("9001"), note("taken"),
                     clock_now()));
  must(ledger->store(second.entry.id, second.entry.state, processing("9002"), note("taken"),
                     clock_now()));
  EXPECT_EQ(payment::generation_id(row(*open(), first.entry.id).state), "9001");
  EXPECT_EQ(payment::generation_id(row(*open(), second.entry.id).state), "9002");
}

TEST_F(LedgerServerLosesRows, ADeliveryIsNotedAllTheSame) {
  const auto ledger = open();
  const auto begun = must(begin(*ledger, request()));
  must(ledger->store(begun.entry.id, begun.entry.state, completed("9001"), note("done"),
                     clock_now()));
  lose_rows();
  must(ledger->note_delivery(begun.entry.id, 1000));
  const auto found = must(open()->find_generation("9001"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<payment::Delivered>(found.front().state));
  EXPECT_EQ(found.front().bytes_delivered, 1000U);
}

TEST_F(LedgerServer, APlaceThatAnotherOneHasSinceIsNotGivenOut) {
  const auto ledger = open();
  const auto begun = must(begin(*ledger, request()));
  must(ledger->store(begun.entry.id, begun.entry.state, pending("9001"), note("taken"),
                     clock_now()));
  cut_all();
  const auto other = open();
  auto held = must(other->take(begun.entry.id));
  ASSERT_TRUE(held);
  EXPECT_EQ(must(ask(*ledger, request())).kind, Kind::busy);
  held.reset();
  must(other->give_back());
  const auto claim = must(ask(*ledger, request()));
  EXPECT_EQ(claim.kind, Kind::take);
  EXPECT_FALSE(must(other->take(begun.entry.id)));
}

// A machine may sleep between its intention and its request.
TEST_F(LedgerServer, ARequestThatMayYetLeaveIsWaitedForFromThen) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  const payment::Now now = clock_now();
  const auto after = [&](payment::Millis time, const Identity& wanted) {
    payment::Now then = now;
    then.up += time;
    return must(ledger->claim(wanted, payment::Reuse::in_flight, {}, then));
  };
  EXPECT_GT(after(0, request()).wait_ms, 0);
  EXPECT_LE(after(0, request()).wait_ms, payment::latest_departure);
  EXPECT_EQ(after(payment::latest_departure, request()).wait_ms, 0);
  EXPECT_EQ(after(payment::latest_departure, request()).entry.id, id);
  EXPECT_EQ(after(payment::settling_time, request("Another")).kind, Kind::wait);
  EXPECT_EQ(after(payment::settling_time + payment::latest_departure, request("Another")).kind,
            Kind::create);
  EXPECT_GT(must(ledger->take_with_cell(id)).value().wait_ms, 0);
}

// A machine whose clock is a day ahead has no limit of its own.
TEST_F(LedgerServer, LimitsGoByTheServersClock) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request());
  psql(
      "UPDATE genpro.generations SET created_at = created_at - 90000000, posted_at = posted_at - "
      "90000000");
  put(*ledger, id, completed("9001"));
  const auto begun = begin(*ledger, request("Another", "9"), std::nullopt, 1);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().kind, ErrorKind::limit);
}

TEST_F(LedgerServer, ACellThatWasHeldIsLostHoweverOftenTheServerIsAway) {
  test::PostgresServer server(true);
  path_ = server.new_ledger();
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("Another", "9"));
  const auto claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::create);
  server.kill();
  EXPECT_FALSE(ledger->note_bytes(id, 5));
  server.start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!ledger->note_bytes(id, 5)) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_FALSE(begin(*ledger, request()));
  EXPECT_EQ(must(ledger->list({})).size(), 1U);
}

TEST_F(LedgerServer, AReaderReadsAndSpendsNothing) {
  const std::int64_t id = add(*open(), request());
  psql("CREATE ROLE reader" + name_ + " LOGIN; GRANT USAGE ON SCHEMA genpro TO reader" + name_ +
       "; GRANT SELECT ON ALL TABLES IN SCHEMA genpro TO reader" + name_);
  path_ = test::shared_postgres().ledger(name_, "reader" + name_);
  const auto reader = open();
  EXPECT_EQ(row(*reader, id).id, id);
  EXPECT_EQ(must(reader->list({})).size(), 1U);
  EXPECT_EQ(must(reader->spend(0)).size(), 1U);
  EXPECT_EQ(must(reader->metrics()).in_doubt, 1);
  const auto begun = begin(*reader, request("Another", "9"));
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("may not be written by this role"), std::string::npos)
      << begun.error().message;
}

// A row that is checked and its history are of one moment.
TEST_F(LedgerServer, WhatOthersWriteDuringACheckIsNoDamage) {
  const auto ledger = open();
  std::vector<std::int64_t> rows;
  for (int number = 0; number < 40; ++number) {
    rows.push_back(must(begin(*ledger, request(std::to_string(number)))).entry.id);
  }
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    const auto other = open();
    for (const std::int64_t id : rows) {
      put(*other, id, pending(std::to_string(id)));
      put(*other, id, processing(std::to_string(id)));
    }
    is_done = true;
  });
  bool is_last = false;
  while (!is_last) {
    is_last = is_done;
    for (const auto& finding : must(ledger->check(clock_now()))) {
      EXPECT_FALSE(finding.is_damage) << finding.text;
    }
  }
  writer.join();
}

TEST_F(LedgerServer, ATableThatIsNewIsForThoseWhoMayUseTheOthers) {
  { const auto made = open(); }
  psql(
      "DROP TABLE genpro.batch_rows; ALTER TABLE genpro.ledger DROP moved_to, DROP filled_from, "
      "DROP transfer; UPDATE genpro.ledger SET version = 1; CREATE ROLE old" +
      name_ + " LOGIN; GRANT USAGE ON SCHEMA genpro TO old" + name_ +
      "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA genpro TO old" + name_);
  { const auto brought_up_to_date = open(); }
  path_ = test::shared_postgres().ledger(name_, "old" + name_);
  const auto spender = open();
  BatchRow row;
  row.batch = "batch";
  row.number = 1;
  EXPECT_TRUE(must(spender->note_batch_row(row, false)));
  EXPECT_EQ(must(spender->batch_rows("batch")).size(), 1U);
}

TEST_F(LedgerServer, LimitsHoldForManyAtOnce) {
  constexpr unsigned limit = 5;
  { const auto made = open(); }
  std::vector<std::thread> hosts;
  std::atomic<unsigned> begun = 0;
  for (unsigned number = 0; number < 20; ++number) {
    hosts.emplace_back([&, number] {
      const auto ledger = must(Ledger::open(path_));
      const auto wanted = request("A", std::to_string(4000 + number));
      const auto claim = must(ask(*ledger, wanted));
      if (begin(*ledger, wanted, std::nullopt, limit)) ++begun;
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(begun, limit);
  EXPECT_EQ(must(open()->list({})).size(), limit);
}

TEST_F(LedgerServer, OneThatIsAwayIsToldAndOneThatComesBackIsUsed) {
  test::PostgresServer server(true);
  path_ = server.new_ledger();
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  const auto begun = must(begin(*ledger, request()));
  server.kill();
  const auto failed =
      ledger->store(begun.entry.id, begun.entry.state, pending("9001"), note("taken"), clock_now());
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("cannot be reached"), std::string::npos)
      << failed.error().message;
  EXPECT_FALSE(Ledger::open(path_));
  server.start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!ledger->store(begun.entry.id, begun.entry.state, pending("9001"), note("taken"),
                        clock_now())) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  EXPECT_EQ(word(*open(), begun.entry.id), "pending");
}

// Between the server's commit and its answer.
class LedgerServerCut : public LedgerServer {
 protected:
  void SetUp() override {
    LedgerServer::SetUp();
    if (IsSkipped()) return;
    relay_.emplace(test::shared_postgres().port());
    direct_ = path_;
    path_ = "postgresql://genpro@127.0.0.1:" + std::to_string(relay_->port()) + "/" + name_;
  }
  // As another host has it, which is not cut off.
  std::unique_ptr<Ledger> other() { return must(Ledger::open(direct_)); }

  // The server may take a host for alive for a moment longer.
  static Claim claim_when_free(Ledger& ledger, const Identity& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      auto claim = must(ask(ledger, wanted));
      if (claim.kind != Kind::busy || std::chrono::steady_clock::now() > deadline) return claim;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::optional<test::LossyRelay> relay_;
  std::string direct_;
};

TEST_F(LedgerServerCut, AnIntentionWhoseCommitHadNoAnswerIsNotSent) {
  const auto ledger = open();
  auto claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::create);
  relay_->lose_answer_to("COMMIT");
  const auto begun = begin(*ledger, request());
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("Nothing was sent"), std::string::npos)
      << begun.error().message;
  EXPECT_EQ(relay_->lost(), 1);
  // One row at most stands for it, and if the server took its host for alive for a moment longer,
  // it is in doubt until it has been looked into.
  const auto rows = must(other()->list({}));
  ASSERT_EQ(rows.size(), 1U);
  const auto* refused = std::get_if<payment::Refused>(&rows.front().state);
  EXPECT_TRUE(refused != nullptr || payment::meaning(rows.front().state).is_unsettled);
  claim = {};
  must(ledger->give_back());
  EXPECT_EQ(claim_when_free(*other(), request()).kind,
            refused != nullptr ? Kind::create : Kind::take);
}

TEST_F(LedgerServerCut, AnAnswerWhoseCommitHadNoneIsOnDiskOnce) {
  const auto ledger = open();
  const auto claim = must(ask(*ledger, request()));
  const auto begun = must(begin(*ledger, request()));
  relay_->lose_answer_to("COMMIT");
  put(*ledger, begun.entry.id, pending("9001"), note("taken"));
  EXPECT_EQ(relay_->lost(), 1);
  EXPECT_EQ(word(*other(), begun.entry.id), "pending");
  const auto history = must(other()->history(begun.entry.id));
  EXPECT_EQ(std::ranges::count(history, "taken", &Ledger::HistoryLine::came), 1);
  EXPECT_TRUE(other()->is_followed(begun.entry.id));
}

// Nobody has the time to connect anew then.
TEST_F(LedgerServerCut, NoDoubtIsForgottenByARunThatEnds) {
  for (const bool is_committed : {true, false}) {
    const auto wanted = request(is_committed ? "one" : "two", is_committed ? "3301" : "3302");
    std::int64_t id = 0;
    {
      const auto ledger = open();
      auto claim = must(ask(*ledger, wanted));
      const auto begun = must(begin(*ledger, wanted));
      id = begun.entry.id;
      must(ledger->prepare_to_exit());
      if (is_committed) {
        relay_->lose_answer_to("COMMIT");
      } else {
        cut_all();
      }
      const auto stored = ledger->store(id, begun.entry.state, in_doubt(begun.entry.state, true),
                                        note("the run ends"), clock_now());
      EXPECT_FALSE(stored);
    }
    const auto next = other();
    EXPECT_EQ(word(*next, id), is_committed ? "unknown" : "submitting");
    EXPECT_EQ(must(next->open_rows()).size(), is_committed ? 1U : 2U);
    const Claim claim = claim_when_free(*next, wanted);
    EXPECT_EQ(claim.kind, Kind::take);
    EXPECT_EQ(claim.entry.id, id);
  }
}

}  // namespace
}  // namespace genpro::ledger
