// SPDX-License-Identifier: LGPL-2.1-or-later
//
// New files.
#pragma once

#include <cstddef>
#include <string>

#include "base/file_descriptor.h"

namespace genpro::emulator {

// A file being written, which is removed unless it was moved to its place.
class NewFile {
 public:
  // Throws std::system_error, as all that follows.
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const char* data, std::size_t size);
  std::size_t size() const { return size_; }
  const std::string& path() const { return path_; }
  // Closes the file and gives it its name, replacing what had it.
  void move_to(const std::string& path);

 private:
  std::string path_;
  FileDescriptor file_;
  std::size_t size_ = 0;
};

}  // namespace genpro::emulator
