// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From a request to the one generation that it pays for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "api/client.h"
#include "base/backoff.h"
#include "job/bookkeeper.h"
#include "job/ledger.h"

namespace genpro::job {

// The generation that serves a request.
struct Taken {
  // Its row, when a ledger is kept; `presence` says that it is followed.
  std::optional<Entry> entry;
  LifeLock presence;
  // Set for a new generation: the cell's place, to be held until the row has the generation's id.
  LifeLock cell;
  api::Generation generation;  // with its id
  WallTime posted_at = 0;      // its request left
  bool is_earlier = false;     // an earlier run's: nothing was posted
  bool stop_first = false;     // a stop request has to be sent first; `presence` is exclusive
};

struct SubmissionSettings {
  std::string ledger;  // path; empty: none is kept
  api::GenerationRequest request;
  RequestIdentity identity;
  Reuse reuse = Reuse::in_flight;
  unsigned daily_limit = 0;
  unsigned retries = 5;
};

// Looks for a generation that may serve the request, and asks for a new one otherwise. Belongs to
// the runtime thread.
//
// A request whose answer is lost may have been taken, and is then charged. So the cell's jobs are
// read before the first request and after a loss: one that is new is the request's. Only when there
// is none does the request leave again, with the same idempotency key. Where the cell could not be
// read before the request, that key alone keeps it from being charged twice; where it cannot be
// read any more, the request is not repeated.
class Submission {
 public:
  using Done = std::function<void(Result<Taken>)>;

  // How long the service may take from a request's arrival until the cell lists it. A process that
  // died over a request and one that is started again are closer together than that.
  static constexpr WallTime settling_time_ms = 2000;

  // `done` is called once, not from within the constructor or start(). Those in `passed_over` are
  // not picked up.
  Submission(Runtime& runtime, api::Client& client, SubmissionSettings settings,
             PassedOver passed_over, Done done);
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;
  // `waits` is called when another run has had a request under way for a while, on the same cell or
  // for the same video.
  void start(std::function<void()> waits);

  // A request has left and its answer has not come.
  bool is_posting() const { return stage_ == Stage::posting; }
  // Notes how far it came, for the next run to go on from there; `done` will not be called. With
  // `stop_wanted` a generation that came of it has to be stopped.
  void abandon(bool stop_wanted);

 private:
  enum class Stage { preparing, posting, lost, ended };
  using Jobs = Result<std::vector<std::string>, api::Failure>;

  void claim();
  void look_again(bool is_in_line);
  void wake();
  void on_claim(Claim claim);
  void check_limit();
  void read_cell_before();
  void on_cell_before(Jobs jobs);
  void begin(std::optional<std::vector<std::string>> jobs_before);
  void post();
  void on_posted(Result<api::Generation, api::Failure> reply);
  void on_refused(api::Failure failure);
  void on_lost(api::Failure failure);
  void settle();
  void on_cell_after(Jobs jobs);
  void on_new_jobs(const std::vector<std::string>& jobs, const std::vector<std::string>& all);
  void on_no_new_job(std::optional<std::vector<std::string>> jobs);
  void post_again(std::optional<std::vector<std::string>> jobs);
  void serve(api::Generation generation);
  void leave_unknown(Error error);
  void note_unknown(bool stop_wanted, std::function<void()> then);
  void finish(Result<Taken> result);
  template <typename T>
  void ask(std::function<Result<T>(Ledger&)> question, std::function<void(T)> then);
  bool can_retry() const { return backoff_.failures() < settings_.retries; }
  std::string tries() const;

  api::Client& client_;
  const SubmissionSettings settings_;
  LedgerDesk desk_;
  const PassedOver passed_over_;
  Done done_;

  Stage stage_ = Stage::preparing;
  // The row, or without a ledger what would be in it.
  Entry entry_;
  bool has_begun_ = false;  // `entry_` is set, and its request may have left
  LifeLock presence_;
  LifeLock cell_;
  std::optional<api::Failure> loss_;  // why this run does not know an answer
  bool is_in_doubt_ = false;          // an earlier try may have been taken
  bool may_repeat_ = true;            // the request may leave once more
  Backoff backoff_;
  Backoff cell_backoff_;  // of reading the cell after a loss
  Timer timer_;
  Timer waiting_timer_;
  int looks_ = 0;
  bool is_waiting_ = false;  // for the next look
  bool is_woken_ = false;    // while it looked
  const std::weak_ptr<Runtime> runtime_;
  const std::shared_ptr<char> here_ = std::make_shared<char>();
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace genpro::job
