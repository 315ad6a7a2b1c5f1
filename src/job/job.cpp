// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/job.h"

#include "job/worker.h"

namespace genpro::job {

std::shared_ptr<Job> Job::start(std::shared_ptr<Runtime> runtime, JobSettings settings) {
  struct Access : Job {
    Access(std::shared_ptr<Runtime> runtime, JobSettings settings)
        : Job(std::move(runtime), std::move(settings)) {}
  };
  return std::make_shared<Access>(std::move(runtime), std::move(settings));
}

Job::Job(std::shared_ptr<Runtime> runtime, JobSettings settings)
    : runtime_(std::move(runtime)),
      channel_(std::make_shared<Guarded<Shared>>()),
      worker_(std::make_shared<Worker>(*runtime_, std::move(settings), channel_)) {
  runtime_->post([worker = worker_] { worker->start(); });
}

Job::~Job() {
  // The worker's last reference goes on the runtime thread, where its timers and calls live.
  runtime_->post([worker = std::move(worker_)] { worker->cancel(); });
}

std::optional<Update> Job::wait() {
  auto shared = channel_->lock();
  shared.wait([](const Shared& s) { return s.interrupted || !s.updates.empty(); });
  if (shared->interrupted) return std::nullopt;
  Update update = std::move(shared->updates.front());
  shared->updates.pop_front();
  return update;
}

void Job::set_interrupted(bool interrupted) {
  auto shared = channel_->lock();
  shared->interrupted = interrupted;
  shared.notify();
}

}  // namespace genpro::job
