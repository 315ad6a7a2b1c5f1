// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/task.h"

#include <pthread.h>

#include <thread>
#include <utility>

#include "base/callback.h"

namespace genpro::assets {

class Task::Thread : public ThreadOwner {
 public:
  Thread(Work work, Post post) {
    thread_ = std::thread([this, work = std::move(work), post = std::move(post)]() mutable {
      pthread_setname_np(pthread_self(), "genpro-assets");
      guard_c_callback("work on ingredients", [&] {
        // What it holds goes before the thread is said to have ended.
        const Work own = std::move(work);
        const Post tell = std::move(post);
        own(stop_.get_token(), tell);
      });
      set_ended();
    });
  }
  ~Thread() override {
    stop();
    thread_.join();
  }
  void stop() { stop_.request_stop(); }

 private:
  std::stop_source stop_;
  std::thread thread_;
};

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
  thread_ = std::make_unique<Thread>(std::move(work), std::move(post));
}

Task::~Task() {
  thread_->stop();
  ThreadOwner::retire(std::move(thread_));
}

}  // namespace genpro::assets
