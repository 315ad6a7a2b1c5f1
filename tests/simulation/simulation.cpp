// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/simulation.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "simulation/choices.h"
#include "simulation/driver.h"

namespace genpro::simulation {

namespace {

struct One {
  Script script;
  Tally tally;
  std::optional<std::string> broken;
};

One run_one(const Mind& mind, Choices choices, std::string* log) {
  One one;
  Driver driver(mind, choices, log);
  try {
    driver.run();
  } catch (const Broken& broken) {
    one.broken = broken.what();
  }
  one.tally = driver.tally();
  if (one.broken) one.script = choices.made();
  return one;
}

// What is broken, without what differs from history to history.
std::string kind_of(const std::string& broken) {
  std::string kind;
  std::copy_if(broken.begin(), broken.end(), std::back_inserter(kind),
               [](char c) { return c < '0' || c > '9'; });
  const auto after = kind.rfind("): ");
  return after == std::string::npos ? kind : kind.substr(after);
}

Told told(const Mind& mind, Choices choices) {
  Told told;
  One one = run_one(mind, std::move(choices), &told.log);
  told.broken = std::move(one.broken);
  told.choices = one.script.size() -
                 static_cast<std::size_t>(std::count(one.script.begin(), one.script.end(), 0U));
  return told;
}

}  // namespace

Outcome run_many(const Mind& mind, std::uint64_t from, std::uint64_t count, unsigned threads) {
  constexpr std::uint64_t none = UINT64_MAX;
  std::atomic<std::uint64_t> first_failure = none;
  std::vector<Outcome> parts(threads);
  const auto work = [&](unsigned part) {
    Outcome& outcome = parts[part];
    for (std::uint64_t at = part; at < count; at += threads) {
      // Those before a failure are run to the end, so that the lowest is found.
      if (at > first_failure.load(std::memory_order_relaxed)) return;
      One one = run_one(mind, Choices(from + at), nullptr);
      ++outcome.histories;
      outcome.tally += one.tally;
      if (!one.broken) continue;
      outcome.failure = Failure{from + at, std::move(*one.broken)};
      std::uint64_t lowest = first_failure.load();
      while (at < lowest && !first_failure.compare_exchange_weak(lowest, at)) {
      }
      return;
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned part = 1; part < threads; ++part) workers.emplace_back(work, part);
  work(0);
  workers.clear();
  Outcome outcome;
  for (Outcome& part : parts) {
    outcome.histories += part.histories;
    outcome.tally += part.tally;
    const bool is_lower =
        part.failure && (!outcome.failure || part.failure->seed < outcome.failure->seed);
    if (is_lower) outcome.failure = std::move(part.failure);
  }
  return outcome;
}

Told tell(const Mind& mind, std::uint64_t seed) {
  return told(mind, Choices(seed));
}

Told tell_shortest(const Mind& mind, std::uint64_t seed) {
  const One first = run_one(mind, Choices(seed), nullptr);
  if (!first.broken) return tell(mind, seed);
  const std::string kind = kind_of(*first.broken);
  const Script shortest = shrink(first.script, [&](const Script& script) {
    const One one = run_one(mind, Choices(script), nullptr);
    return one.broken && kind_of(*one.broken) == kind;
  });
  return told(mind, Choices(shortest));
}

}  // namespace genpro::simulation
