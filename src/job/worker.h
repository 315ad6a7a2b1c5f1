// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The half of a Job that lives on the runtime thread: find or ask for a generation, poll it until
// its end, and stop it when nobody wants it any more.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "base/backoff.h"
#include "job/address_request.h"
#include "job/bookkeeper.h"
#include "job/job.h"
#include "job/poll_schedule.h"
#include "job/settler.h"
#include "job/stopping.h"
#include "job/submission.h"

namespace genpro::job {

class Worker {
 public:
  Worker(Runtime& runtime, JobSettings settings, Job::Channel channel);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // The clip's address once more, after the job has ended with one.
  void ask_address(Job::AddressDone done);
  // The element is about to shut down: a generation that is unfinished is stopped now.
  void begin_parting();
  // The element shuts down: no update follows, and Shared::parting is set when all is done that can
  // be done for the generation.
  void part(const Delivery& delivery);
  // Ends calls and timers at once.
  void cancel();

 private:
  using Reply = Result<api::Generation, api::Failure>;

  void attach();
  void submit();
  void send_owed_stops();
  void on_taken(Result<Taken> taken);
  void stop_earlier();
  void look_for_another();
  void learn_durations();
  void set_age(WallTime posted_at);
  std::chrono::milliseconds age() const;  // of the generation
  void poll();
  void schedule_poll();
  void stop_stepping();
  void on_polled(Reply reply);
  void on_generation(const api::Generation& generation);
  // Polls again after a wait, or ends the job when that cannot help or was tried enough.
  void retry(api::Failure failure);
  void complete(const api::Generation& generation);
  void give_up(Error error);
  void report(Update update);
  std::chrono::milliseconds elapsed() const;
  Error timeout_error() const;

  // Writes to the row, if there is one; a failure becomes a warning.
  void note(std::function<Result<std::monostate>(Ledger&)> change);
  void note_generation(const api::Generation& generation);
  WallTime unfinished_at() const;  // as far as was seen; 0: not at all

  void end_steps();
  void stop_unfinished();
  void stop();
  void on_stopped(Reply reply);
  void finish_parting(Parting outcome);

  Runtime& runtime_;
  const JobSettings settings_;
  const Job::Channel channel_;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point asked_at_;  // the request for the generation left
  LedgerDesk desk_;
  std::unique_ptr<api::Client> client_;
  std::unique_ptr<Submission> submission_;
  std::unique_ptr<AddressRequest> address_request_;
  std::unique_ptr<Settler> sweep_;
  Timer sweep_timer_;
  PollSchedule schedule_;
  Backoff backoff_;
  Timer step_timer_;
  bool waits_to_poll_ = false;  // by the schedule
  Timer deadline_timer_;

  std::string generation_id_;
  std::optional<Entry> entry_;
  LifeLock presence_;
  // An earlier run's generation that nothing has been heard of yet: should it turn out to be of no
  // use, another one is looked for.
  bool is_unproven_ = false;
  PassedOver passed_over_;
  api::Phase phase_ = api::Phase::unknown;                   // the latest that was noted
  bool has_ended_ = false;                                   // the generation, as far as was seen
  std::optional<std::chrono::milliseconds> unfinished_age_;  // when it was last seen so
  bool is_parting_ = false;
  Status status_ = Status::idle;
  std::optional<double> cost_;
};

}  // namespace genpro::job
