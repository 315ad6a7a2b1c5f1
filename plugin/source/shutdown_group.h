// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The elements that shut down together tell the service so together: each one waits for its stop
// request to be handed over, one after the other, and all those waits are one.
//
// Lock: the list of members has one. Within it no object is called but to take a reference.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "base/glib_ptr.h"
#include "job/job.h"

namespace genpro {

// An element with a job that may have to be stopped, as long as this lives. Threads: any.
class ShutdownGroupMember {
 public:
  ShutdownGroupMember(GstElement* element, const std::shared_ptr<job::Job>& job);
  ~ShutdownGroupMember();
  ShutdownGroupMember(const ShutdownGroupMember&) = delete;
  ShutdownGroupMember& operator=(const ShutdownGroupMember&) = delete;

 private:
  friend void begin_shutdown_with(GstElement* element);

  // Both weak: an element that nobody wants any more is not kept, and its job ends with it.
  GWeakRef element_{};
  const std::weak_ptr<job::Job> job_;
};

// To be called while `element` goes to READY: Job::begin_parting() for the members that the same
// change of state takes there, which is none when the application stops that element alone. Calls
// other objects, so no lock may be held.
void begin_shutdown_with(GstElement* element);

}  // namespace genpro
