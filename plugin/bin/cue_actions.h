// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an application does with a clip of genprobin that is cued or on: action signals.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>

#include "bin/playout_control.h"

namespace genpro::bin {

// Null before the first run.
using ControlOf = std::shared_ptr<PlayoutControl> (*)(gpointer element);

// Documented here, since gst-inspect-1.0 shows the names only. All are actions, from any thread and
// any handler; `when` is a running time in ns, and GST_CLOCK_TIME_NONE as soon as possible.
//   take (when)        the clip that is waited for or cued goes on air
//   untake             it does not, also a replay
//   clear (when)       back to the placeholder; what is cued stays so
//   replay (when)      the clip that is on, or was on last, from its beginning
//   freeze (when), unfreeze (when)  the frame stands in silence; it goes on from there
//   seek-cue (position)  what is cued, else what was on last, is cued at that time of the clip
// False, and a warning in the log, when there is nothing to do it to.
//   clip-cued (id, length)  a signal: it can be taken; the length in ns, GST_CLOCK_TIME_NONE when
//                      the clip does not tell it
void install_cue_signals(GType type, ControlOf control_of);

// What such an action does; FALSE, and `why_not` in the log, when `action` says that there is
// nothing to do it to.
gboolean act(gpointer element, const char* name, const char* why_not,
             const std::function<bool(PlayoutControl&)>& action);

}  // namespace genpro::bin
