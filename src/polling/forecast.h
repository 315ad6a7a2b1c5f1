// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When a generation is expected to end, by those of the same kind that were seen.
#pragma once

#include <vector>

#include "polling/duration_model.h"

namespace genpro::polling {

// Seconds since the request left; -1: not known.
struct Progress {
  double elapsed = 0;
  double expected = -1;     // half of those that get this far have ended by then
  double expected_90 = -1;  // nine of ten
  int percent = -1;         // of `expected`, at most 99
  bool is_overdue = false;  // nearly all that were seen took less
};

// Beside DurationModel, which has an opinion before anything was seen and keeps much of it until it
// has seen some, so that questions are asked at all ages: nobody is to be told of an opinion. This
// one knows only what was seen, and holds its 90th percentile from the first duration on.
//
// It is the logarithm that is distributed, as Student's t with four degrees of freedom: so an
// outlier counts for little. Its center and scale are fitted by reweighting, the scale with some
// durations' worth of an expectation, without which those that are close by chance would promise
// too much. When enough were seen, the scale is such that their own 90th percentile is that of the
// distribution.
class Forecast {
 public:
  Forecast() = default;
  // The newest first.
  explicit Forecast(const std::vector<SeenDuration>& same_kind);

  // Whether a duration was seen.
  bool is_known() const { return scale_ > 0; }
  Progress at(double elapsed) const;

 private:
  double survival(double seconds) const;  // the share that takes longer
  // What `share` of those that take longer than `age` have ended by.
  double quantile(double share, double age) const;

  double center_ = 0;
  double scale_ = 0;
};

}  // namespace genpro::polling
