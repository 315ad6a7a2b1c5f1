// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who is alive: locks that are given back when their process dies, however it dies.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"

namespace genpro::ledger {

class Places;

// A lock that is held as long as the object lives. May be released by any thread.
class LifeLock {
 public:
  LifeLock() = default;
  LifeLock(LifeLock&& other) noexcept;
  LifeLock& operator=(LifeLock&& other) noexcept;
  ~LifeLock() { release(); }

  explicit operator bool() const { return places_ != nullptr; }
  void release() noexcept;
  // Makes an exclusive lock a shared one, without giving it up in between.
  void share() noexcept;

 private:
  friend class Places;
  LifeLock(std::shared_ptr<Places> places, std::int64_t place, bool exclusive)
      : places_(std::move(places)), place_(place), exclusive_(exclusive) {}

  std::shared_ptr<Places> places_;
  std::int64_t place_ = 0;
  bool exclusive_ = false;
};

// Numbers that stand for things that processes share. Within the process, holders are counted; what
// holds a place against other processes is up to the storage.
//
// In a forked child nothing is held any more: it gets no place, and each looks held.
//
// Threads: any; but see AdvisoryLocks for who may take one.
class Places : public std::enable_shared_from_this<Places> {
 public:
  Places() = default;
  virtual ~Places() = default;
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

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
  // Places that other processes hold now, or other connections of this one; no more than `most`.
  virtual std::vector<std::int64_t> held_by_others(std::size_t most) = 0;
  // Whether it was held, and somebody else may have had it since.
  virtual bool is_lost(std::int64_t /*place*/) { return false; }
  // For who releases on other threads than the storage's: what is given back is, when the storage
  // is used the next time, which `wake` asks for. It is called on any thread.
  virtual void when_given_back(std::function<void()> /*wake*/) {}

 protected:
  enum class Mode { none, shared, exclusive };
  // Takes a place against other processes. False: one of them is in the way.
  virtual bool set(std::int64_t place, Mode mode) = 0;
  // Makes it shared, or gives it back. Any thread; does not wait.
  virtual void give(std::int64_t place, Mode mode) noexcept = 0;
  // Whether set() may take a while. Then one thread at a time takes places, and others may give
  // theirs back meanwhile.
  virtual bool is_slow() const { return false; }
  // As is_held(), as far as others hold it.
  virtual bool is_held_by_others(std::int64_t place) = 0;
  virtual bool is_inherited() const = 0;  // this is a forked child

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

  using TableLock = std::optional<Guarded<Table>::Lock>;

  std::optional<LifeLock> share_again(TableLock& table, std::int64_t place);
  bool obtain(TableLock& table, std::int64_t place, Mode mode);
  std::optional<LifeLock> take(TableLock& table, std::int64_t place);
  static std::function<void()> next_in_line(Table& table, std::int64_t place);
  void release(std::int64_t place, bool exclusive) noexcept;
  void downgrade(std::int64_t place) noexcept;

  Guarded<Table> table_;
};

}  // namespace genpro::ledger
