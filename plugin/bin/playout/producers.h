// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes the frames and the audio of a genprobin: each takes from the playout what is on at its
// own place in time.
#pragma once

#include <functional>
#include <memory>

#include "bin/output/live_source.h"
#include "bin/playout/playout.h"

namespace genpro::bin {

// `told` is called with a raster that frames have from now on.
std::unique_ptr<Producer> make_video_producer(std::shared_ptr<Playout> playout,
                                              std::function<void(const Raster&)> told);
std::unique_ptr<Producer> make_audio_producer(std::shared_ptr<Playout> playout);

}  // namespace genpro::bin
