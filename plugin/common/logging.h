// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The plugin's debug categories. Those of the elements are here to be used with GST_*_OBJECT(); the
// rooms below write to theirs through base/log.h.
#pragma once

#include <gst/gst.h>

namespace genpro {

extern GstDebugCategory* source_debug;  // genprosrc
extern GstDebugCategory* bin_debug;     // genprobin

// To be called once, before an element is registered.
void init_logging();

}  // namespace genpro
