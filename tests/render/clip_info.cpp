// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Says what a rendered clip holds: a look at a result by hand.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "decoded_clip.h"

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const auto clip = genpro::emulator::render::test::decode_clip(argv[i]);
    std::printf(
        "%s\n  %dx%d %d/%d, %zu frames, last pts %.4f s, container %.4f s, sound %.4f s (rms "
        "%.4f)\n  "
        "%s\n  %.140s\n  %.100s\n  %s\n",
        argv[i], clip.width, clip.height, clip.fps_n, clip.fps_d, clip.frames.size(),
        clip.frames.empty() ? 0 : static_cast<double>(clip.frames.back().pts) / 1e9,
        static_cast<double>(clip.duration) / 1e9, static_cast<double>(clip.sound.size()) / 48000,
        clip.loudness(0, 600), clip.tags.c_str(), clip.video_caps.c_str(), clip.audio_caps.c_str(),
        genpro::emulator::render::test::box_order(argv[i]).c_str());
  }
  return 0;
}
