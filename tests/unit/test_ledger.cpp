// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who asks, who follows, who stops: claims on the rows of a ledger, each `open()` a process.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "ledger/store/clock.h"
#include "ledger/this_process.h"
#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using payment::Reuse;
using test::hour;
using test::must;
using Kind = Claim::Kind;
using Jobs = std::vector<std::string>;

using LedgerClaim = test::LedgerTest;

TEST_F(LedgerClaim, TheFirstOneCreatesAndWritesTheIntentionDown) {
  const auto ledger = open();
  const WallTime before = wall_clock_now();
  const Claim claim = must(ask(*ledger, request(), Reuse::in_flight));
  ASSERT_EQ(claim.kind, Kind::create);
  EXPECT_TRUE(claim.cell);
  EXPECT_TRUE(must(ledger->list({})).empty());

  const payment::State state = posting(Jobs{"7", "8"});
  Identity identity = request();
  identity.length = 5.5;
  const auto begun = must(ledger->begin(identity, state, note("asked"), {}, clock_now()));
  EXPECT_TRUE(begun.presence);
  const auto rows = must(open()->list({}));
  ASSERT_EQ(rows.size(), 1U);
  const Entry& entry = rows.front();
  EXPECT_EQ(entry.id, begun.entry.id);
  EXPECT_EQ(entry.identity.fingerprint, request().fingerprint);
  EXPECT_EQ(entry.identity.place, request().place);
  EXPECT_EQ(entry.identity.base_url, "https://api.gen.pro/v1");
  EXPECT_EQ(entry.identity.cell_path, "autocontentengine/101/cells/3300");
  EXPECT_EQ(entry.identity.agent_id, "42");
  EXPECT_EQ(entry.identity.model, "pika");
  EXPECT_EQ(entry.identity.length, 5.5);
  EXPECT_EQ(entry.identity.data, "-");
  EXPECT_EQ(entry.identity.request, request().request);
  EXPECT_EQ(entry.state, state);
  EXPECT_EQ(begun.entry.state, state);
  EXPECT_EQ(entry.cost, std::nullopt);
  EXPECT_GE(entry.created_at, before);
  EXPECT_LE(entry.created_at, wall_clock_now());
  EXPECT_EQ(entry.posted_at, payment::attempt(state)->posted.wall);
  EXPECT_EQ(entry.ended_at, 0);
  const auto lines = must(ledger->history(entry.id));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().word, "submitting");
  EXPECT_EQ(lines.front().decided, "asked");
}

TEST_F(LedgerClaim, OthersWaitForTheAnswerAndFollowItThen) {
  const auto poster = open();
  const auto other = open();
  Claim claim = must(ask(*poster, request(), Reuse::in_flight));
  ASSERT_EQ(claim.kind, Kind::create);
  EXPECT_EQ(must(ask(*other, request(), Reuse::in_flight)).kind, Kind::busy);
  auto begun = must(begin(*poster, request()));
  EXPECT_EQ(must(ask(*other, request(), Reuse::in_flight)).kind, Kind::busy);
  EXPECT_EQ(must(ask(*other, request("Another"), Reuse::in_flight)).kind, Kind::busy);
  EXPECT_EQ(must(ask(*other, request("Another"), Reuse::never)).kind, Kind::busy);
  EXPECT_EQ(must(ask(*other, request("Another", "3301"), Reuse::in_flight)).kind, Kind::create);

  put(*poster, begun.entry.id, pending("9040"));
  claim.cell.release();
  const Claim followed = must(ask(*other, request(), Reuse::in_flight));
  EXPECT_EQ(followed.kind, Kind::take);
  EXPECT_TRUE(followed.presence);
  EXPECT_FALSE(followed.cell);
  EXPECT_EQ(followed.entry.id, begun.entry.id);
  EXPECT_EQ(payment::generation_id(followed.entry.state), "9040");
  EXPECT_FALSE(followed.is_alone);
  EXPECT_EQ(must(ask(*other, request("Another"), Reuse::in_flight)).kind, Kind::create);
}

