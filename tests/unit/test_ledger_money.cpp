// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What keeps a ledger from letting somebody pay twice: files of older versions, requests that wait
// for each other, files that are not what they were, forked processes.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/sanitizer.h"
#include "ledger/file/file_store.h"
#include "ledger/file/schema.h"
#include "unit/ledger_fixture.h"
#include "unit/ledger_versions.h"

namespace genpro::ledger {
namespace {

namespace fs = std::filesystem;
using payment::Reuse;
using payment::State;
using test::hour;
using test::must;
using Kind = Claim::Kind;

// ---- Older versions ----

class LedgerVersion : public test::LedgerTest {
 protected:
  void write(const char* statements) {
    sqlite::Database(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE).execute(statements);
  }
  static payment::Moment old(WallTime time) { return {"", 0, time}; }

  void expect_all_there(Ledger& ledger) {
    EXPECT_EQ(number("PRAGMA user_version"), schema_version);
    ASSERT_EQ(must(ledger.list({})).size(), 10U);

    const auto posted = std::get<payment::Posting>(row(ledger, 2).state).attempt;
    EXPECT_EQ(posted.key, "6ed3ac8b-9f10-492d-bce0-ac08660035e2");
    EXPECT_EQ(posted.before, (Jobs{"1", "2-b"}));
    EXPECT_EQ(posted.made, old(1795896501416));
    EXPECT_EQ(posted.posted, old(1795896501416));
    EXPECT_FALSE(posted.doubtful || posted.is_absent || posted.stop_wanted);

    const auto doubt = std::get<payment::InDoubt>(row(ledger, 3).state).attempt;
    EXPECT_EQ(doubt.key, "69fbd6d8-ed0e-4896-ae31-c8b1fe019c5d");
    EXPECT_EQ(doubt.before, std::nullopt);
    EXPECT_TRUE(doubt.doubtful && doubt.stop_wanted);

    const auto waiting = std::get<payment::Known>(row(ledger, 4).state);
    EXPECT_EQ(waiting.generation.id, "9001");
    EXPECT_EQ(waiting.generation.evidence, payment::Evidence::proven);
    EXPECT_EQ(waiting.generation.posted, old(1795896501428));
    EXPECT_EQ(waiting.phase, payment::Phase::pending);
    EXPECT_FALSE(waiting.stop_wanted);
    EXPECT_EQ(row(ledger, 4).cost, 2.5);

    const auto running = std::get<payment::Known>(row(ledger, 5).state);
    EXPECT_EQ(running.phase, payment::Phase::processing);
    EXPECT_TRUE(running.stop_wanted);
    EXPECT_EQ(row(ledger, 5).identity.cell_path, "vidsheet/101/cells/0007");
    EXPECT_EQ(row(ledger, 5).identity.place, "http://localhost:8123/v1 101/7");

    EXPECT_EQ(std::get<payment::Completed>(row(ledger, 6).state).generation.id, "9003");
    EXPECT_EQ(row(ledger, 6).bytes_delivered, 77U);
    EXPECT_EQ(row(ledger, 6).ended_at, 1795896501448);
    EXPECT_EQ(std::get<payment::Delivered>(row(ledger, 7).state).generation.id, "9004");
    EXPECT_EQ(row(ledger, 7).delivered_at, 1795896501459);
    EXPECT_EQ(row(ledger, 7).delivered_by, "30374:44d212c1-12dd-4e34-91ef-5184e67ecb51");
    EXPECT_EQ(std::get<payment::Failed>(row(ledger, 8).state).reason, "the model gave up");
    EXPECT_EQ(std::get<payment::Stopped>(row(ledger, 9).state).generation.id, "9006");
    EXPECT_EQ(std::get<payment::Refused>(row(ledger, 10).state).reason, "no credits");

    const auto again = std::get<payment::InDoubt>(row(ledger, 11).state).attempt;
    EXPECT_EQ(again.made, old(1795896501488));
    EXPECT_EQ(again.posted, old(1795896501504));
    EXPECT_EQ(again.before, (Jobs{"5", "6"}));

    for (const Entry& entry : must(ledger.list({}))) {
      const Identity& identity = entry.identity;
      const Identity made = make_identity(identity.base_url, identity.cell_path, identity.agent_id,
                                          identity.model, identity.length, identity.request, "");
      EXPECT_EQ(identity.place, made.place) << entry.id;
      EXPECT_EQ(identity.fingerprint, made.fingerprint) << entry.id;
      EXPECT_EQ(identity.data, "") << entry.id;
      EXPECT_TRUE(must(ledger.history(entry.id)).empty()) << entry.id;
    }
    // Nothing is wrong with it but the doubts that it had.
    for (const auto& finding : must(ledger.check(clock_now()))) {
      EXPECT_FALSE(finding.is_damage) << finding.row << ": " << finding.text;
    }
    // A number is not used again, that of the row that was removed neither.
    EXPECT_EQ(add(ledger, request()), 13);
  }
};

TEST_F(LedgerVersion, TwoLosesNothing) {
  write(test::ledger_of_version_2);
  const auto ledger = open();
  expect_all_there(*ledger);
  EXPECT_EQ(row(*ledger, 2).identity.length, 5);
  EXPECT_EQ(row(*ledger, 5).identity.length, std::nullopt);
  EXPECT_EQ(row(*ledger, 4).unfinished_at, 1795896501432);
}

TEST_F(LedgerVersion, OneLosesNothing) {
  write(test::ledger_of_version_1);
  const auto ledger = open();
  expect_all_there(*ledger);
  EXPECT_EQ(row(*ledger, 2).identity.length, std::nullopt);
  EXPECT_EQ(row(*ledger, 4).unfinished_at, 0);
  // What it says of durations is not lost either.
  const auto past = must(ledger->past_durations(row(*ledger, 4)));
  EXPECT_EQ(past.same_kind.size() + past.same_model.size(), 2U);
}

TEST_F(LedgerVersion, ItsRowsServeTheirRequests) {
  write(test::ledger_of_version_2);
  const auto ledger = open();
  for (const auto& [id, kind] :
       {std::pair{2, Kind::take}, std::pair{3, Kind::take}, std::pair{4, Kind::take},
        std::pair{5, Kind::take}, std::pair{6, Kind::take}, std::pair{8, Kind::create},
        std::pair{9, Kind::create}, std::pair{10, Kind::create}}) {
    Identity same = row(*ledger, id).identity;
    same = make_identity(same.base_url, same.cell_path, same.agent_id, same.model, same.length,
                         same.request, "-");
    const Claim claim = must(ask(*ledger, same));
    EXPECT_EQ(claim.kind, kind) << id;
    if (kind != Kind::take) continue;
    EXPECT_EQ(claim.entry.id, id);
    EXPECT_TRUE(claim.data_unreadable);
    EXPECT_EQ(static_cast<bool>(claim.cell), id == 2 || id == 3);
  }
  // One that was delivered is not taken for the same when nothing says that it would be.
  Identity delivered = row(*ledger, 7).identity;
  delivered.data = "-";
  EXPECT_EQ(must(ask(*ledger, delivered, Reuse::completed)).kind, Kind::create);
}

// A process of the older version goes on while a newer one has brought the file up to date.
TEST_F(LedgerVersion, WhatAnOlderProcessWritesMeanwhileIsCompleted) {
  write(test::ledger_of_version_2);
  const auto ledger = open();
  sql("INSERT INTO generations (fingerprint, base_url, cell_path, agent_id, model, request, "
      "length, "
      "idempotency_key, status, created_at, posted_at, jobs_before) VALUES ('old', "
      "'https://api.gen.pro/v1', 'vidsheet/0101/cells/03300', '42', 'pika', '" +
      request().request + "', 5, 'a-key', 'submitting', 1000, 1000, '[]')");
  const Claim claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::take);
  EXPECT_EQ(claim.entry.id, 13);
  EXPECT_EQ(claim.entry.identity.place, request().place);
}

// ---- One request after the other ----

using LedgerWait = test::LedgerTest;

TEST_F(LedgerWait, AnotherRequestToTheCellWaitsUntilOneListingCanTellThemApart) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("A"), Jobs{});
  lose(*ledger, id);
  for (const auto& other :
       {request("B"), request("A", "03300"), request("B", "3300", "43", "kling")}) {
    const Claim claim = must(ask(*ledger, other, Reuse::never));
    ASSERT_EQ(claim.kind, Kind::wait);
    EXPECT_EQ(claim.entry.id, id);
    EXPECT_GT(claim.wait_ms, 20'000);
    EXPECT_LE(claim.wait_ms, payment::settling_time);
    EXPECT_FALSE(claim.cell || claim.presence);
  }
  Identity route = request("B");
  route = make_identity(route.base_url, "vidsheet/101/cells/3300", "42", "pika", {}, "{}", "-");
  EXPECT_EQ(must(ask(*ledger, route)).kind, Kind::wait);
  EXPECT_EQ(must(ask(*ledger, request("B", "3301"))).kind, Kind::create);
  EXPECT_EQ(must(ask(*ledger, request("A"))).kind, Kind::take);

  // The time since the boot is what counts, whatever the wall clock says.
  sql("UPDATE generations SET posted_at = posted_at - 864000000");
  EXPECT_EQ(must(ask(*ledger, request("B"))).kind, Kind::wait);
  payment::Now later = clock_now();
  later.wall = 1;
  later.up += payment::settling_time;
  EXPECT_EQ(must(ledger->claim(request("B"), Reuse::in_flight, {}, later)).kind, Kind::create);
  // Nothing is waited for that is settled.
  put(*ledger, id, pending("9040"));
  EXPECT_EQ(must(ask(*ledger, request("B"))).kind, Kind::create);
}

