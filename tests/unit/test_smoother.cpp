// SPDX-License-Identifier: LGPL-2.1-or-later
//
// That nothing clicks where one sound follows another in the middle of a wave, however shortly
// after the change before.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "bin/media/decoded_frames.h"
#include "bin/playout/audio_smoother.h"

namespace genpro::bin {
namespace {

constexpr std::size_t block = audio_rate / 50;
constexpr double highest_level = 0.6;

// Some tones at once, or silence.
class Tones {
 public:
  explicit Tones(std::mt19937& random) {
    const int number = static_cast<int>(random() % 4);
    for (int i = 0; i < number; ++i) {
      tones_.push_back({.turn = 2 * std::numbers::pi * real(random, 60, 1000) / audio_rate,
                        .phase = real(random, 0, 2 * std::numbers::pi),
                        .level = real(random, 0.02, highest_level) / number});
    }
  }
  float at(std::size_t frame, std::size_t channel) const {
    double sum = 0;
    for (const Tone& tone : tones_) {
      sum += tone.level * std::sin(tone.phase + tone.turn * static_cast<double>(frame) +
                                   static_cast<double>(channel));
    }
    return static_cast<float>(sum);
  }

 private:
  struct Tone {
    double turn;
    double phase;
    double level;
  };
  static double real(std::mt19937& random, double from, double to) {
    return std::uniform_real_distribution(from, to)(random);
  }
  std::vector<Tone> tones_;
};

// The highest frequencies, of which these tones have next to nothing and a click has much: the
// fourth difference. That of a step by 1 is 3 at its highest.
double click_at(const std::vector<float>& all, std::size_t frame) {
  const auto sample = [&](std::size_t back) {
    return static_cast<double>(all[(frame - back) * audio_channels]);
  };
  return std::abs(sample(0) - 4 * sample(1) + 6 * sample(2) - 4 * sample(3) + sample(4)) / 3;
}

struct Loudest {
  double click = 0;
  double level = 0;
  std::size_t frame = 0;
  std::vector<std::size_t> seams;
};

// Changes that are `least` to `most` frames apart.
Loudest loudest_click(unsigned seed, int changes, std::size_t least, std::size_t most) {
  std::mt19937 random(seed);
  AudioSmoother smoother;
  std::vector<float> all;
  Loudest loudest;
  Tones tones(random);
  std::size_t next = 2 * block;
  for (std::size_t begin = 0; static_cast<int>(loudest.seams.size()) < changes; begin += block) {
    std::vector<float> samples;
    std::vector<std::size_t> seams;
    for (std::size_t at = 0; at < block; ++at) {
      if (begin + at == next) {
        tones = Tones(random);
        seams.push_back(at);
        loudest.seams.push_back(next);
        next += least + random() % (most - least);
      }
      for (std::size_t channel = 0; channel < audio_channels; ++channel) {
        samples.push_back(tones.at(begin + at, channel));
      }
    }
    smoother.smooth(samples.data(), block, std::move(seams));
    all.insert(all.end(), samples.begin(), samples.end());
  }
  for (std::size_t frame = 4; frame < all.size() / audio_channels; ++frame) {
    loudest.level =
        std::max(loudest.level, std::abs(static_cast<double>(all[frame * audio_channels])));
    const double click = click_at(all, frame);
    if (click <= loudest.click) continue;
    loudest.click = click;
    loudest.frame = frame;
  }
  return loudest;
}

class Smoother : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(Smoother, LeavesNoClickAndIsNotLouder) {
  const auto [least, most] = GetParam();
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const Loudest loudest = loudest_click(seed, 100, least, most);
    EXPECT_LT(20 * std::log10(loudest.click), -60)
        << "seed " << seed << ", at frame " << loudest.frame;
    EXPECT_LT(loudest.level, 1.25 * highest_level) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Smoother,
                         testing::Values(std::pair<std::size_t, std::size_t>(3000, 5000),
                                         std::pair<std::size_t, std::size_t>(300, 1500),
                                         std::pair<std::size_t, std::size_t>(1, 300)),
                         [](const auto& info) {
                           return "ChangesFrom" + std::to_string(info.param.first) + "To" +
                                  std::to_string(info.param.second) + "FramesApart";
                         });

}  // namespace
}  // namespace genpro::bin
