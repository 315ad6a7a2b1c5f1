// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/worker.h"

#include "base/text.h"

namespace genpro::job {

namespace {

std::string in_seconds(std::chrono::milliseconds duration) {
  return std::to_string(duration.count() / 1000) + " s";
}

}  // namespace

Worker::Worker(Runtime& runtime, JobSettings settings, Job::Channel channel)
    : runtime_(runtime),
      settings_(std::move(settings)),
      channel_(std::move(channel)),
      idempotency_key_(take_string(g_uuid_string_random())),
      started_(std::chrono::steady_clock::now()),
      schedule_(settings_.poll_interval) {}

void Worker::start() {
  client_ = std::make_unique<api::Client>(runtime_, settings_.access, settings_.silence);
  if (settings_.generation_timeout.count() > 0) {
    deadline_timer_.start(settings_.generation_timeout, [this] {
      Error error;
      error.kind = ErrorKind::failed;
      error.message = (generation_id_.empty() ? std::string("The generation")
                                              : "Generation " + generation_id_) +
                      " was not completed within generation-timeout (" +
                      in_seconds(settings_.generation_timeout) + "). " +
                      (generation_id_.empty()
                           ? "Raise generation-timeout, then try again."
                           : "It goes on at the service: set generation-id to " + generation_id_ +
                                 " to pick it up, or raise generation-timeout.");
      give_up(std::move(error));
    });
  }
  if (const auto* id = std::get_if<std::string>(&settings_.subject)) {
    generation_id_ = *id;
    poll();
  } else {
    status_ = Status::submitting;
    report({});
    submit();
  }
}

void Worker::cancel() {
  client_.reset();
  step_timer_.stop();
  deadline_timer_.stop();
}

void Worker::submit() {
  client_->generate(std::get<api::GenerationRequest>(settings_.subject), idempotency_key_,
                    [this](Reply reply) { on_submitted(std::move(reply)); });
}

void Worker::poll() {
  client_->get_generation(generation_id_, [this](Reply reply) { on_polled(std::move(reply)); });
}

void Worker::schedule_poll() {
  step_timer_.start(schedule_.next(elapsed()), [this] { poll(); });
}

void Worker::on_submitted(Reply reply) {
  if (!reply) {
    // An answer that cannot be read came from something that took the request, and may have charged
    // for it: asking for another generation is the user's decision.
    if (reply.error().error.kind == ErrorKind::read) {
      reply.error().retryable = false;
      reply.error().error.message +=
          " The service may have taken the request: look at the cell before trying again.";
    }
    return retry(std::move(reply.error()), &Worker::submit);
  }
  generation_id_ = reply->id;
  // Only a GET has the resources: an answer to a POST that names no video is no end yet.
  if (reply->phase == api::Phase::completed && !reply->video_url) {
    backoff_.reset();
    return poll();
  }
  on_generation(*reply);
}

void Worker::on_polled(Reply reply) {
  if (!reply) return retry(std::move(reply.error()), &Worker::poll);
  on_generation(*reply);
}

void Worker::on_generation(const api::Generation& generation) {
  backoff_.reset();
  if (generation.cost) cost_ = generation.cost;
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
  if (status_ != before) report({});
  schedule_poll();
}

void Worker::retry(api::Failure failure, void (Worker::*step)()) {
  if (!failure.retryable || backoff_.failures() >= settings_.retries) {
    if (backoff_.failures() > 0) {
      failure.error.message +=
          " Gave up after " + std::to_string(backoff_.failures() + 1) + " tries.";
    }
    return give_up(std::move(failure.error));
  }
  step_timer_.start(backoff_.next(failure.retry_after), [this, step] { (this->*step)(); });
}

void Worker::complete(const api::Generation& generation) {
  const std::string subject = "Generation " + generation_id_ + " is completed, but ";
  Error error;
  error.kind = ErrorKind::failed;
  const std::string advice = " Ask the service's support for it, with this id.";
  if (!generation.video_url) {
    error.message = subject + "has no video among its output resources." + advice;
    return give_up(std::move(error));
  }
  auto url = parse_url(*generation.video_url);
  if (!url) {
    const std::string shown = one_line(redact(*generation.video_url, settings_.access.key), 120);
    error.message = subject + "its video's address \"" + shown +
                    "\" cannot be used: " + url.error() + "." + advice;
    return give_up(std::move(error));
  }
  Update update;
  update.clip = std::move(*url);
  report(std::move(update));
  cancel();
}

void Worker::give_up(Error error) {
  if (status_ != Status::stopped) status_ = Status::failed;
  error.generation_id = generation_id_;
  Update update;
  update.error = std::move(error);
  report(std::move(update));
  cancel();
}

void Worker::report(Update update) {
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

}  // namespace genpro::job
