// SPDX-License-Identifier: LGPL-2.1-or-later
//
// File descriptors, and what is read and written by them. A signal interrupts none of that.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace genpro {

// Owns a file descriptor, or none (-1).
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

// As read() and pread().
ssize_t read_some(int descriptor, void* data, std::size_t size);
ssize_t read_some_at(int descriptor, std::uint64_t offset, void* data, std::size_t size);
// All of it, or false with the reason in errno: EIO where there is no more.
bool read_all_at(int descriptor, std::uint64_t offset, void* data, std::size_t size);
bool write_all(int descriptor, const void* data, std::size_t size);
bool write_all_at(int descriptor, std::uint64_t offset, const void* data, std::size_t size);

}  // namespace genpro
