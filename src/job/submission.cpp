// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/submission.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace genpro::job {

namespace {

using namespace std::chrono_literals;

// How often to look whether another process is done with the request or the cell: soon at first,
// less often when it takes longer.
constexpr std::chrono::milliseconds first_look = 30ms;
constexpr std::chrono::milliseconds longest_look = 500ms;
// Longer than a service usually takes to answer a request.
constexpr std::chrono::milliseconds unremarkable_wait = 3s;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Whether the service said that it did not take the request. 409 may be about the one before it,
// and what is behind a 5xx may have gone on with it.
bool is_refusal(const api::Failure& failure) {
  const unsigned status = failure.error.http_status;
  return status >= 300 && status < 500 && status != 408 && status != 409;
}

// What answers a POST with something that is no answer may be no GEN API at all: it is asked once.
bool is_final(const api::Failure& failure) {
  return !failure.retryable || failure.error.kind == ErrorKind::read;
}

// Whether the service was done with the request when it answered. What stands before it may have
// lost patience while the request is still under way.
bool is_done_with(const api::Failure& failure) {
  const unsigned status = failure.error.http_status;
  return status != 0 && status != 502 && status != 504;
}

void append(Error& error, const std::string& text) {
  if (!text.empty()) error.message += " " + text;
}

}  // namespace

Submission::Submission(Runtime& runtime, api::Client& client, SubmissionSettings settings,
                       PassedOver passed_over, Done done)
    : client_(client),
      settings_(std::move(settings)),
      desk_(runtime, settings_.ledger),
      passed_over_(std::move(passed_over)),
      done_(std::move(done)),
      runtime_(runtime.weak_from_this()) {}

void Submission::start(std::function<void()> waits) {
  if (desk_.is_kept()) {
    waiting_timer_.start(unremarkable_wait, std::move(waits));
    claim();
  } else {
    read_cell_before();
  }
}

template <typename T>
void Submission::ask(std::function<Result<T>(Ledger&)> question, std::function<void(T)> then) {
  desk_.ask<T>(std::move(question), [this, then = std::move(then)](Result<T> answer) {
    if (stage_ == Stage::ended) return;
    if (!answer) {
      if (!has_begun_ && answer.error().kind != ErrorKind::limit) {
        append(answer.error(), "Nothing was sent.");
      }
      return finish(std::move(answer.error()));
    }
    then(std::move(*answer));
  });
}

void Submission::claim() {
  LockFile::Waiter waiter;
  waiter.alive = here_;
  waiter.wake = [this, runtime = runtime_, here = std::weak_ptr<char>(here_)] {
    const std::shared_ptr<Runtime> thread = runtime.lock();
    if (!thread) return;
    thread->post([this, here] {
      if (!here.expired()) wake();
    });
  };
  ask<Claim>(
      [identity = settings_.identity, reuse = settings_.reuse, passed_over = passed_over_,
       waiter](Ledger& ledger) { return ledger.claim(identity, reuse, passed_over, waiter); },
      [this](Claim claim) { on_claim(std::move(claim)); });
}

void Submission::look_again(bool is_in_line) {
  auto wait = is_in_line ? longest_look : std::min(first_look * (1 + looks_ / 4), longest_look);
  ++looks_;
  // Spread, so that those who wait do not all come at once.
  std::uniform_int_distribution<long long> spread(wait.count() / 2, wait.count());
  wait = std::chrono::milliseconds(std::exchange(is_woken_, false) ? 0 : spread(random_));
  is_waiting_ = true;
  timer_.start(wait, [this] {
    is_waiting_ = false;
    claim();
  });
}

void Submission::wake() {
  if (!is_waiting_) {
    is_woken_ = true;
    return;
  }
  is_waiting_ = false;
  timer_.stop();
  claim();
}

void Submission::on_claim(Claim claim) {
  // While another process asks for the same, its row is followed, so that nobody stops it.
  presence_ = std::move(claim.presence);
  cell_ = std::move(claim.cell);
  if (claim.kind != Claim::Kind::busy) waiting_timer_.stop();
  switch (claim.kind) {
    case Claim::Kind::busy:
      return look_again(claim.is_in_line);
    case Claim::Kind::create:
      return check_limit();
    case Claim::Kind::settle:
      entry_ = std::move(claim.entry);
      has_begun_ = true;
      is_in_doubt_ = true;
      stage_ = Stage::lost;
      return settle();
    case Claim::Kind::follow:
    case Claim::Kind::stop:
      Taken taken;
      taken.generation.id = claim.entry.generation_id;
      taken.generation.phase = api::Phase::pending;
      taken.stop_first = claim.kind == Claim::Kind::stop;
      taken.is_earlier = true;
      taken.posted_at = claim.entry.posted_at;
      taken.entry = std::move(claim.entry);
      taken.presence = std::move(presence_);
      return finish(std::move(taken));
  }
}

