// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How loud a clip is (EBU R 128), and what brings it to a target.
#pragma once

#include <ebur128.h>

#include <optional>
#include <vector>

#include "gst/gst_ptr.h"

namespace genpro::bin {

// What audio may not exceed after a gain, in dBTP.
inline constexpr double true_peak_ceiling = -1;

double decibels(double factor);
double factor_of(double decibels);

struct AudioGain {
  double loudness = 0;   // LUFS that were measured
  double true_peak = 0;  // dBTP that was measured
  double gain = 0;       // dB
};

// Threads: one.
class LoudnessMeter {
 public:
  LoudnessMeter(unsigned rate, unsigned channels);
  LoudnessMeter(const LoudnessMeter&) = delete;
  LoudnessMeter& operator=(const LoudnessMeter&) = delete;
  ~LoudnessMeter() { ebur128_destroy(&state_); }

  // Interleaved. Returns their true peak, 1 being full scale.
  float add(const std::vector<float>& samples);
  // For all up to now, without the gain; nothing when that is silent, or shorter than 400 ms.
  std::optional<AudioGain> level() const;

 private:
  const unsigned channels_;
  ebur128_state* state_;  // null without memory
};

// What brings it to `target` LUFS, no further than to the ceiling, nor by more than 20 dB.
double gain_for(const AudioGain& measured, double target);

}  // namespace genpro::bin
