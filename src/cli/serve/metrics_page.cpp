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
  if (begun >= kept->until) {
    Clock::duration rest = least_kept;
    kept->failure.clear();
    try {
      kept->text = read_page(ledger);
      rest = std::max(rest, times_as_long * (Clock::now() - begun));
    } catch (const std::exception& failure) {
      kept->failure = failure.what();
    }
    kept->until = Clock::now() + rest;
  }
  if (!kept->failure.empty()) throw HttpError(500, kept->failure);
  Response response;
  response.content_type = metrics_type;
  response.text = kept->text;
  return response;
}

}  // namespace genpro::cli
