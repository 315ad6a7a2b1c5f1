// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fault/rules_fixture.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "support/fast_clock.h"
#include "support/process.h"

namespace genpro::test {

using std::chrono::milliseconds;

milliseconds boot_time(milliseconds time) {
  return time / genpro_test_clock_factor();
}

void let_pass(milliseconds time) {
  std::this_thread::sleep_for(boot_time(time));
}

void run_together(const std::vector<std::function<void()>>& all) {
  constexpr std::size_t at_once = 48;
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(at_once, all.size()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t mine = next++; mine < all.size(); mine = next++) all[mine]();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

bool told_doubt(const Outcome& outcome) {
  return !outcome.named("genpro-doubt").empty();
}

bool told_settled(const Outcome& outcome, const std::string& evidence) {
  const auto messages = outcome.named("genpro-doubt-settled");
  return std::any_of(messages.begin(), messages.end(), [&](const GstStructure* message) {
    return evidence == gst_structure_get_string(message, "evidence");
  });
}

std::string charged(const Outcome& outcome) {
  return outcome.errors.size() == 1 ? outcome.errors[0].detail("charged") : "";
}

testing::AssertionResult ends_in_doubt(const Outcome& outcome) {
  if (charged(outcome) == "unknown" && told_doubt(outcome)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "charged: " << charged(outcome) << ", "
                                     << (told_doubt(outcome) ? "told" : "not told") << "\n"
                                     << outcome.everything;
}

testing::AssertionResult keeps_the_rules(const Bench& bench, const Streamed& streamed) {
  const Books books = bench.books();
  const auto failure = [&] {
    return testing::AssertionFailure() << books.text() << "\n" << streamed.outcome.everything;
  };
  if (!books.stops.empty()) return failure() << "something was stopped";
  if (streamed.outcome.timed_out) return failure() << "it hangs";
  if (streamed.outcome.eos) {
    const auto own = books.created();
    const bool is_one = std::any_of(own.begin(), own.end(), [&](const PaidGeneration& one) {
      return streamed.bytes == bench.service.clip(one.id);
    });
    return is_one ? testing::AssertionSuccess() : failure() << "not a clip that was paid for";
  }
  if (streamed.outcome.errors.size() != 1) return failure() << "not one error";
  const std::string said = charged(streamed.outcome);
  const std::size_t charges = books.charged().size();
  if (said == "no" && charges == 0) return testing::AssertionSuccess();
  if (said == "yes" && charges == 1) return testing::AssertionSuccess();
  if (said == "unknown" && told_doubt(streamed.outcome)) return testing::AssertionSuccess();
  return failure() << charges << " charges, and the error says " << said;
}

testing::AssertionResult one_key(const Bench& bench) {
  const Books books = bench.books();
  for (const Seen& post : books.posts) {
    if (post.header("idempotency-key") != books.posts[0].header("idempotency-key")) {
      return testing::AssertionFailure() << "another key: " << books.text();
    }
  }
  return testing::AssertionSuccess();
}

Finished genpro(const Bench& bench, const std::vector<std::string>& words,
                const Environment& environment) {
  std::vector<std::string> command{g_getenv("GENPRO")};
  command.insert(command.end(), words.begin(), words.end());
  command.insert(command.end(), {"--ledger", bench.ledger});
  Environment whole = tool_environment();
  whole.emplace_back("GEN_API_KEY", test_key);
  whole.emplace_back("GEN_API_BASE_URL", bench.service.api_base());
  whole.insert(whole.end(), environment.begin(), environment.end());
  return run_command(command, whole);
}

std::string ledger_list(const Bench& bench) {
  return genpro(bench, {"ledger", "list", "--json"}).out;
}

}  // namespace genpro::test