TEST_F(LedgerWait, ARowOfAnOlderVersionIsWaitedForByTheWallClock) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request("A"), Jobs{});
  sql("UPDATE generations SET posted_boot = '', posted_up = 0, made_boot = '', made_up = 0");
  EXPECT_EQ(must(ask(*ledger, request("B"))).kind, Kind::wait);
  age(id, hour);
  EXPECT_EQ(must(ask(*ledger, request("B"))).kind, Kind::create);
}

TEST_F(LedgerWait, WhoGoesOnWithADoubtIsToldOfTheOthers) {
  const auto ledger = open();
  const std::int64_t first = add(*ledger, request("A"), Jobs{});
  EXPECT_LE(must(ask(*ledger, request("A"))).wait_ms,
            is_on_server() ? payment::latest_departure : 0);
  age(first, hour);
  lose(*ledger, first);
  add(*ledger, request("B"), Jobs{});
  const Claim claim = must(ask(*ledger, request("A")));
  ASSERT_EQ(claim.kind, Kind::take);
  EXPECT_EQ(claim.entry.id, first);
  EXPECT_GT(claim.wait_ms, 20'000);
}

TEST_F(LedgerWait, APreparedRowWhoseProcessDiedIsTaken) {
  const auto ledger = open();
  auto begun = must(ledger->begin(request(), payment::Prepared{"a-key"}, note(), {}, clock_now()));
  begun.presence.release();
  Claim claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::take);
  EXPECT_EQ(claim.entry.id, begun.entry.id);
  EXPECT_TRUE(claim.cell);
  claim = Claim();
  EXPECT_EQ(must(ask(*ledger, request("B"))).kind, Kind::create) << "it has not left";
  const std::int64_t other = add(*ledger, request("C"), Jobs{});
  claim = must(ask(*ledger, request()));
  EXPECT_EQ(claim.kind, Kind::wait);
  EXPECT_EQ(claim.entry.id, other);
}

