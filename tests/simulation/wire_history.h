// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One history of the real driver in the simulation's world: what is wanted, what happens to it, and
// what is wrong with how it went.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job/job.h"
#include "simulation/choices.h"
#include "simulation/wire_replay.h"
#include "simulation/wire_service.h"

namespace genpro::simulation {

// Of real time. Silences are few.
inline constexpr std::chrono::milliseconds wire_silence{3000};

struct WireCounts {
  unsigned histories = 0, failures = 0, runs = 0, requests = 0, posts = 0, charges = 0;
  unsigned clips = 0, errors = 0, kills = 0, shutdowns = 0, timeouts = 0, excused = 0;
  unsigned disturbed = 0;
};
inline void add(WireCounts& sum, const WireCounts& more) {
  sum.histories += more.histories;
  sum.failures += more.failures;
  sum.runs += more.runs;
  sum.requests += more.requests;
  sum.posts += more.posts;
  sum.charges += more.charges;
  sum.clips += more.clips;
  sum.errors += more.errors;
  sum.kills += more.kills;
  sum.shutdowns += more.shutdowns;
  sum.timeouts += more.timeouts;
  sum.excused += more.excused;
  sum.disturbed += more.disturbed;
}

class WireHistory {
 public:
  // `folder`: for its ledgers.
  WireHistory(std::uint64_t seed, const std::string& folder);

  // What is wrong; empty: nothing is.
  std::string run();
  const WireCounts& counts() const { return counts_; }
  std::string told() const { return told_; }
  // It is only the model that says so.
  bool is_drift() const { return is_drift_; }

 private:
  struct Plan {
    Trap trap;
    std::chrono::milliseconds timeout{40'000};
    bool flow_fails = false;
    bool is_parted_from = true;  // after its clip, whose flow failed
  };
  struct Wish {
    WireWish wish;
    static constexpr std::size_t most_runs = 3;
    std::size_t runs_left = most_runs;
  };
  // What a job's error said of money.
  struct Word {
    std::string key;
    Charged charged;
    payment::Evidence evidence;
    Millis at;
  };

  Plan draw_plan();
  job::JobSettings settings(const Wish& wish, int run, const Plan& plan) const;
  bool run_one(Wish& wish);
  template <typename T>
  T ask_ledger(std::function<Result<T>(ledger::Ledger&)> question) const;
  std::vector<WireRow> read_rows() const;
  std::string histories(const std::vector<WireRow>& rows) const;
  void snapshot(const std::string& path);
  void check_words();

  Choices choices_;
  const std::string folder_;
  std::string ledger_;
  std::shared_ptr<Runtime> runtime_;
  const Laws laws_;
  WireService service_;
  std::vector<WireRow> rows_;
  std::vector<Word> words_;
  int runs_ = 0;
  std::string wrong_;
  std::string told_;
  bool is_drift_ = false;
  WireCounts counts_;
};

}  // namespace genpro::simulation
