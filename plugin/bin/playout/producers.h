// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes the frames and the audio of a genprobin: each takes from the playout what is due at
// its own running time.
#pragma once

#include <memory>

#include "bin/output/live_source.h"
#include "bin/playout/playout.h"

namespace genpro::bin {

std::unique_ptr<Producer> make_video_producer(std::shared_ptr<CurrentPlayout> current);
std::unique_ptr<Producer> make_audio_producer(std::shared_ptr<CurrentPlayout> current);

}  // namespace genpro::bin
