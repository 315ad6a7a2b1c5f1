// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/output_file.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "base/text.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

constexpr mode_t usual_mode = 0666;  // less the umask

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

OutputFile::OutputFile(std::string path, bool replaces, const char* advice)
    : path_(std::move(path)), replaces_(replaces), advice_(advice) {
  struct stat info {};
  if (stat(path_.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) {
      throw std::runtime_error(one_line(path_, 200) + " is no file. Name one.");
    }
    if (!replaces_) {
      fail_as_taken();
    }
    // A link stays one.
    path_ = fs::canonical(path_).string();
  }
  const auto open_new = [&](const std::string& name, int flags) {
    file_ = FileDescriptor(::open(name.c_str(), flags | O_WRONLY | O_CLOEXEC, usual_mode));
    return static_cast<bool>(file_);
  };
  if (open_new(folder_of(path_), O_TMPFILE)) return;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) fail("written");
  // Not every file system has files without a name.
  const std::string name = hidden_name();
  if (!open_new(name, O_CREAT | O_EXCL)) fail("written");
  temporary_ = name;
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::fail(const std::string& what) const {
  const int reason = errno;
  throw std::runtime_error(one_line(path_, 200) + " cannot be " + what + ": " + g_strerror(reason) +
                           ".");
}

void OutputFile::fail_as_taken() const {
  throw std::runtime_error(one_line(path_, 200) + " is there already. " + advice_);
}

std::string OutputFile::hidden_name() const {
  return (fs::path(folder_of(path_)) /
          ("." + fs::path(path_).filename().string() + "." + std::to_string(getpid()) + "-" +
           std::to_string(g_random_int())))
      .string();
}

void OutputFile::write(std::span<const unsigned char> bytes) {
  if (!write_all(file_.get(), bytes.data(), bytes.size())) fail("written");
}

void OutputFile::commit() {
  if (fsync(file_.get()) != 0 && errno != EINVAL) fail("written");
  if (temporary_.empty()) {
    const std::string self = "/proc/self/fd/" + std::to_string(file_.get());
    const std::string name = replaces_ ? hidden_name() : path_;
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno == EEXIST) fail_as_taken();
      fail("made");
    }
    if (replaces_) temporary_ = name;
  } else if (!replaces_) {
    if (link(temporary_.c_str(), path_.c_str()) != 0) {
      if (errno == EEXIST) fail_as_taken();
      fail("made");
    }
    unlink(temporary_.c_str());
    temporary_.clear();
  }
  if (!temporary_.empty()) {
    if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("made");
    temporary_.clear();
  }
  // Nor does a power cut take the name away.
  const FileDescriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) fsync(folder.get());
}

void replace_file(const std::string& path, const std::string& text) {
  OutputFile file(path, true);
  file.write({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  file.commit();
}

}  // namespace genpro::cli
