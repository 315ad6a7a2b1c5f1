// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps audio that begins or ends within a wave from clicking: what was heard goes on for some
// milliseconds, as linear prediction has it, and fades into what follows.
#pragma once

#include <cstddef>
#include <vector>

namespace genpro::bin {

// Threads: one.
class AudioSmoother {
 public:
  void reset() { *this = AudioSmoother(); }
  // `seams`: at which of these frames something else begins.
  void smooth(float* samples, std::size_t frames, std::vector<std::size_t> seams);

 private:
  void predict(std::size_t end);

  std::vector<float> past_;          // of the output
  std::vector<float> continuation_;  // of it, from the last seam on
  std::size_t position_ = 0;         // in that, in frames
};

}  // namespace genpro::bin
