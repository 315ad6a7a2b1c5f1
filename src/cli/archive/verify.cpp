// SPDX-License-Identifier: LGPL-2.1-or-later
#include <map>
#include <set>

#include "base/text.h"
#include "cli/archive/selection.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

using archive::Check;

const char* to_word(Check::State state) {
  switch (state) {
    case Check::State::whole:
      return "whole";
    case Check::State::damaged:
      return "damaged";
    case Check::State::missing:
      return "missing";
    case Check::State::unreadable:
      break;
  }
  return "unreadable";
}

struct Outcome {
  std::string sha256;
  std::vector<std::string> generations;  // ids
  std::string file;
  Check check;
};

std::string sentence(const Outcome& outcome) {
  const std::string owner =
      outcome.generations.empty()
          ? "of no generation"
          : std::string("of generation ") + one_line(join(outcome.generations, ", ", " and "), 300);
  const std::string clip = "The clip " + one_line(outcome.file, 300) + " " + owner;
  switch (outcome.check.state) {
    case Check::State::damaged:
      return clip +
             " is damaged: its bytes are others than were kept. It is fetched anew when it "
             "is played next.";
    case Check::State::missing:
      return clip + " is missing. It is fetched anew when it is played next.";
    default:
      return clip + " cannot be read: " + outcome.check.reason + ".";
  }
}

std::map<std::string, std::vector<std::string>> generations_of(
    const std::vector<archive::Record>& records) {
  std::map<std::string, std::vector<std::string>> generations;
  for (const archive::Record& record : records) {
    generations[record.sha256].push_back(record.generation_id);
  }
  return generations;
}

api::JsonNodePtr outcome_document(const Outcome& outcome) {
  Members members;
  members.set("sha256", outcome.sha256);
  members.set("generation_ids", array_of(outcome.generations, [](const std::string& id) {
                auto node = api::JsonNodePtr(json_node_new(JSON_NODE_VALUE));
                json_node_set_string(node.get(), id.c_str());
                return node;
              }));
  members.set("file", outcome.file);
  members.set("result", to_word(outcome.check.state));
  members.set_or_null("reason", outcome.check.reason);
  return members.take();
}

}  // namespace

int run_archive_verify(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "[ID…]",
                  std::string("Reads all clips, or those of each ID, and compares their bytes with "
                              "their SHA-256.\nChanges nothing. The exit code is 1 when one is "
                              "damaged, missing or cannot be read.\n") +
                      id_help);
  options.add_flag("json", "Print a JSON array, of each clip");
  add_archive(options);
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  const archive::Archive archive = find_archive(options, globals);
  const auto contents = need(archive::read_contents(archive));
  auto generations = generations_of(contents.records);
  if (words->empty()) {
    for (const auto& [sha256, clip] : contents.clips) generations[sha256];
  } else {
    std::vector<archive::Record> selected;
    for (const std::string& word : *words) {
      for (archive::Record& record : select(contents, word)) selected.push_back(std::move(record));
    }
    std::set<std::string> wanted;
    for (const archive::Record& record : selected) wanted.insert(record.sha256);
    std::erase_if(generations, [&](const auto& one) { return !wanted.contains(one.first); });
  }

  std::size_t problems = 0;
  std::vector<Outcome> outcomes;
  for (auto& [sha256, ids] : generations) {
    outcomes.push_back({sha256, std::move(ids), archive.clip_path(sha256), archive.check(sha256)});
    if (outcomes.back().check.state == Check::State::whole) continue;
    ++problems;
    tell(sentence(outcomes.back()));
  }
  const std::size_t unreadable = words->empty() ? contents.unreadable.size() : 0;
  for (std::size_t at = 0; at < unreadable; ++at) {
    tell("The record " + one_line(contents.unreadable[at], 300) +
         " cannot be read: whose clip it was is not known any more. It may be removed.");
  }
  if (options.is_given("json")) {
    print_json(array_of(outcomes, outcome_document));
  } else {
    const std::size_t count = outcomes.size();
    print(std::to_string(count) + (count == 1 ? " clip was" : " clips were") + " read, and " +
          std::to_string(count - problems) + (count - problems == 1 ? " is" : " are") +
          " whole.\n");
  }
  return problems + unreadable == 0 ? exit_done : exit_failed;
}

}  // namespace genpro::cli
