// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using ledger::Ledger;

constexpr unsigned default_days = 90;
// The daily limit counts the rows of the last 24 hours.
constexpr unsigned least_days = 1;
constexpr unsigned most_days = 36'500;
constexpr ledger::WallTime day = 24LL * 3600 * 1000;

struct Outcome {
  std::int64_t id = 0;
  Ledger::Removal removal = Ledger::Removal::missing;
  std::string loss;  // empty: nothing is lost
};

bool is_removed(const Outcome& outcome) {
  return outcome.removal == Ledger::Removal::removed;
}

const char* to_word(Ledger::Removal removal) {
  switch (removal) {
    case Ledger::Removal::removed:
      return "removed";
    case Ledger::Removal::in_use:
      return "in_use";
    case Ledger::Removal::missing:
      break;
  }
  return "missing";
}

std::vector<std::int64_t> read_ids(const Options& options, const std::vector<std::string>& words) {
  std::vector<std::int64_t> ids;
  for (const std::string& word : words) {
    const auto number = parse_unsigned(word);
    if (!number || *number > G_MAXINT64) {
      throw UsageError(options.program(), "\"" + one_line(word, 60) + "\" is no number of a row.");
    }
    ids.push_back(static_cast<std::int64_t>(*number));
  }
  return ids;
}

Outcome remove(Ledger& ledger, std::int64_t id) {
  Outcome outcome{id, Ledger::Removal::missing, ""};
  auto entry = ledger.find(id);
  // What cannot be read may be removed all the same.
  const bool is_damaged = !entry && entry.error().ledger_row == id;
  if (!entry && !is_damaged) throw std::runtime_error(entry.error().message);
  if (entry && !*entry) return outcome;
  outcome.removal = need(ledger.remove(id));
  if (outcome.removal != Ledger::Removal::removed) return outcome;
  // Whoever was at it when it was looked at has let it go since.
  outcome.loss = is_damaged ? "It was damaged, and what it knew of a paid generation is lost."
                            : loss_of({std::move(**entry), false});
  return outcome;
}

std::string sentence(const Outcome& outcome) {
  const std::string row = "Row " + std::to_string(outcome.id);
  switch (outcome.removal) {
    case Ledger::Removal::removed:
      return row + " is removed." + (outcome.loss.empty() ? "" : " " + outcome.loss);
    case Ledger::Removal::in_use:
      return row + " is not removed: a process is at it. End that process first.";
    case Ledger::Removal::missing:
      break;
  }
  return row + " is not in the ledger.";
}

std::string count_text(std::int64_t number) {
  return "Removed " + std::to_string(number) + (number == 1 ? " row.\n" : " rows.\n");
}

void print_document(std::int64_t removed, std::optional<std::int64_t> days,
                    std::optional<ledger::WallTime> before, const std::vector<Outcome>& outcomes) {
  Members document;
  document.set("removed", removed);
  document.set("older_than_days", days);
  document.set_or_null("before", before ? utc_time(*before) : "");
  document.set("rows", array_of(outcomes, [](const Outcome& outcome) {
                 Members row;
                 row.set("id", outcome.id);
                 row.set("result", to_word(outcome.removal));
                 row.set_or_null("lost", outcome.loss);
                 return row.take();
               }));
  print_json(document.take());
}

}  // namespace

int run_ledger_prune(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "[ID…]",
      "Removes rows of generations that have ended, and of which nothing is left to be done or\n"
      "picked up. While a request to a cell is in doubt, that cell's rows stay: they tell whose "
      "its\n"
      "other generations are. With IDs, removes those rows instead, whatever their state, unless a "
      "process\n"
      "is at them; with IDs and --older-than, both. What is removed cannot be picked up again,\n"
      "and a row of the last 24 hours no longer counts for the limits of a day.");
  options.add_text("older-than", "DAYS", "Rows that are older than that, at least 1 (90)");
  options.add_flag("json", "Print a JSON object");
  options.add_ledger();
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  const std::vector<std::int64_t> ids = read_ids(options, *words);
  auto days = options.number("older-than", least_days, most_days);
  if (!days && ids.empty()) days = default_days;
  std::optional<ledger::WallTime> before;
  if (days) before = ledger::wall_clock_now() - *days * day;

  std::int64_t removed = 0;
  std::vector<Outcome> outcomes;
  if (const auto ledger = open_or_tell(ledger_path(options, globals))) {
    for (const std::int64_t id : ids) {
      outcomes.push_back(remove(*ledger, id));
      // Before anything else can fail: what is gone has to be told.
      tell(sentence(outcomes.back()));
    }
    removed = std::ranges::count_if(outcomes, is_removed);
    if (before) removed += need(ledger->prune(*before));
  }
  if (options.is_given("json")) {
    print_document(removed, days, before, outcomes);
  } else {
    print(count_text(removed));
  }
  return std::ranges::all_of(outcomes, is_removed) ? exit_done : exit_failed;
}

}  // namespace genpro::cli
