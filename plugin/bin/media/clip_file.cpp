// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_file.h"

#include <algorithm>
#include <cerrno>

#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

std::shared_ptr<ClipFile> ClipFile::create(std::uint64_t most) {
  auto file = TemporaryFile::create();
  return file ? std::make_shared<ClipFile>(std::move(file), most) : nullptr;
}

void ClipFile::keep(GstBuffer* buffer) {
  GstMapInfo map;
  // What comes after the end is not read again, and the file may be in use by then.
  if (failed_ || ended_ || !GST_BUFFER_OFFSET_IS_VALID(buffer) ||
      !gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    return;
  }
  size_ = std::max<std::uint64_t>(size_, GST_BUFFER_OFFSET(buffer) + map.size);
  const bool is_too_large = size_ > most_;
  failed_ = is_too_large || !file_->write(GST_BUFFER_OFFSET(buffer), {map.data, map.size});
  if (failed_) {
    GST_INFO("a clip is not kept for another take: %s",
             is_too_large ? "it is too large" : g_strerror(errno));
  }
  gst_buffer_unmap(buffer, &map);
  if (failed_) file_->clear();
}

}  // namespace genpro::bin
