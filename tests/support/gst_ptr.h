// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owning pointers for GStreamer types, in the tests only.
#pragma once

#include <memory>

#include <gst/gst.h>

#include "base/glib_ptr.h"

namespace genpro::test {

// gst_message_unref() and its like are inline functions, so each type goes through this one.
struct MiniObjectReleaser {
  template <typename T>
  void operator()(T* object) const noexcept {
    if (object != nullptr) gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
  }
};
template <typename T>
using MiniPtr = std::unique_ptr<T, MiniObjectReleaser>;
using BufferPtr = MiniPtr<GstBuffer>;
using CapsPtr = MiniPtr<GstCaps>;
using MessagePtr = MiniPtr<GstMessage>;
using QueryPtr = MiniPtr<GstQuery>;
using SamplePtr = MiniPtr<GstSample>;
using TagListPtr = MiniPtr<GstTagList>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;
using PadPtr = ObjectPtr<GstPad>;
using ElementPtr = ObjectPtr<GstElement>;

// Takes a new element, floating as constructors give it.
inline ElementPtr sunk(GstElement* element) {
  if (element != nullptr) gst_object_ref_sink(element);
  return ElementPtr::adopt(element);
}

// A pipeline or bin that is in no state it could hang in when its last owner goes.
class Running {
 public:
  explicit Running(ElementPtr element) : element_(std::move(element)) {}
  Running(Running&&) = default;
  Running& operator=(Running&&) = delete;
  ~Running() {
    if (element_) gst_element_set_state(element_.get(), GST_STATE_NULL);
  }
  GstElement* get() const { return element_.get(); }
  explicit operator bool() const { return static_cast<bool>(element_); }

 private:
  ElementPtr element_;
};

}  // namespace genpro::test
