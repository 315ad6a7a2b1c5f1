// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   simulate [--histories N] [--from SEED] [--threads N]    many histories, of consecutive seeds
//   simulate --seed SEED                                    one of them, told
//   simulate --mistake NAME …                               with a deliberate mistake
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "simulation/mistakes.h"
#include "simulation/simulation.h"

namespace genpro::simulation {
namespace {

struct Arguments {
  std::uint64_t histories = 1'000'000;
  std::uint64_t from = 1;
  unsigned threads = 1;
  std::optional<std::uint64_t> seed;
  Mind mind;
};

std::optional<Arguments> read(int count, char** texts) {
  Arguments arguments;
  if (const char* histories = std::getenv("SIMULATION_HISTORIES")) {
    arguments.histories = std::strtoull(histories, nullptr, 10);
  }
  for (int at = 1; at + 1 < count; at += 2) {
    const std::string name = texts[at];
    const std::uint64_t number = std::strtoull(texts[at + 1], nullptr, 10);
    if (name == "--histories") {
      arguments.histories = number;
    } else if (name == "--from") {
      arguments.from = number;
    } else if (name == "--threads") {
      arguments.threads = static_cast<unsigned>(std::max<std::uint64_t>(number, 1));
    } else if (name == "--seed") {
      arguments.seed = number;
    } else if (name == "--mistake") {
      const Mistake* mistake = find_mistake(texts[at + 1]);
      if (mistake == nullptr) return std::nullopt;
      arguments.mind = mistake->mind;
    } else {
      return std::nullopt;
    }
  }
  if (count % 2 == 0) return std::nullopt;
  return arguments;
}

void print_failure(const Mind& mind, const Failure& failure) {
  std::printf("Seed %llu: %s\n", static_cast<unsigned long long>(failure.seed),
              failure.text.c_str());
  const Told shortest = tell_shortest(mind, failure.seed);
  std::printf(
      "The shortest history that was found, with %zu choices that are not the simplest:\n%s%s\n",
      shortest.choices, shortest.log.c_str(),
      shortest.broken.value_or("nothing is broken").c_str());
}

int main_of(const Arguments& arguments) {
  if (arguments.seed) {
    const Told told = tell(arguments.mind, *arguments.seed);
    std::printf("%s%s\n", told.log.c_str(), told.broken.value_or("All is well.").c_str());
    if (told.broken) print_failure(arguments.mind, {*arguments.seed, *told.broken});
    return told.broken ? 1 : 0;
  }
  const auto begun = std::chrono::steady_clock::now();
  const Outcome outcome =
      run_many(arguments.mind, arguments.from, arguments.histories, arguments.threads);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const Tally& tally = outcome.tally;
  std::printf(
      "%llu histories from seed %llu in %.1f s: %llu runs, %llu steps, %llu POSTs, %llu charges, "
      "%llu clips delivered, %llu runs that ended in doubt, %llu generations followed as likely, "
      "%llu kills, %llu boots, %llu connections lost, %llu fail-overs, %llu second charges where "
      "there is no certainty, %llu of what a fail-over had lost\n",
      static_cast<unsigned long long>(outcome.histories),
      static_cast<unsigned long long>(arguments.from), took.count(), tally.runs, tally.steps,
      tally.posts, tally.charges, tally.deliveries, tally.doubts, tally.likely, tally.kills,
      tally.boots, tally.connections, tally.fail_overs, tally.excused, tally.forgotten);
  if (outcome.failure) print_failure(arguments.mind, *outcome.failure);
  return outcome.failure ? 1 : 0;
}

}  // namespace
}  // namespace genpro::simulation

int main(int count, char** texts) {
  const auto arguments = genpro::simulation::read(count, texts);
  if (!arguments) {
    std::fprintf(stderr,
                 "Usage: simulate [--histories N] [--from SEED] [--threads N] [--seed SEED] "
                 "[--mistake NAME]\n");
    return 2;
  }
  return genpro::simulation::main_of(*arguments);
}
