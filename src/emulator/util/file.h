// SPDX-License-Identifier: LGPL-2.1-or-later
//
// File descriptors and new files.
#pragma once

#include <cstddef>
#include <string>

namespace genpro::emulator {

// A file descriptor, closed with its owner.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const noexcept { return fd_; }
  int release() noexcept;
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

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
  Fd fd_;
  std::size_t size_ = 0;
};

}  // namespace genpro::emulator
