// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file without a name, kept in memory or on disk. Prepared media must be reachable by URI for
// GES, and must be gone however this process ends: a killed renderer leaves no temporary file
// behind.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/file_descriptor.h"

namespace genpro::emulator::render {

class MemoryFile {
 public:
  // Throws RenderError when the system gives no memory file.
  explicit MemoryFile(const char* label);
  // On the disk of the folder, where its file system can: for what may be large.
  MemoryFile(const char* label, const std::string& folder);

  void append(std::span<const std::byte> bytes);
  // Both are valid in this process only, each open has its own position.
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  std::string uri() const { return "file://" + path(); }

 private:
  FileDescriptor fd_;
};

}  // namespace genpro::emulator::render