// Asked again when the row is written; here it saves a question that would lead nowhere.
void Submission::check_limit() {
  ask<std::monostate>([identity = settings_.identity, limit = settings_.daily_limit](
                          Ledger& ledger) { return ledger.check_limit(identity, limit); },
                      [this](std::monostate) { read_cell_before(); });
}

void Submission::read_cell_before() {
  client_.get_cell(
      settings_.request.cell_path, settings_.request.agent_id,
      [this](Result<api::Cell, api::Failure> cell) {
        on_cell_before(cell ? Jobs(std::move(cell->jobs)) : Jobs(std::move(cell.error())));
      });
}

void Submission::on_cell_before(Jobs jobs) {
  if (jobs) {
    backoff_.reset();
    return begin(std::move(*jobs));
  }
  api::Failure& failure = jobs.error();
  if (!failure.sent || failure.error.http_status == 429) {
    // Nothing else would get through either, and nothing has been asked for yet.
    if (!can_retry()) {
      append(failure.error, tries());
      return finish(std::move(failure.error));
    }
    return timer_.start(backoff_.next(failure.retry_after), [this] { read_cell_before(); });
  }
  if (failure.retryable && can_retry() && backoff_.failures() < 1) {
    return timer_.start(backoff_.next(failure.retry_after), [this] { read_cell_before(); });
  }
  backoff_.reset();
  begin(std::nullopt);
}

void Submission::begin(std::optional<std::vector<std::string>> jobs_before) {
  if (!desk_.is_kept()) {
    entry_.idempotency_key = take_string(g_uuid_string_random());
    entry_.created_at = entry_.posted_at = wall_clock_now();
    entry_.jobs_before = std::move(jobs_before);
    return post();
  }
  ask<Ledger::Begun>(
      [identity = settings_.identity, jobs = std::move(jobs_before), limit = settings_.daily_limit](
          Ledger& ledger) { return ledger.begin(identity, jobs, limit); },
      [this](Ledger::Begun begun) {
        entry_ = std::move(begun.entry);
        presence_ = std::move(begun.presence);
        post();
      });
}

void Submission::post() {
  has_begun_ = true;
  stage_ = Stage::posting;
  client_.generate(
      settings_.request, entry_.idempotency_key,
      [this](Result<api::Generation, api::Failure> reply) { on_posted(std::move(reply)); });
}

void Submission::on_posted(Result<api::Generation, api::Failure> reply) {
  if (reply) return serve(std::move(*reply));
  api::Failure& failure = reply.error();
  stage_ = Stage::lost;
  if (failure.sent && !is_refusal(failure)) return on_lost(std::move(failure));
  if ((failure.retryable || !failure.sent) && can_retry()) {
    return timer_.start(backoff_.next(failure.retry_after), [this] { post(); });
  }
  // That this try was not taken settles nothing about an earlier one.
  if (is_in_doubt_) return leave_unknown(std::move(failure.error));
  on_refused(std::move(failure));
}

void Submission::on_refused(api::Failure failure) {
  append(failure.error, tries());
  if (!desk_.is_kept()) return finish(std::move(failure.error));
  auto error = std::make_shared<Error>(std::move(failure.error));
  desk_.ask<std::monostate>(
      [id = entry_.id, reason = error->message](Ledger& ledger) {
        return ledger.note_refused(id, reason);
      },
      [this, error](const Result<std::monostate>&) { finish(std::move(*error)); });
}

void Submission::on_lost(api::Failure failure) {
  is_in_doubt_ = true;
  may_repeat_ = can_retry() && !is_final(failure);
  loss_ = std::move(failure);
  cell_backoff_.reset();
  if (!may_repeat_) return settle();
  timer_.start(backoff_.next(loss_->retry_after), [this] { settle(); });
}

void Submission::settle() {
  if (!entry_.jobs_before) return on_no_new_job(std::nullopt);
  client_.get_cell(
      settings_.request.cell_path, settings_.request.agent_id,
      [this](Result<api::Cell, api::Failure> cell) {
        on_cell_after(cell ? Jobs(std::move(cell->jobs)) : Jobs(std::move(cell.error())));
      });
}

void Submission::on_cell_after(Jobs jobs) {
  if (!jobs) {
    api::Failure& failure = jobs.error();
    if (failure.retryable && cell_backoff_.failures() < settings_.retries) {
      return timer_.start(cell_backoff_.next(failure.retry_after), [this] { settle(); });
    }
    return leave_unknown(loss_ ? std::move(loss_->error) : std::move(failure.error));
  }
  if (!desk_.is_kept()) {
    std::vector<std::string> fresh;
    const auto& before = *entry_.jobs_before;
    std::copy_if(jobs->begin(), jobs->end(), std::back_inserter(fresh), [&](const auto& job) {
      return std::find(before.begin(), before.end(), job) == before.end();
    });
    return on_new_jobs(fresh, *jobs);
  }
  ask<std::vector<std::string>>(
      [entry = entry_, jobs = *jobs](Ledger& ledger) { return ledger.new_jobs(entry, jobs); },
      [this, all = *jobs](const std::vector<std::string>& fresh) { on_new_jobs(fresh, all); });
}

