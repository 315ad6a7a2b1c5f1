// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's sums as a page for Prometheus and what understands its format.
#pragma once

#include <string>

#include "ledger/reports/metrics.h"

namespace genpro::cli {

inline constexpr const char* metrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// OpenMetrics 1.0. It is also valid in the text format of Prometheus 0.0.4: what differs there are
// names of counters, and it has none.
std::string metrics_page(const ledger::Metrics& metrics);

}  // namespace genpro::cli
