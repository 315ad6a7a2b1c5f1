// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/service_fixture.h"

namespace genpro::test {

std::string ServiceCliTest::tiny_clip() {
  using namespace std::string_literals;
  return "\0\0\0\x18"
         "ftypisom\0\0\2\0isomiso2\0\0\0\x08"
         "free"s;
}

Environment ServiceCliTest::environment() const {
  return {{"GEN_API_KEY", key}, {"LC_ALL", "C.UTF-8"}, {"LD_PRELOAD", g_getenv("FAST_CLOCK")}};
}

std::vector<std::string> ServiceCliTest::with_settings(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {g_getenv("GENPRO")};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), {"--api-base-url",  service_.api_base(),
                             "--sheet-id",      "101",
                             "--cell-id",       "3300",
                             "--agent-id",      "42",
                             "--asset-ids",     "501",
                             "--model",         "pika",
                             "--aspect-ratio",  "16:9",
                             "--duration",      "5",
                             "--stall-timeout", "2",
                             "--ledger",        path_});
  // An estimate waits for no generation.
  if (arguments.front() != "estimate") {
    words.insert(words.end(), {"--poll-interval", "20", "--retries", "1"});
  }
  return words;
}

std::unique_ptr<Child> ServiceCliTest::start(const std::vector<std::string>& arguments) {
  return std::make_unique<Child>(with_settings(arguments), environment(),
                                 file("output-" + std::to_string(++children_)));
}

Finished ServiceCliTest::run(const std::vector<std::string>& arguments) {
  return run_command(with_settings(arguments), environment());
}

api::JsonNodePtr ServiceCliTest::document_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"sh", "-c", "\"$0\" \"$@\" 2>/dev/null"};
  for (const std::string& word : with_settings(arguments)) words.push_back(word);
  const Finished finished = run_command(words, environment());
  auto node = api::parse_json(finished.out);
  if (!node) throw std::runtime_error(node.error() + ": " + finished.out);
  return std::move(*node);
}

}  // namespace genpro::test