TEST_F(LedgerClaim, ARequestWhoseProcessEndedIsSettledByOneOther) {
  std::int64_t id = 0;
  {
    const auto poster = open();
    const Claim claim = must(ask(*poster, request(), Reuse::in_flight));
    id = add(*poster, request());
  }
  const auto second = open();
  const auto third = open();
  Claim settling = must(ask(*second, request(), Reuse::in_flight));
  ASSERT_EQ(settling.kind, Kind::take);
  EXPECT_EQ(settling.entry.id, id);
  EXPECT_TRUE(settling.presence);
  EXPECT_TRUE(settling.cell);
  EXPECT_EQ(must(ask(*third, request(), Reuse::in_flight)).kind, Kind::busy);

  lose(*second, id, true);
  settling = Claim();
  settling = must(ask(*third, request(), Reuse::in_flight));
  EXPECT_EQ(settling.kind, Kind::take);
  EXPECT_EQ(payment::meaning(settling.entry.state).word, "unknown");
  EXPECT_TRUE(payment::stop_wanted(settling.entry.state));
  refuse(*third, id, "no\ncredits");
  settling = Claim();
  EXPECT_EQ(must(ask(*second, request(), Reuse::in_flight)).kind, Kind::create);
  EXPECT_EQ(row(*second, id).state, payment::State(payment::Refused{"no credits"}));
  EXPECT_NE(row(*second, id).ended_at, 0);
}

// Which process is alive is known at once after the worst of ends.
TEST_F(LedgerClaim, AKilledPosterIsNoticedWithoutWaiting) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Everything stays open until the process is killed.
    const auto ledger = Ledger::open(path_);
    auto claim = ask(**ledger, request());
    const auto begun = begin(**ledger, request());
    const char answer = begun && claim->kind == Kind::create ? 'y' : 'n';
    if (write(pipe[1], &answer, 1) != 1) _exit(1);
    while (true) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(pipe[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto ledger = open();
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::in_flight)).kind, Kind::busy);
  const std::int64_t id = must(ledger->list({})).front().id;
  EXPECT_TRUE(ledger->is_followed(id));
  EXPECT_TRUE(must(ledger->followed()).contains(id));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  for (const int end : pipe) close(end);
  EXPECT_FALSE(ledger->is_followed(id));
  EXPECT_FALSE(must(ledger->followed()).contains(id));
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::in_flight)).kind, Kind::take);
}

