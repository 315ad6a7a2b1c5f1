// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The half of a Job that lives on the runtime thread: submit, then poll until the end.
#pragma once

#include <functional>
#include <memory>

#include "base/backoff.h"
#include "job/job.h"
#include "job/poll_schedule.h"

namespace genpro::job {

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(Runtime& runtime, JobSettings settings, Job::Channel channel);

  void start();
  // Ends calls and timers; no update follows.
  void cancel();

 private:
  using Reply = Result<api::Generation, api::Failure>;

  void submit();
  void poll();
  void schedule_poll();
  void on_submitted(Reply reply);
  void on_polled(Reply reply);
  void on_generation(const api::Generation& generation);
  // Runs `step` again after a wait, or ends the job when that cannot help or was tried enough.
  void retry(api::Failure failure, void (Worker::*step)());
  void complete(const api::Generation& generation);
  void give_up(Error error);
  void report(Update update);
  std::chrono::milliseconds elapsed() const;

  Runtime& runtime_;
  const JobSettings settings_;
  const Job::Channel channel_;
  const std::string idempotency_key_;
  const std::chrono::steady_clock::time_point started_;
  std::unique_ptr<api::Client> client_;
  PollSchedule schedule_;
  Backoff backoff_;
  Timer step_timer_;
  Timer deadline_timer_;
  std::string generation_id_;
  Status status_ = Status::idle;
  std::optional<double> cost_;
};

}  // namespace genpro::job
