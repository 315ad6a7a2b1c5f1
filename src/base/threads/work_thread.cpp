// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/threads/work_thread.h"

namespace genpro {

WorkThread::~WorkThread() {
  stop();
  {
    auto end = end_->lock();
    end->is_left =
        longest_wait_ && !end.wait_until(std::chrono::steady_clock::now() + *longest_wait_,
                                         [](const End& e) { return e.is_reached; });
    if (end->is_left) thread_.detach();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace genpro
