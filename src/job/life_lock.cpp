// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/life_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace genpro::job {

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

LifeLock::LifeLock(LifeLock&& other) noexcept
    : file_(std::move(other.file_)), place_(other.place_), exclusive_(other.exclusive_) {
  other.file_.reset();
}

LifeLock& LifeLock::operator=(LifeLock&& other) noexcept {
  if (this == &other) return *this;
  release();
  file_ = std::exchange(other.file_, nullptr);
  place_ = other.place_;
  exclusive_ = other.exclusive_;
  return *this;
}

void LifeLock::release() noexcept {
  if (const auto file = std::exchange(file_, nullptr)) file->release(place_, exclusive_);
}

void LifeLock::share() noexcept {
  if (!file_ || !exclusive_) return;
  file_->downgrade(place_);
  exclusive_ = false;
}

std::shared_ptr<LockFile> LockFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category());
  auto file = std::make_shared<LockFile>(descriptor);
  // Where locks do not work, every place would look as if another process held it.
  struct flock probe = whole_place(0, F_WRLCK);
  if (fcntl(descriptor, F_OFD_GETLK, &probe) != 0) {
    throw std::system_error(errno, std::generic_category(), "its file system has no locks");
  }
  return file;
}

LockFile::~LockFile() {
  ::close(descriptor_);
}

bool LockFile::set(std::int64_t place, short type) const {
  struct flock lock = whole_place(place, type);
  int result = 0;
  do {
    result = fcntl(descriptor_, F_OFD_SETLK, &lock);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

std::optional<LifeLock> LockFile::share(std::int64_t place) {
  auto table = table_.lock();
  const auto found = table->find(place);
  if (found != table->end()) {
    if (found->second.exclusive) return std::nullopt;
    ++found->second.shared;
  } else {
    if (!set(place, F_RDLCK)) return std::nullopt;
    (*table)[place].shared = 1;
  }
  return LifeLock(shared_from_this(), place, false);
}

std::optional<LifeLock> LockFile::take(std::int64_t place) {
  auto table = table_.lock();
  if (table->contains(place) || !set(place, F_WRLCK)) return std::nullopt;
  (*table)[place].exclusive = true;
  return LifeLock(shared_from_this(), place, true);
}

bool LockFile::is_held(std::int64_t place) {
  auto table = table_.lock();
  if (table->contains(place)) return true;
  struct flock lock = whole_place(place, F_WRLCK);
  return fcntl(descriptor_, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

void LockFile::release(std::int64_t place, bool exclusive) noexcept {
  auto table = table_.lock();
  const auto found = table->find(place);
  if (found == table->end()) return;
  if (!exclusive && --found->second.shared > 0) return;
  table->erase(found);
  set(place, F_UNLCK);
}

void LockFile::downgrade(std::int64_t place) noexcept {
  auto table = table_.lock();
  const auto found = table->find(place);
  if (found == table->end()) return;
  set(place, F_RDLCK);
  found->second = {1, false};
}

}  // namespace genpro::job
