// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long generations take, learned from those that were seen.
#pragma once

#include <limits>
#include <vector>

namespace genpro::polling {

// Nobody sees a generation end: it was unfinished at one question and had ended at the next.
struct SeenDuration {
  static constexpr double unknown_end = std::numeric_limits<double>::infinity();

  double longer_than = 0;        // seconds since the request left
  double at_most = unknown_end;  // likewise; unknown_end: nobody saw how it went on
};

// Durations by how much they say about the next one, each list with the newest first.
struct PastDurations {
  std::vector<SeenDuration> same_kind;   // of the same model and length
  std::vector<SeenDuration> same_model;  // of the same model and other lengths
  std::vector<SeenDuration> others;      // of other models
};

// A distribution of durations, in seconds.
//
// Most are of the usual kind: their logarithms are normal, which suits what comes about as a
// product (length times load times size) and is never negative. But each generation may turn out to
// be of an unusual kind, of which nothing is known but the order of magnitude, and that with a tail
// that never runs out. Without it each second beyond all that was seen would make the end more
// likely than the second before, and an outlier would pass for what is usual.
class DurationModel {
 public:
  // Of nothing seen: what such services say of themselves, half a minute to some minutes.
  DurationModel() : DurationModel(PastDurations()) {}
  explicit DurationModel(const PastDurations& past);

  // Of all kinds together; `seconds` > 0.
  double density(double seconds) const;
  double survival(double seconds) const;  // the share that takes longer
  // Of the usual kind alone.
  double usual_survival(double seconds) const;
  double usual_median() const;                     // seconds
  double usual_spread() const { return spread_; }  // standard deviation of the logarithm
  // Nothing of the same kind was seen.
  bool is_guess() const { return is_guess_; }

 private:
  double center_ = 0;  // mean of the logarithm
  double spread_ = 0;
  double unusual_ = 0;
  bool is_guess_ = true;
};

}  // namespace genpro::polling
