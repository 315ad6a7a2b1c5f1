// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/generation.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "base/text.h"
#include "base/threads/work_thread.h"
#include "common/enums.h"
#include "ledger/store/address.h"
#include "settings/profile.h"

namespace genpro {

namespace {

using job::Status;

std::string describe(const job::Update& update) {
  if (update.is_earlier) {
    return "Generation " + update.generation_id +
           " was asked for before and is picked up: nothing new is charged";
  }
  if (update.is_waiting) {
    return "Waiting for another run, which has a request under way on this cell";
  }
  if (update.generation_id.empty()) return "The request is being submitted";
  return "Generation " + update.generation_id + " is " + status_nick(update.status);
}

// Until the next word of how far it is: often enough to see it move, seldom enough for hundreds of
// elements that wait for long.
std::chrono::steady_clock::duration progress_period(std::chrono::steady_clock::duration elapsed) {
  constexpr std::chrono::seconds shortest{2};
  constexpr std::chrono::seconds longest{5};
  return std::clamp<std::chrono::steady_clock::duration>(elapsed / 5, shortest, longest);
}

std::string in_words(double seconds) {
  const auto whole = static_cast<long long>(std::lround(seconds));
  if (whole < 120) return std::to_string(whole) + " s";
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

std::string describe(const polling::Progress& progress) {
  const std::string elapsed = in_words(progress.elapsed) + " so far, ";
  if (progress.is_overdue) return elapsed + "longer than nearly all such generations took";
  if (progress.percent < 0) return elapsed + "how long such generations take is not known yet";
  return std::to_string(progress.percent) + " %, about " +
         in_words(progress.expected - progress.elapsed) + " left, 9 of 10 within " +
         in_words(progress.expected_90 - progress.elapsed);
}

std::string describe(job::Shutdown shutdown, bool has_ledger) {
  switch (shutdown) {
    case job::Shutdown::stopped:
      return "The generation is stopped; its refund is not proven";
    case job::Shutdown::refunded:
      return "The generation is stopped, and the service refunds it";
    case job::Shutdown::left_to_others:
      return "The generation goes on for another one that follows it";
    case job::Shutdown::noted:
      return has_ledger ? "The service did not take the request to stop the generation in time; "
                          "the next run sends it"
                        : "The service did not take the request to stop the generation in time";
    case job::Shutdown::nothing:
      break;
  }
  return "Stopped waiting for the generation";
}

constexpr const char* no_ledger_warning =
    "No ledger is kept: a generation whose pipeline is killed is not picked up but paid for again "
    "by the next run, and each of several processes that ask for the same video is charged for it. "
    "Set ledger to a file to be safe from that.";

}  // namespace

Generation::Generation(Settings settings, std::string name, Tell tell)
    : settings_(std::move(settings)), name_(std::move(name)), tell_(std::move(tell)) {
  problem_ = complete(settings_);
  state_.lock()->report.generation_id = settings_.generation_id;
}

bool Generation::start(OnUpdate on_update) {
  auto job_settings = problem_ ? Result<job::JobSettings>(*problem_) : make_job_settings(settings_);
  if (!job_settings) {
    state_.lock()->report.status = Status::failed;
    Error& error = job_settings.error();
    error.charged = Charged::no;
    error.retryable = false;
    tell_(std::move(error));
    return false;
  }
  if (const auto* request = std::get_if<api::GenerationRequest>(&job_settings->subject)) {
    prompt_ = request->prompt;
    for (const std::string& warning : request->warnings) {
      warn(GST_RESOURCE_ERROR_SETTINGS, warning);
    }
    if (settings_.ledger.empty()) warn(GST_RESOURCE_ERROR_SETTINGS, no_ledger_warning);
  }
  state_.lock()->is_in_progress = true;
  const std::string what = is_attached() ? "Attaching to generation " + settings_.generation_id
                                         : "Asking GEN for a video";
  {
    auto state = state_.lock();
    state->progress = what;
    state->progress_due = Clock::now() + progress_period(Clock::now() - started_);
  }
  tell_(progress(GST_PROGRESS_TYPE_START, what));
  log::Logger(log::Category::job, name_).info([&] {
    const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
    return "starts: sheet " + settings_.sheet_id + ", cell " + settings_.cell_id + ", agent " +
           settings_.agent_id + ", generation-id " + or_none(settings_.generation_id) + ", API " +
           job_settings->access.base.text + ", ledger " +
           or_none(ledger::without_password(settings_.ledger));
  });
  job_settings->access.log_id = name_;
  job_settings->on_update = std::move(on_update);
  auto job = job::Job::start(Runtime::acquire(), std::move(*job_settings));
  state_.lock()->job = std::move(job);
  return true;
}

void Generation::handle(const job::Update& update) {
  if (const auto& doubt = update.doubt) {
    tell_(*doubt);
    if (doubt->is_settled && doubt->evidence == "likely") {
      warn(GST_RESOURCE_ERROR_FAILED, doubt->reason);
    }
  }
  if (!update.warning.empty()) return warn(GST_RESOURCE_ERROR_WRITE, update.warning);
  {
    auto state = state_.lock();
    state->clip = update.clip;
    if (update.expectation) state->expectation = update.expectation;
  }
  set_state(update.status, &update);
  if (update.error) return fail(*update.error);
  if (!update.progress.empty()) {
    tell_(progress(GST_PROGRESS_TYPE_CONTINUE, update.progress));
  } else if (!update.doubt && (!update.clip || update.is_earlier)) {
    const std::string text = describe(update);
    {
      auto state = state_.lock();
      state->progress = text;
      state->progress_due = Clock::now() + progress_period(Clock::now() - started_);
    }
    ProgressReport report = progress(GST_PROGRESS_TYPE_CONTINUE, text);
    if (report.progress.percent >= 0) report.text += " (" + describe(report.progress) + ")";
    tell_(std::move(report));
  }
}

void Generation::tell_progress() {
  std::string text;
  {
    auto state = state_.lock();
    if (Clock::now() < state->progress_due || !state->is_in_progress || state->clip) return;
    state->progress_due = Clock::now() + progress_period(Clock::now() - started_);
    text = state->progress;
  }
  ProgressReport report = progress(GST_PROGRESS_TYPE_CONTINUE, text);
  report.text += " (" + describe(report.progress) + ")";
  tell_(std::move(report));
}

ProgressReport Generation::progress(GstProgressType type, std::string text) {
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  ProgressReport report{.type = type, .text = std::move(text), .progress = {}};
  const auto now = Clock::now();
  auto state = state_.lock();
  if (const auto& expected = state->expectation) {
    report.progress = expected->forecast.at(seconds(now - expected->posted));
  } else {
    report.progress.elapsed = seconds(now - started_);
  }
  int& percent = report.progress.percent;
  if (type == GST_PROGRESS_TYPE_COMPLETE) percent = 100;
  // A percentage that was told is never taken back.
  percent = state->percent = std::max(percent, state->percent);
  report.cost = state->report.cost;
  return report;
}

std::optional<std::chrono::seconds> Generation::time_left() {
  auto state = state_.lock();
  if (!state->expectation || state->clip) return std::nullopt;
  const std::chrono::duration<double> elapsed = Clock::now() - state->expectation->posted;
  const polling::Progress progress = state->expectation->forecast.at(elapsed.count());
  if (progress.expected < 0) return std::nullopt;
  return std::chrono::seconds(std::lround(std::max(0.0, progress.expected - progress.elapsed)));
}

void Generation::set_state(Status status, const job::Update* update) {
  GenerationReport before;
  GenerationReport now;
  {
    auto state = state_.lock();
    before = state->report;
    state->report.status = status;
    if (update != nullptr) {
      if (!update->generation_id.empty()) state->report.generation_id = update->generation_id;
      if (update->cost) state->report.cost = *update->cost;
      if (update->estimate) state->report.estimate = *update->estimate;
    }
    now = state->report;
  }
  if (now.generation_id != before.generation_id) tell_(PropertyChange{"generation-id"});
  if (now.cost != before.cost) tell_(PropertyChange{"cost"});
  if (now.estimate != before.estimate) tell_(PropertyChange{"estimate"});
  if (now.status == before.status) return;
  tell_(PropertyChange{"status"});
  now.model = model();
  now.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
  tell_(now);
  if (status != Status::streaming) return;
  std::string text = "Generation " + now.generation_id + " is completed";
  if (now.cost >= 0) text += ", cost " + number_text(now.cost);
  end_progress(GST_PROGRESS_TYPE_COMPLETE, text);
}

void Generation::fail(Error error) {
  const GenerationReport known = report();
  if (error.generation_id.empty()) error.generation_id = known.generation_id;
  // A generation that has a clip was paid for. Who paid for one that `generation-id` names is not
  // known.
  if (!error.charged && !is_attached() && clip()) error.charged = Charged::yes;
  if (known.status != Status::stopped) set_status(Status::failed);
  tell_(error);
  end_progress(GST_PROGRESS_TYPE_ERROR, error.message);
}

void Generation::end_progress(GstProgressType type, const std::string& text) {
  if (std::exchange(state_.lock()->is_in_progress, false)) tell_(progress(type, text));
}

std::shared_ptr<job::Job> Generation::take_job() {
  std::shared_ptr<archive::Writer> unread;
  auto state = state_.lock();
  if (state->clip) unread = std::move(state->clip->archive);
  return std::move(state->job);
}

void Generation::shut_down(const job::Delivery& delivery) {
  auto outcome = job::Shutdown::nothing;
  if (const auto job = take_job()) outcome = job->shut_down(delivery);
  {
    auto state = state_.lock();
    Status& status = state->report.status;
    if (status != Status::done && status != Status::failed && status != Status::stopped) {
      status = Status::idle;
    }
  }
  end_progress(GST_PROGRESS_TYPE_CANCELED, describe(outcome, !settings_.ledger.empty()));
}

void Generation::shut_down_later(const job::Delivery& delivery) {
  auto job = take_job();
  if (!job) return;
  ThreadOwner::collect();
  ThreadOwner::retire(std::make_unique<WorkThread>(
      "genpro-shutdown",
      [job = std::move(job), delivery](const std::stop_token&) { job->shut_down(delivery); }));
}

std::string Generation::model() const {
  return is_attached() ? "" : settings_.model_word();
}

}  // namespace genpro
