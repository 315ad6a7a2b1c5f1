// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>

#include "api/key.h"
#include "cli/commands.h"
#include "cli/ledger_file.h"
#include "cli/output.h"
#include "cli/report.h"
#include "job/settler.h"

namespace genpro::cli {

namespace {

using job::Settled;
using job::SettleOutcome;

constexpr unsigned default_timeout = 15;
constexpr unsigned longest_timeout = 3600;

const char* to_word(SettleOutcome outcome) {
  switch (outcome) {
    case SettleOutcome::settled:
      return "settled";
    case SettleOutcome::running:
      return "running";
    case SettleOutcome::in_use:
      return "in_use";
    case SettleOutcome::foreign:
      return "foreign";
    case SettleOutcome::left:
      break;
  }
  return "left";
}

std::string base_url(const Options& options) {
  return options.value("api-base-url").value_or(api::base_url_from_environment());
}

std::vector<Settled> settle(const Options& options, const std::string& path) {
  const unsigned timeout = options.number("timeout", 1, longest_timeout).value_or(default_timeout);
  const std::string key = need(api::find_key("", options.value("api-key-file").value_or("")));
  const api::Access access = need(api::make_access(base_url(options), key));
  return need(job::Settler::run(path, access, std::chrono::seconds(timeout)));
}

void print_sentences(const std::vector<Settled>& rows) {
  std::string text;
  for (const Settled& row : rows) {
    text += "Row " + std::to_string(row.entry.id) + ": " + printable(row.text, 600) + "\n";
  }
  print(rows.empty() ? "There is nothing to settle.\n" : text);
}

void print_document(const std::vector<Settled>& rows) {
  api::JsonArrayPtr array(json_array_new());
  for (const Settled& row : rows) {
    api::JsonObjectPtr report = brief_report({row.entry, row.outcome == SettleOutcome::in_use});
    set_text(report.get(), "outcome", to_word(row.outcome));
    set_text(report.get(), "text", row.text);
    json_array_add_object_element(array.get(), report.release());
  }
  print_json(to_node(std::move(array)));
}

}  // namespace

int run_ledger_settle(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "Asks the service about every row that is open: whether a request whose answer was lost was\n"
      "taken, and how unfinished generations stand; and sends the stop requests that could not be\n"
      "sent. Nothing is asked for anew. Rows that a process is at are left to it.");
  options.add_text("api-base-url", "URL",
                   "Address of the API (GEN_API_BASE_URL, else https://api.gen.pro/v1)");
  options.add_text("api-key-file", "FILE", "File whose first line is the API's key (GEN_API_KEY)");
  options.add_text("timeout", "SECONDS", "Longest silence of the service to bear with (15)");
  options.add_flag("json", "Print a JSON array");
  options.add_ledger();
  options.add_description(
      "The exit code is 1 when a row is left of which it cannot be told what became of it.");
  if (!options.parse(argc, argv)) return exit_done;
  const std::string path = ledger_path(options, globals);

  std::vector<Settled> rows;
  if (const auto ledger = open_ledger(path)) {
    if (!need(ledger->open_rows()).empty()) rows = settle(options, path);
  } else {
    tell(no_ledger_text(path));
  }
  if (options.is_given("json")) {
    print_document(rows);
  } else {
    print_sentences(rows);
  }
  for (const Settled& row : rows) {
    if (row.outcome == SettleOutcome::left || row.outcome == SettleOutcome::foreign) {
      return exit_failed;
    }
  }
  return exit_done;
}

}  // namespace genpro::cli
