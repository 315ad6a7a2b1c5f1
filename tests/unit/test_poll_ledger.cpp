// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the ledger knows of durations, and how it gets to know it.
#include <chrono>

#include "unit/ledger_fixture.h"

namespace genpro::job {
namespace {

using api::Phase;
using test::must;

class PollLedger : public test::LedgerTest {
 protected:
  // A request of a model and length, on a cell; 0: the cell decides on the length.
  static RequestIdentity of(const std::string& model, unsigned length,
                            const std::string& cell = "3300",
                            const std::string& base = "https://api.gen.pro/v1") {
    api::RequestSettings settings;
    settings.sheet_id = "101";
    settings.cell_id = cell;
    settings.agent_id = "42";
    settings.prompt = "A product";
    settings.asset_ids = "501";
    settings.model = model;
    settings.duration = length;
    return identify(must(api::make_access(base, "the_key")), must(api::make_request(settings)));
  }

  // One that has ended, with times in milliseconds since its request left.
  std::int64_t ended(Ledger& ledger, const RequestIdentity& identity, WallTime unfinished,
                     WallTime end, Phase phase = Phase::completed) {
    const std::int64_t id =
        add(ledger, identity, generation("g" + std::to_string(++number_), phase));
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

  PastDurations past(Ledger& ledger, const RequestIdentity& identity) {
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
  ended(*ledger, of("pika", 5), 70'000, 69'000);              // the clock was set back
  ended(*ledger, of("pika", 5), -9'000, -5'000);              // likewise
  ended(*ledger, of("pika", 5), -9'000, -5, Phase::stopped);  // likewise
  ended(*ledger, of("pika", 5), 70'000, 71'000, Phase::failed);
  add(*ledger, of("pika", 5), generation("g", Phase::processing));
  must(ledger->note_refused(add(*ledger, of("pika", 5)), "no"));
  EXPECT_TRUE(past(*ledger, of("pika", 5)).same_kind.empty());

  // It was stopped later than it was seen unfinished, and nobody knows how it would have gone on.
  ended(*ledger, of("pika", 5), 40'000, 60'000, Phase::stopped);
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
  must(ledger->note_generation(id, generation("9040", Phase::processing)));
  const WallTime noted = row(*ledger, id).unfinished_at;
  EXPECT_GE(noted, before);
  EXPECT_LE(noted, wall_clock_now());
  // A run that knows less makes it no worse.
  must(open()->note_generation(id, generation("9040", Phase::completed), 0));
  EXPECT_EQ(row(*ledger, id).unfinished_at, noted);
  // Another one that follows it and hears of the end later.
  must(ledger->note_generation(id, generation("9040", Phase::completed), noted + 50'000));
  EXPECT_EQ(row(*ledger, id).unfinished_at, noted);

  const std::int64_t other = add(*ledger, of("pika", 5), generation("9041", Phase::processing));
  must(ledger->note_generation(other, generation("9041", Phase::completed), noted + 60'000));
  EXPECT_EQ(row(*ledger, other).unfinished_at, noted + 60'000);
}

TEST_F(PollLedger, AnOlderFileIsBroughtUpToDate) {
  std::int64_t id = 0;
  {
    const auto ledger = open();
    id = add(*ledger, of("pika", 5), generation("9040", Phase::completed), true);
  }
  // As the first version of the schema has it.
  sql("DROP INDEX by_model");
  sql("ALTER TABLE generations DROP COLUMN unfinished_at");
  sql("ALTER TABLE generations DROP COLUMN length");
  sql("UPDATE generations SET ended_at = posted_at + 80000");
  sql("PRAGMA user_version = 1");
  const auto ledger = open();
  EXPECT_EQ(Database(path_, SQLITE_OPEN_READWRITE).integer("PRAGMA user_version"), 2);
  EXPECT_EQ(row(*ledger, id).generation_id, "9040");
  EXPECT_EQ(row(*ledger, id).unfinished_at, 0);
  EXPECT_EQ(pairs(past(*ledger, of("pika", 5)).same_model), (Pairs{{0, 80}}));
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
        ") INSERT INTO generations (fingerprint, "
        "base_url, cell_path, agent_id, model, request, length, idempotency_key, generation_id, "
        "status, created_at, posted_at, unfinished_at, ended_at, delivered_at) SELECT 'f' || i, "
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
}  // namespace genpro::job
