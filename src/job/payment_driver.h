// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Carries out what the payment core says: writes to the ledger, asks the service, waits.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/client.h"
#include "base/backoff.h"
#include "job/ledger_thread.h"
#include "ledger/ledger.h"
#include "payment/payment.h"

namespace genpro::job {

// What the driver is to ask for, and whose row it is.
struct PaymentSettings {
  payment::Policy policy;
  ledger::Limits limits;
  // Unset where nothing is to be asked for.
  std::optional<api::GenerationRequest> request;
  ledger::Identity identity;
};

// One payment. Events are handled one after the other: while a state is on its way to the disk,
// those that come wait, and what a state is needed for is not begun before it is there.
//
// Belongs to the runtime thread.
class PaymentDriver {
 public:
  // Who wants to know. Each may destroy the driver.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The state is another one, and on disk, or there is new word of the generation.
    virtual void on_progress() {}
    virtual void on_doubt(const payment::TellDoubt&) {}
    virtual void on_settled(const payment::TellSettled&) {}
    virtual void on_outage(const payment::TellOutage&) {}
    // Something could not be written that a later run would need.
    virtual void on_warning(std::string) {}
    // Nothing could be done because of the ledger.
    virtual void on_ledger_error(Error error) = 0;
    // It is in doubt, and another run may be at finding out: the row has to be claimed anew.
    virtual void on_claim_needed() = 0;
    virtual void on_end(const payment::End& end) = 0;
    // Until the next question about a generation that goes on.
    virtual std::chrono::milliseconds until_next_poll() { return std::chrono::milliseconds(0); }
  };

  PaymentDriver(Runtime& runtime, const std::string& ledger, const api::Access& access,
                std::chrono::milliseconds silence, PaymentSettings settings, Owner& owner);
  ~PaymentDriver();
  PaymentDriver(const PaymentDriver&) = delete;
  PaymentDriver& operator=(const PaymentDriver&) = delete;

  // A new payment, whose cell is held until its generation is known.
  void begin(ledger::LifeLock cell);
  // One that the ledger, or a user, has named.
  void resume(ledger::Entry entry, ledger::LifeLock presence, ledger::LifeLock cell, bool is_alone);
  // The same of one that has ended well, about which nothing is to be asked.
  void hold(ledger::Entry entry, ledger::LifeLock presence);
  void handle(payment::Event event);
  // The orderly shutdown: what is proven to be its own, and is followed by nobody else, is stopped.
  // Ends in on_end().
  void stop();
  // The schedule for questions is another one now.
  void poll_by_schedule();
  // Asks nothing more. What a request that is under way comes to is still noted.
  void rest();
  // Gives the row and the cell to others.
  void release();

  const payment::State& state() const { return state_; }
  const ledger::Entry& entry() const { return entry_; }
  // The latest word of the generation, and the latest answer that told nothing.
  const std::optional<api::Generation>& generation() const { return generation_; }
  const std::optional<api::Failure>& failure() const { return failure_; }
  unsigned tries() const { return tries_; }
  bool left_to_others() const { return left_to_others_; }
  // Since the request left, by a clock that nobody sets.
  std::chrono::milliseconds age() const;

 private:
  using Reply = Result<api::Generation, api::Failure>;

  // What came, and what the core says to it.
  struct Turn {
    payment::Event event;
    payment::Step step;
  };
  using TurnPtr = std::shared_ptr<const Turn>;
  // A state on its way to the disk.
  struct Change {
    payment::State before;
    payment::State after;
    ledger::Note note;
  };
  // The row's place, once the ledger's thread has found that nobody else follows it.
  using Alone = std::optional<ledger::LifeLock>;

  void handle_waiting();
  void process(const payment::Event& event);
  // The actions from `next` on.
  void act(const TurnPtr& turn, std::size_t next);
  void act(const payment::Action& action);
  void persist(const TurnPtr& turn, std::size_t next);
  void go_on(const TurnPtr& turn, std::size_t next);
  void on_stored(const TurnPtr& turn, std::size_t next, Result<payment::State> stored);
  // Which payment a line of the log is about.
  std::string label() const;
  void set_state(const payment::State& state);
  void read_cell();
  void on_cell(Result<api::Cell, api::Failure> cell, const payment::Moment& asked);
  void post();
  payment::State as_it_left(payment::State state) const;
  // The request does not leave.
  void withdraw(const char* reason);
  void ask_stop();
  void send_stop();
  void when_alone(std::function<void()> then);
  void note_what_is_left();
  void catch_up_later();
  void catch_up();
  void wait(const payment::Wait& wait);
  void wait_until(payment::Millis due);
  void wake_later(std::chrono::milliseconds delay);
  void on_reply(Reply reply, bool is_post, std::function<payment::Event(payment::Answer)> event);
  bool needs_claim() const;
  const std::string& agent_id() const;
  ledger::Note note(const payment::Persist& line, const payment::State& after) const;

  const api::Access access_;
  const log::Logger log_;
  const PaymentSettings settings_;
  Owner& owner_;
  LedgerClient ledger_;
  const bool is_shared_;  // by machines
  api::Client client_;

  payment::State state_;
  ledger::Entry entry_;  // its id is 0 as long as there is no row
  ledger::LifeLock presence_;
  ledger::LifeLock cell_;
  bool is_exclusive_ = false;  // presence_
  bool left_to_others_ = false;
  bool is_busy_ = false;      // a step is being carried out, or its state is on the way to the disk
  bool is_stopping_ = false;  // nothing is asked for any more
  bool is_resting_ = false;
  std::list<payment::Event> waiting_;
  TurnPtr stored_;                         // its state is on the way to the disk
  std::optional<payment::State> unsaved_;  // the row's, where the ledger could not be written since
  Timer catch_up_timer_;
  std::shared_ptr<Alone> alone_;  // what is being asked for; of the ledger's thread until then
  Timer timer_;
  bool waits_for_schedule_ = false;
  Backoff backoff_;
  unsigned tries_ = 0;  // that failed in a row
  std::optional<api::Generation> generation_;
  std::optional<api::Failure> failure_;
  // When the generation was last seen unfinished.
  std::optional<std::chrono::milliseconds> unfinished_age_;
  std::chrono::steady_clock::time_point posted_;
  std::optional<payment::Moment> left_at_;  // the latest request
  const std::shared_ptr<char> here_ = std::make_shared<char>();
};

}  // namespace genpro::job
