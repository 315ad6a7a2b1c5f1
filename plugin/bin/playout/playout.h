// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the parts of a run of genprobin share: what is shown, and in which raster.
#pragma once

#include <functional>
#include <memory>

#include "base/guarded.h"
#include "bin/media/raster.h"
#include "bin/output/live_source.h"
#include "bin/playout/placeholder.h"
#include "bin/playout/timeline.h"

namespace genpro::bin {

// Threads: any.
struct Playout {
  explicit Playout(Timeline::Events events) : timeline(std::move(events)) {}

  Timeline timeline;
  OutputStats output;
  std::shared_ptr<Placeholder> placeholder = std::make_shared<Placeholder>();
  Guarded<WantedRaster> wanted;
  // What is shown now; of no size before that is known.
  Guarded<Raster> raster;
  // Called with what is shown from now on, on the thread that makes frames.
  std::function<void(const Raster&)> raster_changed = [](const Raster&) {};
  // Lives until the application was told of the latest change of what is on.
  Guarded<std::weak_ptr<void>> untold;
};

// That of the current run, null before the first one.
using CurrentPlayout = Guarded<std::shared_ptr<Playout>>;

}  // namespace genpro::bin
