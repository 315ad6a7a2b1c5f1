// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The data folder: where things lie in it, and the lock that keeps two servers out of one.
#pragma once

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

class Folders {
 public:
  // Creates `root` (0700) and what belongs in it, and locks it. Throws std::runtime_error.
  explicit Folders(const std::string& root);
  ~Folders();
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  const std::string& root() const { return root_; }
  std::string uploads(const std::string& name) const { return root_ + "/uploads/" + name; }
  std::string outputs(const std::string& name) const { return root_ + "/outputs/" + name; }
  std::string thumbnails(const std::string& name) const { return root_ + "/thumbnails/" + name; }
  // The bytes of direct uploads, by their tokens.
  std::string blobs(const std::string& token) const { return root_ + "/blobs/" + token; }
  std::string store() const { return root_ + "/store.db"; }
  // The page's account of requests.
  std::string journal() const { return root_ + "/journal.db"; }
  std::string jobs(const std::string& name) const { return root_ + "/jobs/" + name; }
  // A new name for a file that is not finished yet.
  std::string unfinished() const;

 private:
  std::string root_;
  Fd lock_;
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
