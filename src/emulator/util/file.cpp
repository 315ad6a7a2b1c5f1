// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace genpro::emulator {

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      file_(open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) {
  if (!file_) throw std::system_error(errno, std::generic_category(), path_);
}

NewFile::~NewFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void NewFile::write(const char* data, std::size_t size) {
  if (!write_all(file_.get(), data, size)) {
    throw std::system_error(errno, std::generic_category(), "Writing an upload failed");
  }
  size_ += size;
}

void NewFile::move_to(const std::string& path) {
  file_ = FileDescriptor();
  if (rename(path_.c_str(), path.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  path_.clear();
}

}  // namespace genpro::emulator
