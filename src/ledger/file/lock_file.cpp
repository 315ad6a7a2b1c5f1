// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/lock_file.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

namespace genpro::ledger {

namespace {

struct flock whole_place(std::int64_t place, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return lock;
}

}  // namespace

std::shared_ptr<LockFile> LockFile::open(const std::string& path) {
  auto file = std::make_shared<LockFile>(path);
  // Where locks do not work, every place would look as if another process held it.
  struct flock probe = whole_place(0, F_WRLCK);
  if (fcntl(file->descriptor_.get(), F_OFD_GETLK, &probe) != 0) {
    throw std::system_error(errno, std::generic_category(), "its file system has no locks");
  }
  return file;
}

bool LockFile::set(std::int64_t place, Mode mode) {
  const short type = mode == Mode::none ? F_UNLCK : mode == Mode::shared ? F_RDLCK : F_WRLCK;
  struct flock lock = whole_place(place, type);
  int result = 0;
  do {
    result = fcntl(descriptor_.get(), F_OFD_SETLK, &lock);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool LockFile::is_held_by_others(std::int64_t place) {
  struct flock lock = whole_place(place, F_WRLCK);
  return fcntl(descriptor_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace genpro::ledger
