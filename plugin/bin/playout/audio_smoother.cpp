// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/audio_smoother.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "bin/media/decoded_frames.h"

namespace genpro::bin {

namespace {

constexpr std::size_t length = audio_rate / 200;  // of a fade
constexpr std::size_t memory = 1024;              // frames that foretell what would follow
constexpr std::size_t order = 32;

using Filter = std::array<double, order + 1>;

// Of linear prediction by Burg's method, which never grows.
Filter predictor(const std::vector<double>& past) {
  Filter filter{1};
  std::vector<double> forward = past;
  std::vector<double> backward = past;
  double least = 0;
  for (const double sample : past) least += sample * sample;
  least *= 1e-10;
  for (std::size_t step = 1; step <= order; ++step) {
    double product = 0;
    double energy = 0;
    for (std::size_t at = step; at < past.size(); ++at) {
      product += forward[at] * backward[at - 1];
      energy += forward[at] * forward[at] + backward[at - 1] * backward[at - 1];
    }
    if (energy <= least) break;
    const double reflection = -2 * product / energy;
    const Filter before = filter;
    for (std::size_t at = 1; at <= step; ++at) filter[at] += reflection * before[step - at];
    for (std::size_t at = past.size() - 1; at >= step; --at) {
      const double old = forward[at];
      forward[at] += reflection * backward[at - 1];
      backward[at] = backward[at - 1] + reflection * old;
    }
  }
  return filter;
}

}  // namespace

// Up to that frame of the past. Its level is not limited: the filter is stable, and swings where
// what it made is changed before it comes back to it.
void AudioSmoother::predict(std::size_t end) {
  position_ = 0;
  continuation_.assign(length * audio_channels, 0);
  const std::size_t known = std::min(memory, end);
  for (std::size_t channel = 0; channel < audio_channels; ++channel) {
    std::vector<double> wave;
    for (std::size_t at = end - known; at < end; ++at) {
      wave.push_back(past_[at * audio_channels + channel]);
    }
    if (known <= order) continue;
    const Filter filter = predictor(wave);
    for (std::size_t at = 0; at < length; ++at) {
      double next = 0;
      for (std::size_t back = 1; back <= order; ++back) {
        next -= filter[back] * wave[wave.size() - back];
      }
      wave.push_back(next);
      continuation_[at * audio_channels + channel] = static_cast<float>(next);
    }
  }
}

void AudioSmoother::smooth(float* samples, std::size_t frames, std::vector<std::size_t> seams) {
  std::sort(seams.begin(), seams.end());
  const std::size_t first = past_.size() / audio_channels;
  past_.insert(past_.end(), samples, samples + frames * audio_channels);
  auto seam = seams.begin();
  for (std::size_t at = 0; at < frames; ++at) {
    if (seam != seams.end() && *seam == at) {
      predict(first + at);
      while (seam != seams.end() && *seam == at) ++seam;
    }
    if (position_ * audio_channels >= continuation_.size()) continue;
    const double turn = static_cast<double>(position_ + 1) / (length + 1) * std::numbers::pi;
    const auto part = static_cast<float>((1 + std::cos(turn)) / 2);
    for (std::size_t channel = 0; channel < audio_channels; ++channel) {
      float& sample = past_[(first + at) * audio_channels + channel];
      sample += (continuation_[position_ * audio_channels + channel] - sample) * part;
    }
    ++position_;
  }
  std::copy(past_.begin() + static_cast<std::ptrdiff_t>(first * audio_channels), past_.end(),
            samples);
  const std::size_t kept = std::min(past_.size(), memory * audio_channels);
  past_.erase(past_.begin(), past_.end() - static_cast<std::ptrdiff_t>(kept));
}

}  // namespace genpro::bin
