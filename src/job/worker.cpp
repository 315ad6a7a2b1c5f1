// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/worker.h"

#include "base/text.h"

namespace genpro::job {

namespace {

std::string in_seconds(std::chrono::milliseconds duration) {
  return std::to_string(duration.count() / 1000) + " s";
}

// The wall clock may have been set in the meantime: what cannot be an age is taken for a new
// generation's.
std::chrono::milliseconds age_of(WallTime posted_at) {
  constexpr std::chrono::hours oldest{24};
  const std::chrono::milliseconds age(wall_clock_now() - posted_at);
  return age.count() < 0 || age > oldest ? std::chrono::milliseconds(0) : age;
}

// Hundreds of jobs each wake the thread for a poll of their own, which then costs more than the
// poll. So those of a tenth of a second go together. On an average no wait gets longer or shorter
// by that.
std::chrono::milliseconds in_step(std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds step{100};
  if (wait < 10 * step) return wait;
  const std::chrono::milliseconds now(g_get_monotonic_time() / 1000);
  const auto due = now + wait + step / 2;
  return due - due % step - now;
}

bool is_end(api::Phase phase) {
  return phase == api::Phase::completed || phase == api::Phase::failed ||
         phase == api::Phase::stopped;
}

}  // namespace

Worker::Worker(Runtime& runtime, JobSettings settings, Job::Channel channel)
    : runtime_(runtime),
      settings_(std::move(settings)),
      channel_(std::move(channel)),
      started_(std::chrono::steady_clock::now()),
      asked_at_(started_),
      desk_(runtime, settings_.ledger),
      schedule_(settings_.poll_interval) {
  passed_over_.generations = settings_.passed_over;
}

void Worker::start() {
  client_ = std::make_unique<api::Client>(runtime_, settings_.access, settings_.silence);
  if (settings_.generation_timeout.count() > 0) {
    deadline_timer_.start(settings_.generation_timeout, [this] { give_up(timeout_error()); });
  }
  if (std::holds_alternative<std::string>(settings_.subject)) {
    attach();
  } else {
    status_ = Status::submitting;
    report({});
    submit();
  }
  send_owed_stops();
}

// What earlier runs wanted stopped and could not say. How that goes is told by the ledger: it is
// not what this job is about.
void Worker::send_owed_stops() {
  if (!desk_.is_kept() || sweep_) return;
  sweep_ = std::make_unique<Settler>(runtime_, settings_.ledger, settings_.access,
                                     settings_.silence, Settler::Scope::owed_stops);
  sweep_->start([this](const Result<std::vector<Settled>>&) {
    // Not from within its own call.
    sweep_timer_.start(std::chrono::milliseconds(0), [this] { sweep_.reset(); });
  });
}

void Worker::attach() {
  generation_id_ = std::get<std::string>(settings_.subject);
  // Should it be one that this ledger knows, others are told that it is followed. Nothing is asked
  // for, so a ledger that cannot be used is no reason not to follow it.
  desk_.ask<std::optional<Ledger::Held>>(
      [base_url = settings_.access.base.text, id = generation_id_](Ledger& ledger) {
        return ledger.attach(base_url, id);
      },
      [this](Result<std::optional<Ledger::Held>> held) {
        if (!held || !*held) return;
        entry_ = std::move((*held)->entry);
        presence_ = std::move((*held)->lock);
        set_age(entry_->posted_at);
        learn_durations();
      });
  poll();
}

void Worker::submit() {
  const auto& request = std::get<api::GenerationRequest>(settings_.subject);
  submission_ = std::make_unique<Submission>(
      runtime_, *client_,
      SubmissionSettings{settings_.ledger, request, identify(settings_.access, request),
                         settings_.reuse, settings_.daily_limit, settings_.retries},
      passed_over_, [this](Result<Taken> taken) { on_taken(std::move(taken)); });
  submission_->start([this] {
    Update update;
    update.is_waiting = true;
    report(std::move(update));
  });
}

// Without an answer, questions come as for a service that nothing is known of.
void Worker::learn_durations() {
  if (!entry_ || settings_.poll_interval.count() > 0) return;
  desk_.ask<PastDurations>(
      [entry = *entry_](Ledger& ledger) { return ledger.past_durations(entry); },
      [this](const Result<PastDurations>& past) {
        if (!past) return;
        schedule_.learn(*past);
        if (waits_to_poll_) schedule_poll();
      });
}

void Worker::set_age(WallTime posted_at) {
  asked_at_ = std::chrono::steady_clock::now() - age_of(posted_at);
}

// Since the request left, by the clock that nobody sets.
std::chrono::milliseconds Worker::age() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               asked_at_);
}

