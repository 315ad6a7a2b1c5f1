// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/folder.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "base/text.h"
#include "cli/clip/output_file.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string read_marker(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Also where the file system has no locks.
bool has_locked(int descriptor, int operation) {
  return flock(descriptor, operation | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path, const std::string& batch)
    : marker_((fs::path(path) / ".genpro-batch").string()) {
  std::error_code error;
  fs::create_directories(path, error);
  descriptor_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor_) {
    throw std::runtime_error("The folder " + one_line(path, 200) +
                             " cannot be used: " + g_strerror(errno) + ". Name another --out.");
  }
  // Who holds it alone does so for the moment that it takes to look at the marker.
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  bool is_in = false;
  while (!is_in) {
    if (has_locked(descriptor_.get(), LOCK_EX)) {
      try {
        replace_file(marker_, batch);
      } catch (const std::runtime_error&) {
        return;  // Nothing can be written there: nobody joins.
      }
    }
    is_in = has_locked(descriptor_.get(), LOCK_SH);
    if (is_in) break;
    if (std::chrono::steady_clock::now() >= deadline) {
      throw std::runtime_error("Another program has locked the folder " + one_line(path, 200) +
                               ". Wait for it, or name another folder.");
    }
    std::this_thread::sleep_for(20ms);
  }
  // On the way to the second lock, another one may have been first.
  if (read_marker(marker_) == batch) return;
  throw std::runtime_error("Another batch, or one with another ledger, is writing to " +
                           one_line(path, 200) + ". Wait for it, or name another folder.");
}

OutputFolder::~OutputFolder() {
  if (has_locked(descriptor_.get(), LOCK_EX)) unlink(marker_.c_str());
}

}  // namespace genpro::cli
