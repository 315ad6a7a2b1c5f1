// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/storage/spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/glib_ptr.h"

namespace genpro::clip {

namespace {

Error file_error() {
  const std::string reason = g_strerror(errno);
  const std::string folder = g_get_tmp_dir();
  Error error;
  error.kind = ErrorKind::read;
  error.message =
      "The clip's server has no byte ranges, so that the clip is kept in a temporary "
      "file, which failed in " +
      folder + " (" + reason + "). Make room there, or set TMPDIR to another folder.";
  error.debug = folder + ": " + reason;
  return error;
}

}  // namespace

std::optional<Error> Spool::put(std::uint64_t offset, std::span<const unsigned char> bytes) {
  // The file has these bytes already.
  if (offset > size_ || offset + bytes.size() <= size_) return std::nullopt;
  bytes = bytes.subspan(size_ - offset);
  if (!write(bytes)) return file_error();
  size_ += bytes.size();
  return std::nullopt;
}

bool Spool::write(std::span<const unsigned char> bytes) {
  if (!file_) {
    if (memory_.size() + bytes.size() <= memory_limit) {
      memory_.insert(memory_.end(), bytes.begin(), bytes.end());
      return true;
    }
    file_ = TemporaryFile::create();
    if (!file_ || !file_->write(0, memory_)) return false;
    memory_ = {};
  }
  return file_->write(size_, bytes);
}

Result<std::size_t> Spool::get(std::uint64_t offset, std::span<unsigned char> bytes) {
  if (offset >= size_) return std::size_t{0};
  bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), size_ - offset));
  if (!file_) {
    std::memcpy(bytes.data(), memory_.data() + offset, bytes.size());
  } else if (!file_->read(offset, bytes)) {
    return file_error();
  }
  return bytes.size();
}

}  // namespace genpro::clip
