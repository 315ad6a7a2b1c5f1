// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fault/fault_test.h"

#include <filesystem>

namespace genpro::test {

Settings Bench::settings(const Settings& changes) const {
  Settings settings{{"api-base-url", service.api_base()},
                    {"api-key", test_key},
                    {"sheet-id", "101"},
                    {"cell-id", "3300"},
                    {"agent-id", "42"},
                    {"prompt", seed_prompt},
                    {"model", "pika"},
                    {"asset-ids", "501,502"},
                    {"aspect-ratio", "16:9"},
                    {"duration", "5"},
                    {"poll-interval", "20"},
                    {"stall-timeout", "1"},
                    {"retries", "1"},
                    {"ledger", ledger}};
  settings.insert(settings.end(), changes.begin(), changes.end());
  return settings;
}

std::unique_ptr<Child> Bench::start(const std::string& name, const Settings& changes,
                                    const std::string& option) const {
  std::vector<std::string> words{"gst-launch-1.0", option, "genprosrc"};
  for (const auto& [property, value] : settings(changes))
    if (property != "api-key") words.push_back(property + "=" + value);
  words.insert(words.end(), {"!", "filesink", "location=" + file(name)});
  Environment environment = tool_environment();
  environment.emplace_back("GEN_API_KEY", test_key);
  return std::make_unique<Child>(words, environment, file(name) + ".log");
}

PaidService::Condition posts(std::size_t number) {
  return [number](const Books& books) { return books.posts.size() >= number; };
}
PaidService::Condition created(std::size_t number) {
  return [number](const Books& books) { return books.created().size() >= number; };
}
PaidService::Condition polls(unsigned number) {
  return [number](const Books& books) { return books.polls >= number; };
}
PaidService::Condition cell_readings(unsigned number) {
  return [number](const Books& books) { return books.cell_readings >= number; };
}
PaidService::Condition clip_requests(unsigned number) {
  return [number](const Books& books) { return books.clip_requests >= number; };
}
PaidService::Condition clip_bytes(std::size_t number) {
  return [number](const Books& books) { return books.clip_bytes >= number; };
}
PaidService::Condition stopped(std::size_t number) {
  return [number](const Books& books) { return books.stopped().size() >= number; };
}

testing::AssertionResult one_charge(const Bench& bench, const std::string& bytes) {
  const Books books = bench.books();
  const auto charged = books.charged();
  if (charged.size() != 1)
    return testing::AssertionFailure() << charged.size() << " charges: " << books.text();
  if (bytes != bench.service.clip(charged[0].id)) {
    return testing::AssertionFailure() << bytes.size() << " bytes that are not the clip of "
                                       << charged[0].id << ": " << books.text();
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult one_charge_in_file(const Bench& bench, const std::string& path) {
  if (!std::filesystem::exists(path))
    return testing::AssertionFailure() << "there is no " << path << ": " << bench.books().text();
  return one_charge(bench, read_file(path));
}

testing::AssertionResult one_charge(const Bench& bench, const Streamed& streamed) {
  if (!streamed.outcome.eos) {
    return testing::AssertionFailure() << streamed.outcome.summary() << "\n"
                                       << bench.books().text();
  }
  return one_charge(bench, streamed.bytes);
}

testing::AssertionResult ended_well(const Child& child) {
  if (!child.wait()) return testing::AssertionFailure() << "it hangs: " << child.output();
  if (!child.succeeded() || !child.output().empty()) {
    return testing::AssertionFailure()
           << "exit code " << child.exit_code() << ": " << child.output();
  }
  return testing::AssertionSuccess();
}

bool Production::stop() {
  const auto begin = std::chrono::steady_clock::now();
  const bool stopped = stops_in_time(collector_->pipeline());
  took_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                begin);
  return stopped;
}

}  // namespace genpro::test