void Submission::on_new_jobs(const std::vector<std::string>& jobs,
                             const std::vector<std::string>& all) {
  if (jobs.size() == 1) {
    api::Generation generation;
    generation.id = jobs.front();
    generation.phase = api::Phase::pending;
    return serve(std::move(generation));
  }
  if (jobs.size() > 1) {
    Error error;
    error.kind = ErrorKind::failed;
    error.message = "The answer to the request for a generation was lost, and the cell has " +
                    std::to_string(jobs.size()) + " new ones: " + one_line(join(jobs), 200) +
                    ". Set generation-id to the right one, or reuse to never for a new one.";
    if (loss_) error.debug = loss_->error.debug;
    return leave_unknown(std::move(error));
  }
  const WallTime age = wall_clock_now() - entry_.posted_at;
  const bool is_done = loss_ && is_done_with(*loss_);
  if (!is_done && age >= 0 && age < settling_time_ms) {
    return timer_.start(std::chrono::milliseconds(settling_time_ms - age), [this] { settle(); });
  }
  on_no_new_job(all);
}

// The request was not taken, as far as can be seen; `jobs` are the cell's, if they can be read.
void Submission::on_no_new_job(std::optional<std::vector<std::string>> jobs) {
  const bool has_expired =
      wall_clock_now() - entry_.created_at > Ledger::key_lifetime_ms && !jobs.has_value();
  if (has_expired) {
    Error error;
    error.kind = ErrorKind::failed;
    error.message =
        "The answer to an earlier request for this generation was lost more than a day ago, and "
        "the cell cannot be read to see whether it was taken. Look at the cell, then set "
        "generation-id to what it has, or reuse to never for a new one.";
    return leave_unknown(std::move(error));
  }
  if (!may_repeat_) {
    if (jobs && is_final(*loss_)) return on_refused(std::move(*loss_));
    return leave_unknown(std::move(loss_->error));
  }
  if (jobs) is_in_doubt_ = false;
  post_again(std::move(jobs));
}

void Submission::post_again(std::optional<std::vector<std::string>> jobs) {
  if (!desk_.is_kept()) {
    entry_.posted_at = wall_clock_now();
    if (jobs) entry_.jobs_before = std::move(jobs);
    return post();
  }
  ask<Entry>([id = entry_.id,
              jobs = std::move(jobs)](Ledger& ledger) { return ledger.begin_again(id, jobs); },
             [this](Entry entry) {
               entry_ = std::move(entry);
               post();
             });
}

void Submission::serve(api::Generation generation) {
  Taken taken;
  taken.generation = std::move(generation);
  taken.presence = std::move(presence_);
  taken.cell = std::move(cell_);
  taken.posted_at = entry_.posted_at;
  if (desk_.is_kept()) taken.entry = std::move(entry_);
  finish(std::move(taken));
}

void Submission::leave_unknown(Error error) {
  append(error, tries());
  if (!desk_.is_kept()) {
    append(error, "The service may have taken the request: look at the cell before trying again.");
    return finish(std::move(error));
  }
  append(error,
         "The service may have taken the request. The ledger has noted that: the next run finds "
         "out before it asks again.");
  stage_ = Stage::ended;
  // Who reads the error finds the row noted and free.
  auto told = std::make_shared<Error>(std::move(error));
  note_unknown(false, [this, told] { finish(std::move(*told)); });
}

void Submission::abandon(bool stop_wanted) {
  const bool was_posted = stage_ == Stage::posting || stage_ == Stage::lost;
  stage_ = Stage::ended;
  timer_.stop();
  waiting_timer_.stop();
  client_.cancel();
  if (was_posted && desk_.is_kept()) note_unknown(stop_wanted, [] {});
}

void Submission::note_unknown(bool stop_wanted, std::function<void()> then) {
  // Held until it is noted.
  auto presence = std::make_shared<LifeLock>(std::move(presence_));
  auto cell = std::make_shared<LifeLock>(std::move(cell_));
  desk_.ask<std::monostate>(
      [id = entry_.id, stop_wanted, presence, cell](Ledger& ledger) {
        presence->release();
        auto noted = ledger.note_unknown(id, stop_wanted && !ledger.is_followed(id));
        cell->release();
        return noted;
      },
      [then = std::move(then)](const Result<std::monostate>&) { then(); });
}

std::string Submission::tries() const {
  if (backoff_.failures() == 0) return "";
  return "Gave up after " + std::to_string(backoff_.failures() + 1) + " tries.";
}

void Submission::finish(Result<Taken> result) {
  stage_ = Stage::ended;
  timer_.stop();
  waiting_timer_.stop();
  presence_.release();
  cell_.release();
  // `done` may destroy this object.
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace genpro::job
