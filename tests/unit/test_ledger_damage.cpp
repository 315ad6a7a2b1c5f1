// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ledgers that are broken in a row or in a byte: one clear error, soon, and nothing bad gets out.
#include <chrono>
#include <random>

#include "base/sanitizer.h"
#include "base/text.h"
#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

using payment::Reuse;
using payment::State;
using test::hour;
using test::must;
using test::read_file;
using test::write_file;

class LedgerDamage : public test::LedgerTest {
 protected:
  // The error names the file and the row, and says what to do.
  template <typename T>
  void expect_row_error(const Result<T>& result, std::int64_t id, const std::string& why) {
    ASSERT_FALSE(result) << why;
    const Error& error = result.error();
    EXPECT_EQ(error.kind, ErrorKind::ledger) << error.message;
    EXPECT_EQ(error.ledger_row, id);
    for (const std::string& part :
         {path_, "Row " + std::to_string(id) + " ", std::string("`genpro ledger check`"),
          "`genpro ledger prune " + std::to_string(id) + "`", why}) {
      EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
    }
  }
};

TEST_F(LedgerDamage, ARowThatCannotBeEndsInAnErrorThatNamesIt) {
  const struct {
    const char* change;
    const char* why;
  } cases[] = {
      {"generation_id = '%zz'", "generation_id"},
      {"generation_id = '../../cells'", "generation_id"},
      {"generation_id = ''", "generation_id"},
      {"generation_id = 5", ""},  // the column makes a text of it
      {"generation_id = x'31'", "generation_id"},
      {"status = 'paid'", "status"},
      {"status = ''", "status"},
      {"status = x'00'", "status"},
      {"status = 'unknown'", "status"},
      {"evidence = 'maybe'", "evidence"},
      {"stop_wanted = 7", "stop_wanted"},
      {"stop_wanted = 'yes'", "stop_wanted"},
      {"doubtful = x''", "doubtful"},
      {"created_at = -5", "created_at"},
      {"created_at = 'yesterday'", "created_at"},
      {"created_at = 9223372036854775807", "created_at"},
      {"posted_at = 9223372036854775807", "posted"},
      {"posted_at = -1", "posted"},
      {"posted_up = -1", "posted"},
      {"posted_boot = '/boot'", "posted"},
      {"made_at = 2.5", "made"},
      {"ended_at = -1", "ended_at"},
      {"delivered_at = -1", "delivered_at"},
      {"unfinished_at = 'x'", "unfinished_at"},
      {"bytes_delivered = -1", "bytes_delivered"},
      {"cost = 'much'", "cost"},
      {"cost = 9e999", "cost"},
      {"length = 'long'", "length"},
      {"jobs_before = '[1]'", "jobs_before"},
      {"jobs_before = '[\"a\"'", "jobs_before"},
      {"jobs_before = '[\"a/b\"]'", "jobs_before"},
      {"jobs_before = '{}'", "jobs_before"},
      {"jobs_before = ''", "jobs_before"},
      {"base_url = 'file:///etc'", "base_url"},
      {"base_url = 'http://example.com'", "base_url"},
      {"cell_path = 'a/b/../d'", "cell_path"},
      {"cell_path = 'a/b/cells'", "cell_path"},
      {"cell_path = 'a/b/cells/d?x'", "cell_path"},
      {"agent_id = 'a b'", "agent_id"},
      {"request = CAST(x'ff' AS TEXT)", "request"},
      {"model = CAST(x'610062' AS TEXT)", "model"},
      {"delivered_by = x'00'", "delivered_by"},
  };
  const auto ledger = open();
  const std::int64_t good = add(*ledger, request("good", "9"), pending("9000"));
  for (const auto& one : cases) {
    SCOPED_TRACE(one.change);
    const std::int64_t id = add(*ledger, request(), processing("9040"));
    const Entry entry = row(*ledger, id);
    sql(std::string("UPDATE generations SET ") + one.change + " WHERE id = " + std::to_string(id));
    if (*one.why != '\0') {
      expect_row_error(ledger->find(id), id, one.why);
      expect_row_error(ledger->list({}), id, one.why);
      expect_row_error(ledger->take(id), id, one.why);
      expect_row_error(ledger->store(id, entry.state, completed("9040"), note(), clock_now()), id,
                       one.why);
      // Nobody pays past it.
      const auto claim = ask(*ledger, request());
      expect_row_error(claim, id, one.why);
      const auto findings = must(ledger->check(clock_now()));
      ASSERT_EQ(findings.size(), 1U);
      EXPECT_EQ(findings.front().row, id);
      EXPECT_TRUE(findings.front().is_damage);
      EXPECT_NE(findings.front().text.find(one.why), std::string::npos) << findings.front().text;
      EXPECT_NE(findings.front().advice.find("prune"), std::string::npos);
    }
    EXPECT_EQ(row(*ledger, good).id, good);
    EXPECT_EQ(must(ledger->remove(id)), Ledger::Removal::removed);
    EXPECT_EQ(must(ledger->list({})).size(), 1U);
  }
}

