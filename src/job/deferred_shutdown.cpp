// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/deferred_shutdown.h"

#include <pthread.h>

#include <thread>

#include "base/callback.h"
#include "base/threads/thread_owner.h"

namespace genpro::job {

namespace {

class DeferredShutdown : public ThreadOwner {
 public:
  DeferredShutdown(std::shared_ptr<Job> job, const Delivery& delivery) : job_(std::move(job)) {
    thread_ = std::thread([this, delivery] {
      pthread_setname_np(pthread_self(), "genpro-shutdown");
      guard_c_callback("shutting a generation down", [&] { job_->shut_down(delivery); });
      job_.reset();
      set_ended();
    });
  }
  ~DeferredShutdown() override { thread_.join(); }

 private:
  std::shared_ptr<Job> job_;
  std::thread thread_;
};

}  // namespace

void shut_down_later(std::shared_ptr<Job> job, const Delivery& delivery) {
  ThreadOwner::collect();
  ThreadOwner::retire(std::make_unique<DeferredShutdown>(std::move(job), delivery));
}

}  // namespace genpro::job
