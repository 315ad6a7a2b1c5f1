// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a pipeline that is being stopped asks of an element that was never started.
#pragma once

#include <gst/gst.h>

namespace genpro {

// On its way from PLAYING to READY or NULL a pipeline sets each bin in it to PAUSED first, also one
// below that, which would start now: with a generation that nobody will see, or with a failure,
// and a pipeline with a failure cannot be stopped. True for such a change, which is to be passed
// over, as GstBin itself does with elements that are no bins. To be called from
// GstElementClass::set_state, with no lock held.
bool starts_while_pipeline_stops(GstElement* element, GstState state);

}  // namespace genpro
