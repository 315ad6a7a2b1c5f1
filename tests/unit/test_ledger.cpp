// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who asks, who follows, who stops: claims on the rows of a ledger, each `open()` a process.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "unit/ledger_fixture.h"

namespace genpro::job {
namespace {

using api::Phase;
using test::hour;
using test::must;
using Kind = Claim::Kind;
using Jobs = std::vector<std::string>;

using LedgerClaim = test::LedgerTest;

TEST_F(LedgerClaim, TheFirstOneCreatesAndWritesTheIntentionDown) {
  const auto ledger = open();
  const WallTime before = wall_clock_now();
  const Claim claim = must(ledger->claim(request(), Reuse::in_flight, {}));
  ASSERT_EQ(claim.kind, Kind::create);
  EXPECT_TRUE(claim.cell);
  EXPECT_TRUE(must(ledger->list({})).empty());

  const auto begun = must(ledger->begin(request(), Jobs{"7", "8"}, 0));
  EXPECT_TRUE(begun.presence);
  const auto rows = must(open()->list({}));
  ASSERT_EQ(rows.size(), 1U);
  const Entry& entry = rows.front();
  EXPECT_EQ(entry.id, begun.entry.id);
  EXPECT_EQ(entry.fingerprint, request().fingerprint);
  EXPECT_EQ(entry.base_url, "https://api.gen.pro/v1");
  EXPECT_EQ(entry.cell_path, "autocontentengine/101/cells/3300");
  EXPECT_EQ(entry.agent_id, "42");
  EXPECT_EQ(entry.model, "pika");
  EXPECT_EQ(entry.request, request().request);
  EXPECT_EQ(entry.idempotency_key, begun.entry.idempotency_key);
  EXPECT_GE(entry.idempotency_key.size(), 32U);
  EXPECT_EQ(entry.status, EntryStatus::submitting);
  EXPECT_EQ(entry.generation_id, "");
  EXPECT_EQ(entry.cost, std::nullopt);
  EXPECT_GE(entry.created_at, before);
  EXPECT_LE(entry.created_at, wall_clock_now());
  EXPECT_EQ(entry.posted_at, entry.created_at);
  EXPECT_EQ(entry.ended_at, 0);
  EXPECT_EQ(entry.jobs_before, (Jobs{"7", "8"}));
}

TEST_F(LedgerClaim, OthersWaitForTheAnswerAndFollowItThen) {
  const auto poster = open();
  const auto other = open();
  Claim claim = must(poster->claim(request(), Reuse::in_flight, {}));
  ASSERT_EQ(claim.kind, Kind::create);
  EXPECT_EQ(must(other->claim(request(), Reuse::in_flight, {})).kind, Kind::busy);
  auto begun = must(poster->begin(request(), std::nullopt, 0));
  EXPECT_EQ(must(other->claim(request(), Reuse::in_flight, {})).kind, Kind::busy);
  EXPECT_EQ(must(other->claim(request("Another"), Reuse::in_flight, {})).kind, Kind::busy);
  EXPECT_EQ(must(other->claim(request("Another"), Reuse::never, {})).kind, Kind::busy);
  EXPECT_EQ(must(other->claim(request("Another", "3301"), Reuse::in_flight, {})).kind,
            Kind::create);

  must(poster->note_generation(begun.entry.id, generation("9040", Phase::pending)));
  claim.cell.release();
  const Claim followed = must(other->claim(request(), Reuse::in_flight, {}));
  EXPECT_EQ(followed.kind, Kind::follow);
  EXPECT_TRUE(followed.presence);
  EXPECT_FALSE(followed.cell);
  EXPECT_EQ(followed.entry.id, begun.entry.id);
  EXPECT_EQ(followed.entry.generation_id, "9040");
  EXPECT_EQ(must(other->claim(request("Another"), Reuse::in_flight, {})).kind, Kind::create);
}

TEST_F(LedgerClaim, ARequestWhoseProcessEndedIsSettledByOneOther) {
  std::int64_t id = 0;
  {
    const auto poster = open();
    const Claim claim = must(poster->claim(request(), Reuse::in_flight, {}));
    id = add(*poster, request());
  }
  const auto second = open();
  const auto third = open();
  Claim settling = must(second->claim(request(), Reuse::in_flight, {}));
  ASSERT_EQ(settling.kind, Kind::settle);
  EXPECT_EQ(settling.entry.id, id);
  EXPECT_TRUE(settling.presence);
  EXPECT_TRUE(settling.cell);
  EXPECT_EQ(must(third->claim(request(), Reuse::in_flight, {})).kind, Kind::busy);

  must(second->note_unknown(id, true));
  settling = Claim();
  settling = must(third->claim(request(), Reuse::in_flight, {}));
  EXPECT_EQ(settling.kind, Kind::settle);
  EXPECT_EQ(settling.entry.status, EntryStatus::unknown);
  EXPECT_TRUE(settling.entry.stop_wanted);
  must(third->note_refused(id, "no\ncredits"));
  settling = Claim();
  EXPECT_EQ(must(second->claim(request(), Reuse::in_flight, {})).kind, Kind::create);
  EXPECT_EQ(row(*second, id).status, EntryStatus::refused);
  EXPECT_FALSE(row(*second, id).stop_wanted);
  EXPECT_EQ(row(*second, id).reason, "no credits");
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
    auto claim = (*ledger)->claim(request(), Reuse::in_flight, {});
    const auto begun = (*ledger)->begin(request(), std::nullopt, 0);
    const char answer = begun && claim->kind == Kind::create ? 'y' : 'n';
    if (write(pipe[1], &answer, 1) != 1) _exit(1);
    while (true) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(pipe[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto ledger = open();
  EXPECT_EQ(must(ledger->claim(request(), Reuse::in_flight, {})).kind, Kind::busy);
  EXPECT_TRUE(ledger->is_followed(must(ledger->list({})).front().id));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  for (const int end : pipe) close(end);
  EXPECT_FALSE(ledger->is_followed(must(ledger->list({})).front().id));
  EXPECT_EQ(must(ledger->claim(request(), Reuse::in_flight, {})).kind, Kind::settle);
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
      auto claim = ledgers.at(index)->claim(request(), Reuse::in_flight, {});
      if (!claim) {
        errors.at(index) = claim.error().message;
        return;
      }
      claims.at(index) = std::move(*claim);
      // Each writes as well, on a cell of its own.
      const auto begun =
          ledgers.at(index)->begin(request("x", std::to_string(index)), std::nullopt, 0);
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
  const std::int64_t id = add(*first, request(), generation("9040", Phase::processing));
  must(first->note_stop_wanted(id, true));

  Claim stopping = must(second->claim(request(), Reuse::in_flight, {}));
  ASSERT_EQ(stopping.kind, Kind::stop);
  EXPECT_EQ(stopping.entry.generation_id, "9040");
  EXPECT_TRUE(stopping.presence);
  EXPECT_EQ(must(first->claim(request(), Reuse::in_flight, {})).kind, Kind::busy);
  EXPECT_FALSE(must(first->take(id)));
  must(second->note_generation(id, generation("9040", Phase::stopped)));
  EXPECT_FALSE(row(*second, id).stop_wanted);
  stopping = Claim();
  EXPECT_EQ(must(first->claim(request(), Reuse::in_flight, {})).kind, Kind::create);
}

// Whoever comes second finds it stopped, and does not stop it again.
TEST_F(LedgerClaim, OfManyAtOnceOneSendsTheStop) {
  constexpr std::size_t number = 4;
  std::vector<std::unique_ptr<Ledger>> ledgers(number);
  for (auto& ledger : ledgers) ledger = open();
  for (int round = 0; round < 40; ++round) {
    const std::int64_t id = add(*ledgers[0], request(), generation("9040", Phase::pending));
    must(ledgers[0]->note_stop_wanted(id, true));
    std::atomic<int> stops = 0;
    std::atomic<int> failures = 0;
    std::vector<std::thread> threads;
    threads.reserve(number);
    for (std::size_t index = 0; index < number; ++index) {
      threads.emplace_back([&, index] {
        while (true) {
          const auto claim = ledgers[index]->claim(request(), Reuse::in_flight, {});
          if (!claim) ++failures;
          if (!claim || claim->kind == Kind::create) return;
          if (claim->kind != Kind::stop) continue;
          ++stops;
          if (!ledgers[index]->note_generation(id, generation("9040", Phase::stopped))) ++failures;
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
  const std::int64_t id = add(*first, request(), generation("9040", Phase::processing));
  const Claim following = must(first->claim(request(), Reuse::in_flight, {}));
  ASSERT_EQ(following.kind, Kind::follow);
  must(first->note_stop_wanted(id, true));
  const Claim claim = must(second->claim(request(), Reuse::in_flight, {}));
  EXPECT_EQ(claim.kind, Kind::follow);
  EXPECT_TRUE(claim.presence);
}

// The stop came too late: there is nothing to stop, and a clip to be had.
TEST_F(LedgerClaim, ACompletedOneIsFollowedWhateverWasWanted) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), generation("9040", Phase::processing));
  must(ledger->note_stop_wanted(id, true));
  must(ledger->note_generation(id, generation("9040", Phase::completed)));
  EXPECT_FALSE(row(*ledger, id).stop_wanted);
  must(ledger->note_stop_wanted(id, true));
  EXPECT_FALSE(row(*ledger, id).stop_wanted);
  EXPECT_EQ(must(ledger->claim(request(), Reuse::in_flight, {})).kind, Kind::follow);
}

TEST_F(LedgerClaim, ReuseSaysWhichEarlierOneMayServe) {
  const auto kind = [&](const api::Generation& generation, bool delivered, Reuse reuse) {
    const std::string prompt = take_string(g_uuid_string_random());
    const auto ledger = open();
    add(*ledger, request(prompt), generation, delivered);
    return must(ledger->claim(request(prompt), reuse, {})).kind;
  };
  for (const Phase phase : {Phase::pending, Phase::processing, Phase::unknown, Phase::completed}) {
    EXPECT_EQ(kind(generation("1", phase), false, Reuse::never), Kind::create);
    EXPECT_EQ(kind(generation("1", phase), false, Reuse::in_flight), Kind::follow);
    EXPECT_EQ(kind(generation("1", phase), false, Reuse::completed), Kind::follow);
  }
  EXPECT_EQ(kind(generation("1", Phase::completed), true, Reuse::never), Kind::create);
  EXPECT_EQ(kind(generation("1", Phase::completed), true, Reuse::in_flight), Kind::create);
  EXPECT_EQ(kind(generation("1", Phase::completed), true, Reuse::completed), Kind::follow);
  for (const Phase phase : {Phase::failed, Phase::stopped}) {
    EXPECT_EQ(kind(generation("1", phase), false, Reuse::completed), Kind::create);
  }
}

TEST_F(LedgerClaim, ServesOnlyTheSameRequest) {
  const auto ledger = open();
  add(*ledger, request(), generation("9040", Phase::pending));
  for (const auto& other :
       {request("Another"), request("A product", "3301"), request("A product", "3300", "43"),
        request("A product", "3300", "42", "kling_1_6")}) {
    EXPECT_EQ(must(ledger->claim(other, Reuse::completed, {})).kind, Kind::create);
  }
}

TEST_F(LedgerClaim, TheOneWhoseClipIsThereComesFirstAndPassedOverOnesNotAtAll) {
  const auto ledger = open();
  const std::int64_t delivered = add(*ledger, request(), generation("1", Phase::completed), true);
  const std::int64_t completed = add(*ledger, request(), generation("2", Phase::completed));
  const std::int64_t pending = add(*ledger, request(), generation("3", Phase::pending));
  const std::int64_t unknown = add(*ledger, request());
  std::vector<std::int64_t> order;
  PassedOver passed_over;
  for (int round = 0; round < 4; ++round) {
    const Claim claim = must(ledger->claim(request(), Reuse::completed, passed_over));
    order.push_back(claim.entry.id);
    passed_over.rows.insert(claim.entry.id);
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{completed, delivered, pending, unknown}));
  EXPECT_EQ(must(ledger->claim(request(), Reuse::completed, passed_over)).kind, Kind::create);
  const PassedOver by_id{.rows = {}, .generations = {"2"}};
  EXPECT_EQ(must(ledger->claim(request(), Reuse::completed, by_id)).entry.id, delivered);
}

TEST_F(LedgerClaim, LocksGoWithTheirObjectsNotWithTheLedger) {
  const auto other = open();
  auto ledger = open();
  auto begun = must(ledger->begin(request(), std::nullopt, 0));
  must(ledger->note_generation(begun.entry.id, generation("9040", Phase::pending)));
  ledger.reset();
  EXPECT_TRUE(other->is_followed(begun.entry.id));
  {
    const Claim second = must(other->claim(request(), Reuse::in_flight, {}));
    EXPECT_EQ(second.kind, Kind::follow);
    begun.presence.release();
    EXPECT_TRUE(other->is_followed(begun.entry.id));
    EXPECT_TRUE(open()->is_followed(begun.entry.id));
  }
  EXPECT_FALSE(other->is_followed(begun.entry.id));
  const auto held = must(other->take(begun.entry.id));
  ASSERT_TRUE(held);
  EXPECT_EQ(held->entry.generation_id, "9040");
  EXPECT_TRUE(open()->is_followed(begun.entry.id));
}

TEST_F(LedgerClaim, StopsThatAreOwedAreListedNewestFirst) {
  const auto ledger = open();
  std::vector<std::int64_t> ids;
  for (int number = 0; number < 4; ++number) {
    ids.push_back(add(*ledger, request(std::to_string(number)),
                      generation(std::to_string(number), Phase::pending)));
    must(ledger->note_stop_wanted(ids.back(), true));
  }
  must(ledger->note_stop_wanted(ids[3], false));
  age(ids[0], 48 * hour);
  const std::int64_t unknown = add(*ledger, request("unknown"));
  must(ledger->note_unknown(unknown, true));

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
    EXPECT_EQ(must(second->claim(request("Another"), Reuse::in_flight, {})).kind, Kind::busy);
  }
  const Claim other = must(second->claim(request("Another"), Reuse::in_flight, {}));
  ASSERT_EQ(other.kind, Kind::create);
  EXPECT_FALSE(must(first->take_with_cell(id)));
  EXPECT_TRUE(must(first->take(id)));
}

}  // namespace
}  // namespace genpro::job
