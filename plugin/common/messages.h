// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an element says to the application. Call these from the element's streaming thread, or from
// within a state change, and with no lock held: a synchronous bus handler may call back into the
// element.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "job/job.h"

namespace genpro {

// One of the properties `status`, `cost`, `estimate`, `generation-id` has changed: notified.
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
  double estimate = -1;  // of the cost, in credits; of the property alone
};

// PROGRESS with the code `generate` and further fields
//   elapsed        double, seconds since the request left; before it has, since the start
//   percent        int, of what is expected, 0 to 99 and at the completion 100; -1: not known
//   expected       double, seconds since the request left in which half of such generations that
//                  get this far have ended; -1: not known
//   expected-90    double, likewise nine of ten
//   cost           double, as above
struct ProgressReport {
  GstProgressType type = GST_PROGRESS_TYPE_START;
  std::string text;
  polling::Progress progress;
  double cost = -1;
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

// A clip's first frame is on the output of genprobin, or its last one was: an element message named
// `genpro-clip` with the fields
//   event          string, `cued`, `started` or `ended`
//   generation-id  string
//   running-time   GstClockTime: of the first frame, or of the first one that is not the clip's
//   reason         string, of the end: `end`, `truncated`, `failed`, `replaced` or `cleared`
//   length, position  GstClockTime, of what is cued
//   late           GstClockTime, of a start: how much later than it was taken for
//   item           uint, of an item of the queue: its number
//   loudness, true-peak, gain  doubles, of a start where the loudness was measured
struct ClipReport {
  const char* event;
  const char* reason;  // null but for an end
  std::string generation_id;
  // Where they apply.
  std::optional<std::int64_t> running_time;
  std::optional<std::int64_t> length;
  std::optional<std::int64_t> position;
  std::optional<std::int64_t> late;
  unsigned item = 0;
  std::vector<std::pair<const char*, double>> levels;
};

// When a clip is needed by: an element message named `genpro-deadline` with the fields
//   event          string, `at-risk`, `met` or `missed`
//   generation-id  string
//   running-time   GstClockTime: the deadline; once it has come, of the first frame after it
//   expected       GstClockTime, at risk: the running time by which nine of ten are ready
//   fallback       boolean, missed: whether there is one
struct DeadlineReport {
  const char* event;
  std::string generation_id;
  std::int64_t running_time = 0;
  std::optional<std::int64_t> expected;
  std::optional<bool> has_fallback;
};

// WARNING.
struct WarningReport {
  GstResourceError code = GST_RESOURCE_ERROR_FAILED;
  std::string text;
};

// An Error is one ERROR, with the details `http-status-code` (uint), `error-code`, `generation-id`,
// `charged` (strings), `retryable` (boolean) and `ledger-row` (int64), each where it is known, and
// Error::details as strings.
using Report = std::variant<PropertyChange, GenerationReport, ProgressReport, DoubtReport,
                            ClipReport, DeadlineReport, WarningReport, Error>;

// Also logs in `category`.
void post(GstElement* element, GstDebugCategory* category, const Report& report);
// As a WARNING with the same details: the element goes on without.
void post_as_warning(GstElement* element, GstDebugCategory* category, const Error& error);

}  // namespace genpro
