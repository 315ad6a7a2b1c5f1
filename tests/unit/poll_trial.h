// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What polling costs and how late it sees the end: simulated, and with jobs against a service.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "job/job.h"
#include "polling/duration_model.h"
#include "support/http_origin.h"

namespace genpro::test {

// Seconds throughout.

// Of one generation, or means of many.
struct PollCost {
  double requests = 0;
  double delay = 0;  // from the end to the question that sees it
  double product() const { return requests * delay; }
};

// The schedule's questions about a generation that takes `duration`, without a network; `seen`
// becomes what a ledger would know of it.
PollCost simulate(const polling::PastDurations& past, double duration, unsigned seed,
                  polling::SeenDuration* seen = nullptr);
// A client that asks at 2 s, 4 s and so on.
PollCost every_two_seconds(double duration);

struct Experiment {
  double median = 77;
  double log_sigma = 0.2;
  int seen = 20;         // durations that are known before, each seen by the schedule itself
  int histories = 60;    // of so many durations each
  int generations = 60;  // that are waited for after each history
  unsigned seed = 1;
};
struct Comparison {
  PollCost ours;
  PollCost fixed;  // every_two_seconds() for the same durations
};
Comparison compare(const Experiment& experiment);
// The least product of requests and delay that any schedule can have, over that of a client that
// asks every two seconds.
double least_product_ratio(double median, double log_sigma);

// A service whose generations take the time that their cell's number stands for: cell n takes the
// n-th of `durations`. Notes when it is asked.
class TimedService {
 public:
  explicit TimedService(std::vector<double> durations);
  std::string api_base() const { return origin_->url() + "/v1"; }
  // The mean of all generations, which all have to have been seen to their end.
  PollCost cost() const;

 private:
  struct Timed {
    double duration = 0;
    std::chrono::steady_clock::time_point posted;
    int requests = 0;
    double delay = -1;
  };
  Answer answer(const Seen& seen);

  mutable std::mutex mutex_;
  std::vector<Timed> generations_;
  std::unique_ptr<HttpOrigin> origin_;
};

// The job for a generation of the n-th cell, of a certain model and length.
job::JobSettings job_settings(const TimedService& service, const std::string& ledger,
                              std::size_t cell);
// Writes generations of this kind that have ended into the ledger.
void fill(ledger::Ledger& ledger, const job::JobSettings& kind,
          const std::vector<polling::SeenDuration>& past);
// One job for each of the service's generations, all at once; true when all of them got their clip.
bool run_all(const TimedService& service, const std::string& ledger, std::size_t jobs,
             std::chrono::milliseconds poll_interval = std::chrono::milliseconds(0));

// What became of forecasts by so many durations that were seen.
struct Kept {
  double at_start = 0;  // share that ended within the 90th percentile
  double later = 0;     // of those that got as old as most
  double half = 0;      // share that ended within what was expected
};
Kept kept(double log_sigma, std::size_t seen, unsigned seed);

std::vector<double> draw_durations(double median, double log_sigma, std::size_t number,
                                   unsigned seed);
// Each is known to within a tenth of a second.
std::vector<polling::SeenDuration> seen_sharply(const std::vector<double>& durations);

}  // namespace genpro::test
