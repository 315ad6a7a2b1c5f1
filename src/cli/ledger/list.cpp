// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger/columns.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using ledger::Entry;
using ledger::Ledger;

constexpr unsigned usual_limit = 50;
// What people call the word.
constexpr const char* in_doubt_name = "in-doubt";

std::string words_text() {
  return join(all_words(), ", ", " or ");
}

std::vector<std::string> words_of_option() {
  std::vector<std::string> words = all_words();
  words.emplace_back(in_doubt_name);
  return words;
}

std::optional<std::string> read_word(const Options& options) {
  auto word = options.value("status");
  if (!word) return std::nullopt;
  if (*word == in_doubt_name) return in_doubt_word();
  const std::vector<std::string> words = all_words();
  if (std::ranges::find(words, *word) == words.end()) {
    throw UsageError(options.program(), "There is no status \"" + one_line(*word, 60) + "\". Use " +
                                            words_text() + "; " + in_doubt_name + " is " +
                                            in_doubt_word() + ".");
  }
  return word;
}

// 0: all.
std::size_t read_limit(const Options& options) {
  const auto limit = options.number("limit", 1, 1'000'000'000);
  if (!options.is_given("all")) return limit.value_or(usual_limit);
  if (limit) throw UsageError(options.program(), "--limit and --all exclude each other.");
  return 0;
}

// Gives at most `limit` rows (0: all) to `show`; returns whether there are more. The status is the
// one that is shown: a request whose process died over it is in doubt.
bool for_each(Ledger& ledger, const std::optional<std::string>& word, ledger::WallTime since,
              std::size_t limit, const std::function<void(const Seen&)>& show) {
  const bool depends_on_processes = word == posting_word();
  const std::size_t most = limit == 0 || depends_on_processes ? 0 : limit + 1;
  std::vector<Entry> entries = need(ledger.list({.word = word, .since = since, .limit = most}));
  if (word == in_doubt_word()) {
    auto more = need(ledger.list({.word = posting_word(), .since = since}));
    std::ranges::move(more, std::back_inserter(entries));
    std::ranges::sort(entries, std::greater(), &Entry::id);
  }
  const std::set<std::int64_t> followed = need(ledger.followed());
  std::size_t shown = 0;
  for (Entry& entry : entries) {
    const bool is_followed = followed.contains(entry.id);
    const Seen seen = look_at(ledger, std::move(entry), is_followed);
    if (word && word_of(seen) != *word) continue;
    if (limit != 0 && shown == limit) return true;
    show(seen);
    ++shown;
  }
  return false;
}

}  // namespace

int run_ledger_list(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "A table of the generations that were asked for, the newest first, 50 unless more are asked\n"
      "for. \"In use\" says whether a process is at it now, \"Bytes\" how much of the clip was\n"
      "delivered.");
  options.add_choice("status", words_of_option(), "Only those of this status");
  add_since(options);
  options.add_description("WORD is one of\n" + words_text() + ".\n" + in_doubt_word() + ", or " +
                          in_doubt_name + ": nobody knows whether the request was taken.");
  options.add_text("limit", "N", "At most so many (50)");
  options.add_flag("all", "All of them");
  add_columns(options);
  options.add_flag("json", "Print a JSON array, which has all members; not with --columns");
  options.add_ledger();
  if (!options.parse(argc, argv)) return exit_done;
  const auto word = read_word(options);
  const auto since = read_since(options);
  const std::size_t limit = read_limit(options);
  const auto columns = read_columns(options);
  const bool is_json = options.is_given("json");
  if (is_json && options.is_given("columns")) {
    throw UsageError(options.program(), "--columns is for the table, and --json prints none.");
  }

  Table table = make_table(columns);
  api::JsonArrayPtr array(json_array_new());
  bool has_more = false;
  if (const auto ledger = open_or_tell(ledger_path(options, globals))) {
    has_more = for_each(*ledger, word, since.value_or(0), limit, [&](const Seen& seen) {
      if (is_json) {
        json_array_add_element(array.get(), brief_report(seen).take().release());
      } else {
        add_row(table, columns, seen);
      }
    });
  }
  if (is_json) {
    print_json(api::to_node(std::move(array)));
  } else {
    print(table.text());
  }
  if (has_more) {
    tell("There are more rows than " +
         (limit == 1 ? std::string("this one") : "these " + std::to_string(limit)) +
         ". --limit N shows so many, --all shows all.");
  }
  return exit_done;
}

}  // namespace genpro::cli
