// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file without a name, which goes with its owner, also when the process is killed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/file_descriptor.h"

namespace genpro {

// Threads: any.
class TemporaryFile {
 public:
  // In the folder for temporary files; null when none can be made there, with the reason in errno.
  static std::unique_ptr<TemporaryFile> create();

  // All of the bytes, or false with the reason in errno.
  bool write(std::uint64_t offset, std::span<const unsigned char> bytes);
  bool read(std::uint64_t offset, std::span<unsigned char> bytes);
  // Gives the disk's space back.
  void clear();
  // To be opened as long as this lives.
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_.get()); }

 private:
  explicit TemporaryFile(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  const FileDescriptor descriptor_;
};

}  // namespace genpro
