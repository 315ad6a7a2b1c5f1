// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/worker/worker.h"

#include <utility>

#include "api/dialect.h"
#include "api/request.h"
#include "ledger/store/clock.h"

namespace genpro::job {

namespace {

using std::chrono::milliseconds;
using Kind = payment::End::Kind;

// Hundreds of jobs each wake the thread for a poll of their own, which then costs more than the
// poll. So those of a tenth of a second go together. On an average no wait gets longer or shorter
// by that.
milliseconds in_step(milliseconds wait) {
  constexpr milliseconds step{100};
  if (wait < 10 * step) return wait;
  const milliseconds now(g_get_monotonic_time() / 1000);
  const auto due = now + wait + step / 2;
  return due - due % step - now;
}

// Between two questions of a process about jobs that are asked for at an adaptive interval, on an
// average: that many take some 2 % of a core, and one client should not ask more of a service. Up
// to 50 jobs are not held up by it.
constexpr milliseconds process_spacing{10};

Charged charged_by(const payment::State& state) {
  switch (payment::charged(state)) {
    case payment::Charged::no:
      return Charged::no;
    case payment::Charged::yes:
      return Charged::yes;
    case payment::Charged::unknown:
      break;
  }
  return Charged::unknown;
}

// Whether the same request may succeed when it is tried again.
bool is_retryable(Kind kind) {
  switch (kind) {
    case Kind::unreachable:
    case Kind::in_doubt:
    case Kind::timed_out:
    case Kind::stopped:
      return true;
    default:
      return false;
  }
}

}  // namespace

Worker::Worker(Runtime& runtime, JobSettings settings, Job::Channel channel)
    : runtime_(runtime),
      settings_(std::move(settings)),
      log_(log::Category::job, settings_.access.log_id),
      channel_(std::move(channel)),
      started_(std::chrono::steady_clock::now()),
      asking_since_(ledger::asking_since()),
      is_attached_(std::holds_alternative<std::string>(settings_.subject)),
      ledger_(runtime, settings_.ledger),
      schedule_(settings_.poll_interval) {
  passed_over_.generations = settings_.passed_over;
}

void Worker::start() {
  if (settings_.generation_timeout.count() > 0) {
    deadline_timer_.start(settings_.generation_timeout, [this] { time_out(); });
  }
  open_archive([this] {
    if (is_attached_) return attach();
    ask_key([this] { begin(); });
  });
}

void Worker::ask_key(std::function<void()> then) {
  if (settings_.key_command.empty()) {
    if (!settings_.access.key.empty()) return then();
    Error error = api::missing_error({"api-key"});
    error.charged = Charged::no;
    return give_up(std::move(error), false);
  }
  log_.info([&] { return "the API key is asked of " + settings_.key_command.front(); });
  key_request_ = std::make_unique<api::KeyRequest>(
      runtime_, settings_.key_command, [this, then = std::move(then)](Result<std::string> key) {
        if (is_shutting_down_ || has_ended_) return;
        auto error = key ? api::check_key(*key) : std::optional(key.error());
        if (error) {
          error->charged = Charged::no;
          return give_up(*std::move(error), false);
        }
        settings_.access.key = std::move(*key);
        then();
      });
}

void Worker::begin() {
  status_ = Status::submitting;
  report({});
  prepare();
  send_owed_stops();
}

// What earlier runs wanted stopped and could not say. How that goes is told by the ledger: it is
// not what this job is about.
void Worker::send_owed_stops() {
  if (!ledger_.is_kept() || owed_stops_) return;
  owed_stops_ = std::make_unique<Reconciler>(runtime_, settings_.ledger, settings_.access,
                                             settings_.silence, Reconciler::Scope::owed_stops);
  owed_stops_->start([this](const Result<std::vector<Reconciled>>& rows) {
    for (std::size_t at = 0; rows && at < rows->size(); ++at) {
      const Reconciled& row = (*rows)[at];
      log_.info([&] {
        return "a stop that an earlier run owed, row " + std::to_string(row.entry.id) + ": " +
               row.text;
      });
    }
    // Later, since its own call has led here.
    owed_stops_timer_.start(milliseconds(0), [this] { owed_stops_.reset(); });
  });
}

PaymentDriver& Worker::make_payment(std::optional<api::GenerationRequest> request) {
  PaymentSettings settings;
  settings.policy.asks_when_in_doubt = settings_.asks_when_in_doubt;
  settings.policy.retries = settings_.retries;
  settings.policy.is_attached = is_attached_;
  settings.policy.keys_are_documented = request && request->dialect->documents_keys;
  settings.limits = limits();
  settings.request = std::move(request);
  settings.identity = identity_;
  PaymentDriver::Owner& owner = *this;
  waiting_.emplace();
  payment_ = std::make_unique<PaymentDriver>(runtime_, settings_.ledger, settings_.access,
                                             settings_.silence, std::move(settings), owner);
  return *payment_;
}

void Worker::attach() {
  ledger::Entry entry;
  entry.state = payment::Known{payment::Generation{std::get<std::string>(settings_.subject),
                                                   payment::Evidence::proven,
                                                   ledger::clock_now(),
                                                   {}}};
  // What the archive has needs no service, and so no key.
  look_in_archive(std::get<std::string>(settings_.subject), {},
                  [this, entry = std::move(entry)](const std::string& file) {
                    if (!file.empty()) return serve_attached(entry, file);
                    ask_key([this, entry] {
                      follow(entry);
                      send_owed_stops();
                    });
                  });
}

void Worker::follow(ledger::Entry entry) {
  if (!ledger_.is_kept()) {
    make_payment({}).resume(std::move(entry), {}, {}, false);
    return;
  }
  // Should it be one that this ledger knows, others are told that it is followed. Nothing is asked
  // for, so a ledger that cannot be used is no reason not to follow it.
  ledger_.ask<std::optional<ledger::Ledger::Held>>(
      [base_url = settings_.access.base.text, id = payment::generation_id(entry.state)](
          ledger::Ledger& ledger) { return ledger.attach(base_url, id); },
      [this, entry](Result<std::optional<ledger::Ledger::Held>> held) {
        if (is_shutting_down_ || has_ended_) return;
        PaymentDriver& payment = make_payment({});
        // Of one that has failed or was stopped the row has nothing more to tell, and it may have
        // been continued since: the service is asked.
        const auto has_ended = [](const payment::State& state) {
          return std::holds_alternative<payment::Failed>(state) ||
                 std::holds_alternative<payment::Stopped>(state);
        };
        if (!held || !*held || has_ended((*held)->entry.state)) {
          return payment.resume(entry, {}, {}, false);
        }
        payment.resume(std::move((*held)->entry), std::move((*held)->lock), {}, false);
        learn_durations();
      });
}

// Without an answer, questions come as for a service that nothing is known of.
void Worker::learn_durations() {
  if (!payment_ || payment_->entry().id == 0 || has_learned_) return;
  has_learned_ = true;
  ledger_.ask<polling::PastDurations>(
      [entry = payment_->entry()](ledger::Ledger& ledger) { return ledger.past_durations(entry); },
      [this](const Result<polling::PastDurations>& past) {
        if (!past) return;
        schedule_.learn(*past);
        forecast_ = polling::Forecast(past->same_kind);
        if (!payment_ || has_ended_) return;
        if (settings_.poll_interval.count() == 0) payment_->poll_by_schedule();
        const bool is_told = status_ == Status::pending || status_ == Status::processing;
        if (is_told && !is_earlier_ && expectation()) report({});
      });
}

milliseconds Worker::until_next_poll() {
  return in_step(schedule_.next(payment_->age(), Waiting::count() * process_spacing));
}

// ---- PaymentDriver::Owner ----

void Worker::on_progress() {
  const payment::State& state = payment_->state();
  const Status before = status_;
  if (const auto* known = std::get_if<payment::Known>(&state)) {
    status_ = known->phase == payment::Phase::processing ? Status::processing : Status::pending;
    learn_durations();
  }
  note_cost();
  const auto& generation = payment_->generation();
  const bool is_told =
      !is_earlier_ || !generation || !std::holds_alternative<payment::Known>(state);
  if (has_ended_ || (status_ == before && is_told)) return;
  // The service has not told yet how an earlier run's generation stands.
  if (is_earlier_ && !generation) {
    status_ = before;
    return;
  }
  Update update;
  update.is_earlier = std::exchange(is_earlier_, false);
  report(std::move(update));
}

void Worker::note_cost() {
  const auto& generation = payment_->generation();
  if (generation && generation->cost) cost_ = generation->cost;
}

void Worker::on_doubt(const payment::TellDoubt& doubt) {
  Update update;
  update.doubt.emplace();
  update.doubt->ledger_row = payment_->entry().id;
  update.doubt->reason = doubt.reason;
  report(std::move(update));
}

void Worker::on_settled(const payment::TellSettled& settled) {
  Update update;
  update.doubt.emplace();
  update.doubt->is_settled = true;
  update.doubt->ledger_row = payment_->entry().id;
  update.doubt->generation_id = payment::generation_id(payment_->state());
  update.doubt->evidence = settled.evidence == payment::Evidence::proven ? "proven" : "likely";
  update.doubt->reason = settled.reason;
  report(std::move(update));
}

void Worker::on_outage(const payment::TellOutage& outage) {
  Update update;
  update.progress = "Waiting for the service, which has generation " + generation_id() +
                    " and does not tell how it stands: " + outage.reason;
  report(std::move(update));
}

void Worker::on_warning(std::string text) {
  Update update;
  update.warning = std::move(text);
  report(std::move(update));
}

void Worker::on_ledger_error(Error error) {
  if (is_shutting_down_) return finish_shutdown(Shutdown::noted);
  if (error.kind != ErrorKind::limit && payment_->entry().id == 0) {
    say_nothing_was_sent(error);
  }
  error.charged = payment_->entry().id == 0 ? Charged::no : charged_by(payment_->entry().state);
  give_up(std::move(error), false);
}

void Worker::on_claim_needed() {
  if (is_shutting_down_) return finish_shutdown(Shutdown::noted);
  // Its own row, also where no earlier one may serve the request.
  const bool is_never = settings_.reuse == payment::Reuse::never;
  if (!has_ended_) claim_anew(is_never ? payment::Reuse::in_flight : settings_.reuse);
}

void Worker::on_end(const payment::End& end) {
  if (is_shutting_down_) {
    const payment::State& state = payment_->state();
    if (payment_->left_to_others()) return finish_shutdown(Shutdown::left_to_others);
    if (std::holds_alternative<payment::Stopped>(state) ||
        std::holds_alternative<payment::Failed>(state)) {
      const bool is_refunded = payment::charged(state) == payment::Charged::no;
      return finish_shutdown(is_refunded ? Shutdown::refunded : Shutdown::stopped);
    }
    const bool is_noted = payment::stop_wanted(state);
    return finish_shutdown(is_noted ? Shutdown::noted : Shutdown::nothing);
  }
  if (has_ended_) return;
  switch (end.kind) {
    case Kind::clip:
      return complete();
    case Kind::again:
      passed_over_.rows.insert(payment_->entry().id);
      return claim_anew(settings_.reuse);
    case Kind::timed_out:
      has_timed_out_ = true;
      break;
    default:
      break;
  }
  if (end.kind == Kind::in_doubt && !end.candidates.empty()) {
    Update update;
    update.doubt.emplace();
    update.doubt->ledger_row = payment_->entry().id;
    update.doubt->candidates = end.candidates;
    update.doubt->reason = end.reason;
    report(std::move(update));
  }
  Error error = error_of(end);
  // It is not known who paid for a generation that the user has named.
  if (!is_attached_) error.charged = charged_by(payment_->state());
  error.ledger_row = payment_->entry().id;
  const bool goes_by_answer = end.kind == Kind::refused || end.kind == Kind::unanswered;
  const auto& failure = payment_->failure();
  const bool may_help = goes_by_answer ? failure && failure->retryable : is_retryable(end.kind);
  give_up(std::move(error), may_help);
}

void Worker::complete() {
  auto url = clip_address(*payment_->generation(), generation_id(), settings_.access);
  if (!url) return give_up(std::move(url.error()), false);
  // generation-timeout is about the generation, not about how long its clip takes to be read.
  deadline_timer_.stop();
  // Another run may have kept it meanwhile, or be about to.
  await_archive([this, url = std::move(*url)](const TurnPtr& turn) {
    if (!turn->found.file.empty()) return end_with({url, turn->found.file, nullptr});
    end_with({url, {}, archive_writer(std::move(turn->lease))});
  });
}

void Worker::end_with(FinishedClip clip) {
  has_ended_ = true;
  waiting_.reset();
  payment_->rest();
  note_cost();
  Update update;
  update.clip = std::move(clip);
  update.is_earlier = std::exchange(is_earlier_, false);
  report(std::move(update));
  deadline_timer_.stop();
}

void Worker::ask_address(Job::AddressDone done) {
  if (is_shutting_down_ || !payment_) return;
  address_request_ = std::make_unique<AddressRequest>(
      runtime_, settings_.access, settings_.silence, settings_.retries,
      settings_.longest_address_wait, generation_id(),
      [this, done = std::move(done)](Result<Url> url) {
        // Its call has led here: it lives until this returns.
        const auto request = std::move(address_request_);
        done(std::move(url));
      });
}

void Worker::time_out() {
  log_.info([] { return "generation-timeout is over"; });
  if (payment_) return payment_->handle(payment::TimedOut{});
  has_timed_out_ = true;
  Error error = timeout_error();
  error.charged = Charged::no;
  give_up(std::move(error), true);
}

void Worker::give_up(Error error, bool is_retryable) {
  if (has_ended_) return;
  has_ended_ = has_failed_ = true;
  waiting_.reset();
  const bool was_stopped = payment_ && std::holds_alternative<payment::Stopped>(payment_->state());
  status_ = was_stopped ? Status::stopped : Status::failed;
  if (payment_) error.generation_id = generation_id();
  error.retryable = is_retryable;
  Update update;
  update.error = std::move(error);
  report(std::move(update));
  deadline_timer_.stop();
  end_archive_work();
  claiming_.reset();
  preparation_.reset();
  identity_request_.reset();
  estimate_request_.reset();
  if (!payment_) return;
  payment_->rest();
  // Released before the error is acted on, so that a new run finds the row free.
  if (std::holds_alternative<payment::InDoubt>(payment_->state())) payment_->release();
}

void Worker::report(Update update) {
  if (is_shutting_down_) return;
  update.status = status_;
  if (payment_) update.generation_id = generation_id();
  update.elapsed = elapsed();
  update.cost = cost_;
  update.estimate = estimate_  ? estimate_->credits
                    : payment_ ? payment_->entry().estimate
                               : std::nullopt;
  update.expectation = expectation();
  if (settings_.on_update) return settings_.on_update(std::move(update));
  auto shared = channel_->lock();
  shared->updates.push_back(std::move(update));
  shared.notify();
}

std::optional<Expectation> Worker::expectation() const {
  if (!payment_ || !forecast_.is_known()) return std::nullopt;
  return Expectation{std::chrono::steady_clock::now() - payment_->age(), forecast_};
}

milliseconds Worker::elapsed() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started_);
}

std::string Worker::generation_id() const {
  return payment::generation_id(payment_->state());
}

}  // namespace genpro::job
