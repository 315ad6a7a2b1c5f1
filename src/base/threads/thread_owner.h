// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>

namespace genpro {

// An object with a thread of its own that is told to end, but not waited for, when the last
// reference to it goes: that may be in a state change, and the thread may take a while.
//
// A destructor joins the thread, and so does not return before it has ended.
class ThreadOwner {
 public:
  ThreadOwner() = default;
  ThreadOwner(const ThreadOwner&) = delete;
  ThreadOwner& operator=(const ThreadOwner&) = delete;
  virtual ~ThreadOwner() = default;

  // Takes over an object whose thread has been told to end. It is destroyed by a later collect(),
  // else when the process exits.
  static void retire(std::unique_ptr<ThreadOwner> owner);
  // Destroys those whose thread has ended.
  static void collect();

 protected:
  // The last thing that the thread does.
  void set_ended() { ended_ = true; }

 private:
  struct Retired;
  std::atomic<bool> ended_ = false;
};

}  // namespace genpro
