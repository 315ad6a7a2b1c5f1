// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an application does with the queue of genprobin: action signals.
#pragma once

#include <gst/gst.h>

#include "bin/cue_actions.h"
#include "bin/item_queue.h"

namespace genpro::bin {

// What they work with, of an element.
struct QueueAccess {
  ControlOf control;
  SharedItems (*items)(gpointer element);
  // Adds it to the queue of the run, or, from when that begins to end, of the next one.
  unsigned (*add)(gpointer element, Settings settings);
  Settings (*defaults)(gpointer element);
};

// Documented here, since gst-inspect-1.0 shows the names only. All are actions, from any thread and
// any handler, in any state; those items that are queued before the element starts are the first
// ones.
//   enqueue (text)     adds an item with these settings, in place of the element's as they are now:
//                      a JSON object or a GstStructure. Its number, of type uint; 0, and a WARNING,
//                      when it is nothing that could be asked for
//   remove (number)    it does not go on air
//   move (number, position)  it is the one at that position of those to come; 1: the next one
//   skip               what is on gives way to the next one as soon as that is ready
// But for `enqueue`, FALSE and a warning in the log when there is no such item, or it is on air.
void install_queue_signals(GType type, const QueueAccess& access);

}  // namespace genpro::bin
