// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An owning pointer for a pipeline, beside those of gst/gst_ptr.h.
#pragma once

#include <gst/gst.h>

#include "gst/gst_ptr.h"

namespace genpro::emulator::render {

// A pipeline that goes to NULL with its owner, so that no streaming thread outlives what it uses.
class PipelinePtr {
 public:
  PipelinePtr() noexcept = default;
  explicit PipelinePtr(GstElement* floating) noexcept : element_(sink_ref(floating)) {}
  PipelinePtr(const PipelinePtr&) = delete;
  PipelinePtr& operator=(const PipelinePtr&) = delete;
  ~PipelinePtr() { stop(); }

  void reset(GstElement* floating) noexcept {
    stop();
    element_ = sink_ref(floating);
  }
  void stop() noexcept {
    if (element_) gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  GstElement* get() const noexcept { return element_.get(); }
  GstBin* bin() const noexcept { return GST_BIN(element_.get()); }
  ElementPtr by_name(const char* name) const {
    return ElementPtr::adopt(gst_bin_get_by_name(bin(), name));
  }
  BusPtr bus() const { return BusPtr::adopt(gst_element_get_bus(element_.get())); }

 private:
  ElementPtr element_;
};

}  // namespace genpro::emulator::render