void Worker::on_taken(Result<Taken> taken) {
  // It is what calls here.
  const std::unique_ptr<Submission> submission = std::move(submission_);
  // Once more: a request on the same cell may have been in the way.
  if (!is_parting_) send_owed_stops();
  if (!taken) {
    if (is_parting_) return finish_parting(Parting::nothing);
    return give_up(std::move(taken.error()));
  }
  entry_ = std::move(taken->entry);
  presence_ = std::move(taken->presence);
  generation_id_ = taken->generation.id;
  is_unproven_ = taken->is_earlier;
  set_age(taken->posted_at);
  learn_durations();
  if (taken->is_earlier) {
    if (taken->stop_first) return stop_earlier();
    if (entry_->stop_wanted) {
      note([id = entry_->id](Ledger& ledger) { return ledger.note_stop_wanted(id, false); });
    }
    return poll();
  }
  auto cell = std::make_shared<LifeLock>(std::move(taken->cell));
  if (entry_) {
    // Should this fail, the next run finds out about the request: nothing is lost by going on.
    note([id = entry_->id, stop_wanted = entry_->stop_wanted, generation = taken->generation,
          cell](Ledger& ledger) {
      auto noted = ledger.note_generation(id, generation);
      if (noted && stop_wanted) noted = ledger.note_stop_wanted(id, false);
      cell->release();
      return noted;
    });
    phase_ = taken->generation.phase;
  }
  if (is_parting_) {
    has_ended_ = is_end(taken->generation.phase);
    return has_ended_ ? finish_parting(Parting::nothing) : stop();
  }
  // Only a GET has the resources: an answer to a POST that names no video is no end yet.
  if (taken->generation.phase == api::Phase::completed && !taken->generation.video_url) {
    return poll();
  }
  on_generation(taken->generation);
}

// An earlier run wanted it stopped and could not say so. What the service says of it now decides
// whether there is a clip to pick up.
void Worker::stop_earlier() {
  stop_generation(*client_, generation_id_, [this](Reply reply) {
    presence_.share();
    if (!reply) return poll();
    if (!is_end(reply->phase)) {
      note([id = entry_->id](Ledger& ledger) { return ledger.note_stop_wanted(id, false); });
    }
    on_polled(std::move(reply));
  });
}

void Worker::look_for_another() {
  passed_over_.rows.insert(entry_->id);
  entry_.reset();
  presence_.release();
  generation_id_.clear();
  phase_ = api::Phase::unknown;
  is_unproven_ = false;
  unfinished_age_.reset();
  submit();
}

void Worker::poll() {
  waits_to_poll_ = false;
  client_->get_generation(generation_id_, [this](Reply reply) { on_polled(std::move(reply)); });
}

void Worker::schedule_poll() {
  waits_to_poll_ = true;
  step_timer_.start(in_step(schedule_.next(age())), [this] { poll(); });
}

void Worker::stop_stepping() {
  waits_to_poll_ = false;
  step_timer_.stop();
}

void Worker::on_polled(Reply reply) {
  if (!reply) {
    if (is_unproven_ && reply.error().error.kind == ErrorKind::not_found) {
      return look_for_another();
    }
    return retry(std::move(reply.error()));
  }
  if (is_unproven_ && (reply->phase == api::Phase::failed || reply->phase == api::Phase::stopped)) {
    // It was refunded, so a new one is not paid for twice.
    note_generation(*reply);
    return look_for_another();
  }
  on_generation(*reply);
}

