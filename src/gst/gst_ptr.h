// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owning pointers for GStreamer types, for plugin, emulator and tests.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "base/glib_ptr.h"

namespace genpro {

// GStreamer's own functions for these are inline, so that each file has another one, and a type
// that names it could not be the same in two files.
struct MiniObjectReleaser {
  template <typename T>
  void operator()(T* object) const noexcept {
    if (object != nullptr) gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
  }
};
template <typename T>
using MiniObjectPtr = std::unique_ptr<T, MiniObjectReleaser>;

using CapsPtr = MiniObjectPtr<GstCaps>;
using BufferPtr = MiniObjectPtr<GstBuffer>;
using EventPtr = MiniObjectPtr<GstEvent>;
using MessagePtr = MiniObjectPtr<GstMessage>;
using QueryPtr = MiniObjectPtr<GstQuery>;
using SamplePtr = MiniObjectPtr<GstSample>;
using TagListPtr = MiniObjectPtr<GstTagList>;
using ContextPtr = MiniObjectPtr<GstContext>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;

using BusPtr = ObjectPtr<GstBus>;
using ElementPtr = ObjectPtr<GstElement>;
using PadPtr = ObjectPtr<GstPad>;

// Takes a new object, floating as constructors give it.
template <typename T>
ObjectPtr<T> sink_ref(T* object) noexcept {
  if (object != nullptr) gst_object_ref_sink(object);
  return ObjectPtr<T>::adopt(object);
}

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

}  // namespace genpro
