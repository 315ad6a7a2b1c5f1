// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>

#include "cli/account.h"
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"
#include "job/reconciler.h"
#include "ledger/store/address.h"
#include "settings/job_settings.h"
#include "settings/profile.h"

namespace genpro::cli {

namespace {

using job::Reconciled;
using job::ReconcileOutcome;
using job::Reconciler;
using ledger::Ledger;

constexpr unsigned default_timeout = 15;
constexpr unsigned longest_timeout = 3600;

const char* to_word(ReconcileOutcome outcome) {
  switch (outcome) {
    case ReconcileOutcome::settled:
      return "settled";
    case ReconcileOutcome::running:
      return "running";
    case ReconcileOutcome::in_use:
      return "in_use";
    case ReconcileOutcome::foreign:
      return "foreign";
    case ReconcileOutcome::left:
      break;
  }
  return "left";
}

api::Access access_of(const Options& options) {
  Settings settings = read_account_options(options);
  if (const auto error = complete(settings)) throw CommandError(*error);
  return need(make_access(settings));
}

// Who waits without knowing why ends the program.
void tell_wait(Ledger& ledger, const std::vector<ledger::Entry>& rows, const std::string& url) {
  const payment::Now now = ledger::clock_now();
  const bool is_shared = ledger::is_server_address(ledger.path());
  payment::Millis longest = 0;
  std::int64_t row = 0;
  for (const ledger::Entry& entry : rows) {
    if (entry.identity.base_url != url || ledger.is_followed(entry.id)) continue;
    // Its machine may have slept before it left.
    const payment::State state =
        is_shared ? payment::with_latest_departure(entry.state) : entry.state;
    const payment::Millis wait = payment::wait_for_others(state, now);
    if (wait <= longest) continue;
    longest = wait;
    row = entry.id;
  }
  if (longest == 0) return;
  tell("The request of row " + std::to_string(row) +
       " left a moment ago, and its generation may be listed " +
       std::to_string(payment::settling_time / 1000) + " s later. To be sure of it takes up to " +
       std::to_string((longest + 999) / 1000) + " s.");
}

std::vector<Reconciled> settle(const Options& options, Ledger& ledger,
                               const std::vector<ledger::Entry>& rows, unsigned timeout) {
  const api::Access access = access_of(options);
  if (!options.is_given("json")) tell_wait(ledger, rows, access.base.text);
  return need(Reconciler::run(ledger.path(), access, std::chrono::seconds(timeout)));
}

void print_sentences(const std::vector<Reconciled>& rows) {
  std::string text;
  for (const Reconciled& row : rows) {
    text += "Row " + std::to_string(row.entry.id) + ": " + printable(row.text, 600) + "\n";
  }
  print(rows.empty() ? "There is nothing to settle.\n" : text);
}

void print_document(const std::vector<Reconciled>& rows) {
  print_json(array_of(rows, [](const Reconciled& row) {
    Members report = brief_report({row.entry, row.outcome == ReconcileOutcome::in_use});
    report.set("outcome", to_word(row.outcome));
    report.set("text", row.text);
    return report.take();
  }));
}

}  // namespace

int run_ledger_settle(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "Asks the service about every row that is open: whether a request whose answer was lost was\n"
      "taken, and how unfinished generations stand; and sends the stop requests that could not be\n"
      "sent; and looks for the refund of those that were stopped. Nothing is asked for anew. Rows "
      "that a process is at are left to it. A request that\n"
      "left just now takes up to 30 s: so late may the service list what came of it.");
  add_service_options(options);
  options.add_text("timeout", "SECONDS", "Longest silence of the service to bear with (15)");
  options.add_flag("json", "Print a JSON array");
  options.add_ledger();
  options.add_description(
      "The exit code is 1 when a row is left of which it cannot be told what became of it.");
  if (!options.parse(argc, argv)) return exit_done;
  const unsigned timeout = options.number("timeout", 1, longest_timeout).value_or(default_timeout);

  std::vector<Reconciled> rows;
  if (const auto ledger = open_or_tell(ledger_path(options, globals))) {
    const std::vector<ledger::Entry> open_rows = need(job::rows_to_settle(*ledger));
    if (!open_rows.empty()) rows = settle(options, *ledger, open_rows, timeout);
  }
  if (options.is_given("json")) {
    print_document(rows);
  } else {
    print_sentences(rows);
  }
  const bool is_any_left = std::ranges::any_of(rows, [](const Reconciled& row) {
    return row.outcome == ReconcileOutcome::left || row.outcome == ReconcileOutcome::foreign;
  });
  return is_any_left ? exit_failed : exit_done;
}

}  // namespace genpro::cli
