// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The half of a Job that lives on the runtime thread: finds the payment that serves the request or
// begins one, and tells the job what comes of it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "api/key_command.h"
#include "assets/task.h"
#include "job/address_request.h"
#include "job/claiming.h"
#include "job/estimate.h"
#include "job/identity.h"
#include "job/job.h"
#include "job/payment_driver.h"
#include "job/preparation.h"
#include "job/reconciler.h"
#include "polling/poll_schedule.h"

namespace genpro::job {

class Worker : private PaymentDriver::Owner {
 public:
  Worker(Runtime& runtime, JobSettings settings, Job::Channel channel);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // The clip's address once more, after the job has ended with one.
  void ask_address(Job::AddressDone done);
  // The element is about to shut down: a generation that is unfinished is stopped now.
  void begin_shutdown();
  // The element shuts down: no update follows, and Shared::shutdown is set when all is done that
  // can be done for the generation.
  void shut_down(const Delivery& delivery);
  // Ends calls and timers at once.
  void cancel();

 private:
  void ask_key(std::function<void()> then);
  void begin();
  void attach();
  void serve_attached(ledger::Entry entry, const std::string& file);
  void follow(ledger::Entry entry);
  PaymentDriver& make_payment(std::optional<api::GenerationRequest> request);
  void send_owed_stops();
  void learn_durations();

  // PaymentDriver::Owner
  void on_progress() override;
  void on_doubt(const payment::TellDoubt& doubt) override;
  void on_settled(const payment::TellSettled& settled) override;
  void on_outage(const payment::TellOutage& outage) override;
  void on_warning(std::string text) override;
  void on_ledger_error(Error error) override;
  void on_claim_needed() override;
  void on_end(const payment::End& end) override;
  std::chrono::milliseconds until_next_poll() override;

  // One that asks how its generation stands.
  class Waiting {
   public:
    Waiting() { ++count_; }
    ~Waiting() { --count_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    // In this process; any thread.
    static unsigned count() { return count_; }

   private:
    static inline std::atomic<unsigned> count_ = 0;
  };

  void complete();
  void end_with(FinishedClip clip);
  // archive.cpp
  void open_archive(std::function<void()> then);
  // Work on the archive's disk, which calls `tick` as it gets on. `on_silence` takes its place once
  // that has not come for 30 s.
  using Tick = archive::Tick;
  using ArchiveWork = std::function<void(const std::stop_token& stopped,
                                         const assets::Task::Post& post, const Tick& tick)>;
  void work_on_archive(ArchiveWork work, std::function<void()> on_silence);
  void end_archive_work();
  std::string silent_archive() const;
  // `then` gets the path of the clip, or an empty text where there is none.
  void look_in_archive(const std::string& id, const std::string& fingerprint,
                       std::function<void(const std::string& file)> then);
  static bool has_clip(const payment::State& state);
  void serve(ledger::Entry entry, ledger::LifeLock presence, const std::string& file);
  // As look_in_archive(), and waits while another process fetches the clip; without one, `then` may
  // get the lease to fetch it.
  using TurnPtr = std::shared_ptr<archive::Turn>;
  void await_archive(std::function<void(const TurnPtr& turn)> then);
  std::shared_ptr<archive::Writer> archive_writer(std::unique_ptr<archive::Lease> lease) const;
  void time_out();
  void give_up(Error error, bool is_retryable);
  // request.cpp
  void prepare();
  void ask_without_ledger();
  void identify(const api::GenerationRequest& by_contents);
  void upload(std::function<void()> then);
  void set_body();
  void claim(payment::Reuse reuse);
  void on_claim(Result<ledger::Claim> claim, payment::Reuse reuse);
  void resume(ledger::Claim claim, std::optional<api::GenerationRequest> request);
  void claim_anew(payment::Reuse reuse);
  bool has_cost_limit() const;
  void ask_estimate(const api::GenerationRequest& request, std::function<void()> then);
  ledger::Limits limits() const;
  // errors.cpp
  static std::string describe(Shutdown shutdown);
  // Where the ledger has not said it already.
  static void say_nothing_was_sent(Error& error);
  static std::string describe(const ledger::Claim& claim);
  Error error_of(const payment::End& end) const;
  Error failed_error(const payment::End& end) const;
  Error doubt_error(const payment::End& end) const;
  Error timeout_error() const;
  void note_cost();
  // Nothing, or why a new generation is not to be asked for.
  std::optional<Error> cost_error() const;
  std::string failure_text() const;
  void report(Update update);
  std::optional<Expectation> expectation() const;
  std::chrono::milliseconds elapsed() const;
  std::string generation_id() const;
  // shutdown.cpp
  void end_steps();
  void stop_unfinished();
  void finish_shutdown(Shutdown outcome);

  Runtime& runtime_;
  JobSettings settings_;
  const log::Logger log_;
  const Job::Channel channel_;
  const std::chrono::steady_clock::time_point started_;
  const ledger::WallTime asking_since_;
  const bool is_attached_;
  std::unique_ptr<api::KeyRequest> key_request_;
  std::unique_ptr<assets::Task> archive_task_;
  Timer archive_timer_;
  LedgerClient ledger_;
  polling::PollSchedule schedule_;
  std::optional<Waiting> waiting_;
  std::unique_ptr<Preparation> preparation_;
  std::optional<api::GenerationRequest> request_;  // to be posted; nothing while ids are missing
  polling::Forecast forecast_;
  std::unique_ptr<IdentityRequest> identity_request_;
  ledger::Identity identity_;
  std::unique_ptr<EstimateRequest> estimate_request_;
  std::optional<Estimate> estimate_;  // what limits are checked by
  ledger::PassedOver passed_over_;
  std::unique_ptr<Claiming> claiming_;
  std::unique_ptr<PaymentDriver> payment_;
  std::unique_ptr<AddressRequest> address_request_;
  std::unique_ptr<Reconciler> owed_stops_;
  Timer later_;  // for what must not be done from within a call of what it destroys
  Timer owed_stops_timer_;
  Timer deadline_timer_;

  Status status_ = Status::idle;
  std::optional<double> cost_;
  bool is_earlier_ = false;   // an earlier run's generation, which nobody has been told of
  bool has_learned_ = false;  // how long such generations take
  bool has_ended_ = false;    // with a clip or an error
  bool has_failed_ = false;
  bool has_timed_out_ = false;
  bool is_shutting_down_ = false;
};

}  // namespace genpro::job
