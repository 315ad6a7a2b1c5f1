// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_file.h"

namespace genpro::bin {

std::shared_ptr<ClipFile> ClipFile::create() {
  auto file = TemporaryFile::create();
  return file ? std::make_shared<ClipFile>(std::move(file)) : nullptr;
}

void ClipFile::keep(GstBuffer* buffer) {
  GstMapInfo map;
  if (!GST_BUFFER_OFFSET_IS_VALID(buffer) || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  if (!file_->write(GST_BUFFER_OFFSET(buffer), {map.data, map.size})) failed_ = true;
  gst_buffer_unmap(buffer, &map);
}

}  // namespace genpro::bin
