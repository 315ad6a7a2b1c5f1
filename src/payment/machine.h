// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The table of transitions: one function for each pair of a state and an event that means
// something. What is done about a request is in request.cpp, about a generation in generation.cpp.
#pragma once

#include "payment/payment.h"

namespace genpro::payment {

// For one step. Numbers in brackets are the rules in README.md beside this file.
class Machine {
 public:
  using Ids = std::vector<std::string>;

  Machine(const Policy& policy, const Now& now) : policy_(policy), now_(now) {}

  // What is not in the table changes nothing.
  template <typename Stage, typename Happened>
  Step on(const Stage& stage, const Happened&) {
    return {stage, {}};
  }

  // The request has not left.
  Step on(const Prepared& prepared, const Begun&) { return {prepared, {ReadCell{}}}; }
  Step on(const Prepared& prepared, const Resumed&);
  Step on(const Prepared& prepared, const Woke&) { return {prepared, {ReadCell{}}}; }
  Step on(const Prepared& prepared, const Listed& listed);
  Step on(Prepared prepared, const Unlisted& unlisted);
  Step on(const Prepared& prepared, const TimedOut&) { return timed_out(prepared); }
  Step on(const Prepared&, const StopWanted&) { return withdrawn(); }
  Step on(const Prepared&, const Left&) { return withdrawn(); }

  // It is under way.
  Step on(const Posting& posting, const Replied& replied);  // (1)
  Step on(const Posting& posting, const Resumed& resumed);
  Step on(Posting posting, const StopWanted&);
  Step on(const Posting& posting, const TimedOut&);
  Step on(const Posting& posting, const Left&);

  // Whether it was taken is not known. (2, 3, 4)
  Step on(InDoubt doubt, const Resumed&);
  Step on(const InDoubt& doubt, const Woke&);
  Step on(InDoubt doubt, const Listed& listed);
  Step on(InDoubt doubt, const Unlisted& unlisted);
  Step on(InDoubt doubt, const StopWanted&);
  Step on(InDoubt doubt, const TimedOut&);

  // There is a generation.
  Step on(Known known, const Resumed& resumed);
  Step on(const Completed& completed, const Resumed&) { return asked_again(completed); }
  Step on(const Delivered& delivered, const Resumed&) { return asked_again(delivered); }
  Step on(const Gone& gone, const Resumed&) { return asked_again(gone); }
  Step on(const Known& known, const Woke&) { return {known, {Poll{}}}; }
  Step on(const Completed& completed, const Woke&) { return {completed, {Poll{}}}; }
  Step on(const Delivered& delivered, const Woke&) { return {delivered, {Poll{}}}; }
  Step on(const Gone& gone, const Woke&) { return {gone, {Poll{}}}; }
  Step on(const Known& known, const Polled& polled) { return answered(known, polled.answer); }
  Step on(const Completed& done, const Polled& polled) { return answered(done, polled.answer); }
  Step on(const Delivered& done, const Polled& polled) { return answered(done, polled.answer); }
  Step on(const Gone& gone, const Polled& polled) { return answered(gone, polled.answer); }
  // The cell is read once the API has said twice that it has no such generation. (5)
  Step on(const Known& known, const Listed& listed) { return looked_for(known, listed); }
  Step on(const Completed& done, const Listed& listed) { return looked_for(done, listed); }
  Step on(const Delivered& done, const Listed& listed) { return looked_for(done, listed); }
  Step on(const Known& known, const Unlisted& not_read) { return not_looked_for(known, not_read); }
  Step on(const Completed& done, const Unlisted& not_read) {
    return not_looked_for(done, not_read);
  }
  Step on(const Delivered& done, const Unlisted& not_read) {
    return not_looked_for(done, not_read);
  }
  // Of one that is only likely, and was stopped.
  Step on(const Known& known, const Accounted& accounted);
  // Stopping is for what is proven to be its own. (6)
  Step on(Known known, const StopWanted&);
  Step on(const Known& known, const StopReplied& replied);
  Step on(const Completed& completed, const StopWanted&) { return shut_down(completed); }
  Step on(const Delivered& delivered, const StopWanted&) { return shut_down(delivered); }
  Step on(const Gone& gone, const StopWanted&) { return shut_down(gone); }
  Step on(const Known& known, const TimedOut&) { return timed_out(known); }
  Step on(const Completed& completed, const TimedOut&) { return timed_out(completed); }
  Step on(const Delivered& delivered, const TimedOut&) { return timed_out(delivered); }
  Step on(const Gone& gone, const TimedOut&) { return timed_out(gone); }
  // Another process was the one to hear of it, and nothing is to be had any more.
  Step on(const Refused& refused, const Resumed&) { return ended_before(refused); }
  Step on(const Failed& failed, const Resumed&) { return ended_before(failed); }
  Step on(const Stopped& stopped, const Resumed&);
  Step on(const Stopped& stopped, const Polled& polled);
  Step on(const Stopped& stopped, const Accounted& accounted);
  Step on(const Refused& refused, const Woke&) { return ended(refused); }
  Step on(const Failed& failed, const Woke&) { return ended(failed); }
  Step on(const Stopped& stopped, const Woke&) { return ended(stopped); }
  Step on(const Refused& refused, const TimedOut&) { return timed_out(refused); }
  Step on(const Failed& failed, const TimedOut&) { return timed_out(failed); }
  Step on(const Stopped& stopped, const TimedOut&) { return timed_out(stopped); }
  Step on(const Refused& refused, const StopWanted&) { return shut_down(refused); }
  Step on(const Failed& failed, const StopWanted&) { return shut_down(failed); }
  Step on(const Stopped& stopped, const StopWanted&) { return shut_down(stopped); }
  Step on(const Known& known, const DeliveredWhole&) { return delivered(known.generation); }
  Step on(const Completed& done, const DeliveredWhole&) { return delivered(done.generation); }

