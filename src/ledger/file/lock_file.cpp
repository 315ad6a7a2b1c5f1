// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/lock_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
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

// The kernel names any lock of a range, so that what is on both sides of it is asked for as well.
// Place 0 is of who opens the file.
std::vector<std::int64_t> LockFile::held_by_others(std::size_t most) {
  struct Range {
    std::int64_t first, last;
  };
  std::vector<Range> ranges = {{1, std::numeric_limits<std::int64_t>::max()}};
  std::vector<std::int64_t> places;
  while (!ranges.empty() && places.size() < most) {
    const Range range = ranges.back();
    ranges.pop_back();
    struct flock lock = whole_place(range.first, F_WRLCK);
    lock.l_len = range.last - range.first + 1;
    if (fcntl(descriptor_.get(), F_OFD_GETLK, &lock) != 0) {
      throw std::system_error(errno, std::generic_category(), "its locks cannot be looked at");
    }
    if (lock.l_type == F_UNLCK) continue;
    const std::int64_t first = std::max<std::int64_t>(lock.l_start, range.first);
    const std::int64_t last =
        lock.l_len == 0 ? range.last : std::min(lock.l_start + lock.l_len - 1, range.last);
    for (std::int64_t place = first; place <= last && places.size() < most; ++place) {
      places.push_back(place);
    }
    if (last < range.last) ranges.push_back({last + 1, range.last});
    if (range.first < first) ranges.push_back({range.first, first - 1});
  }
  return places;
}

}  // namespace genpro::ledger
