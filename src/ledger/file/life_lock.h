// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who is alive: locks that the kernel gives back when their process dies, however it dies.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "ledger/file/lock_descriptor.h"

namespace genpro::ledger {

class LockFile;

// A lock that is held as long as the object lives. May be released by any thread.
class LifeLock {
 public:
  LifeLock() = default;
  LifeLock(LifeLock&& other) noexcept;
  LifeLock& operator=(LifeLock&& other) noexcept;
  ~LifeLock() { release(); }

  explicit operator bool() const { return file_ != nullptr; }
  void release() noexcept;
  // Makes an exclusive lock a shared one, without giving it up in between.
  void share() noexcept;

 private:
  friend class LockFile;
  LifeLock(std::shared_ptr<LockFile> file, std::int64_t place, bool exclusive)
      : file_(std::move(file)), place_(place), exclusive_(exclusive) {}

  std::shared_ptr<LockFile> file_;
  std::int64_t place_ = 0;
  bool exclusive_ = false;
};

// A file whose bytes stand for things that processes share; only locked, never written. Open file
// description locks are used: unlike POSIX record locks they survive another part of the program
// opening and closing the same file. Within the process, holders are counted.
//
// In a forked child nothing is held any more: it gets no place, and each looks held.
//
// Threads: any; nothing waits.
class LockFile : public std::enable_shared_from_this<LockFile> {
 public:
  // Creates the file, mode 0600. Throws std::system_error.
  static std::shared_ptr<LockFile> open(const std::string& path);
  explicit LockFile(const std::string& path) : descriptor_(path) {}
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  // Nothing when the place is held exclusively.
  std::optional<LifeLock> share(std::int64_t place);
  // Nothing when the place is held in any way, by this process or another one.
  std::optional<LifeLock> take(std::int64_t place);
  // Who would like to have a place that this process holds. `wake` is called once, by whichever
  // thread gives the place back, unless `alive` is gone by then. Then others wait on: the one that
  // was woken may find that it does not need the place any more, so that nobody should wait for
  // this alone.
  struct Waiter {
    std::weak_ptr<void> alive;
    std::function<void()> wake;
  };
  // As take(). When this process itself is in the way, the waiter gets in line, and `is_in_line` is
  // set.
  std::optional<LifeLock> take_or_wait(std::int64_t place, const Waiter& waiter, bool* is_in_line);
  // Whether somebody holds the place.
  bool is_held(std::int64_t place);
  const FileId& file() const { return descriptor_.file(); }

 private:
  friend class LifeLock;
  struct Holders {
    int shared = 0;
    bool exclusive = false;
  };
  struct Table {
    std::map<std::int64_t, Holders> held;
    std::map<std::int64_t, std::deque<Waiter>> lines;
  };

  bool set(std::int64_t place, short type) const;
  std::optional<LifeLock> take(Table& table, std::int64_t place);
  static std::function<void()> next_in_line(Table& table, std::int64_t place);
  void release(std::int64_t place, bool exclusive) noexcept;
  void downgrade(std::int64_t place) noexcept;

  const LockDescriptor descriptor_;
  Guarded<Table> table_;
};

}  // namespace genpro::ledger
