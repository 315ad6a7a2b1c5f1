// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using ledger::Entry;
using History = std::vector<ledger::Ledger::HistoryLine>;

// Prompts and requests are shown in full, within reason.
constexpr std::size_t longest_text = 100'000;

std::string jobs_text(const payment::State& state) {
  const payment::Attempt* attempt = payment::attempt(state);
  if (attempt == nullptr || !attempt->before) return "-";
  if (attempt->before->empty()) return "none";
  return join(*attempt->before);
}

std::string history_text(const History& history) {
  if (history.empty()) return "";
  Table table({{"When"}, {"What came"}, {"What was decided"}, {"Status"}});
  for (const auto& line : history) {
    table.add({time_text(line.at), text_or_dash(line.came, longest_text),
               text_or_dash(line.decided, longest_text),
               line.word == in_doubt_word() ? "in doubt" : printable(line.word, 40)});
  }
  return "\n" + table.text();
}

std::string page(const Seen& seen, const History& history) {
  const Entry& entry = seen.entry;
  const payment::State state = state_of(seen);
  const auto text_or_dash = [](const std::string& text) {
    return cli::text_or_dash(text, longest_text);
  };
  Table table({{"Row"}, {std::to_string(entry.id)}});
  table.add({"Status", status_text(seen)});
  table.add({"Charged", charged_text(seen)});
  table.add({"In use", seen.is_followed ? "yes" : "no"});
  table.add({"Generation", text_or_dash(payment::generation_id(state))});
  table.add({"Evidence", text_or_dash(evidence_text(seen))});
  table.add({"Model", model_text(entry.identity.model)});
  table.add({"Cost", cost_text(entry.cost)});
  table.add({"Bytes delivered", std::to_string(entry.bytes_delivered) +
                                    (entry.delivered_at != 0 ? ", the whole clip" : "")});
  table.add({"Reason", text_or_dash(payment::reason(state))});
  table.add({"Asked for", time_text(entry.created_at)});
  table.add({"Last sent", time_text(entry.posted_at)});
  table.add({"Ended", time_text(entry.ended_at)});
  table.add({"Delivered", time_text(entry.delivered_at)});
  table.add({"Service", text_or_dash(entry.identity.base_url)});
  table.add({"Cell", text_or_dash(entry.identity.cell_path)});
  table.add({"Agent", text_or_dash(entry.identity.agent_id)});
  table.add({"Prompt", text_or_dash(prompt_of(entry))});
  table.add({"Request", text_or_dash(entry.identity.request)});
  table.add({"Fingerprint", text_or_dash(entry.identity.fingerprint)});
  table.add({"Idempotency key", text_or_dash(key_of(entry))});
  table.add({"Jobs before", jobs_text(state)});
  return table.text() + "\n" + meaning_of(seen) + "\n" + history_text(history);
}

std::vector<Entry> find(ledger::Ledger& ledger, const Options& options, const std::string& id) {
  if (options.is_given("generation")) return need(ledger.find_generation(id));
  std::vector<Entry> entries;
  const auto number = parse_unsigned(id);
  if (!number || *number > G_MAXINT64) {
    throw UsageError(options.program(), "\"" + one_line(id, 60) +
                                            "\" is no number of a row. For a generation's id, add "
                                            "--generation.");
  }
  if (auto entry = need(ledger.find(static_cast<std::int64_t>(*number)))) {
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace

int run_ledger_show(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "ID",
                  "All that is known of one generation, what its state means, what happens to it\n"
                  "next, and its history: what came, and what was decided. ID is the number of a\n"
                  "row, as `genpro ledger list` tells.");
  options.add_flag("generation", "ID is the service's generation id; there may be several rows");
  options.add_flag("json", "Print a JSON object; with --generation an array");
  options.add_ledger();
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  if (words->size() != 1) {
    throw UsageError(options.program(),
                     words->empty() ? "The ID of a row is missing." : "It takes one ID at a time.");
  }
  const std::string& id = words->front();
  const bool by_generation = options.is_given("generation");
  const std::string path = ledger_path(options, globals);
  const auto ledger = open_ledger(path);
  if (!ledger) throw std::runtime_error(no_ledger_text(path));

  const std::vector<Entry> entries = find(*ledger, options, id);
  if (entries.empty()) {
    throw std::runtime_error("There is no " + std::string(by_generation ? "generation " : "row ") +
                             one_line(id, 130) + " in the ledger " + one_line(path, 200) +
                             ". `genpro ledger list` tells what there is.");
  }
  std::string text;
  api::JsonArrayPtr array(json_array_new());
  for (const Entry& entry : entries) {
    const Seen seen = look_at(*ledger, entry, ledger->is_followed(entry.id));
    if (!text.empty()) text += "\n";
    const History history = need(ledger->history(seen.entry.id));
    text += page(seen, history);
    json_array_add_element(array.get(), full_report(seen, history).take().release());
  }
  if (!options.is_given("json")) {
    print(text);
  } else if (by_generation) {
    print_json(api::to_node(std::move(array)));
  } else {
    print_json(api::JsonNodePtr(json_array_dup_element(array.get(), 0)));
  }
  return exit_done;
}

}  // namespace genpro::cli
