// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The life of one generation, from the request to a clip's address.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "api/client.h"
#include "base/guarded.h"
#include "base/interruption.h"

namespace genpro::job {

// Where a generation stands, seen from the element. `streaming` and `done` belong to the clip's
// delivery and are never reported by a Job.
enum class Status { idle, submitting, pending, processing, streaming, done, failed, stopped };

struct JobSettings {
  api::Access access;
  // What to ask for, or the id of a generation that exists, to which nothing is posted.
  std::variant<api::GenerationRequest, std::string> subject;
  std::chrono::milliseconds silence{15'000};        // without a byte, per call
  std::chrono::milliseconds poll_interval{0};       // 0: adaptive
  std::chrono::milliseconds generation_timeout{0};  // over all; 0: none
  unsigned retries = 5;                             // per call, beyond the first try
};

// One change. The last one of a job has an error or a clip.
struct Update {
  Status status = Status::idle;
  std::string generation_id;             // empty until the service has given one
  std::chrono::milliseconds elapsed{0};  // since the job began
  std::optional<double> cost;
  std::optional<Url> clip;
  std::optional<Error> error;
};

// The handle that an element holds. Threads: any; none of its functions waits for the network.
class Job {
 public:
  // Starts at once, on the runtime thread, which the handle keeps alive.
  static std::shared_ptr<Job> start(std::shared_ptr<Runtime> runtime, JobSettings settings);
  // Ends all calls; the generation itself goes on at the service.
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Waits for the next update. Nothing when interrupted since `begun_at`, see Interruption; the job
  // goes on then, and its updates are kept.
  std::optional<Update> wait(std::uint64_t begun_at);
  void set_interruption(const Interruption& interruption);

 private:
  friend class Worker;
  struct Shared {
    std::deque<Update> updates;
    Interruption interruption;
  };
  using Channel = std::shared_ptr<Guarded<Shared>>;

  Job(std::shared_ptr<Runtime> runtime, JobSettings settings);

  // First, so that it is released last.
  std::shared_ptr<Runtime> runtime_;
  Channel channel_;
  std::shared_ptr<class Worker> worker_;
};

}  // namespace genpro::job
