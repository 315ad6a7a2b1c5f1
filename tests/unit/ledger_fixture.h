// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger in a folder of its own, and what is written into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "base/glib_ptr.h"
#include "base/sqlite.h"
#include "ledger/ledger.h"
#include "support/postgres.h"

namespace genpro::test {

// The value, or a failed test that says why there is none.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    ErrorPtr error;
    path_ = take_string(g_dir_make_tmp("genpro-ledger-XXXXXX", error.out()));
    if (path_.empty()) throw std::runtime_error(error.message());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Not for a file that a connection of this process has open: to close it again gives SQLite's locks
// back.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

class LedgerTest : public testing::Test {
 protected:
  using Jobs = std::vector<std::string>;

  // Each has its own locks, as another process would.
  std::unique_ptr<ledger::Ledger> open() { return must(ledger::Ledger::open(path_)); }

  static ledger::Identity request(const std::string& prompt = "A product",
                                  const std::string& cell = "3300", const std::string& agent = "42",
                                  const std::string& model = "pika",
                                  std::optional<double> length = std::nullopt,
                                  const std::string& base = "https://api.gen.pro/v1") {
    return ledger::make_identity(base, "autocontentengine/101/cells/" + cell, agent, model, length,
                                 R"({"data":{"duration":)" +
                                     (length ? std::to_string(*length) : "null") + R"(,"model":")" +
                                     model + R"(","prompt":")" + prompt + "\"}}",
                                 "-");
  }

  // A request that has left just now.
  static payment::Attempt attempt(std::optional<Jobs> jobs = std::nullopt) {
    payment::Attempt attempt;
    attempt.key = take_string(g_uuid_string_random());
    attempt.made = attempt.posted = ledger::clock_now();
    if (jobs) attempt.looked = attempt.posted;
    attempt.before = std::move(jobs);
    return attempt;
  }
  static payment::State posting(std::optional<Jobs> jobs = std::nullopt) {
    return payment::Posting{attempt(std::move(jobs))};
  }
  static payment::State in_doubt(const payment::State& state, bool stop_wanted = false) {
    payment::InDoubt doubt{*payment::attempt(state), "the answer was lost"};
    doubt.attempt.doubtful = true;
    doubt.attempt.stop_wanted = stop_wanted;
    return doubt;
  }
  static payment::Generation generation(const std::string& id) {
    payment::Generation generation;
    generation.id = id;
    generation.posted = ledger::clock_now();
    return generation;
  }
  static payment::State pending(const std::string& id, bool stop_wanted = false) {
    return payment::Known{generation(id), payment::Phase::pending, stop_wanted};
  }
  static payment::State processing(const std::string& id, bool stop_wanted = false) {
    return payment::Known{generation(id), payment::Phase::processing, stop_wanted};
  }
  static payment::State completed(const std::string& id) {
    return payment::Completed{generation(id)};
  }
  static payment::State failed(const std::string& id, const std::string& reason = "") {
    return payment::Failed{generation(id), reason};
  }
  static payment::State stopped(const std::string& id) { return payment::Stopped{generation(id)}; }

  static ledger::Note note(const std::string& text = "") { return {.came = text, .decided = text}; }

