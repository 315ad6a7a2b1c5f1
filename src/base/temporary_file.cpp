// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/temporary_file.h"

#include <fcntl.h>
#include <glib.h>

namespace genpro {

std::unique_ptr<TemporaryFile> TemporaryFile::create() {
  FileDescriptor file(open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) {
    // Not every file system has files without a name.
    std::string name = std::string(g_get_tmp_dir()) + "/genpro-clip-XXXXXX";
    file = FileDescriptor(g_mkstemp_full(name.data(), O_RDWR | O_CLOEXEC, 0600));
    if (file) unlink(name.c_str());
  }
  struct Access : TemporaryFile {
    explicit Access(FileDescriptor descriptor) : TemporaryFile(std::move(descriptor)) {}
  };
  return file ? std::make_unique<Access>(std::move(file)) : nullptr;
}

bool TemporaryFile::write(std::uint64_t offset, std::span<const unsigned char> bytes) {
  return write_all_at(descriptor_.get(), offset, bytes.data(), bytes.size());
}

bool TemporaryFile::read(std::uint64_t offset, std::span<unsigned char> bytes) {
  return read_all_at(descriptor_.get(), offset, bytes.data(), bytes.size());
}

void TemporaryFile::clear() {
  // Space that cannot be given back now is given back when the file is closed.
  if (ftruncate(descriptor_.get(), 0) != 0) return;
}

}  // namespace genpro
