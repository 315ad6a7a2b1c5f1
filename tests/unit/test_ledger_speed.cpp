// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger grows for years, and each generation asks it: what is asked is answered by indexes.
#include <time.h>

#include <algorithm>

#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using payment::Reuse;
using test::hour;
using test::must;

// Each connection that SQLite opens, seen from outside.
sqlite3* latest_connection = nullptr;
int note_connection(sqlite3* database, const char** /*message*/, const void* /*routines*/) {
  latest_connection = database;
  return SQLITE_OK;
}

class LedgerSpeed : public test::LedgerTest {
 protected:
  // Rows of all kinds, of one cell or of many, with the same request or different ones.
  void fill(int rows, const std::string& cell, const std::string& fingerprint) {
    const Identity identity = request("filler");
    sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(rows) +
        ") INSERT INTO generations (place, fingerprint, base_url, cell_path, agent_id, model, "
        "request, length, data, idempotency_key, generation_id, status, created_at, posted_at, "
        "unfinished_at, ended_at, delivered_at, cost) SELECT 'https://api.gen.pro/v1 101/' || " +
        cell + ", " + fingerprint + ", 'https://api.gen.pro/v1', 'a/101/cells/' || " + cell +
        ", '42', 'pika', '" + identity.request +
        "', 5, '-', 'k' || i, 'g' || i, CASE i % 10 WHEN 0 THEN 'failed' ELSE 'completed' END, " +
        std::to_string(wall_clock_now() - hour) + " + i, " +
        std::to_string(wall_clock_now() - hour) +
        " + i, 71000, 72000, CASE i % 10 WHEN 0 THEN 0 ELSE 1 END, 1.5 FROM n");
  }

  // What one generation asks of the ledger, from its claim to its delivery.
  void generate(Ledger& ledger, const Identity& identity, unsigned daily_limit = 0) {
    auto claim = must(ask(ledger, identity));
    ASSERT_EQ(claim.kind, Claim::Kind::create);
    must(ledger.check_limits(identity, {.daily_generations = daily_limit}));
    const auto begun = must(begin(ledger, identity, Jobs{"1", "2", "3"}, daily_limit));
    const std::int64_t id = begun.entry.id;
    must(ledger.others(begun.entry, {"1", "2", "3", "4", "5", "6", "7", "8"}));
    put(ledger, id, in_doubt(begun.entry.state));
    put(ledger, id, pending("new" + std::to_string(id)));
    must(ledger.past_durations(row(ledger, id)));
    put(ledger, id, processing("new" + std::to_string(id)));
    put(ledger, id, completed("new" + std::to_string(id)));
    must(ledger.note_bytes(id, 5));
    must(ledger.note_delivery(id, 10));
    must(ledger.owed_stops("https://api.gen.pro/v1", 0, 10));
  }

  // What the thread has computed, in seconds: how long a disk takes is another matter.
  static double computed() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }
  // The quickest of some.
  static double time(const std::function<void()>& work) {
    double shortest = 1e9;
    for (int turn = 0; turn < 5; ++turn) {
      const double begun = computed();
      work();
      shortest = std::min(shortest, computed() - begun);
    }
    return shortest;
  }
};

TEST_F(LedgerSpeed, NoQuestionReadsTheWholeTable) {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(note_connection));
  const auto ledger = open();
  sqlite3* const database = latest_connection;
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(note_connection));
  ASSERT_NE(database, nullptr);

  generate(*ledger, request(), 100);
  const std::int64_t id = must(ledger->list({})).front().id;
  for (const Reuse reuse : {Reuse::never, Reuse::in_flight, Reuse::completed}) {
    must(ask(*ledger, request("other"), reuse));
    must(ask(*ledger, request(), reuse));
  }
  add(*ledger, request("gone"), payment::Gone{generation("1"), ""});
  must(ask(*ledger, request("gone")));
  must(ledger->check_limits(request(), {.daily_generations = 1000}));
  EXPECT_FALSE(ledger->check_limits(request(), {.daily_generations = 1}));
  (void)ledger->check_limits(request(), {.daily_cost = 1000, .estimate = 1});
  must(ledger->attach("https://api.gen.pro/v1", "new1"));
  must(ledger->take(id));
  must(ledger->take_with_cell(id));
  for (const WallTime since : {WallTime{0}, WallTime{5}}) {
    must(ledger->list({.since = since, .limit = 50}));
    must(ledger->list({.word = "completed", .since = since, .limit = 50}));
  }
  must(ledger->find_generation("1"));
  must(ledger->open_rows());
  must(ledger->history(id));
  must(ledger->spend(0));
  must(ledger->prune(1));
  must(ledger->remove(1000));
  must(ledger->prepare_to_exit());

  int statements = 0;
  for (sqlite3_stmt* one = sqlite3_next_stmt(database, nullptr); one != nullptr;
       one = sqlite3_next_stmt(database, one)) {
    const std::string text = sqlite3_sql(one);
    if (text.starts_with("PRAGMA") || text.find("sqlite_master") != std::string::npos) continue;
    ++statements;
    sqlite3_stmt* explained = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(database, ("EXPLAIN QUERY PLAN " + text).c_str(), -1, &explained,
                                 nullptr),
              SQLITE_OK)
        << text;
    while (sqlite3_step(explained) == SQLITE_ROW) {
      const std::string detail = reinterpret_cast<const char*>(sqlite3_column_text(explained, 3));
      EXPECT_FALSE(detail.starts_with("SCAN generations") || detail.starts_with("SCAN history") ||
                   detail.starts_with("SCAN other"))
          << detail << "\n  of " << text;
      // The whole of an index is as bad.
      EXPECT_FALSE(detail.starts_with("SCAN") && detail.find("INDEX") != std::string::npos)
          << detail << "\n  of " << text;
    }
    sqlite3_finalize(explained);
  }
  EXPECT_GT(statements, 30);
}

// The time that many rows add, whatever they are.
TEST_F(LedgerSpeed, AGenerationCostsNoMoreInALargeLedger) {
  const struct {
    const char* name;
    std::string cell;
    std::string fingerprint;
  } kinds[] = {
      {"different requests", "i", "'f' || i"},
      {"the same request on one cell", "'3300'", "'" + request().fingerprint + "'"},
  };
  for (const auto& kind : kinds) {
    SCOPED_TRACE(kind.name);
    path_ = folder_.file(std::string(kind.name) + ".db");
    int number = 0;
    // Each with a request of its own, and then the one that all have.
    const auto generation = [&] {
      const auto ledger = open();
      generate(*ledger, request("number " + std::to_string(++number)), 2'000'000);
      must(ask(*ledger, request()));
    };
    const double small = time(generation);
    fill(40'000, kind.cell, kind.fingerprint);
    EXPECT_LT(time(generation), 2 * small + 0.005);
  }
}

}  // namespace
}  // namespace genpro::ledger
