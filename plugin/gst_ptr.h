// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

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
using MessagePtr = MiniObjectPtr<GstMessage>;
using SamplePtr = MiniObjectPtr<GstSample>;
using TagListPtr = MiniObjectPtr<GstTagList>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;

}  // namespace genpro
