// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/choices.h"

#include <algorithm>

namespace genpro::simulation {

namespace {

// SplitMix64: any seed will do, and it is the same everywhere.
std::uint64_t next(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t bits = state;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

// How often a failing script is tried again, at most.
constexpr unsigned most_trials = 40'000;

class Shrinker {
 public:
  Shrinker(Script script, const std::function<bool(const Script&)>& fails)
      : best_(std::move(script)), fails_(fails) {}

  Script run() {
    while (trials_ < most_trials) {
      const Script before = best_;
      for (std::size_t size = std::max<std::size_t>(best_.size() / 2, 1); size > 0; size /= 2) {
        each_block(size, [](Script& script, auto from, auto to) { script.erase(from, to); });
      }
      for (std::size_t size = std::max<std::size_t>(best_.size() / 2, 1); size > 0; size /= 2) {
        each_block(size, [](Script&, auto from, auto to) { std::fill(from, to, 0); });
      }
      lower();
      if (best_ == before) break;
    }
    return best_;
  }

 private:
  bool accept(const Script& script) {
    if (script == best_ || trials_ >= most_trials) return false;
    ++trials_;
    if (!fails_(script)) return false;
    best_ = script;
    return true;
  }

  // From the end on, which depends on what comes before it.
  template <typename Change>
  void each_block(std::size_t size, const Change& change) {
    for (std::size_t end = best_.size(); end >= size && end > 0; end -= std::min(size, end)) {
      if (end > best_.size()) continue;
      Script script = best_;
      change(script, script.begin() + static_cast<std::ptrdiff_t>(end - size),
             script.begin() + static_cast<std::ptrdiff_t>(end));
      accept(script);
    }
  }

  void lower() {
    for (std::size_t at = 0; at < best_.size(); ++at) {
      // By halves, then by one: the lowest that fails still.
      for (std::uint32_t step = best_[at]; step > 0 && at < best_.size();) {
        Script script = best_;
        script[at] -= std::min(step, script[at]);
        if (!accept(script)) step /= 2;
        if (at < best_.size()) step = std::min(step, best_[at]);
      }
    }
  }

  Script best_;
  const std::function<bool(const Script&)>& fails_;
  unsigned trials_ = 0;
};

}  // namespace

unsigned Choices::below(unsigned count) {
  if (count < 2) return 0;
  std::uint32_t value = 0;
  if (!is_scripted_) {
    value = static_cast<std::uint32_t>((next(random_) >> 32) * count >> 32);
  } else if (made_.size() < script_.size()) {
    value = script_[made_.size()] % count;
  }
  made_.push_back(value);
  return value;
}

bool Choices::chance(unsigned percent) {
  if (percent == 0) return false;
  if (percent >= 100) return true;
  return below(100) >= 100 - percent;
}

std::int64_t Choices::between(std::int64_t least, std::int64_t most, std::int64_t grain) {
  return least + grain * below(static_cast<unsigned>((most - least) / grain) + 1);
}

Script shrink(Script script, const std::function<bool(const Script&)>& fails) {
  return Shrinker(std::move(script), fails).run();
}

}  // namespace genpro::simulation
