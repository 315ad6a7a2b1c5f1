// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Random numbers for what is done a little earlier or later: SplitMix64.
#pragma once

#include <cstdint>
#include <limits>
#include <random>

namespace genpro {

// A generator for the distributions of <random>. Its state is one number, where that of
// std::mt19937 takes 5 KB, of which each of hundreds of jobs that wait would have several. Any seed
// is as good as any other. No secrets are made of it.
class Random {
 public:
  using result_type = std::uint64_t;

  Random()
      : Random((static_cast<std::uint64_t>(std::random_device{}()) << 32) ^
               std::random_device{}()) {}
  explicit Random(std::uint64_t seed) : state_(seed) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace genpro
