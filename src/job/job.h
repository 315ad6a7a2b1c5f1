// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The life of one generation, from the request to a clip's address.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "api/client.h"
#include "archive/writer.h"
#include "assets/references.h"
#include "base/guarded.h"
#include "ledger/ledger.h"
#include "polling/forecast.h"

namespace genpro::job {

using ledger::default_ledger_path;
using payment::Reuse;

// Where a generation stands, seen from the element. `streaming` and `done` belong to the clip's
// delivery and are never reported by a Job.
enum class Status { idle, submitting, pending, processing, streaming, done, failed, stopped };

struct Update;

// What a request is made of that it is still to be given: the ids of files.
struct Ingredients {
  api::RequestSettings request;  // its prompt and its asset_ids are those below
  std::vector<assets::Ingredient> list;
  assets::Prompt prompt;
};

struct JobSettings {
  api::Access access;
  // Not empty: a program that gives the access its key, once the job runs.
  std::vector<std::string> key_command;
  // What to ask for, or the id of a generation that exists, to which nothing is posted.
  std::variant<api::GenerationRequest, std::string> subject;
  // Of the request, which is checked, and made anew of these.
  std::optional<Ingredients> ingredients;
  std::string ledger;   // path; empty: none is kept
  std::string archive;  // folder that keeps paid clips; empty: none does
  Reuse reuse = Reuse::in_flight;
  std::set<std::string> passed_over;  // ids of generations that are none to pick up
  unsigned daily_limit = 0;           // new generations in 24 hours; 0: no limit
  double max_cost = 0;                // of a new generation, in credits; 0: no limit
  double daily_cost_limit = 0;        // of new ones in 24 hours; 0: no limit
  // Nothing is asked for anew while it cannot be read whether that would make what was paid before.
  bool pays_once = false;
  bool stops = true;  // an unfinished generation, when it parts
  // Nothing is followed or repeated that is not proven to be this request's own.
  bool asks_when_in_doubt = false;
  std::chrono::milliseconds silence{15'000};        // without a byte, per call
  std::chrono::milliseconds poll_interval{0};       // 0: adaptive
  std::chrono::milliseconds generation_timeout{0};  // over all; 0: none
  unsigned retries = 5;                             // per call, beyond the first try
  // Before the clip's address is asked for again, whatever the server asks for.
  std::chrono::milliseconds longest_address_wait{120'000};
  // Called on the runtime thread with each update, in place of keeping it for Job::wait().
  std::function<void(Update)> on_update;
};

// It is not known whether a request was taken and charged, or that has become known.
struct DoubtNotice {
  bool is_settled = false;
  std::int64_t ledger_row = 0;          // 0: no ledger is kept
  std::string generation_id;            // empty: none is known to be the request's
  std::vector<std::string> candidates;  // ids of generations that may be
  std::string evidence;                 // of a settled one: `proven`, `likely` or `refused`
  std::string reason;                   // one or two sentences
};

// When it is expected to end, and when the request for it left.
struct Expectation {
  std::chrono::steady_clock::time_point posted;
  polling::Forecast forecast;
};

// Where the clip of a completed generation is.
struct FinishedClip {
  Url address;
  std::string file;  // in the archive, which has it; empty: it is at the address
  std::shared_ptr<archive::Writer> archive;  // keeps it, as it is read; null: none does
};

// One change. The last one of a job has an error or a clip.
struct Update {
  Status status = Status::idle;
  std::string generation_id;             // empty until the service has given one
  std::chrono::milliseconds elapsed{0};  // since the job began
  std::optional<double> cost;
  std::optional<double> estimate;  // of its cost, in credits
  std::optional<FinishedClip> clip;
  std::optional<Error> error;
  bool is_waiting = false;  // another run has a request under way on the cell or for the same video
  bool is_earlier = false;  // an earlier run's generation is picked up: nothing was posted
  std::string warning;      // something beside the generation went wrong; empty: nothing did
  std::optional<DoubtNotice> doubt;
  std::optional<Expectation> expectation;  // once such generations were seen
  std::string progress;  // what goes on, in words, where the status does not tell; empty: it does
};

// What was made of the clip.
struct Delivery {
  std::uint64_t bytes = 0;
  bool is_whole = false;
};

// What became of the generation when its job was shut down.
enum class Shutdown {
  nothing,         // there was nothing to stop
  stopped,         // the service has stopped it; no refund is proven
  refunded,        // it has ended, and is proven not to be charged
  left_to_others,  // another one follows it, and it goes on for that one
  noted,           // the service could not be told in time
};

// The handle that an element holds. Threads: any; none of its functions but shut_down() waits for
// the network.
class Job {
 public:
  // How long shut_down() waits for a stop request to be handed over, since begin_shutdown() if that
  // was called.
  static constexpr std::chrono::milliseconds longest_shutdown{500};

  // Starts at once, on the runtime thread, which the handle keeps alive.
  static std::shared_ptr<Job> start(std::shared_ptr<Runtime> runtime, JobSettings settings);
  // Ends all calls; without shut_down(), the generation itself goes on at the service.
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Waits for the next update. Nothing when interrupted, or at the deadline; the job goes on then,
  // and its updates are kept.
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  std::optional<Update> wait(const std::stop_token& interrupted = {}, Deadline deadline = {});
  // Asks the service once more where the clip is, for an address that has expired. To be called
  // after the update that had the first one. `done` is called on the runtime thread, unless the job
  // has ended by then; a further call takes an earlier one's place.
  using AddressDone = std::function<void(Result<Url>)>;
  void ask_address(AddressDone done);
  // Says that shut_down() is about to be called: the request to stop an unfinished generation
  // leaves at once, so that those of several jobs leave together. Does nothing to a generation that
  // has ended, nor when called again. Does not wait.
  void begin_shutdown();
  // To be called once, when no update is wanted any more. Asks the service to stop a generation
  // that is unfinished and that nobody else follows, and waits for that; what cannot be said in
  // time is noted in the ledger for the next run.
  Shutdown shut_down(const Delivery& delivery);

 private:
  friend class Worker;
  struct Shared {
    std::list<Update> updates;
    std::optional<Shutdown> shutdown;
    std::optional<std::chrono::steady_clock::time_point> shutdown_began;
  };
  using Channel = std::shared_ptr<Guarded<Shared>>;

  Job(std::shared_ptr<Runtime> runtime, JobSettings settings);
  // When it was called first.
  std::chrono::steady_clock::time_point note_shutdown();

  // First, so that it is released last.
  std::shared_ptr<Runtime> runtime_;
  Channel channel_;
  const bool stops_;
  std::shared_ptr<class Worker> worker_;
};

}  // namespace genpro::job