TEST_F(LedgerDamage, AnUnsettledRowNeedsItsKey) {
  const auto ledger = open();
  for (const char* key : {"", "two words", "line\nbreak", "\xc3\xa4"}) {
    const std::int64_t id = add(*ledger, request());
    sql("UPDATE generations SET idempotency_key = '" + std::string(key) +
        "' WHERE id = " + std::to_string(id));
    expect_row_error(ask(*ledger, request()), id, "idempotency_key");
    EXPECT_EQ(must(ledger->remove(id)), Ledger::Removal::removed);
  }
  // Nothing of the kind is written either.
  auto bad = attempt();
  bad.key = "two words";
  EXPECT_FALSE(ledger->begin(request(), payment::Posting{bad}, note(), {}, clock_now()));
  EXPECT_TRUE(must(ledger->list({})).empty());
}

TEST_F(LedgerDamage, SpendNamesTheRowWithAnUnknownWord) {
  const auto ledger = open();
  add(*ledger, request(), pending("1"));
  const std::int64_t id = add(*ledger, request("x"), pending("2"));
  sql("UPDATE generations SET status = 'paid' WHERE id = " + std::to_string(id));
  expect_row_error(ledger->spend(0), id, "status");
  for (const char* time : {"9223372036854775807", "'yesterday'"}) {
    sql("UPDATE generations SET status = 'pending', created_at = " + std::string(time) +
        " WHERE id = " + std::to_string(id));
    expect_row_error(ledger->spend(0), id, "created_at");
    EXPECT_EQ(ledger->check_limits(request(), {.daily_generations = 1}).error().kind,
              ErrorKind::limit);
  }
}

TEST_F(LedgerDamage, CheckComparesRowsWithWhatTheyWereMadeOf) {
  const auto ledger = open();
  const std::int64_t fine = add(*ledger, request("fine"), processing("1"));
  const std::int64_t word = add(*ledger, request("word"), processing("2"));
  const std::int64_t place = add(*ledger, request("place"), processing("3"));
  const std::int64_t request_text = add(*ledger, request("text"), processing("4"));
  EXPECT_TRUE(must(ledger->check(clock_now())).empty());
  sql("UPDATE generations SET status = 'pending' WHERE id = " + std::to_string(word));
  sql("UPDATE generations SET place = 'elsewhere' WHERE id = " + std::to_string(place));
  sql("UPDATE generations SET request = '{}' WHERE id = " + std::to_string(request_text));
  const std::int64_t doubt = add(*ledger, request("doubt", "9"));
  lose(*ledger, doubt);
  age(doubt, 3 * hour);
  std::map<std::int64_t, Ledger::Finding> findings;
  for (auto& finding : must(ledger->check(clock_now()))) findings[finding.row] = finding;
  EXPECT_EQ(findings.size(), 4U);
  EXPECT_FALSE(findings.contains(fine));
  EXPECT_NE(findings[word].text.find("history"), std::string::npos) << findings[word].text;
  EXPECT_NE(findings[place].text.find("place"), std::string::npos) << findings[place].text;
  EXPECT_NE(findings[request_text].text.find("fingerprint"), std::string::npos);
  for (const std::int64_t id : {word, place, request_text}) EXPECT_TRUE(findings[id].is_damage);
  EXPECT_FALSE(findings[doubt].is_damage);
  EXPECT_NE(findings[doubt].text.find("the answer was lost"), std::string::npos);
  EXPECT_NE(findings[doubt].advice.find("cells/9"), std::string::npos) << findings[doubt].advice;
}

