// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/metrics/exposition.h"
#include "cli/options.h"
#include "cli/output.h"

namespace genpro::cli {

int run_metrics(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "What the ledger holds, in OpenMetrics form for Prometheus: generations by status and\n"
      "model, their cost, doubts, durations, bytes. The collector \"textfile\" of node_exporter\n"
      "takes it as it is, and genpro serve --metrics has it over HTTP. Nothing is changed.");
  options.add_ledger();
  if (!options.parse(argc, argv)) return exit_done;
  ledger::Metrics metrics;
  if (const auto ledger = open_or_tell(ledger_path(options, globals))) {
    metrics = need(ledger->metrics());
  }
  print(metrics_page(metrics));
  return exit_done;
}

}  // namespace genpro::cli
