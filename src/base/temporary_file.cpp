// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/temporary_file.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

namespace genpro {

namespace {

// Calls `transfer`, which is pwrite() or pread(), until all of `bytes` is done.
template <typename Bytes, typename Transfer>
bool transfer_all(Transfer transfer, int descriptor, std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t done =
        transfer(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = EIO;
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return true;
}

}  // namespace

std::unique_ptr<TemporaryFile> TemporaryFile::create() {
  int descriptor = ::open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    // Not every file system has files without a name.
    std::string name = std::string(g_get_tmp_dir()) + "/genpro-clip-XXXXXX";
    descriptor = g_mkstemp_full(name.data(), O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0) unlink(name.c_str());
  }
  struct Access : TemporaryFile {
    explicit Access(int file) : TemporaryFile(file) {}
  };
  return descriptor < 0 ? nullptr : std::make_unique<Access>(descriptor);
}

TemporaryFile::~TemporaryFile() {
  ::close(descriptor_);
}

bool TemporaryFile::write(std::uint64_t offset, std::span<const unsigned char> bytes) {
  return transfer_all(pwrite, descriptor_, offset, bytes);
}

bool TemporaryFile::read(std::uint64_t offset, std::span<unsigned char> bytes) {
  return transfer_all(pread, descriptor_, offset, bytes);
}

void TemporaryFile::clear() {
  // Space that cannot be given back now is given back when the file is closed.
  if (ftruncate(descriptor_, 0) != 0) return;
}

std::string TemporaryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace genpro
