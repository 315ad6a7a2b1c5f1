// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ledger knows of durations, and how it gets to know it.
#include <chrono>

#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using polling::PastDurations;
using polling::SeenDuration;
using sqlite::Database;
using test::must;

class PollLedger : public test::LedgerTest {
 protected:
  // A request of a model and length, on a cell; 0: the cell decides on the length.
  static Identity of(const std::string& model, unsigned length, const std::string& cell = "3300",
                     const std::string& base = "https://api.gen.pro/v1") {
    return request("A product", cell, "42", model,
                   length != 0 ? std::optional<double>(length) : std::nullopt, base);
  }

  // One that has ended, with times in milliseconds since its request left.
  enum class End { completed, stopped, failed };
  std::int64_t ended(Ledger& ledger, const Identity& identity, WallTime unfinished, WallTime end,
                     End how = End::completed) {
    const std::string name = "g" + std::to_string(++number_);
    const std::int64_t id = add(ledger, identity,
                                how == End::completed ? completed(name)
                                : how == End::stopped ? stopped(name)
                                                      : failed(name));
    const auto after_post = [](WallTime time) { return "posted_at + " + std::to_string(time); };
    sql("UPDATE generations SET unfinished_at = " + after_post(unfinished) +
        ", ended_at = " + after_post(end) + " WHERE id = " + std::to_string(id));
    return id;
  }

  static std::vector<std::pair<double, double>> pairs(const std::vector<SeenDuration>& seen) {
    std::vector<std::pair<double, double>> result;
    for (const SeenDuration& one : seen) result.emplace_back(one.longer_than, one.at_most);
    return result;
  }
  using Pairs = std::vector<std::pair<double, double>>;

  PastDurations past(Ledger& ledger, const Identity& identity) {
    return must(ledger.past_durations(row(ledger, add(ledger, identity))));
  }

 private:
  int number_ = 0;
};

TEST_F(PollLedger, TellsThemByWhatTheySay) {
  const auto ledger = open();
  ended(*ledger, of("pika", 5), 70'000, 71'000);
  ended(*ledger, of("pika", 10), 140'000, 141'000);
  ended(*ledger, of("veo_3_1", 5), 200'000, 201'000);
  ended(*ledger, of("pika", 5, "3301"), 80'000, 81'500);
  ended(*ledger, of("pika", 0), 90'000, 91'000);
  ended(*ledger, of("pika", 5, "3300", "https://other.example/v1"), 1'000, 2'000);
  const PastDurations seen = past(*ledger, of("pika", 5));
  EXPECT_EQ(pairs(seen.same_kind), (Pairs{{80, 81.5}, {70, 71}})) << "the newest first";
  EXPECT_EQ(pairs(seen.same_model), (Pairs{{90, 91}, {140, 141}}));
  EXPECT_EQ(pairs(seen.others), (Pairs{{200, 201}}));
  const PastDurations nothing = past(*ledger, of("pika", 5, "3300", "https://third.example/v1"));
  EXPECT_TRUE(nothing.same_kind.empty() && nothing.same_model.empty() && nothing.others.empty());
}

TEST_F(PollLedger, WhatTheCellDecidesIsAlikeOnTheSameCellOnly) {
  const auto ledger = open();
  ended(*ledger, of("", 0, "1"), 30'000, 31'000);
  ended(*ledger, of("", 0, "2"), 40'000, 41'000);
  ended(*ledger, of("pika", 0, "1"), 50'000, 51'000);
  ended(*ledger, of("pika", 0, "2"), 60'000, 61'000);
  const PastDurations of_the_cell = past(*ledger, of("", 0, "1"));
  EXPECT_EQ(pairs(of_the_cell.same_kind), (Pairs{{30, 31}}));
  EXPECT_EQ(pairs(of_the_cell.same_model), (Pairs{{40, 41}}));
  const PastDurations of_the_length = past(*ledger, of("pika", 0, "2"));
  EXPECT_EQ(pairs(of_the_length.same_kind), (Pairs{{60, 61}}));
  EXPECT_EQ(pairs(of_the_length.same_model), (Pairs{{50, 51}}));
}

