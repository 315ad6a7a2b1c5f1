// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

using ledger::Ledger;

// What was found, and whether it stays as it is unless a person sees to it.
struct Found {
  Ledger::Finding finding;
  bool is_doubt = false;
  bool needs_person = false;
};

Found look_closer(Ledger& ledger, Ledger::Finding finding, const payment::Now& now) {
  Found found{std::move(finding)};
  found.needs_person = found.finding.is_damage;
  if (found.finding.is_damage || found.finding.row == 0) return found;
  const auto entry = ledger.find(found.finding.row);
  if (!entry || !*entry) return found;
  const payment::Attempt* attempt = payment::attempt((*entry)->state);
  found.is_doubt = attempt != nullptr;
  if (attempt == nullptr) return found;
  if (ledger.is_followed(found.finding.row)) {
    found.finding.advice = "A process is at it now, and sees to it";
  } else {
    found.needs_person = payment::most_age(attempt->made, now) > payment::key_lifetime;
  }
  return found;
}

std::string sentence(const std::string& text) {
  std::string line = printable(text, 600);
  if (line.empty()) return line;
  line.front() = g_ascii_toupper(line.front());
  return line.ends_with('.') ? line : line + ".";
}

void print_sentences(const std::vector<Found>& all, const std::string& path) {
  std::string text;
  for (const auto& [finding, is_doubt, needs_person] : all) {
    text += (finding.row == 0 ? "The file: " : "Row " + std::to_string(finding.row) + ": ") +
            sentence(finding.text) + " " + sentence(finding.advice) + "\n";
  }
  if (all.empty()) {
    text = "The ledger " + one_line(path, 200) + " is whole, and nothing in it is in doubt.\n";
  }
  print(text);
}

void print_document(const std::vector<Found>& all, const std::string& path) {
  Members document;
  document.set("ledger", path);
  document.set("damaged", std::ranges::any_of(
                              all, [](const Found& found) { return found.finding.is_damage; }));
  document.set("in_doubt", std::int64_t{std::ranges::count_if(all, &Found::is_doubt)});
  document.set("findings", array_of(all, [](const Found& found) {
                 const Ledger::Finding& finding = found.finding;
                 Members one;
                 one.set("row", finding.row == 0 ? std::nullopt : std::optional(finding.row));
                 one.set("kind", finding.is_damage ? "damage" : found.is_doubt ? "doubt" : "note");
                 one.set("text", sentence(finding.text));
                 one.set("advice", sentence(finding.advice));
                 one.set("needs_person", found.needs_person);
                 return one.take();
               }));
  print_json(document.take());
}

}  // namespace

int run_ledger_check(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "Looks the whole ledger over: the file itself, each row against its history, and the\n"
      "requests of which it is not known whether they were charged. Says what each finding is\n"
      "and what to do about it. Changes nothing.");
  options.add_flag("json", "Print a JSON object");
  options.add_ledger();
  options.add_description(
      "The exit code is 1 when something is damaged, or when a doubt is so old that the service\n"
      "has forgotten the request's key, and nobody is at it: both need a person. Other doubts\n"
      "are told and leave it 0: the next run of the same request, or `genpro ledger settle`,\n"
      "sees to them.");
  if (!options.parse(argc, argv)) return exit_done;
  const std::string path = ledger_path(options, globals);

  const auto ledger = open_or_tell(path);
  std::vector<Found> all;
  if (ledger) {
    const payment::Now now = ledger::clock_now();
    for (Ledger::Finding& finding : need(ledger->check(now))) {
      all.push_back(look_closer(*ledger, std::move(finding), now));
    }
  }
  if (options.is_given("json")) {
    print_document(all, path);
  } else if (ledger) {
    print_sentences(all, path);
  }
  return std::ranges::any_of(all, &Found::needs_person) ? exit_failed : exit_done;
}

}  // namespace genpro::cli
