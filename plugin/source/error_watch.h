// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether there was an error in an element's pipeline.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>

#include "base/glib_ptr.h"

namespace genpro {

// Sees each ERROR that is posted on the bus of the outermost bin that an element is in. The
// application's own handlers and watches go on as before; a message that its sync handler drops is
// not seen here either, nor is any where there is no such bus. Threads: constructed and destroyed
// by state changes; has_seen_one() by any.
class ErrorWatch {
 public:
  explicit ErrorWatch(GstElement* element);
  ~ErrorWatch();
  ErrorWatch(const ErrorWatch&) = delete;
  ErrorWatch& operator=(const ErrorWatch&) = delete;

  bool has_seen_one() const { return *seen_; }

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;
  static void on_error(GstBus*, GstMessage*, gpointer flag);

  // A handler may still run when this is gone.
  const Flag seen_ = std::make_shared<std::atomic<bool>>(false);
  ObjectPtr<GstBus> bus_;
  gulong handler_ = 0;
};

}  // namespace genpro
