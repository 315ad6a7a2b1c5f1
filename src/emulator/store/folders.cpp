// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/store/folders.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "base/glib_ptr.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace fs = std::filesystem;

Folders::Folders(const std::string& root) {
  const GCharPtr absolute(g_canonicalize_filename(root.c_str(), nullptr));
  root_ = absolute.get();
  if (g_mkdir_with_parents(root_.c_str(), 0700) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "The data folder " + root_ + " cannot be created");
  }
  lock_ = FileDescriptor(open((root_ + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!lock_) {
    throw std::system_error(errno, std::generic_category(),
                            "The data folder " + root_ + " is not writable");
  }
  // A renderer that was started by an emulator that was killed may still be about to be another
  // program, and has its lock until then.
  int tries = 0;
  while (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK && ++tries < 20) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    throw std::runtime_error("The data folder " + root_ +
                             " is in use by another genpro-emulator. Stop that one or choose "
                             "another --data-dir.");
  }
  // What an earlier run did not finish is of no use to this one.
  std::error_code ignored;
  fs::remove_all(root_ + "/unfinished", ignored);
  fs::remove_all(root_ + "/jobs", ignored);
  for (const char* name : {"uploads", "outputs", "thumbnails", "blobs", "jobs", "unfinished"}) {
    if (g_mkdir_with_parents((root_ + "/" + name).c_str(), 0700) != 0) {
      throw std::system_error(errno, std::generic_category(),
                              root_ + "/" + name + " cannot be created");
    }
  }
}

std::string Folders::unfinished() const {
  return root_ + "/unfinished/" + random_token();
}

}  // namespace genpro::emulator
