// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "emulator/media/render/reporter.h"

namespace genpro::emulator::render {

MemoryFile::MemoryFile(const char* label) : fd_(memfd_create(label, MFD_CLOEXEC)) {
  if (!fd_) {
    throw RenderError(std::string("no memory file could be created: ") + std::strerror(errno) +
                      "; free some memory and try again");
  }
}

MemoryFile::MemoryFile(const char* label, const std::string& folder)
    : fd_(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
  if (!fd_) *this = MemoryFile(label);
}

void MemoryFile::append(std::span<const std::byte> bytes) {
  if (!write_all(fd_.get(), bytes.data(), bytes.size())) {
    throw RenderError(std::string("the prepared media do not fit into memory: ") +
                      std::strerror(errno) + "; free some memory and try again");
  }
}

}  // namespace genpro::emulator::render