TEST_F(PollLedger, LeavesOutWhatCannotBeTrueOrSaysNothing) {
  const auto ledger = open();
  ended(*ledger, of("pika", 5), 70'000, 69'000);            // the clock was set back
  ended(*ledger, of("pika", 5), -9'000, -5'000);            // likewise
  ended(*ledger, of("pika", 5), -9'000, -5, End::stopped);  // likewise
  ended(*ledger, of("pika", 5), 70'000, 71'000, End::failed);
  add(*ledger, of("pika", 5), processing("g"));
  refuse(*ledger, add(*ledger, of("pika", 5)), "no");
  EXPECT_TRUE(past(*ledger, of("pika", 5)).same_kind.empty());

  // It was stopped later than it was seen unfinished, and nobody knows how it would have gone on.
  ended(*ledger, of("pika", 5), 40'000, 60'000, End::stopped);
  EXPECT_EQ(pairs(past(*ledger, of("pika", 5)).same_kind),
            (Pairs{{40, SeenDuration::unknown_end}}));
  // A row that was written before this was noted.
  ended(*ledger, of("pika", 5), -10, 80'000);
  EXPECT_EQ(pairs(past(*ledger, of("pika", 5)).same_kind),
            (Pairs{{0, 80}, {40, SeenDuration::unknown_end}}));
}

TEST_F(PollLedger, AManyTimesUsedModelHidesNoOther) {
  const auto ledger = open();
  ended(*ledger, of("veo_3_1", 5), 200'000, 201'000);
  for (int number = 0; number < 70; ++number) ended(*ledger, of("pika", 5), 70'000, 71'000);
  const PastDurations seen = past(*ledger, of("pika", 5));
  EXPECT_EQ(seen.same_kind.size(), 64U);
  EXPECT_TRUE(seen.others.empty()) << "they say nothing more";
  EXPECT_EQ(past(*ledger, of("kling_1_6", 5)).others.size(), 32U);
  EXPECT_EQ(pairs(past(*ledger, of("veo_3_1", 5)).same_kind), (Pairs{{200, 201}}));
}

TEST_F(PollLedger, NotesWhenAGenerationWasLastSeenUnfinished) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, of("pika", 5));
  EXPECT_EQ(row(*ledger, id).unfinished_at, 0);
  const WallTime before = wall_clock_now();
  put(*ledger, id, processing("9040"));
  const WallTime noted = row(*ledger, id).unfinished_at;
  EXPECT_GE(noted, before);
  EXPECT_LE(noted, wall_clock_now());
  const payment::State heard = row(*ledger, id).state;
  // A run that knows less makes it no worse.
  const auto other_process = open();
  put(*other_process, id, completed("9040"), {.unfinished_at = 0});
  EXPECT_EQ(row(*ledger, id).unfinished_at, noted);
  // Another one that follows it and hears of the end later.
  must(ledger->store(id, heard, row(*ledger, id).state, {.unfinished_at = noted + 50'000},
                     clock_now()));
  EXPECT_EQ(row(*ledger, id).unfinished_at, noted);

  const std::int64_t other = add(*ledger, of("pika", 5), processing("9041"));
  put(*ledger, other, completed("9041"), {.unfinished_at = noted + 60'000});
  EXPECT_EQ(row(*ledger, other).unfinished_at, noted + 60'000);
}

// A ledger grows for years, and each generation asks.
TEST_F(PollLedger, AsksALargeLedgerQuickly) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, of("veo_3_1", 5));
  const auto time = [&](std::int64_t wanted) {
    const Entry entry = row(*ledger, wanted);
    auto shortest = std::chrono::steady_clock::duration::max();
    for (int turn = 0; turn < 20; ++turn) {
      const auto begun = std::chrono::steady_clock::now();
      must(ledger->past_durations(entry));
      shortest = std::min(shortest, std::chrono::steady_clock::now() - begun);
    }
    return std::chrono::duration<double>(shortest).count();
  };
  const auto fill_up_to = [&](int rows) {
    sql("WITH RECURSIVE n(i) AS (SELECT (SELECT count(*) FROM generations) UNION ALL SELECT i + 1 "
        "FROM n WHERE i < " +
        std::to_string(rows) +
        ") INSERT INTO generations (place, fingerprint, "
        "base_url, cell_path, agent_id, model, request, length, idempotency_key, generation_id, "
        "status, created_at, posted_at, unfinished_at, ended_at, delivered_at) SELECT 'p' || i, "
        "'f' || i, "
        "'https://api.gen.pro/v1', 'a/1/cells/' || i, '42', 'pika', '{}', 5, 'k' || i, 'g' || i, "
        "'completed', 1000, 1000, 71000, 72000, 1 FROM n");
  };
  fill_up_to(1000);
  const double small = time(id);
  fill_up_to(40'000);
  EXPECT_EQ(must(ledger->past_durations(row(*ledger, id))).others.size(), 32U);
  EXPECT_LT(time(id), 5 * small + 0.001);
}

}  // namespace
}  // namespace genpro::ledger
