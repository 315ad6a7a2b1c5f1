// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "base/glib_ptr.h"

namespace genpro {

using CapsPtr = Owned<GstCaps, gst_caps_unref>;
using BufferPtr = Owned<GstBuffer, gst_buffer_unref>;
using TagListPtr = Owned<GstTagList, gst_tag_list_unref>;
using StructurePtr = Owned<GstStructure, gst_structure_free>;

}  // namespace genpro
