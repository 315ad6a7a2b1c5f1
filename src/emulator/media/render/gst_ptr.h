// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owning pointers for GStreamer types, beside those of base/glib_ptr.h.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "base/glib_ptr.h"

namespace genpro::emulator::render {

// The gst_*_unref() of mini objects are static inline functions, which cannot name a type with
// linkage: one type-erased release serves them all.
struct MiniObjectRelease {
  template <typename T>
  void operator()(T* value) const noexcept {
    if (value != nullptr) gst_mini_object_unref(GST_MINI_OBJECT_CAST(value));
  }
};

template <typename T>
using MiniPtr = std::unique_ptr<T, MiniObjectRelease>;

using BufferPtr = MiniPtr<GstBuffer>;
using SamplePtr = MiniPtr<GstSample>;
using CapsPtr = MiniPtr<GstCaps>;
using MessagePtr = MiniPtr<GstMessage>;
using TagListPtr = MiniPtr<GstTagList>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;

using ElementPtr = ObjectPtr<GstElement>;
using BusPtr = ObjectPtr<GstBus>;
using PadPtr = ObjectPtr<GstPad>;

// Takes over a fresh, floating GstObject.
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

}  // namespace genpro::emulator::render
