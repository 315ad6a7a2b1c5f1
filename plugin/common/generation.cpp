// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/generation.h"

#include "base/log.h"
#include "base/text.h"
#include "common/enums.h"
#include "job/deferred_shutdown.h"

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

std::string describe(job::Shutdown shutdown, bool has_ledger) {
  switch (shutdown) {
    case job::Shutdown::stopped:
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
  state_.lock()->report.generation_id = settings_.generation_id;
}

bool Generation::start(OnUpdate on_update) {
  auto job_settings = make_job_settings(settings_);
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
  tell_(ProgressReport{GST_PROGRESS_TYPE_START,
                       is_attached() ? "Attaching to generation " + settings_.generation_id
                                     : "Asking GEN for a video"});
  log::Logger(log::Category::job, name_).info([&] {
    const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
    return "starts: sheet " + settings_.sheet_id + ", cell " + settings_.cell_id + ", agent " +
           settings_.agent_id + ", generation-id " + or_none(settings_.generation_id) + ", API " +
           job_settings->access.base.text + ", ledger " + or_none(settings_.ledger);
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
  state_.lock()->clip = update.clip;
  set_state(update.status, &update);
  if (update.error) return fail(*update.error);
  if (!update.progress.empty()) {
    tell_(ProgressReport{GST_PROGRESS_TYPE_CONTINUE, update.progress});
  } else if (!update.doubt && (!update.clip || update.is_earlier)) {
    tell_(ProgressReport{GST_PROGRESS_TYPE_CONTINUE, describe(update)});
  }
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
    }
    now = state->report;
  }
  if (now.generation_id != before.generation_id) tell_(PropertyChange{"generation-id"});
  if (now.cost != before.cost) tell_(PropertyChange{"cost"});
  if (now.status == before.status) return;
  tell_(PropertyChange{"status"});
  now.model = model();
  now.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_);
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
  if (std::exchange(state_.lock()->is_in_progress, false)) tell_(ProgressReport{type, text});
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
  if (auto job = take_job()) job::shut_down_later(std::move(job), delivery);
}

std::string Generation::model() const {
  return is_attached() ? "" : settings_.model_word();
}

}  // namespace genpro