  static Result<ledger::Claim> ask(ledger::Ledger& ledger, const ledger::Identity& identity,
                                   payment::Reuse reuse = payment::Reuse::in_flight,
                                   const ledger::PassedOver& passed_over = {}) {
    return ledger.claim(identity, reuse, passed_over, ledger::clock_now());
  }
  static Result<ledger::Ledger::Begun> begin(ledger::Ledger& ledger,
                                             const ledger::Identity& identity,
                                             std::optional<Jobs> jobs = std::nullopt,
                                             unsigned daily_limit = 0) {
    return ledger.begin(identity, posting(std::move(jobs)), note("asked for"),
                        {.daily_generations = daily_limit}, ledger::clock_now());
  }
  static ledger::Entry row(ledger::Ledger& ledger, std::int64_t id) {
    auto entry = must(ledger.find(id));
    if (!entry) throw std::runtime_error("there is no row " + std::to_string(id));
    return std::move(*entry);
  }
  // What the row holds becomes the state, as its only process would write it. A generation keeps
  // the time of its request.
  static payment::State put(ledger::Ledger& ledger, std::int64_t id, payment::State state,
                            ledger::Note note = {.came = "told", .decided = "noted"}) {
    const payment::State before = row(ledger, id).state;
    const payment::Moment posted = posted_of(before);
    std::visit(
        [&](auto& stage) {
          if constexpr (requires { stage.generation; }) stage.generation.posted = posted;
        },
        state);
    return must(ledger.store(id, before, state, note, ledger::clock_now()));
  }
  static payment::Moment posted_of(const payment::State& state) {
    return std::visit(
        [](const auto& stage) -> payment::Moment {
          if constexpr (requires { stage.attempt; }) {
            return stage.attempt.posted;
          } else if constexpr (requires { stage.generation; }) {
            return stage.generation.posted;
          } else {
            return {};
          }
        },
        state);
  }
  // Its request may have been taken, and nobody is at it.
  static void lose(ledger::Ledger& ledger, std::int64_t id, bool stop_wanted = false) {
    put(ledger, id, in_doubt(row(ledger, id).state, stop_wanted));
  }
  static void refuse(ledger::Ledger& ledger, std::int64_t id, const std::string& reason) {
    put(ledger, id, payment::Refused{reason});
  }
  static void want_stop(ledger::Ledger& ledger, std::int64_t id, bool wanted) {
    payment::State state = row(ledger, id).state;
    std::get<payment::Known>(state).stop_wanted = wanted;
    put(ledger, id, state);
  }

  // A row of a request that was posted, with nobody at it any more.
  static std::int64_t add(ledger::Ledger& ledger, const ledger::Identity& identity,
                          std::optional<Jobs> jobs = std::nullopt) {
    return must(begin(ledger, identity, std::move(jobs))).entry.id;
  }
  static std::int64_t add(ledger::Ledger& ledger, const ledger::Identity& identity,
                          const payment::State& state, bool delivered = false) {
    const std::int64_t id = add(ledger, identity);
    put(ledger, id, state);
    if (delivered) must(ledger.note_delivery(id, 1000));
    return id;
  }

  static std::string word(ledger::Ledger& ledger, std::int64_t id) {
    return std::string(payment::meaning(row(ledger, id).state).word);
  }
  static std::optional<Jobs> looked_at(ledger::Ledger& ledger, std::int64_t id) {
    const payment::State state = row(ledger, id).state;
    const payment::Attempt* attempt = payment::attempt(state);
    return attempt != nullptr ? attempt->before : std::nullopt;
  }

  // What no function of the ledger does, such as letting time pass.
  void sql(const std::string& statement) {
    if (is_on_server()) {
      ask_server(statement);
    } else {
      sqlite::Database(path_, SQLITE_OPEN_READWRITE).execute(statement);
    }
  }
  std::int64_t number(const std::string& question) {
    if (is_on_server()) {
      const std::string text = ask_server(question);
      return text.empty() ? -1 : std::stoll(text);
    }
    return sqlite::Database(path_, SQLITE_OPEN_READWRITE).integer(question).value_or(-1);
  }
  void age(std::int64_t id, ledger::WallTime by) {
    const std::string earlier = " - " + std::to_string(by);
    sql("UPDATE generations SET created_at = created_at" + earlier + ", posted_at = posted_at" +
        earlier + ", posted_up = max(posted_up" + earlier + ", 0), made_at = made_at" + earlier +
        ", made_up = max(made_up" + earlier + ", 0)" +
        (is_on_server() ? ", asked_at = asked_at" + earlier : "") +
        " WHERE id = " + std::to_string(id));
  }

  static bool is_on_server() { return g_getenv("GENPRO_TEST_LEDGER_ON_SERVER") != nullptr; }

  TemporaryFolder folder_;
  std::string path_ = is_on_server() ? shared_postgres().new_ledger() : folder_.file("ledger.db");

 private:
  std::string ask_server(const std::string& statement) {
    return shared_postgres().sql(path_.substr(path_.rfind('/') + 1),
                                 "SET search_path TO genpro; " + statement);
  }
};

inline constexpr ledger::WallTime hour = 3'600'000;

}  // namespace genpro::test
