// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/farewell.h"

#include <pthread.h>

#include <thread>

#include "base/callback.h"
#include "base/thread_owner.h"

namespace genpro::job {

namespace {

class Farewell : public ThreadOwner {
 public:
  Farewell(std::shared_ptr<Job> job, const Delivery& delivery) : job_(std::move(job)) {
    thread_ = std::thread([this, delivery] {
      pthread_setname_np(pthread_self(), "genpro-farewell");
      guard_c_callback("parting from a generation", [&] { job_->part(delivery); });
      job_.reset();
      set_ended();
    });
  }
  ~Farewell() override { thread_.join(); }

 private:
  std::shared_ptr<Job> job_;
  std::thread thread_;
};

}  // namespace

void part_later(std::shared_ptr<Job> job, const Delivery& delivery) {
  ThreadOwner::collect();
  ThreadOwner::retire(std::make_unique<Farewell>(std::move(job), delivery));
}

}  // namespace genpro::job