 private:
  static Step timed_out(State state) {
    return {std::move(state), {End{End::Kind::timed_out, "", {}}}};
  }
  static Step shut_down(State state) {
    return {std::move(state), {End{End::Kind::shut_down, "", {}}}};
  }
  static Step ended(State state);
  // Before this run was told anything of it.
  Step ended_before(State state) const;
  // The user wants to be asked about what is not proven.
  bool is_only_likely(const Generation& generation) const;
  static Step not_followed(State state);
  static Wait backoff(const Answer& answer) {
    return {Wait::Pace::backoff, answer.retry_after.value_or(0)};
  }
  // Of an older version's row only the wall clock's time is known: what it measures counts from
  // now.
  Moment placed(Moment moment) const;

  // request.cpp
  Step first_post(const Prepared& prepared, const std::string& came, std::optional<Ids> before = {},
                  const Moment& looked = {});
  static Step never_sent(const std::string& text);
  static Step withdrawn();
  static Step named(const Attempt& attempt, const Answer& answer);
  Step into_doubt(InDoubt doubt, const std::string& came);
  Step reconcile(InDoubt doubt, std::vector<Action> actions);
  bool may_repeat(const InDoubt& doubt) const;
  bool key_protects(const InDoubt& doubt) const;
  Step repeat(InDoubt doubt, const std::string& came, std::vector<Action> actions);
  Step unreadable(InDoubt doubt, const std::string& why, std::optional<Millis> retry_after);
  static Step undecided(InDoubt doubt, std::string why, Ids found,
                        std::vector<Action> actions = {});
  Step likely(InDoubt doubt, const std::string& id);
  Step absent(InDoubt doubt, const Listed& listed);

  // generation.cpp
  template <typename Stage>
  Step asked_again(Stage stage);
  template <typename Stage>
  Step answered(const Stage& from, const Answer& answer);
  void finish(State& state, const Answer& answer, std::vector<Action>& actions) const;
  Step not_likely_any_more(Generation generation, const std::string& came);
  Step not_refunded(State likely, End::Kind kind, const std::string& came) const;
  template <typename Stage>
  Step not_answered(Stage from, const Answer& answer);
  template <typename Stage>
  Step missing(Stage from, const Answer& answer);
  template <typename Stage>
  Step looked_for(Stage from, const Listed& listed);
  template <typename Stage>
  Step not_looked_for(Stage from, const Unlisted& unlisted);
  template <typename Stage>
  Step gone(Stage from);
  template <typename Stage>
  Step stopped(const Stage& from, State after, const Answer& answer);
  template <typename Stage>
  Step not_stopped(Stage from, const Answer& answer);
  static Step delivered(Generation generation);

  const Policy& policy_;
  const Now& now_;
};

// What the generation of `from` has come to by the service's word.
State reached(const State& from, Generation generation, const Answer& answer);
// How a run ends that waited for the generation.
End::Kind end_of(const State& state);

}  // namespace genpro::payment
