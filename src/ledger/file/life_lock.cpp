// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/life_lock.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

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
  auto file = std::make_shared<LockFile>(path);
  // Where locks do not work, every place would look as if another process held it.
  struct flock probe = whole_place(0, F_WRLCK);
  if (fcntl(file->descriptor_.get(), F_OFD_GETLK, &probe) != 0) {
    throw std::system_error(errno, std::generic_category(), "its file system has no locks");
  }
  return file;
}

bool LockFile::set(std::int64_t place, short type) const {
  struct flock lock = whole_place(place, type);
  int result = 0;
  do {
    result = fcntl(descriptor_.get(), F_OFD_SETLK, &lock);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

// Each look at the table comes after one at the descriptor: in a forked child, the table's mutex
// may be one that a thread of its parent held.
std::optional<LifeLock> LockFile::share(std::int64_t place) {
  if (descriptor_.is_inherited()) return std::nullopt;
  auto table = table_.lock();
  const auto found = table->held.find(place);
  if (found != table->held.end()) {
    if (found->second.exclusive) return std::nullopt;
    ++found->second.shared;
  } else {
    if (!set(place, F_RDLCK)) return std::nullopt;
    table->held[place].shared = 1;
  }
  return LifeLock(shared_from_this(), place, false);
}

std::optional<LifeLock> LockFile::take(Table& table, std::int64_t place) {
  if (table.held.contains(place) || !set(place, F_WRLCK)) return std::nullopt;
  table.held[place].exclusive = true;
  return LifeLock(shared_from_this(), place, true);
}

std::optional<LifeLock> LockFile::take(std::int64_t place) {
  if (descriptor_.is_inherited()) return std::nullopt;
  auto table = table_.lock();
  return take(*table, place);
}

std::optional<LifeLock> LockFile::take_or_wait(std::int64_t place, const Waiter& waiter,
                                               bool* is_in_line) {
  if (descriptor_.is_inherited()) return std::nullopt;
  auto table = table_.lock();
  auto lock = take(*table, place);
  if (lock || !table->held.contains(place)) return lock;
  *is_in_line = true;
  std::deque<Waiter>& line = table->lines[place];
  const bool is_known = std::any_of(line.begin(), line.end(), [&](const Waiter& other) {
    return !other.alive.owner_before(waiter.alive) && !waiter.alive.owner_before(other.alive);
  });
  if (!is_known) line.push_back(waiter);
  return std::nullopt;
}

bool LockFile::is_held(std::int64_t place) {
  if (descriptor_.is_inherited()) return true;
  auto table = table_.lock();
  if (table->held.contains(place)) return true;
  struct flock lock = whole_place(place, F_WRLCK);
  return fcntl(descriptor_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

std::function<void()> LockFile::next_in_line(Table& table, std::int64_t place) {
  const auto found = table.lines.find(place);
  if (found == table.lines.end()) return nullptr;
  std::deque<Waiter>& line = found->second;
  std::function<void()> wake;
  while (!line.empty() && !wake) {
    if (!line.front().alive.expired()) wake = std::move(line.front().wake);
    line.pop_front();
  }
  if (line.empty()) table.lines.erase(found);
  return wake;
}

void LockFile::release(std::int64_t place, bool exclusive) noexcept {
  if (descriptor_.is_inherited()) return;
  std::function<void()> wake;
  {
    auto table = table_.lock();
    const auto found = table->held.find(place);
    if (found == table->held.end()) return;
    if (!exclusive && --found->second.shared > 0) return;
    table->held.erase(found);
    set(place, F_UNLCK);
    wake = next_in_line(*table, place);
  }
  if (wake) wake();
}

void LockFile::downgrade(std::int64_t place) noexcept {
  if (descriptor_.is_inherited()) return;
  auto table = table_.lock();
  const auto found = table->held.find(place);
  if (found == table->held.end()) return;
  set(place, F_RDLCK);
  found->second = {1, false};
}

}  // namespace genpro::ledger