TEST_F(LedgerWait, AStopThatADoubtOwesNeedsSomebodyWhoIsAlone) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), Jobs{});
  lose(*ledger, id, true);
  {
    const Claim claim = must(ask(*ledger, request()));
    ASSERT_EQ(claim.kind, Kind::take);
    EXPECT_TRUE(claim.is_alone);
    EXPECT_TRUE(claim.cell && claim.presence);
  }
  const auto other = open();
  EXPECT_FALSE(must(other->attach("https://api.gen.pro/v1", "none")));
  auto following = must(other->take(id));
  ASSERT_TRUE(following);
  following->lock.share();
  const Claim claim = must(ask(*ledger, request()));
  ASSERT_EQ(claim.kind, Kind::take);
  EXPECT_FALSE(claim.is_alone);
}

// ---- What the service's own data decides ----

using LedgerData = test::LedgerTest;

TEST_F(LedgerData, OnlyTheSameDataServeTheSameRequest) {
  const auto kind = [&](const std::string& before, const std::string& now, const State& state,
                        bool delivered, Reuse reuse) {
    const auto ledger = open();
    Identity identity = request(take_string(g_uuid_string_random()));
    identity.data = before;
    add(*ledger, identity, state, delivered);
    identity.data = now;
    Claim claim = must(ask(*ledger, identity, reuse));
    if (claim.kind == Kind::take) {
      EXPECT_EQ(claim.data_unreadable, before.empty() || now.empty());
    }
    return claim.kind;
  };
  const auto running = [&](const char* before, const char* now) {
    return kind(before, now, processing("1"), false, Reuse::in_flight);
  };
  EXPECT_EQ(running("-", "-"), Kind::take);
  EXPECT_EQ(running("aa", "aa"), Kind::take);
  EXPECT_EQ(running("aa", "bb"), Kind::create);
  EXPECT_EQ(running("aa", "-"), Kind::create);
  EXPECT_EQ(running("aa", ""), Kind::take);
  EXPECT_EQ(running("", "aa"), Kind::take);
  const auto delivered = [&](const char* before, const char* now) {
    return kind(before, now, completed("1"), true, Reuse::completed);
  };
  EXPECT_EQ(delivered("aa", "aa"), Kind::take);
  EXPECT_EQ(delivered("aa", "bb"), Kind::create);
  EXPECT_EQ(delivered("aa", ""), Kind::create);
}

