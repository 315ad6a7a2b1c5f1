// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace genpro::bin {

// A ghost pad for a live output: it may be linked and unlinked while the element plays, and what
// happens behind it does not stop what is in front of it. The reference is floating.
GstPad* make_output_pad(const char* name, GstPad* target, GstPadTemplate* pad_template);

}  // namespace genpro::bin
