// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which scenarios there are, and how one is made simpler.
#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <sstream>
#include <tuple>

#include "unit/playout_simulation.h"

namespace genpro::test {

using bin::AtEnd;
using bin::Time;

namespace {

// Without names and numbers.
std::string kind_of(std::string problem) {
  std::erase_if(problem, [](char letter) {
    return g_ascii_isdigit(letter) || g_ascii_isupper(letter) || letter == '.' || letter == '-';
  });
  return problem;
}

}  // namespace

Time FakeClip::frames_length() const {
  return std::accumulate(frames.begin(), frames.end(), Time{0});
}

Time FakeClip::length() const {
  const Time length = frames_length();
  return audio >= length + frames.front() ? audio : length;
}

Scenario Scenario::random(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto upto = [&](Time most) {
    return static_cast<Time>(random() % (static_cast<std::uint64_t>(most) + 1));
  };
  const auto chance = [&](int of) { return upto(of - 1) == 0; };
  constexpr std::array<std::array<int, 2>, 11> rates = {{{24'000, 1001},
                                                         {24, 1},
                                                         {25, 1},
                                                         {30'000, 1001},
                                                         {30, 1},
                                                         {50, 1},
                                                         {60'000, 1001},
                                                         {60, 1},
                                                         {15, 1},
                                                         {10, 1},
                                                         {17'531, 619}}};
  const auto rate = [&] { return rates[static_cast<std::size_t>(upto(rates.size() - 1))]; };
  Scenario scenario;
  std::tie(scenario.fps_n, scenario.fps_d) = std::tuple_cat(rate());
  scenario.frames = static_cast<int>(20 + upto(150));
  scenario.at_end = static_cast<AtEnd>(upto(3));
  if (chance(5)) {
    scenario.at_end_changes = static_cast<int>(upto(scenario.frames));
    scenario.later_at_end = static_cast<AtEnd>(upto(3));
  }
  if (chance(4)) scenario.fade = upto(800 * GST_MSECOND);
  scenario.audio_lead = upto(600 * GST_MSECOND) - 200 * GST_MSECOND;
  // As far as the latency of what follows has it. While clips are mixed, nothing tells how far
  // audio has been taken, which their reading follows.
  if (chance(4) && scenario.fade == 0) scenario.audio_lead *= 10;
  if (chance(2)) scenario.audio_jitter = 1 + upto(100 * GST_MSECOND);
  const auto clips = 1 + upto(3);
  for (int number = 0; number < clips; ++number) {
    FakeClip clip;
    clip.offered = static_cast<int>(upto(scenario.frames - 1));
    if (number == 0) clip.offered /= 4;
    const auto [fps_n, fps_d] = rate();
    const bool is_variable = chance(6);
    const int frames = static_cast<int>(1 + upto(chance(3) ? 3 : 60));
    Time end = 0;
    for (int frame = 1; frame <= frames; ++frame) {
      const auto next = static_cast<Time>(gst_util_uint64_scale_round(
          static_cast<guint64>(frame), GST_SECOND * static_cast<guint64>(fps_d),
          static_cast<guint64>(fps_n)));
      const Time duration = is_variable ? 17 * GST_MSECOND + upto(80 * GST_MSECOND) : next - end;
      clip.frames.push_back(duration);
      end = next;
    }
    clip.begin = chance(2) ? 0 : upto(2 * GST_SECOND);
    const Time length = clip.length();
    if (!chance(5)) clip.audio = length;
    // While clips are mixed, nothing tells how far audio has been taken, which the end waits for.
    if (chance(5)) clip.audio = upto(scenario.fade == 0 ? 2 * length : length);
    if (chance(8)) {
      clip.stalls_at = static_cast<int>(upto(frames - 1));
      clip.stalls_for = static_cast<int>(1 + upto(30));
    }
    if (chance(8)) clip.fails = clip.offered + static_cast<int>(upto(60));
    if (chance(8)) clip.failing_repeat = static_cast<int>(1 + upto(2));
    scenario.clips.push_back(std::move(clip));
  }
  if (chance(4)) {
    scenario.skips_at = static_cast<int>(upto(scenario.frames));
    scenario.skips_for = static_cast<int>(1 + upto(90));
  }
  return scenario;
}

std::string Scenario::text() const {
  std::ostringstream text;
  text << "output of " << fps_n << '/' << fps_d << ", " << frames << " frames; at-end "
       << static_cast<int>(at_end) << "; fade " << ms(fade) << " ms; audio ahead " << ms(audio_lead)
       << " to " << ms(audio_lead + audio_jitter) << " ms";
  if (skips_at >= 0) text << "; takes no frames at " << skips_at << " for " << skips_for;
  text << '\n';
  for (const FakeClip& clip : clips) {
    text << "  offered at " << clip.offered << ": " << clip.frames.size() << " frames, "
         << ms(clip.length()) << " ms, the first one " << ms(clip.frames[0]) << " ms; begins at "
         << ms(clip.begin) << " ms; audio of " << ms(clip.audio) << " ms";
    if (clip.stalls_at >= 0) text << "; stalls at " << clip.stalls_at << " for " << clip.stalls_for;
    if (clip.fails >= 0) text << "; fails at " << clip.fails;
    if (clip.failing_repeat >= 0) text << "; fails the " << clip.failing_repeat << ". time again";
    text << '\n';
  }
  return text.str();
}

Scenario shrink(Scenario scenario) {
  const std::string kind = kind_of(simulate(scenario).problem);
  const auto try_this = [&](const auto& simplify) {
    Scenario simpler = scenario;
    simplify(simpler);
    const bool fails = !simpler.clips.empty() && kind_of(simulate(simpler).problem) == kind;
    if (fails) scenario = std::move(simpler);
    return fails;
  };
  for (std::size_t at = 0; at < scenario.clips.size();) {
    if (!try_this([&](Scenario& s) { s.clips.erase(s.clips.begin() + static_cast<long>(at)); }))
      ++at;
  }
  try_this([](Scenario& s) { s.fade = 0; });
  try_this([](Scenario& s) { s.audio_jitter = 0; });
  try_this([](Scenario& s) { s.audio_lead = 0; });
  try_this([](Scenario& s) { s.at_end_changes = -1; });
  try_this([](Scenario& s) { s.skips_at = -1; });
  try_this([](Scenario& s) { s.at_end = AtEnd::placeholder; });
  for (std::size_t at = 0; at < scenario.clips.size(); ++at) {
    try_this([&](Scenario& s) { s.clips[at].begin = 0; });
    try_this([&](Scenario& s) { s.clips[at].audio = 0; });
    try_this([&](Scenario& s) { s.clips[at].audio = s.clips[at].frames_length(); });
    try_this([&](Scenario& s) { s.clips[at].stalls_at = -1; });
    try_this([&](Scenario& s) { s.clips[at].fails = -1; });
    try_this([&](Scenario& s) { s.clips[at].failing_repeat = -1; });
    while (scenario.clips[at].frames.size() > 1 &&
           try_this([&](Scenario& s) { s.clips[at].frames.pop_back(); })) {
    }
  }
  while (scenario.frames > 1 && try_this([](Scenario& s) { --s.frames; })) {
  }
  return scenario;
}

}  // namespace genpro::test
