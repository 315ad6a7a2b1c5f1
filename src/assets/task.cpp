// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/task.h"

#include <utility>

namespace genpro::assets {

Task::Task(Runtime& runtime, Work work) {
  ThreadOwner::collect();
  Post post = [runtime = runtime.weak_from_this(),
               here = std::weak_ptr<char>(here_)](Runtime::Task task) {
    const std::shared_ptr<Runtime> thread = runtime.lock();
    if (!thread) return;
    thread->post([here, task = std::move(task)] {
      if (!here.expired()) task();
    });
  };
  thread_ = std::make_unique<WorkThread>(
      "genpro-assets", [work = std::move(work), post = std::move(post)](
                           const std::stop_token& stopped) { work(stopped, post); });
}

Task::~Task() {
  thread_->stop();
  ThreadOwner::retire(std::move(thread_));
}

}  // namespace genpro::assets