void Worker::on_generation(const api::Generation& generation) {
  backoff_.reset();
  if (generation.cost) cost_ = generation.cost;
  note_generation(generation);
  switch (generation.phase) {
    case api::Phase::completed:
      return complete(generation);
    case api::Phase::failed:
    case api::Phase::stopped: {
      const bool failed = generation.phase == api::Phase::failed;
      status_ = failed ? Status::failed : Status::stopped;
      Error error;
      error.kind = ErrorKind::failed;
      error.message = "Generation " + generation_id_ + (failed ? " failed" : " was stopped");
      if (!generation.failed_reason.empty()) {
        std::string reason = one_line(redact(generation.failed_reason, settings_.access.key), 200);
        while (reason.ends_with('.')) reason.pop_back();
        error.message += ": " + reason;
      }
      error.message += failed ? ". The service refunds it. Change the prompt or the ingredients, "
                                "then try again."
                              : ". The service refunds it. Start again for a new one.";
      return give_up(std::move(error));
    }
    case api::Phase::pending:
    case api::Phase::processing:
    case api::Phase::unknown:
      break;
  }
  const Status before = status_;
  if (generation.phase == api::Phase::processing) {
    status_ = Status::processing;
  } else if (generation.phase == api::Phase::pending || status_ == Status::submitting ||
             status_ == Status::idle) {
    status_ = Status::pending;
  }
  if (status_ != before || is_unproven_) {
    Update update;
    update.is_earlier = std::exchange(is_unproven_, false);
    report(std::move(update));
  }
  schedule_poll();
}

void Worker::retry(api::Failure failure) {
  if (!failure.retryable || backoff_.failures() >= settings_.retries) {
    if (backoff_.failures() > 0) {
      failure.error.message +=
          " Gave up after " + std::to_string(backoff_.failures() + 1) + " tries.";
    }
    return give_up(std::move(failure.error));
  }
  waits_to_poll_ = false;
  step_timer_.start(backoff_.next(failure.retry_after), [this] { poll(); });
}

void Worker::complete(const api::Generation& generation) {
  auto url = clip_address(generation, generation_id_, settings_.access.key);
  if (!url) return give_up(std::move(url.error()));
  Update update;
  update.clip = std::move(*url);
  update.is_earlier = std::exchange(is_unproven_, false);
  report(std::move(update));
  stop_stepping();
  deadline_timer_.stop();
}

void Worker::ask_address(Job::AddressDone done) {
  if (is_parting_ || !client_) return;
  address_request_ = std::make_unique<AddressRequest>(
      runtime_, settings_.access, settings_.silence, settings_.retries, generation_id_,
      [this, done = std::move(done)](Result<Url> url) {
        // It is what calls here.
        const auto request = std::move(address_request_);
        done(std::move(url));
      });
}

Error Worker::timeout_error() const {
  Error error;
  error.kind = ErrorKind::failed;
  const std::string limit = " was not completed within generation-timeout (" +
                            in_seconds(settings_.generation_timeout) + "). ";
  if (generation_id_.empty()) {
    error.message = "The generation" + limit + "Raise generation-timeout, then try again.";
  } else if (settings_.stops) {
    error.message = "Generation " + generation_id_ + limit +
                    "The service is asked to stop it when the pipeline shuts down. Raise "
                    "generation-timeout, or set on-shutdown to detach and pick it up later.";
  } else {
    error.message = "Generation " + generation_id_ + limit +
                    "It goes on at the service: set generation-id to " + generation_id_ +
                    " to pick it up, or raise generation-timeout.";
  }
  return error;
}

void Worker::give_up(Error error) {
  if (submission_) {
    submission_->abandon(false);
    submission_.reset();
  }
  if (status_ != Status::stopped) status_ = Status::failed;
  error.generation_id = generation_id_;
  Update update;
  update.error = std::move(error);
  report(std::move(update));
  client_->cancel();
  stop_stepping();
  deadline_timer_.stop();
}

void Worker::report(Update update) {
  if (is_parting_) return;
  update.status = status_;
  update.generation_id = generation_id_;
  update.elapsed = elapsed();
  update.cost = cost_;
  auto shared = channel_->lock();
  shared->updates.push_back(std::move(update));
  shared.notify();
}

std::chrono::milliseconds Worker::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               started_);
}

void Worker::note(std::function<Result<std::monostate>(Ledger&)> change) {
  desk_.ask<std::monostate>(std::move(change), [this](Result<std::monostate> result) {
    if (result) return;
    Update update;
    update.warning = result.error().message +
                     " What became of this generation is not noted, and a later run may not "
                     "know that it was paid for.";
    report(std::move(update));
  });
}