TEST_F(LedgerDamage, CheckTellsOfAFileThatWasRemoved) {
  const auto ledger = open();
  add(*ledger, request(), processing("1"));
  std::filesystem::remove(path_);
  const auto findings = must(ledger->check(clock_now()));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings.front().row, 0);
  EXPECT_NE(findings.front().text.find("removed"), std::string::npos) << findings.front().text;
}

// What a row may hold for its readers: an id that can stand in an address, and no more.
void expect_sound(const Entry& entry) {
  const std::string& generation = payment::generation_id(entry.state);
  EXPECT_TRUE(generation.empty() || is_id(generation)) << generation;
  EXPECT_EQ(entry.identity.cell_path.find(".."), std::string::npos);
  const payment::Attempt* attempt = payment::attempt(entry.state);
  if (attempt == nullptr) return;
  for (const char c : attempt->key) EXPECT_TRUE(c > ' ' && c < '\x7f');
  for (const std::string& job : attempt->before.value_or(std::vector<std::string>())) {
    EXPECT_TRUE(is_id(job));
  }
}

#if defined(GENPRO_ADDRESS_SANITIZER) || defined(GENPRO_THREAD_SANITIZER)
constexpr int rounds = 60;
#else
constexpr int rounds = 300;
#endif

// Bytes of a small ledger are changed at random; the seed repeats it.
class LedgerBytes : public LedgerDamage, public testing::WithParamInterface<unsigned> {};

TEST_P(LedgerBytes, AnyThatIsWrongEndsInAnErrorInTime) {
  {
    const auto ledger = open();
    add(*ledger, request("posting"), posting(Jobs{"1", "2"}));
    lose(*ledger, add(*ledger, request("doubt", "9"), posting(Jobs{"1", "2"})));
    add(*ledger, request("pending"), pending("9040"));
    for (int number = 0; number < 30; ++number) {
      add(*ledger, request(std::to_string(number)), completed(std::to_string(number)),
          number % 2 == 0);
    }
  }
  const std::string sound = read_file(path_);
  std::mt19937 random(GetParam());
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  int errors = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round) + " of seed " + std::to_string(GetParam()));
    std::string bytes = sound;
    for (std::size_t flips = 1 + below(8); flips > 0; --flips) {
      // Headers of pages and the schema are hit as often as all the rest.
      const std::size_t page = 4096 * below(bytes.size() / 4096);
      const std::size_t at = below(2) == 0 ? page + below(120) : below(bytes.size());
      const char flipped = static_cast<char>(bytes[at] ^ (1U << below(8)));
      bytes[at] = below(3) == 0 ? static_cast<char>(random()) : flipped;
    }
    if (below(20) == 0) bytes.resize(below(bytes.size()));
    for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(path_ + end);
    write_file(path_, bytes);

    const auto begun = std::chrono::steady_clock::now();
    const auto look = [&](const auto& result) {
      if (result) return true;
      ++errors;
      EXPECT_NE(result.error().message.find(path_), std::string::npos) << result.error().message;
      EXPECT_EQ(result.error().kind, ErrorKind::ledger) << result.error().message;
      return false;
    };
    auto ledger = Ledger::open(path_);
    if (look(ledger)) {
      for (const char* prompt : {"posting", "pending", "7", "new"}) {
        const auto claim = ask(**ledger, request(prompt));
        if (look(claim) && claim->entry.id != 0) expect_sound(claim->entry);
      }
      const auto rows = (*ledger)->list({});
      if (look(rows)) {
        for (const Entry& entry : *rows) expect_sound(entry);
      }
      look((*ledger)->open_rows());
      look((*ledger)->spend(0));
      look((*ledger)->owed_stops("https://api.gen.pro/v1", 0, 10));
      look((*ledger)->check(clock_now()));
      if (below(4) == 0) {
        look(begin(**ledger, request("next", "8")));
        look((*ledger)->remove(1));
        look((*ledger)->prune(wall_clock_now() + hour));
      }
    }
    ledger = Error();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
  }
  EXPECT_GT(errors, rounds / 6);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LedgerBytes, testing::Values(1U, 2U, 3U, 4U));

}  // namespace
}  // namespace genpro::ledger
