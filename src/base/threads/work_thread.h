// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <pthread.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/callback.h"
#include "base/guarded.h"
#include "base/threads/thread_owner.h"

namespace genpro {

// A thread that does one piece of work, and owns what it works with: a disk may hold it for longer
// than anybody waits.
class WorkThread final : public ThreadOwner {
 public:
  // `name`: of at most 15 characters. `work`: called with the token of stop(). What it throws is
  // reported, and what it holds goes before the thread is said to have ended.
  template <typename Work>
  WorkThread(const char* name, Work work) {
    thread_ = std::thread(
        [this, name, end = end_, stopped = stop_.get_token(), work = std::move(work)]() mutable {
          pthread_setname_np(pthread_self(), name);
          guard_c_callback(name, [&] {
            Work own = std::move(work);
            own(stopped);
          });
          auto state = end->lock();
          state->is_reached = true;
          state.notify();
          if (!state->is_left) set_ended();
        });
  }
  // Tells it to stop, and waits for its end.
  ~WorkThread() override;

  void stop() { stop_.request_stop(); }
  // Its end is waited for so long; then it is left to itself.
  void limit_wait(std::chrono::milliseconds longest) { longest_wait_ = longest; }

 private:
  struct End {
    bool is_reached = false;
    bool is_left = false;  // nobody waits for it any more
  };

  const std::shared_ptr<Guarded<End>> end_ = std::make_shared<Guarded<End>>();
  std::stop_source stop_;
  std::optional<std::chrono::milliseconds> longest_wait_;
  std::thread thread_;
};

}  // namespace genpro
