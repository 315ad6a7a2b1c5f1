// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/loudness.h"

#include <algorithm>
#include <cmath>

namespace genpro::bin {

namespace {

// More would be noise.
constexpr double most_gain = 20;

}  // namespace

double decibels(double factor) {
  return 20 * std::log10(factor);
}

double factor_of(double decibels) {
  return std::pow(10, decibels / 20);
}

LoudnessMeter::LoudnessMeter(unsigned rate, unsigned channels)
    : channels_(channels),
      state_(ebur128_init(channels, rate, EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK)) {}

float LoudnessMeter::add(const std::vector<float>& samples) {
  double peak = 0;
  if (state_ == nullptr ||
      ebur128_add_frames_float(state_, samples.data(), samples.size() / channels_) !=
          EBUR128_SUCCESS) {
    return 0;
  }
  for (unsigned channel = 0; channel < channels_; ++channel) {
    double one = 0;
    if (ebur128_prev_true_peak(state_, channel, &one) == EBUR128_SUCCESS) {
      peak = std::max(peak, one);
    }
  }
  return static_cast<float>(peak);
}

std::optional<AudioGain> LoudnessMeter::level() const {
  AudioGain level;
  if (state_ == nullptr || ebur128_loudness_global(state_, &level.loudness) != EBUR128_SUCCESS ||
      !std::isfinite(level.loudness)) {
    return std::nullopt;
  }
  double peak = 0;
  for (unsigned channel = 0; channel < channels_; ++channel) {
    double one = 0;
    if (ebur128_true_peak(state_, channel, &one) == EBUR128_SUCCESS) peak = std::max(peak, one);
  }
  level.true_peak = decibels(peak);
  return level;
}

double gain_for(const AudioGain& measured, double target) {
  return std::min({target - measured.loudness, true_peak_ceiling - measured.true_peak, most_gain});
}

}  // namespace genpro::bin
