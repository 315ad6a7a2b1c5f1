// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fault/fault_fixture.h"

#include <filesystem>

namespace genpro::test {

Settings Bench::settings(const Settings& changes) const {
  Settings settings = seed_settings(service.api_base());
  settings.insert(settings.end(), {{"stall-timeout", "1"}, {"ledger", ledger}});
  settings.insert(settings.end(), changes.begin(), changes.end());
  return settings;
}

std::unique_ptr<Child> Bench::start(const std::string& name, const Settings& changes,
                                    const std::string& option) const {
  return launch(settings(changes), name, option);
}

std::unique_ptr<Child> Bench::launch(const Settings& all, const std::string& name,
                                     const std::string& option, const Environment& environment,
                                     const std::vector<std::string>& before) const {
  std::vector<std::string> words = before;
  words.insert(words.end(), {"gst-launch-1.0", option, "genprosrc"});
  for (const auto& [property, value] : all)
    if (property != "api-key") words.push_back(property + "=" + value);
  words.insert(words.end(), {"!", "filesink", "location=" + file(name)});
  Environment whole = tool_environment();
  whole.emplace_back("GEN_API_KEY", test_key);
  whole.insert(whole.end(), environment.begin(), environment.end());
  return std::make_unique<Child>(words, whole, file(name) + ".log");
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

std::string generation_of(const Books& books, const std::string& text) {
  for (const Seen& post : books.posts) {
    if (post.body.find(text) == std::string::npos) continue;
    for (const PaidGeneration& generation : books.generations)
      if (generation.key == post.header("idempotency-key")) return generation.id;
  }
  return "";
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

BusListener::Match names(const std::string& generation_id) {
  return [generation_id](GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT) return false;
    const GstStructure* structure = gst_message_get_structure(message);
    return gst_structure_has_name(structure, "genpro-generation") &&
           generation_id == gst_structure_get_string(structure, "generation-id");
  };
}

testing::AssertionResult says(const Child& child, const std::string& text,
                              std::chrono::milliseconds deadline) {
  const auto said = [&] { return child.output().find(text) != std::string::npos; };
  eventually([&] { return said() || child.wait({}); }, deadline);
  if (said()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it does not say " << text << ": " << child.output();
}

bool Production::stop() {
  const auto begin = std::chrono::steady_clock::now();
  const bool stopped = stops_in_time(collector_->pipeline());
  took_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                begin);
  return stopped;
}

}  // namespace genpro::test
