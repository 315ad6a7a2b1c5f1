// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the settings of a genprobin mean for its run.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "bin/bin_settings.h"
#include "bin/playout_control.h"

namespace genpro::bin {

// What makes no sense for the output, with which a run does not start. What is wrong with those of
// a generation is told as any other failure of one.
std::optional<Error> problem_with(const BinSettings& settings);

// Gives a run what they mean. What makes no sense is warned of, and what was set before holds.
// `before`: those that it had, of a new run the defaults; `set`: the number of the one that was
// set, 0 for a new run; `now`: the running time, GST_CLOCK_TIME_NONE unless the element is playing.
void configure(PlayoutControl& control, GstClockTime now, const BinSettings& before,
               const BinSettings& settings, unsigned set);
// A wall time becomes a running time when there is a clock.
void start_clock(PlayoutControl& control, GstClockTime now, const BinSettings& settings);

// GST_CLOCK_TIME_NONE is none.
std::optional<Time> running_time(guint64 time);

}  // namespace genpro::bin
