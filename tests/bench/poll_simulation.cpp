// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells, as one line of JSON, what polling costs: requests for a generation, and seconds from its
// end to the poll that sees it.
//
//   poll_simulation simulated LOG_SIGMA SEEN HISTORIES GENERATIONS SEED
//                                            beside a client that asks every two seconds. Durations
//                                            are lognormal with a median of 77 s; HISTORIES times,
//                                            so many are SEEN and GENERATIONS waited for
//   poll_simulation forecast LOG_SIGMA SEEN SEED
//                                            the share of generations that end within their 90th
//                                            percentile as it is told, by SEEN durations
//   poll_simulation real LOG_SIGMA MEDIAN JOBS SEED
//                                            of JOBS that poll a service on this machine, 20
//                                            durations seen, beside the same durations simulated.
//                                            This takes as long as the longest of them
#include <glib.h>

#include <cstdio>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>

#include "base/glib_ptr.h"
#include "ledger/ledger.h"
#include "unit/poll_trial.h"

namespace genpro::test {
namespace {

void print(const char* one, const PollCost& first, const char* other, const PollCost& second,
           double least) {
  std::printf(R"({"%s": {"requests": %.4f, "delay": %.4f}, )"
              R"("%s": {"requests": %.4f, "delay": %.4f}, "least": %.4f})"
              "\n",
              one, first.requests, first.delay, other, second.requests, second.delay, least);
}

void simulate_many(const Experiment& experiment) {
  const Comparison result = compare(experiment);
  print("ours", result.ours, "fixed", result.fixed,
        least_product_ratio(experiment.median, experiment.log_sigma));
}

// A folder for ledgers that goes with its owner.
class Folder {
 public:
  Folder() : path_(take_string(g_dir_make_tmp("genpro-bench-XXXXXX", nullptr))) {
    if (path_.empty()) throw std::runtime_error("there is no place for a temporary folder");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The same durations, waited for in earnest and simulated.
void run_in_earnest(double log_sigma, double median, std::size_t jobs, unsigned seed) {
  constexpr int seen = 20;
  const Folder folder;
  const std::string path = folder.file("ledger.db");
  const auto durations = draw_durations(median, log_sigma, jobs, seed);
  TimedService service(durations);
  polling::PastDurations known;
  {
    auto ledger = ledger::Ledger::open(path);
    if (!ledger) throw std::runtime_error(ledger.error().message);
    fill(**ledger, job_settings(service, path, 1),
         seen_sharply(draw_durations(median, log_sigma, seen, seed + 1)));
    const auto newest = (*ledger)->list({.limit = 1});
    auto past = (*ledger)->past_durations(newest->at(0));
    if (!past) throw std::runtime_error(past.error().message);
    known = std::move(*past);
  }
  if (!run_all(service, path, jobs)) throw std::runtime_error("a job failed");
  PollCost simulated;
  constexpr unsigned rounds = 100;
  for (unsigned round = 0; round < rounds; ++round) {
    for (const double duration : durations) {
      const PollCost cost = simulate(known, duration, round);
      simulated.requests += cost.requests / rounds / static_cast<double>(jobs);
      simulated.delay += cost.delay / rounds / static_cast<double>(jobs);
    }
  }
  print("real", service.cost(), "simulated", simulated, least_product_ratio(median, log_sigma));
}

void run(std::span<char*> arguments) {
  const std::string mode = arguments.size() > 1 ? arguments[1] : "";
  if (mode == "simulated" && arguments.size() == 7) {
    Experiment experiment;
    experiment.log_sigma = std::stod(arguments[2]);
    experiment.seen = std::stoi(arguments[3]);
    experiment.histories = std::stoi(arguments[4]);
    experiment.generations = std::stoi(arguments[5]);
    experiment.seed = static_cast<unsigned>(std::stoul(arguments[6]));
    simulate_many(experiment);
  } else if (mode == "real" && arguments.size() == 6) {
    run_in_earnest(std::stod(arguments[2]), std::stod(arguments[3]), std::stoul(arguments[4]),
                   static_cast<unsigned>(std::stoul(arguments[5])));
  } else if (mode == "forecast" && arguments.size() == 5) {
    const Kept share = kept(std::stod(arguments[2]), std::stoul(arguments[3]),
                            static_cast<unsigned>(std::stoul(arguments[4])));
    std::printf(R"({"at-start": %.4f, "later": %.4f})"
                "\n",
                share.at_start, share.later);
  } else {
    throw std::runtime_error("what to run is not understood; see poll_simulation.cpp");
  }
}

}  // namespace
}  // namespace genpro::test

int main(int argc, char** argv) {
  try {
    genpro::test::run({argv, static_cast<std::size_t>(argc)});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
