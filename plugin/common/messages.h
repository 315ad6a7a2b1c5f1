// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an element says on the bus. Call these from the element's streaming thread, or from within a
// state change, and with no lock held: a synchronous bus handler may call back into the element.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <variant>

#include "base/error.h"
#include "job/job.h"

namespace genpro {

// A change of a generation, as the element reports it.
struct GenerationReport {
  job::Status status = job::Status::idle;
  std::string generation_id;  // empty: none yet
  std::string model;          // the service's word; empty: the cell decides, or not known
  std::chrono::milliseconds elapsed{0};
  double cost = -1;  // -1: not known
};

struct Report;
// Hears in place of the bus, on the thread that posts, what the functions below are called with for
// an element that is a part of another one.
class ReportListener {
 public:
  virtual ~ReportListener() = default;
  virtual void on_report(Report report) = 0;
};
void set_report_listener(GstElement* element, std::shared_ptr<ReportListener> listener);

// An element message named `genpro-generation` with the fields
//   generation-id  string, empty before the service has given one
//   status         string, the nick of the `status` property's value
//   elapsed        double, seconds since the generation was started
//   model          string, the service's word, empty when the cell decides
//   cost           double, what the service said it cost, -1 when it has not
void post_generation(GstElement* element, const GenerationReport& report);

// PROGRESS with the code `generate`.
void post_progress(GstElement* element, GstProgressType type, const std::string& text);

// An element message about a request of which it is not known whether it was charged:
// `genpro-doubt` with the fields
//   ledger-row      int64, 0 when no ledger is kept
//   generation-id   string, may be empty
//   generation-ids  string, ids of those that may be the request's, with commas; may be empty
//   reason          string, one or two sentences
// and when that has become known `genpro-doubt-settled` with ledger-row, generation-id, reason and
//   evidence        string, `proven`, `likely` or `refused`
using DoubtReport = job::DoubtNotice;
void post_doubt(GstElement* element, const DoubtReport& report);
void post_doubt_settled(GstElement* element, const DoubtReport& report);

// One ERROR, with the details `http-status-code` (uint), `error-code`, `generation-id`, `charged`
// (strings), `retryable` (boolean) and `ledger-row` (int64), each where it is known, and
// Error::details as strings.
void post_error(GstElement* element, const Error& error);
// The same as a WARNING: the element goes on without.
void post_error_as_warning(GstElement* element, const Error& error);
void post_warning(GstElement* element, GstResourceError code, const std::string& text);

struct ProgressReport {
  GstProgressType type = GST_PROGRESS_TYPE_START;
  std::string text;
};
struct WarningReport {
  GstResourceError code = GST_RESOURCE_ERROR_FAILED;
  std::string text;
};
struct Report {
  std::variant<GenerationReport, DoubtReport, ProgressReport, WarningReport, Error> content;
};

}  // namespace genpro
