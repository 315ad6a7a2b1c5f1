// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/job.h"

#include "job/worker/worker.h"

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
      stops_(settings.stops && std::holds_alternative<api::GenerationRequest>(settings.subject)),
      worker_(std::make_shared<Worker>(*runtime_, std::move(settings), channel_)) {
  runtime_->post([worker = worker_] { worker->start(); });
}

Job::~Job() {
  // The worker's last reference goes on the runtime thread, where its timers and calls live.
  runtime_->post([worker = std::move(worker_)] { worker->cancel(); });
}

std::optional<Update> Job::wait(const std::stop_token& interrupted, Deadline deadline) {
  auto shared = channel_->lock();
  const auto has_update = [](const Shared& s) { return !s.updates.empty(); };
  const bool is_there = deadline ? shared.wait_until(interrupted, *deadline, has_update)
                                 : shared.wait(interrupted, has_update);
  if (!is_there || interrupted.stop_requested()) return std::nullopt;
  Update update = std::move(shared->updates.front());
  shared->updates.pop_front();
  return update;
}

void Job::ask_address(AddressDone done) {
  runtime_->post([worker = worker_, done = std::move(done)] { worker->ask_address(done); });
}

std::chrono::steady_clock::time_point Job::note_shutdown() {
  auto shared = channel_->lock();
  if (!shared->shutdown_began) shared->shutdown_began = std::chrono::steady_clock::now();
  return *shared->shutdown_began;
}

void Job::begin_shutdown() {
  if (!stops_) return;
  note_shutdown();
  runtime_->post([worker = worker_] { worker->begin_shutdown(); });
}

Shutdown Job::shut_down(const Delivery& delivery) {
  runtime_->post([worker = worker_, delivery] { worker->shut_down(delivery); });
  if (!stops_) return Shutdown::nothing;
  const auto deadline = note_shutdown() + longest_shutdown;
  auto shared = channel_->lock();
  shared.wait_until(deadline, [](const Shared& s) { return s.shutdown.has_value(); });
  return shared->shutdown.value_or(Shutdown::noted);
}

}  // namespace genpro::job