// ---- A generation that is gone ----

using LedgerGone = test::LedgerTest;

TEST_F(LedgerGone, IsAskedForOnceMoreUntilSomebodyAskedAnew) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), payment::Gone{generation("9040"), "404"});
  for (const Reuse reuse : {Reuse::in_flight, Reuse::completed}) {
    const Claim claim = must(ask(*ledger, request(), reuse));
    ASSERT_EQ(claim.kind, Kind::take);
    EXPECT_EQ(claim.entry.id, id);
  }
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::never)).kind, Kind::create);
  const PassedOver passed_over{.rows = {id}, .generations = {}};
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::in_flight, passed_over)).kind, Kind::create);

  sql("UPDATE generations SET ended_at = ended_at - 1000");
  const std::int64_t anew = add(*ledger, request(), processing("9041"));
  EXPECT_EQ(must(ask(*ledger, request())).entry.id, anew) << "what runs comes first";
  put(*ledger, anew, completed("9041"));
  must(ledger->note_delivery(anew, 1));
  EXPECT_EQ(must(ask(*ledger, request())).kind, Kind::create);
}

// ---- A file that is not what it was ----

class LedgerLost : public test::LedgerTest {
 protected:
  // Nothing may be paid for any more, and the error says why.
  void expect_lost(Ledger& ledger, const Entry& entry, const std::string& why) {
    for (const auto& error :
         {error_of(begin(ledger, request("next", "3301"))),
          error_of(ledger.store(entry.id, entry.state, posting(), note(), clock_now()))}) {
      EXPECT_EQ(error.kind, ErrorKind::ledger) << why;
      EXPECT_NE(error.message.find(path_), std::string::npos) << error.message;
      EXPECT_NE(error.message.find(why), std::string::npos) << error.message;
      EXPECT_NE(error.message.find("Nothing was sent"), std::string::npos) << error.message;
    }
  }
  template <typename T>
  static Error error_of(const Result<T>& result) {
    return result ? Error() : result.error();
  }
};

TEST_F(LedgerLost, IsNoticedWhenItIsRemovedRenamedOrReplaced) {
  const struct {
    const char* file;
    const char* why;
    bool is_replaced;
  } cases[] = {
      {"", "removed or renamed", false},      {"", "replaced", true},
      {".lock", "removed or renamed", false}, {".lock", "replaced", true},
      {"-wal", "removed or renamed", false},  {"-shm", "removed or renamed", false},
  };
  int number = 0;
  for (const auto& one : cases) {
    path_ = folder_.file(std::to_string(++number) + ".db");
    const auto ledger = open();
    const auto begun = must(begin(*ledger, request()));
    const std::string moved = path_ + one.file;
    fs::rename(moved, moved + ".away");
    if (one.is_replaced) fs::copy_file(moved + ".away", moved);
    expect_lost(*ledger, begun.entry, one.why);
    // What was paid is still written down, where it can be.
    if (one.is_replaced) fs::remove(moved);
    fs::rename(moved + ".away", moved);
    EXPECT_TRUE(begin(*ledger, request("x", "5")));
  }
}

TEST_F(LedgerLost, IsNoticedWhenItsNameLeadsElsewhere) {
  const std::string link = folder_.file("link.db");
  { open(); }
  fs::create_symlink(path_, link);
  const auto ledger = must(Ledger::open(link));
  const auto begun = must(begin(*ledger, request()));
  fs::remove(link);
  must(Ledger::open(folder_.file("other.db")));
  fs::create_symlink(folder_.file("other.db"), link);
  must(Ledger::open(link));
  expect_lost(*ledger, begun.entry, "replaced");
}

