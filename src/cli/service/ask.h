// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A call of the API that is waited for.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/backoff.h"
#include "base/threads/runtime.h"
#include "cli/command.h"
#include "settings/job_settings.h"

namespace genpro::cli {

// The API as the settings say.
struct Service {
  explicit Service(const Settings& settings)
      : access(need(make_access(settings))),
        silence(std::chrono::seconds(settings.stall_timeout)),
        retries(settings.retries) {}

  const api::Access access;
  const std::chrono::milliseconds silence;
  const unsigned retries;
  const std::shared_ptr<Runtime> runtime = Runtime::acquire();
};

template <typename T>
using Answered = Result<T, api::Failure>;
// What is to be asked: it calls the client, on the runtime thread.
template <typename Client, typename T>
using Question = std::function<void(Client&, std::function<void(Answered<T>)>)>;

template <typename Client, typename T>
Answered<T> ask_once(const Service& service, const Question<Client, T>& question) {
  return run_to_end<Answered<T>>([&](Runtime& runtime, std::function<void(Answered<T>)> done) {
    auto client = std::make_unique<Client>(runtime, service.access, service.silence);
    question(*client, std::move(done));
    return client;
  });
}

// Throws CommandError. What can be asked again is, as often as `retries` says.
template <typename Client, typename T>
T ask(const Service& service, const Question<Client, T>& question) {
  Backoff backoff;
  while (true) {
    Answered<T> answer = ask_once(service, question);
    if (answer) return std::move(*answer);
    api::Failure& failure = answer.error();
    if (!failure.retryable || backoff.failures() >= service.retries) {
      failure.error.charged = Charged::no;
      throw CommandError(failure.error);
    }
    std::this_thread::sleep_for(backoff.next(failure.retry_after));
  }
}

}  // namespace genpro::cli
