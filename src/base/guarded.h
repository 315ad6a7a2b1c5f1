// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A value that cannot be reached without holding its mutex, and a condition that goes with it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace genpro {

template <typename T>
class Guarded {
 public:
  class Lock {
   public:
    T* operator->() noexcept { return &owner_.value_; }
    T& operator*() noexcept { return owner_.value_; }

    // Sleeps until `ready(value)` holds. Every writer that can make it hold calls notify().
    template <typename Ready>
    void wait(Ready ready) {
      owner_.changed_.wait(lock_, [&] { return ready(owner_.value_); });
    }
    // As above, but gives up when it is interrupted; returns whether the condition holds.
    template <typename Ready>
    bool wait(const std::stop_token& interrupted, Ready ready) {
      return owner_.changed_.wait(lock_, interrupted, [&] { return ready(owner_.value_); });
    }
    // As above, but gives up at the deadline; returns whether the condition holds.
    template <typename Ready>
    bool wait_until(std::chrono::steady_clock::time_point deadline, Ready ready) {
      return owner_.changed_.wait_until(lock_, deadline, [&] { return ready(owner_.value_); });
    }
    template <typename Ready>
    bool wait_until(const std::stop_token& interrupted,
                    std::chrono::steady_clock::time_point deadline, Ready ready) {
      return owner_.changed_.wait_until(lock_, interrupted, deadline,
                                        [&] { return ready(owner_.value_); });
    }
    void notify() noexcept { owner_.changed_.notify_all(); }

   private:
    friend class Guarded;
    explicit Lock(Guarded& owner) : owner_(owner), lock_(owner.mutex_) {}
    Guarded& owner_;
    std::unique_lock<std::mutex> lock_;
  };

  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // Without a name it is held to the end of its expression, which a range-based for is through with
  // before its first turn.
  [[nodiscard]] Lock lock() { return Lock(*this); }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  T value_{};
};

// Sleeps so long, or until it is interrupted: false then.
inline bool sleep_for(std::chrono::milliseconds duration, const std::stop_token& interrupted) {
  Guarded<bool> never;
  never.lock().wait_until(interrupted, std::chrono::steady_clock::now() + duration,
                          [](bool) { return false; });
  return !interrupted.stop_requested();
}

}  // namespace genpro
