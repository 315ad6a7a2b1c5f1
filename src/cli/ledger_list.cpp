// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger_file.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using job::Entry;
using job::EntryStatus;
using job::Ledger;

std::optional<EntryStatus> read_status(const Options& options) {
  const auto word = options.value("status");
  if (!word) return std::nullopt;
  const auto status = job::entry_status_from_word(*word);
  if (!status) {
    throw UsageError(options.program(),
                     "There is no status \"" + one_line(*word, 60) +
                         "\". Use submitting, unknown, pending, processing, completed, failed, "
                         "stopped or refused.");
  }
  return status;
}

// The status is the one that is shown: requests whose process died are unknown, not submitting.
std::vector<Seen> select(Ledger& ledger, std::optional<EntryStatus> status, job::WallTime since,
                         std::size_t limit) {
  const bool depends_on_processes =
      status == EntryStatus::submitting || status == EntryStatus::unknown;
  std::vector<Entry> entries = need(
      ledger.list({.status = status, .since = since, .limit = depends_on_processes ? 0 : limit}));
  if (status == EntryStatus::unknown) {
    auto more = need(ledger.list({.status = EntryStatus::submitting, .since = since}));
    std::move(more.begin(), more.end(), std::back_inserter(entries));
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.id > b.id; });
  }
  std::vector<Seen> result;
  for (Entry& entry : entries) {
    Seen seen = look_at(ledger, std::move(entry));
    if (status && status_of(seen) != *status) continue;
    result.push_back(std::move(seen));
    if (result.size() == limit) break;
  }
  return result;
}

void print_table(const std::vector<Seen>& rows) {
  constexpr auto right = Table::Align::right;
  Table table({{"Row", right},
               {"Asked for"},
               {"Status"},
               {"In use"},
               {"Generation"},
               {"Model"},
               {"Cost", right},
               {"Bytes", right},
               {"Agent"},
               {"Cell"}});
  for (const Seen& seen : rows) {
    const Entry& entry = seen.entry;
    table.add({std::to_string(entry.id), local_time(entry.created_at), status_text(seen),
               seen.is_followed ? "yes" : "no",
               entry.generation_id.empty() ? "-" : printable(entry.generation_id, 130),
               model_text(entry.model), cost_text(entry.cost), delivered_text(entry),
               printable(entry.agent_id, 130), cell_text(entry)});
  }
  print(table.text());
}

}  // namespace

int run_ledger_list(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "A table of the generations that were asked for, the newest first. \"In use\" says\n"
      "whether a process is at it now, \"Bytes\" how much of the clip was handed on.");
  options.add_text("status", "WORD", "Only those of this status");
  add_since(options);
  options.add_description(
      "WORD is submitting, unknown (nobody knows whether the request was taken), pending,\n"
      "processing, completed, failed, stopped or refused.");
  options.add_text("limit", "N", "At most so many");
  options.add_flag("json", "Print a JSON array");
  options.add_ledger();
  if (!options.parse(argc, argv)) return exit_done;
  const auto status = read_status(options);
  const auto since = read_since(options);
  const auto limit = options.number("limit", 1, 1'000'000'000);
  const std::string path = ledger_path(options, globals);

  std::vector<Seen> rows;
  if (const auto ledger = open_ledger(path)) {
    rows = select(*ledger, status, since.value_or(0), limit.value_or(0));
  } else {
    tell(no_ledger_text(path));
  }
  if (!options.is_given("json")) {
    print_table(rows);
    return exit_done;
  }
  api::JsonArrayPtr array(json_array_new());
  for (const Seen& seen : rows) {
    json_array_add_object_element(array.get(), brief_report(seen).release());
  }
  print_json(to_node(std::move(array)));
  return exit_done;
}

}  // namespace genpro::cli
