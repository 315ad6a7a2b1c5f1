// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/metrics_page.h"

#include <algorithm>

#include "cli/ledger/file.h"
#include "cli/metrics/exposition.h"

namespace genpro::cli {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto least_kept = 5s;
// However large the ledger is, it is read for a twentieth of the time at most.
constexpr int times_as_long = 20;

std::string read_page(const std::string& path) {
  ledger::Metrics metrics;
  if (const auto ledger = open_ledger(path)) metrics = need(ledger->metrics());
  return metrics_page(metrics);
}

}  // namespace

Response MetricsPage::response(const std::string& ledger) {
  auto kept = kept_.lock();
  const auto begun = Clock::now();
  if (kept->text.empty() || begun >= kept->until) {
    kept->text.clear();
    kept->text = read_page(ledger);
    const auto end = Clock::now();
    kept->until = end + std::max<Clock::duration>(least_kept, times_as_long * (end - begun));
  }
  Response response;
  response.content_type = metrics_type;
  response.text = kept->text;
  return response;
}

}  // namespace genpro::cli
