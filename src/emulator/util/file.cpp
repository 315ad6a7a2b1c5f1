// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace genpro::emulator {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

int Fd::release() noexcept {
  return std::exchange(fd_, -1);
}

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      fd_(open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) {
  if (!fd_) throw std::system_error(errno, std::generic_category(), path_);
}

NewFile::~NewFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void NewFile::write(const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd_.get(), data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "Writing an upload failed");
    }
    data += written;
    size -= static_cast<std::size_t>(written);
    size_ += static_cast<std::size_t>(written);
  }
}

void NewFile::move_to(const std::string& path) {
  fd_ = Fd();
  if (rename(path_.c_str(), path.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  path_.clear();
}

}  // namespace genpro::emulator
