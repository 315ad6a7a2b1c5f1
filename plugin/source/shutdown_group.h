// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A bin takes its elements to READY one after the other, and each of them waits until the service
// has its stop request. The requests of all of them are sent first, so that the bin waits once.
//
// Lock: the list of members has one. Within it no object is called but to take a reference.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "base/glib_ptr.h"
#include "job/job.h"

namespace genpro {

// Registers an element whose job may have to be stopped. Threads: any.
class ShutdownGroupMember {
 public:
  ShutdownGroupMember(GstElement* element, const std::shared_ptr<job::Job>& job);
  ~ShutdownGroupMember();
  ShutdownGroupMember(const ShutdownGroupMember&) = delete;
  ShutdownGroupMember& operator=(const ShutdownGroupMember&) = delete;

 private:
  friend void begin_shutdown_with(GstElement* element);

  // Neither the element nor its job is kept alive.
  GWeakRef element_{};
  const std::weak_ptr<job::Job> job_;
};

// To be called while `element` goes to READY: Job::begin_shutdown() for the members that the same
// change of state takes there, which is none when the application stops that element alone. Calls
// other objects, so no lock may be held.
void begin_shutdown_with(GstElement* element);

}  // namespace genpro
