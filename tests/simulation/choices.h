// SPDX-License-Identifier: LGPL-2.1-or-later
//
// All chance of a history. What is drawn from a seed is recorded, so that the record alone repeats
// the history, and a shorter record is a simpler one: 0 is always the answer that means the least
// trouble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace genpro::simulation {

using Script = std::vector<std::uint32_t>;

class Choices {
 public:
  // Drawn from the seed, and recorded.
  explicit Choices(std::uint64_t seed) : random_(seed) {}
  // Those of the script, and 0 after its end.
  explicit Choices(Script script) : script_(std::move(script)), is_scripted_(true) {}

  // From 0 to `count` - 1.
  unsigned below(unsigned count);
  // How many percent are true.
  bool chance(unsigned percent);
  // Evenly, in steps of `grain`; `least` is the simplest.
  std::int64_t between(std::int64_t least, std::int64_t most, std::int64_t grain = 1);
  // The first is the simplest.
  template <typename T, std::size_t count>
  const T& pick(const T (&menu)[count]) {
    return menu[below(count)];
  }

  // What was drawn up to now.
  const Script& made() const { return made_; }

 private:
  std::uint64_t random_ = 0;
  Script script_;
  bool is_scripted_ = false;
  Script made_;
};

// A script that still `fails`, as short and as low as could be found. Bounded.
Script shrink(Script script, const std::function<bool(const Script&)>& fails);

}  // namespace genpro::simulation