TEST(LedgerFileSystem, IsKnownByItsNumberAndName) {
  constexpr long fuse = 0x65735546;
  for (const long type : {0x6969L, 0x517bL, 0xff534d42L, static_cast<long>(0xfe534d42), 0x00c36400L,
                          0x5346414fL, 0x01021997L}) {
    EXPECT_TRUE(network_name(type, "")) << type;
    // As 32 bits have it.
    EXPECT_TRUE(network_name(static_cast<std::int32_t>(type), "")) << type;
  }
  for (const long type : {0xef53L, 0x01021994L, 0x9123683eL, 0x58465342L, 0x794c7630L}) {
    EXPECT_FALSE(network_name(type, "")) << type;
  }
  EXPECT_TRUE(network_name(fuse, "fuse.sshfs"));
  EXPECT_TRUE(network_name(fuse, ""));
  EXPECT_TRUE(network_name(fuse, "virtiofs"));
  EXPECT_FALSE(network_name(fuse, "fuseblk"));
  EXPECT_FALSE(network_name(fuse, "fuse.gocryptfs"));
}

// ---- Forked processes ----

class LedgerFork : public test::LedgerTest {
 protected:
  // Runs `work` in a child, which leaves without a destructor; returns whether it returned true.
  template <typename Work>
  static bool in_child(Work work) {
    const pid_t child = fork();
    if (child == 0) _exit(work() ? 0 : 1);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

// The parent posts and is killed; its child lives on.
TEST_F(LedgerFork, AChildHoldsNothingOfItsParents) {
  std::array<int, 2> ready{};
  std::array<int, 2> end{};
  ASSERT_EQ(pipe(ready.data()), 0);
  ASSERT_EQ(pipe(end.data()), 0);
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    close(end[1]);
    const auto ledger = Ledger::open(path_);
    const auto claim = ask(**ledger, request());
    const auto begun = begin(**ledger, request());
    if (!begun || claim->kind != Kind::create) _exit(1);
    if (fork() == 0) {
      const char byte = 'y';
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      // Until the test is over.
      char ignored = 0;
      _exit(read(end[0], &ignored, 1) == 0 ? 0 : 1);
    }
    while (true) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const auto ledger = open();
  const std::int64_t id = must(ledger->list({})).front().id;
  EXPECT_TRUE(ledger->is_followed(id));
  EXPECT_EQ(must(ask(*ledger, request())).kind, Kind::busy);
  ASSERT_EQ(kill(parent, SIGKILL), 0);
  ASSERT_EQ(waitpid(parent, nullptr, 0), parent);
  EXPECT_FALSE(ledger->is_followed(id));
  EXPECT_EQ(must(ask(*ledger, request())).kind, Kind::take);
  for (const int descriptor : {ready[0], ready[1], end[0], end[1]}) close(descriptor);
}

TEST_F(LedgerFork, AChildThatUsesItsParentsLedgerGetsAnError) {
  auto ledger = open();
  auto begun = must(begin(*ledger, request()));
  EXPECT_TRUE(in_child([&] {
    const auto is_refused = [&](const auto& result) {
      return !result && result.error().kind == ErrorKind::ledger &&
             result.error().message.find("forked") != std::string::npos &&
             result.error().message.find(path_) != std::string::npos;
    };
    const bool all = is_refused(ask(*ledger, request())) &&
                     is_refused(begin(*ledger, request("x", "9"))) &&
                     is_refused(ledger->list({})) && is_refused(ledger->note_bytes(1, 1)) &&
                     is_refused(Ledger::open(path_));
    // One of its own, elsewhere, is none of its parent's.
    const auto other = Ledger::open(path_ + ".child");
    const bool own = other && begin(**other, request());
    begun.presence.release();
    ledger.reset();
    return all && own;
  }));
  EXPECT_TRUE(open()->is_followed(begun.entry.id));
  put(*ledger, begun.entry.id, pending("9040"));
  EXPECT_EQ(must(ledger->list({})).size(), 1U);
  begun.presence.release();
  EXPECT_FALSE(ledger->is_followed(begun.entry.id));
  ledger.reset();
  EXPECT_TRUE(in_child([&] { return static_cast<bool>(Ledger::open(path_)); }));
}

// Whatever other threads are doing with their ledgers just then.
TEST_F(LedgerFork, MayHappenAtAnyMoment) {
#if defined(GENPRO_ADDRESS_SANITIZER)
  GTEST_SKIP() << "AddressSanitizer's allocator may be locked for ever in a child";
#endif
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&, number] {
      const std::string path = folder_.file("busy" + std::to_string(number));
      while (!is_over) {
        const auto locks = LockFile::open(path);
        for (std::int64_t place = 1; place < 20; ++place) (void)locks->take(place);
      }
    });
  }
  for (int round = 0; round < 50; ++round) {
    EXPECT_TRUE(in_child([&] {
      // Nothing waits for a thread that is not here.
      const auto locks = LockFile::open(folder_.file("child"));
      return locks->take(1).has_value();
    }));
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace genpro::ledger
