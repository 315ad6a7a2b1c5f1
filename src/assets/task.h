// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/threads/runtime.h"
#include "base/threads/work_thread.h"

namespace genpro::assets {

// Work that blocks, on a thread of its own. Belongs to the runtime thread. Destroying it tells the
// work to stop, and waits for nothing: a disk may take its time.
class Task {
 public:
  // Has the runtime thread run something, unless the task is gone by then.
  using Post = std::function<void(Runtime::Task)>;
  using Work = std::function<void(const std::stop_token& stopped, const Post& post)>;

  Task(Runtime& runtime, Work work);
  ~Task();
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

 private:
  std::shared_ptr<char> here_ = std::make_shared<char>();
  std::unique_ptr<WorkThread> thread_;
};

}  // namespace genpro::assets