TEST_F(LedgerClaim, ManyAtOnceOpenTheSameNewFileAndOneOfThemCreates) {
  constexpr int number = 12;
  std::vector<std::thread> threads;
  std::array<std::string, number> errors;
  std::array<Claim, number> claims;
  std::array<std::unique_ptr<Ledger>, number> ledgers;
  for (int index = 0; index < number; ++index) {
    threads.emplace_back([&, index] {
      auto ledger = Ledger::open(path_);
      if (!ledger) {
        errors.at(index) = ledger.error().message;
        return;
      }
      ledgers.at(index) = std::move(*ledger);
      auto claim = ask(*ledgers.at(index), request());
      if (!claim) {
        errors.at(index) = claim.error().message;
        return;
      }
      claims.at(index) = std::move(*claim);
      // Each writes as well, on a cell of its own.
      const auto begun = begin(*ledgers.at(index), request("x", std::to_string(index)));
      if (!begun) errors.at(index) = begun.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  int creators = 0;
  for (int index = 0; index < number; ++index) {
    EXPECT_EQ(errors.at(index), "");
    creators += claims.at(index).kind == Kind::create ? 1 : 0;
    EXPECT_TRUE(claims.at(index).kind == Kind::create || claims.at(index).kind == Kind::busy);
  }
  EXPECT_EQ(creators, 1);
  EXPECT_EQ(must(open()->list({})).size(), static_cast<std::size_t>(number));
}

TEST_F(LedgerClaim, AStopThatIsOwedIsSentByOneWhoIsAlone) {
  const auto first = open();
  const auto second = open();
  const std::int64_t id = add(*first, request(), processing("9040"));
  want_stop(*first, id, true);

  Claim stopping = must(ask(*second, request(), Reuse::in_flight));
  ASSERT_EQ(stopping.kind, Kind::take);
  EXPECT_TRUE(stopping.is_alone);
  EXPECT_EQ(payment::generation_id(stopping.entry.state), "9040");
  EXPECT_TRUE(stopping.presence);
  EXPECT_EQ(must(ask(*first, request(), Reuse::in_flight)).kind, Kind::busy);
  EXPECT_FALSE(must(first->take(id)));
  put(*second, id, stopped("9040"));
  EXPECT_FALSE(payment::stop_wanted(row(*second, id).state));
  stopping = Claim();
  EXPECT_EQ(must(ask(*first, request(), Reuse::in_flight)).kind, Kind::create);
}

// Whoever comes second finds it stopped, and does not stop it again.
TEST_F(LedgerClaim, OfManyAtOnceOneSendsTheStop) {
  constexpr std::size_t number = 4;
  std::vector<std::unique_ptr<Ledger>> ledgers(number);
  for (auto& ledger : ledgers) ledger = open();
  for (int round = 0; round < 40; ++round) {
    const std::int64_t id = add(*ledgers[0], request(), pending("9040"));
    want_stop(*ledgers[0], id, true);
    std::atomic<int> stops = 0;
    std::atomic<int> failures = 0;
    std::vector<std::thread> threads;
    threads.reserve(number);
    for (std::size_t index = 0; index < number; ++index) {
      threads.emplace_back([&, index] {
        while (true) {
          const auto claim = ask(*ledgers[index], request());
          if (!claim) ++failures;
          if (!claim || claim->kind == Kind::create) return;
          if (claim->kind != Kind::take || !claim->is_alone) continue;
          ++stops;
          if (!ledgers[index]->store(id, claim->entry.state, stopped("9040"), note("stopped"),
                                     clock_now())) {
            ++failures;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(stops, 1);
    EXPECT_EQ(failures, 0);
  }
}

TEST_F(LedgerClaim, WhatAnotherOneFollowsIsNotStopped) {
  const auto first = open();
  const auto second = open();
  const std::int64_t id = add(*first, request(), processing("9040"));
  const Claim following = must(ask(*first, request(), Reuse::in_flight));
  ASSERT_EQ(following.kind, Kind::take);
  want_stop(*first, id, true);
  const Claim claim = must(ask(*second, request(), Reuse::in_flight));
  EXPECT_EQ(claim.kind, Kind::take);
  EXPECT_FALSE(claim.is_alone);
  EXPECT_TRUE(claim.presence);
}

// The stop came too late: there is nothing to stop, and a clip to be had.
TEST_F(LedgerClaim, ACompletedOneIsFollowedWhateverWasWanted) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), processing("9040"));
  want_stop(*ledger, id, true);
  put(*ledger, id, completed("9040"));
  EXPECT_FALSE(payment::stop_wanted(row(*ledger, id).state));
  // One who is behind wants it still.
  const auto held =
      must(ledger->store(id, processing("9040"), processing("9040", true), note(), clock_now()));
  EXPECT_TRUE(std::holds_alternative<payment::Completed>(held));
  EXPECT_FALSE(payment::stop_wanted(row(*ledger, id).state));
  const Claim claim = must(ask(*ledger, request()));
  EXPECT_EQ(claim.kind, Kind::take);
  EXPECT_FALSE(claim.is_alone);
}

TEST_F(LedgerClaim, ReuseSaysWhichEarlierOneMayServe) {
  const auto kind = [&](const payment::State& state, bool delivered, Reuse reuse) {
    const std::string prompt = take_string(g_uuid_string_random());
    const auto ledger = open();
    add(*ledger, request(prompt), state, delivered);
    return must(ask(*ledger, request(prompt), reuse)).kind;
  };
  for (const auto& state : {pending("1"), processing("1"), completed("1")}) {
    EXPECT_EQ(kind(state, false, Reuse::never), Kind::create);
    EXPECT_EQ(kind(state, false, Reuse::in_flight), Kind::take);
    EXPECT_EQ(kind(state, false, Reuse::completed), Kind::take);
  }
  EXPECT_EQ(kind(completed("1"), true, Reuse::never), Kind::create);
  EXPECT_EQ(kind(completed("1"), true, Reuse::in_flight), Kind::create);
  EXPECT_EQ(kind(completed("1"), true, Reuse::completed), Kind::take);
  for (const auto& state : {failed("1"), stopped("1")}) {
    EXPECT_EQ(kind(state, false, Reuse::completed), Kind::create);
  }
}

TEST_F(LedgerClaim, ServesOnlyTheSameRequest) {
  const auto ledger = open();
  add(*ledger, request(), pending("9040"));
  for (const auto& other :
       {request("Another"), request("A product", "3301"), request("A product", "3300", "43"),
        request("A product", "3300", "42", "kling_1_6")}) {
    EXPECT_EQ(must(ask(*ledger, other, Reuse::completed)).kind, Kind::create);
  }
}

TEST_F(LedgerClaim, TheOneWhoseClipIsThereComesFirstAndPassedOverOnesNotAtAll) {
  const auto ledger = open();
  const std::int64_t delivered = add(*ledger, request(), completed("1"), true);
  const std::int64_t whole = add(*ledger, request(), completed("2"));
  const std::int64_t waiting = add(*ledger, request(), pending("3"));
  const std::int64_t unknown = add(*ledger, request());
  std::vector<std::int64_t> order;
  PassedOver passed_over;
  for (int round = 0; round < 4; ++round) {
    const Claim claim = must(ask(*ledger, request(), Reuse::completed, passed_over));
    order.push_back(claim.entry.id);
    passed_over.rows.insert(claim.entry.id);
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{whole, delivered, waiting, unknown}));
  age(unknown, hour);
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::completed, passed_over)).kind, Kind::create);
  const PassedOver by_id{.rows = {}, .generations = {"2"}};
  EXPECT_EQ(must(ask(*ledger, request(), Reuse::completed, by_id)).entry.id, delivered);
}

TEST_F(LedgerClaim, LocksGoWithTheirObjectsNotWithTheLedger) {
  const auto other = open();
  auto ledger = open();
  auto begun = must(begin(*ledger, request()));
  put(*ledger, begun.entry.id, pending("9040"));
  ledger.reset();
  EXPECT_TRUE(other->is_followed(begun.entry.id));
  {
    const Claim second = must(ask(*other, request(), Reuse::in_flight));
    EXPECT_EQ(second.kind, Kind::take);
    begun.presence.release();
    EXPECT_TRUE(other->is_followed(begun.entry.id));
    EXPECT_TRUE(open()->is_followed(begun.entry.id));
  }
  EXPECT_FALSE(other->is_followed(begun.entry.id));
  const auto held = must(other->take(begun.entry.id));
  ASSERT_TRUE(held);
  EXPECT_EQ(payment::generation_id(held->entry.state), "9040");
  EXPECT_TRUE(open()->is_followed(begun.entry.id));
}

TEST_F(LedgerClaim, StopsThatAreOwedAreListedNewestFirst) {
  const auto ledger = open();
  std::vector<std::int64_t> ids;
  for (int number = 0; number < 4; ++number) {
    ids.push_back(add(*ledger, request(std::to_string(number)), pending(std::to_string(number))));
    want_stop(*ledger, ids.back(), true);
  }
  want_stop(*ledger, ids[3], false);
  age(ids[0], 48 * hour);
  const std::int64_t unknown = add(*ledger, request("unknown"));
  lose(*ledger, unknown, true);

  const WallTime since = wall_clock_now() - 24 * hour;
  const auto owed = [&](const std::string& base, std::size_t limit) {
    std::vector<std::int64_t> result;
    for (const Entry& entry : must(ledger->owed_stops(base, since, limit))) {
      result.push_back(entry.id);
    }
    return result;
  };
  const std::string base = "https://api.gen.pro/v1";
  EXPECT_EQ(owed(base, 10), (std::vector{unknown, ids[2], ids[1]}));
  EXPECT_EQ(owed(base, 1), std::vector{unknown});
  EXPECT_TRUE(owed("http://127.0.0.1:1/v1", 10).empty());
}

TEST_F(LedgerClaim, TakesARowAndItsCellOnlyWhenNobodyIsThere) {
  const auto first = open();
  const auto second = open();
  const std::int64_t id = add(*first, request());
  EXPECT_FALSE(must(first->take(id + 1)));
  EXPECT_FALSE(must(first->attach("https://api.gen.pro/v1", "9040")));
  {
    const auto held = must(first->take_with_cell(id));
    ASSERT_TRUE(held);
    EXPECT_TRUE(held->presence);
    EXPECT_TRUE(held->cell);
    EXPECT_FALSE(must(second->take_with_cell(id)));
    EXPECT_FALSE(must(second->take(id)));
    EXPECT_EQ(must(ask(*second, request("Another"), Reuse::in_flight)).kind, Kind::busy);
  }
  age(id, hour);
  const Claim other = must(ask(*second, request("Another"), Reuse::in_flight));
  ASSERT_EQ(other.kind, Kind::create);
  EXPECT_FALSE(must(first->take_with_cell(id)));
  EXPECT_TRUE(must(first->take(id)));
}

// Or a clip that was delivered just before would be delivered once more, and not asked for anew.
TEST(ThisProcessTest, NeverSeemsToHaveBegunBeforeItDid) {
  for (int times = 0; times < 50; ++times) {
    const WallTime before = wall_clock_now();
    const pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    ASSERT_GT(child, 0);
    // At another moment of the clock's tick each time.
    usleep(times * 200);
    const WallTime start = latest_start(child);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    ASSERT_GE(start, before);
  }
}

}  // namespace
}  // namespace genpro::ledger