void Worker::note_generation(const api::Generation& generation) {
  has_ended_ = is_end(generation.phase);
  if (!has_ended_) unfinished_age_ = age();
  if (!entry_ || generation.phase == phase_) return;
  phase_ = generation.phase;
  api::Generation noted = generation;
  noted.failed_reason = redact(noted.failed_reason, settings_.access.key);
  note([id = entry_->id, noted = std::move(noted), unfinished_at = unfinished_at()](
           Ledger& ledger) { return ledger.note_generation(id, noted, unfinished_at); });
}

WallTime Worker::unfinished_at() const {
  return entry_ && unfinished_age_ ? entry_->posted_at + unfinished_age_->count() : 0;
}

void Worker::begin_parting() {
  // The clip of one that has ended may still be read.
  if (is_parting_ || has_ended_ || !client_) return;
  end_steps();
  stop_unfinished();
}

void Worker::end_steps() {
  is_parting_ = true;
  address_request_.reset();
  deadline_timer_.stop();
  stop_stepping();
}

void Worker::part(const Delivery& delivery) {
  const bool has_begun = is_parting_;
  end_steps();
  // A process that is killed while it ends has not ended its work in order, however far it was: the
  // next run picks the clip up once more instead of paying for another one.
  if (entry_ && delivery.is_whole) {
    desk_.tell_late([id = entry_->id, delivery, at = wall_clock_now()](Ledger& ledger) {
      (void)ledger.note_delivery(id, delivery.bytes, true, at);
    });
  } else if (entry_ && delivery.bytes > 0) {
    note([id = entry_->id, delivery](Ledger& ledger) {
      return ledger.note_delivery(id, delivery.bytes, false);
    });
  }
  if (!has_begun) stop_unfinished();
}

void Worker::stop_unfinished() {
  if (!settings_.stops || has_ended_ || std::holds_alternative<std::string>(settings_.subject)) {
    return finish_parting(Parting::nothing);
  }
  // The answer that is on its way says what there is to stop.
  if (submission_ && submission_->is_posting()) return;
  if (submission_) {
    // Nothing may be asked for from here on.
    submission_->abandon(true);
    submission_.reset();
  }
  if (generation_id_.empty()) return finish_parting(Parting::nothing);
  stop();
}

void Worker::stop() {
  client_->cancel();
  if (entry_) {
    // Others that follow it go on, and the last one of them stops it.
    presence_.release();
    desk_.ask<std::optional<Ledger::Held>>(
        [id = entry_->id](Ledger& ledger) -> Result<std::optional<Ledger::Held>> {
          auto held = ledger.take(id);
          if (held && *held) (void)ledger.note_stop_wanted(id, true);
          return held;
        },
        [this](Result<std::optional<Ledger::Held>> held) {
          if (held && !*held) return finish_parting(Parting::left_to_others);
          // A ledger that cannot be used now says nothing of others: then it is not stopped.
          if (!held) return finish_parting(Parting::noted);
          presence_ = std::move((*held)->lock);
          stop_generation(*client_, generation_id_,
                          [this](Reply reply) { on_stopped(std::move(reply)); });
        });
    return;
  }
  stop_generation(*client_, generation_id_, [this](Reply reply) { on_stopped(std::move(reply)); });
}

void Worker::on_stopped(Reply reply) {
  if (!reply) return finish_parting(Parting::noted);
  const bool was_stopped =
      reply->phase == api::Phase::stopped || reply->phase == api::Phase::failed;
  if (!entry_) return finish_parting(was_stopped ? Parting::stopped : Parting::nothing);
  desk_.ask<std::monostate>(
      [id = entry_->id, generation = *reply, unfinished_at = unfinished_at()](Ledger& ledger) {
        return ledger.note_generation(id, generation, unfinished_at);
      },
      [this, was_stopped](const Result<std::monostate>&) {
        finish_parting(was_stopped ? Parting::stopped : Parting::nothing);
      });
}

void Worker::finish_parting(Parting outcome) {
  // Before anybody hears of it: who starts the same next finds the row free.
  presence_.release();
  auto shared = channel_->lock();
  shared->parting = outcome;
  shared.notify();
}

void Worker::cancel() {
  if (submission_) submission_->abandon(settings_.stops);
  submission_.reset();
  address_request_.reset();
  sweep_timer_.stop();
  sweep_.reset();
  client_.reset();
  stop_stepping();
  deadline_timer_.stop();
}

}  // namespace genpro::job
