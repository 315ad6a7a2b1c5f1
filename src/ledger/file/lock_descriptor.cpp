// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/lock_descriptor.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>

namespace genpro::ledger {

namespace {

// All that are open. A table of a fixed size, since a child may do little while it is made: it
// must not wait for a lock that a thread of its parent holds, nor allocate.
constexpr std::size_t most_open = 4096;
constexpr int unused = 0;
constexpr int inherited = -1;
struct Slot {
  std::atomic<int> use = unused;  // or `inherited`, or the descriptor and one
  FileId file;
};
constinit std::array<Slot, most_open> slots{};
constinit std::atomic<std::size_t> slots_used = 0;
// Held while a descriptor is opened or closed, and while the process forks: a child finds each one
// that it has in the table.
constinit std::mutex table_mutex;

void before_fork() {
  table_mutex.lock();
}

void after_fork_in_parent() {
  table_mutex.unlock();
}

void after_fork_in_child() {
  for (std::size_t index = 0; index < slots_used; ++index) {
    const int use = slots[index].use;
    if (use <= unused) continue;
    ::close(use - 1);
    slots[index].use = inherited;
  }
  table_mutex.unlock();
}

void watch_forks() {
  static const int result = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (result != 0) throw std::system_error(result, std::generic_category());
}

[[noreturn]] void raise_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::size_t find_unused() {
  for (std::size_t index = 0; index < most_open; ++index) {
    if (slots[index].use != unused) continue;
    if (index >= slots_used) slots_used = index + 1;
    return index;
  }
  throw std::system_error(EMFILE, std::generic_category());
}

}  // namespace

LockDescriptor::LockDescriptor(const std::string& path) {
  watch_forks();
  const std::lock_guard lock(table_mutex);
  slot_ = find_unused();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) raise_errno("its lock file cannot be opened");
  struct stat info {};
  if (fstat(descriptor, &info) != 0) {
    ::close(descriptor);
    raise_errno("its lock file cannot be looked at");
  }
  file_ = {info.st_dev, info.st_ino};
  slots[slot_].file = file_;
  slots[slot_].use = descriptor + 1;
}

LockDescriptor::~LockDescriptor() {
  const std::lock_guard lock(table_mutex);
  const int use = slots[slot_].use;
  if (use == inherited) return;
  ::close(use - 1);
  slots[slot_].use = unused;
}

int LockDescriptor::get() const {
  const int use = slots[slot_].use;
  return use == inherited ? -1 : use - 1;
}

bool LockDescriptor::is_inherited() const {
  return slots[slot_].use == inherited;
}

bool LockDescriptor::is_inherited(const FileId& file) {
  const std::lock_guard lock(table_mutex);
  for (std::size_t index = 0; index < slots_used; ++index) {
    if (slots[index].use == inherited && slots[index].file == file) return true;
  }
  return false;
}

}  // namespace genpro::ledger
