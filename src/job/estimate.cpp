// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/estimate.h"

#include <utility>

namespace genpro::job {

EstimateRequest::EstimateRequest(Runtime& runtime, Settings settings, Done done)
    : identity_(std::move(settings.identity)),
      request_(std::move(settings.request)),
      assets_{.is_bare = settings.is_bare, .frames = {}},
      is_optional_(settings.is_optional),
      done_(std::move(done)),
      ledger_(runtime, settings.ledger),
      resources_(runtime, settings.access, settings.silence),
      client_(runtime, settings.access, settings.silence) {
  if (!settings.asks_service) {
    pause_.start(std::chrono::milliseconds(0),
                 [this] { ask_ledger("The GEN API was not asked."); });
    return;
  }
  const auto longest = is_optional_ ? longest_optional_wait : longest_wait;
  deadline_.start(longest, [this, longest] {
    is_retryable_ = true;
    const std::string within = " within " + std::to_string(longest.count() / 1000) + " s.";
    ask_ledger(failure_text_.empty()
                   ? "The GEN API has not answered the request for an estimate" + within
                   : "No estimate came" + within + " " + failure_text_);
  });
  find_frames();
}

// Without the address of a frame the service may have a price all the same.
void EstimateRequest::find_frames() {
  const std::size_t next = assets_.frames.size();
  if (assets_.is_bare || next == request_.frames.size()) return ask_service();
  resources_.get(request_.frames[next], request_.agent_id,
                 [this](const Result<api::Resource, api::Failure>& resource) {
                   assets_.frames.push_back(resource ? resource->url : "");
                   find_frames();
                 });
}

// It is free of charge: what may be said on another try is asked for once more.
void EstimateRequest::ask_service() {
  client_.estimate(request_, assets_, [this](const Result<double, api::Failure>& credits) {
    if (!credits) return on_failure(credits.error());
    is_retryable_ = false;
    if (*credits == 0) {
      return ask_ledger("The service says 0, which may stand for a price that it does not know.");
    }
    finish({.source = Estimate::Source::service, .credits = *credits});
  });
}

void EstimateRequest::on_failure(const api::Failure& failure) {
  failure_text_ = failure.error.message;
  is_retryable_ = failure.retryable;
  if (failure.retryable && !is_optional_) {
    return pause_.start(backoff_.next(failure.retry_after), [this] { ask_service(); });
  }
  if (failure.error.http_status == 401 || failure.error.http_status == 403) {
    denied_ = failure.error;
  }
  ask_ledger(failure.error.message);
}

void EstimateRequest::ask_ledger(std::string reason) {
  deadline_.stop();
  pause_.stop();
  resources_.cancel();
  client_.cancel();
  const Estimate told{
      .reason = std::move(reason), .denied = denied_, .is_retryable = is_retryable_};
  if (!ledger_.is_kept()) return finish(told);
  ledger_.ask<std::optional<double>>(
      [identity = identity_](ledger::Ledger& ledger) { return ledger.past_cost(identity); },
      [this, told](const Result<std::optional<double>>& paid) {
        Estimate estimate = told;
        if (paid && *paid) {
          estimate.source = Estimate::Source::ledger;
          estimate.credits = *paid;
        }
        if (!paid) estimate.reason += " " + paid.error().message;
        finish(std::move(estimate));
      });
}

void EstimateRequest::finish(Estimate estimate) {
  deadline_.stop();
  const Done done = std::move(done_);
  done(std::move(estimate));
}

Estimate EstimateRequest::run(Settings settings) {
  return run_to_end<Estimate>([&](Runtime& runtime, Done done) {
    return std::make_unique<EstimateRequest>(runtime, std::move(settings), std::move(done));
  });
}

}  // namespace genpro::job
