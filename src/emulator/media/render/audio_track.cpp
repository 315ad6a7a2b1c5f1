// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/audio_track.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

namespace genpro::emulator::render {
namespace {

constexpr double kShortestFade = 0.02;  // seconds: a hard cut clicks
constexpr double kEndFade = 0.4;
constexpr double kDuck = 0.3;  // of the soundtrack, below a clip's own audio
constexpr std::size_t kChannels = kAudioChannels;

std::size_t samples_of(const RenderSpec& spec, int frames) {
  return static_cast<std::size_t>(static_cast<std::int64_t>(frames) * kAudioRate / spec.fps);
}

double ease(double t) {
  return std::sin(std::clamp(t, 0.0, 1.0) * std::numbers::pi / 2);
}

// Equal power, so that two tracks that change places are as loud as one.
void fade(std::vector<float>& audio, double in_seconds, double out_seconds) {
  const std::size_t count = audio.size() / kChannels;
  for (std::size_t i = 0; i < count; ++i) {
    const double from_start = static_cast<double>(i) / kAudioRate;
    const double from_end = static_cast<double>(count - i) / kAudioRate;
    const auto gain =
        static_cast<float>(ease(from_start / in_seconds) * ease(from_end / out_seconds));
    if (gain >= 1) continue;
    for (std::size_t c = 0; c < kChannels; ++c) audio[i * kChannels + c] *= gain;
  }
}

// A low open chord whose voices swell one after the other.
std::vector<float> make_bed(std::size_t count) {
  struct Voice {
    double hertz, level, swell_hertz, pan;
  };
  constexpr std::array<Voice, 5> kVoices{{{110.00, 0.030, 0.07, 0.50},
                                          {164.81, 0.022, 0.11, 0.35},
                                          {220.00, 0.018, 0.09, 0.65},
                                          {277.18, 0.010, 0.13, 0.30},
                                          {329.63, 0.008, 0.17, 0.70}}};
  std::vector<float> bed(count * kChannels);
  for (std::size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / kAudioRate;
    double left = 0;
    double right = 0;
    for (const Voice& voice : kVoices) {
      const double swell =
          0.7 + 0.3 * std::sin(2 * std::numbers::pi * (voice.swell_hertz * t + voice.pan));
      const double value = voice.level * swell * std::sin(2 * std::numbers::pi * voice.hertz * t);
      left += value * std::sqrt(1 - voice.pan) * std::numbers::sqrt2;
      right += value * std::sqrt(voice.pan) * std::numbers::sqrt2;
    }
    bed[i * kChannels] = static_cast<float>(left);
    bed[i * kChannels + 1] = static_cast<float>(right);
  }
  return bed;
}

// Lowers `audio` to `level` while a slot with audio of its own is on, over its cross-fades.
void make_room(const RenderSpec& spec, const Slot& slot, double level, std::vector<float>& audio) {
  const std::size_t begin = samples_of(spec, slot.start);
  const std::size_t end =
      std::min(samples_of(spec, slot.start + slot.frames), audio.size() / kChannels);
  const double in = std::max(kShortestFade, static_cast<double>(slot.fade_in) / spec.fps);
  const double out = std::max(kShortestFade, static_cast<double>(slot.fade_out) / spec.fps);
  for (std::size_t i = begin; i < end; ++i) {
    const double from_start = static_cast<double>(i - begin) / kAudioRate;
    const double from_end = static_cast<double>(end - i) / kAudioRate;
    const double presence = std::min({1.0, from_start / in, from_end / out});
    const auto gain =
        static_cast<float>(level + (1 - level) * std::cos(presence * std::numbers::pi / 2));
    for (std::size_t c = 0; c < kChannels; ++c) audio[i * kChannels + c] *= gain;
  }
}

}  // namespace

MemoryFile write_wav(const std::vector<float>& audio) {
  const auto bytes = static_cast<std::uint32_t>(audio.size() * 2);
  std::string wav = "RIFF";
  const auto number = [&wav](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) wav += static_cast<char>(value >> (8 * i));
  };
  number(bytes + 36, 4);
  wav += "WAVEfmt ";
  number(16, 4);
  number(1, 2);
  number(kAudioChannels, 2);
  number(kAudioRate, 4);
  number(kAudioRate * kAudioChannels * 2, 4);
  number(kAudioChannels * 2, 2);
  number(16, 2);
  wav += "data";
  number(bytes, 4);
  for (const float sample : audio) {
    number(static_cast<std::uint16_t>(std::lround(std::clamp(sample, -1.0F, 1.0F) * 32767)), 2);
  }
  MemoryFile file("genpro-audio");
  file.append(std::as_bytes(std::span(wav)));
  return file;
}

std::vector<AudioPart> make_audio(const RenderSpec& spec, const std::vector<Slot>& slots,
                                  const Prepared& prepared, std::vector<float> soundtrack) {
  const int total = spec.duration * spec.fps;
  std::vector<AudioPart> parts;
  bool everywhere = true;
  for (const Visual& visual : prepared.visuals) everywhere = everywhere && !visual.audio.empty();
  const bool may_have_bed = spec.kind == Kind::ingredients || spec.kind == Kind::image;
  const bool bed = soundtrack.empty() && may_have_bed;
  std::vector<float> base;
  if (!bed) base = std::move(soundtrack);
  if (bed && !everywhere) base = make_bed(samples_of(spec, total));
  for (std::size_t i = 0; i < prepared.visuals.size(); ++i) {
    if (prepared.visuals[i].audio.empty()) continue;
    const Slot& slot = slots[i];
    if (!base.empty()) make_room(spec, slot, bed ? 0 : kDuck, base);
    std::vector<float> audio = prepared.visuals[i].audio;
    const double in = static_cast<double>(slot.fade_in) / spec.fps;
    const double out = slot.start + slot.frames >= total
                           ? kEndFade
                           : static_cast<double>(slot.fade_out) / spec.fps;
    fade(audio, std::max(kShortestFade, in), std::max(kShortestFade, out));
    parts.push_back({write_wav(audio), slot.start, slot.frames});
  }
  if (!base.empty()) {
    fade(base, bed ? kEndFade : kShortestFade, kEndFade);
    parts.push_back({write_wav(base), 0, total});
  }
  return parts;
}

}  // namespace genpro::emulator::render
