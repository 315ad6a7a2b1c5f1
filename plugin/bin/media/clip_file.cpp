// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace genpro::bin {

namespace {

bool write_all(int descriptor, const guint8* data, gsize size, off_t place) {
  while (size > 0) {
    const ssize_t written = pwrite(descriptor, data, size, place);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<gsize>(written);
    place += written;
  }
  return true;
}

}  // namespace

std::shared_ptr<ClipFile> ClipFile::create() {
  int descriptor = ::open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    // Not every file system has files without a name.
    std::string name = std::string(g_get_tmp_dir()) + "/genpro-clip-XXXXXX";
    descriptor = g_mkstemp_full(name.data(), O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0) unlink(name.c_str());
  }
  return descriptor < 0 ? nullptr : std::make_shared<ClipFile>(descriptor);
}

ClipFile::~ClipFile() {
  ::close(descriptor_);
}

void ClipFile::keep(GstBuffer* buffer) {
  if (!GST_BUFFER_OFFSET_IS_VALID(buffer)) return;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  const guint64 offset = GST_BUFFER_OFFSET(buffer);
  const bool written = write_all(descriptor_, map.data, map.size, static_cast<off_t>(offset));
  auto state = state_.lock();
  if (written) {
    state->coverage.add(offset, offset + map.size);
  } else {
    state->failed = true;
  }
  gst_buffer_unmap(buffer, &map);
}

void ClipFile::end(std::optional<std::uint64_t> size) {
  auto state = state_.lock();
  const std::uint64_t total = size.value_or(state->coverage.size());
  state->whole = !state->failed && total > 0 && state->coverage.covers(total);
}

bool ClipFile::is_whole() {
  return state_.lock()->whole;
}

std::string ClipFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace genpro::bin
