// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Prints what polling costs, beside a client that asks every two seconds: simulated, and with
// --real N also of N jobs of each kind that poll a service on this machine, which takes minutes.
#include <glib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "base/glib_ptr.h"
#include "job/ledger.h"
#include "unit/poll_trial.h"

namespace genpro::test {
namespace {

struct Options {
  int histories = 200;
  int generations = 40;
  int seed = 1;
  int real = 0;
};

void print_row(const std::string& name, int seen, const PollCost& ours, const PollCost& fixed,
               double least) {
  std::printf("%-10s %4d | %8.1f %8.1f %6.2f | %7.2f %7.2f %6.2f | %7.2f %6.2f\n", name.c_str(),
              seen, ours.requests, fixed.requests, ours.requests / fixed.requests, ours.delay,
              fixed.delay, ours.delay / fixed.delay, ours.product() / fixed.product(), least);
}

std::string name_of(double log_sigma) {
  char text[32];
  std::snprintf(text, sizeof text, "sigma %.2f", log_sigma);
  return text;
}

void print_simulation(const Options& options) {
  std::printf(
      "Polling, simulated: durations lognormal with a median of 77 s, %d histories of so many "
      "seen\n"
      "durations, %d generations after each, seed %d. Delay in seconds, from the end to the poll\n"
      "that sees it. Ratios are ours over that of a client that polls every 2 s; least is what "
      "the\n"
      "product can be for a schedule that knows the distribution.\n\n",
      options.histories, options.generations, options.seed);
  std::printf("%15s | %24s | %22s | %14s\n", "", "requests", "delay", "product");
  std::printf("%-10s %4s | %8s %8s %6s | %7s %7s %6s | %7s %6s\n", "durations", "seen", "ours",
              "2 s", "ratio", "ours", "2 s", "ratio", "ratio", "least");
  for (const double log_sigma : {0.2, 0.69}) {
    for (const int seen : {0, 1, 2, 3, 5, 10, 20, 60}) {
      Experiment experiment;
      experiment.log_sigma = log_sigma;
      experiment.seen = seen;
      experiment.histories = options.histories;
      experiment.generations = options.generations;
      experiment.seed = static_cast<unsigned>(options.seed);
      const Comparison result = compare(experiment);
      print_row(name_of(log_sigma), seen, result.ours, result.fixed,
                least_product_ratio(experiment.median, log_sigma));
    }
  }
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
void print_real(const Options& options) {
  constexpr double median = 77;
  constexpr int seen = 20;
  const auto jobs = static_cast<std::size_t>(options.real);
  const auto seed = static_cast<unsigned>(options.seed);
  std::printf(
      "\nPolling, %d jobs that poll a service on this machine, and the same durations simulated.\n"
      "This takes as long as the longest of them.\n\n",
      options.real);
  std::printf("%-10s %4s | %14s %9s | %14s %9s\n", "durations", "seen", "requests, real",
              "simulated", "delay, real", "simulated");
  for (const double log_sigma : {0.2, 0.69}) {
    const Folder folder;
    const std::string path = folder.file("ledger.db");
    const auto durations = draw_durations(median, log_sigma, jobs, seed);
    TimedService service(durations);
    job::PastDurations known;
    {
      auto ledger = job::Ledger::open(path);
      if (!ledger) throw std::runtime_error(ledger.error().message);
      fill(**ledger, job_settings(service, path, 1),
           seen_sharply(draw_durations(median, log_sigma, seen, seed + 1)));
      const auto newest = (*ledger)->list({.limit = 1});
      auto past = (*ledger)->past_durations(newest->at(0));
      if (!past) throw std::runtime_error(past.error().message);
      known = std::move(*past);
    }
    if (!run_all(service, path, jobs)) throw std::runtime_error("a job failed");
    const PollCost real = service.cost();
    PollCost simulated;
    constexpr unsigned rounds = 100;
    for (unsigned round = 0; round < rounds; ++round) {
      for (const double duration : durations) {
        const PollCost cost = simulate(known, duration, round);
        simulated.requests += cost.requests / rounds / static_cast<double>(jobs);
        simulated.delay += cost.delay / rounds / static_cast<double>(jobs);
      }
    }
    std::printf("%-10s %4d | %14.1f %9.1f | %14.2f %9.2f\n", name_of(log_sigma).c_str(), seen,
                real.requests, simulated.requests, real.delay, simulated.delay);
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  Options options;
  const GOptionEntry entries[] = {
      {"histories", 0, 0, G_OPTION_ARG_INT, &options.histories, "How often to learn anew", "N"},
      {"generations", 0, 0, G_OPTION_ARG_INT, &options.generations, "To wait for after each", "N"},
      {"seed", 0, 0, G_OPTION_ARG_INT, &options.seed, "Of all that is drawn", "N"},
      {"real", 0, 0, G_OPTION_ARG_INT, &options.real, "Also wait for so many in earnest", "N"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const Owned<GOptionContext, g_option_context_free> context(g_option_context_new(""));
  g_option_context_add_main_entries(context.get(), entries, nullptr);
  ErrorPtr error;
  if (!g_option_context_parse(context.get(), &argc, &argv, error.out())) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 2;
  }
  if (argc > 1 || options.histories < 1 || options.generations < 1 || options.real < 0) {
    std::fprintf(stderr, "Numbers have to be positive, and nothing but options is taken.\n");
    return 2;
  }
  print_simulation(options);
  if (options.real > 0) print_real(options);
  return 0;
}

}  // namespace
}  // namespace genpro::test

int main(int argc, char** argv) {
  try {
    return genpro::test::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
