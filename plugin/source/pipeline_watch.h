// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether an element's pipeline has had an error, or has ended.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>

#include "base/glib_ptr.h"

namespace genpro {

// Sees each ERROR, EOS and SEGMENT_DONE that is posted on the bus of the outermost bin that an
// element is in. The application's own handlers and watches go on as before; a message that its
// sync handler drops is not seen here either, nor is any where there is no such bus. Threads:
// constructed and destroyed by state changes; the rest by any.
class PipelineWatch {
 public:
  explicit PipelineWatch(GstElement* element);
  ~PipelineWatch();
  PipelineWatch(const PipelineWatch&) = delete;
  PipelineWatch& operator=(const PipelineWatch&) = delete;

  bool has_failed() const { return seen_->error; }
  // All sinks have had the end of the stream, or of a segment.
  bool has_ended() const { return seen_->end; }

 private:
  struct Seen {
    std::atomic<bool> error = false;
    std::atomic<bool> end = false;
  };
  using Shared = std::shared_ptr<Seen>;
  static void on_message(GstBus*, GstMessage* message, gpointer seen);

  // A handler may still run when this is gone.
  const Shared seen_ = std::make_shared<Seen>();
  ObjectPtr<GstBus> bus_;
  gulong handler_ = 0;
};

}  // namespace genpro
