// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main thread of a command whose work is done by other threads.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::cli {

// SIGINT, SIGTERM and SIGHUP, unless they were ignored from the start, ask for an orderly end; the
// second one ends the process at once. One at a time in a process.
class MainLoop {
 public:
  MainLoop();
  MainLoop(const MainLoop&) = delete;
  MainLoop& operator=(const MainLoop&) = delete;

  // Returns when `is_done` holds, which is asked after each wake(). Calls `tick` then, and every
  // `interval`.
  void run(std::chrono::milliseconds interval, const std::function<void()>& tick,
           const std::function<bool()>& is_done);
  // Threads: any.
  static void wake() { g_main_context_wakeup(nullptr); }

  std::stop_token interrupted() const { return stop_.get_token(); }
  // The exit code that tells of the signal; 0: there was none.
  int exit_code() const { return exit_code_; }

 private:
  struct Watch {
    MainLoop* loop = nullptr;
    int signal_number = 0;
    AttachedSourcePtr source;
  };
  static gboolean on_signal(gpointer watch);

  std::stop_source stop_;
  int exit_code_ = 0;
  std::vector<Watch> watches_;
};

}  // namespace genpro::cli
