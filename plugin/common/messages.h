// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an element says to the application. Call these from the element's streaming thread, or from
// within a state change, and with no lock held: a synchronous bus handler may call back into the
// element.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <string>
#include <variant>

#include "base/error.h"
#include "job/job.h"

namespace genpro {

// One of the properties `status`, `cost`, `generation-id` has changed: notified.
struct PropertyChange {
  const char* name;
};

// Another status: an element message named `genpro-generation` with the fields
//   generation-id  string, empty before the service has given one
//   status         string, the nick of the `status` property's value
//   elapsed        double, seconds since the generation was started
//   model          string, the service's word, empty when the cell decides or it is not known
//   cost           double, what the service said it cost, -1 when it has not
struct GenerationReport {
  job::Status status = job::Status::idle;
  std::string generation_id;
  std::string model;
  std::chrono::milliseconds elapsed{0};
  double cost = -1;
};

// PROGRESS with the code `generate`.
struct ProgressReport {
  GstProgressType type = GST_PROGRESS_TYPE_START;
  std::string text;
};

// An element message about a request of which it is not known whether it was charged:
// `genpro-doubt` with the fields
//   ledger-row      int64, 0 when no ledger is kept
//   generation-id   string, may be empty
//   generation-ids  string, ids of those that may be the request's, with commas; may be empty
//   reason          string, one or two sentences
// and when that has become known `genpro-doubt-settled` with ledger-row, generation-id, reason and
//   evidence        string, `proven`, `likely` or `refused`
using DoubtReport = job::DoubtNotice;

// WARNING.
struct WarningReport {
  GstResourceError code = GST_RESOURCE_ERROR_FAILED;
  std::string text;
};

// An Error is one ERROR, with the details `http-status-code` (uint), `error-code`, `generation-id`,
// `charged` (strings), `retryable` (boolean) and `ledger-row` (int64), each where it is known, and
// Error::details as strings.
using Report = std::variant<PropertyChange, GenerationReport, ProgressReport, DoubtReport,
                            WarningReport, Error>;

// Also logs in `category`.
void post(GstElement* element, GstDebugCategory* category, const Report& report);
// As a WARNING with the same details: the element goes on without.
void post_as_warning(GstElement* element, GstDebugCategory* category, const Error& error);

}  // namespace genpro
