// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/driver.h"

#include <algorithm>
#include <type_traits>

#include "simulation/describe.h"
#include "simulation/invariants.h"

namespace genpro::simulation {

namespace {

using payment::State;

// How long a pipeline waits for its requests when it is shut down.
constexpr Millis shutdown = 500;

// A whole listing in which nothing can be the row's.
bool shows_absence(const State& row, const payment::Listed& listed) {
  const payment::Attempt* attempt = payment::attempt(row);
  if (attempt == nullptr || !attempt->before || !listed.is_whole) return false;
  const auto has = [](const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  return std::all_of(attempt->before->begin(), attempt->before->end(),
                     [&](const std::string& id) { return has(listed.jobs, id); }) &&
         std::all_of(listed.jobs.begin(), listed.jobs.end(), [&](const std::string& id) {
           return has(*attempt->before, id) || has(listed.claimed, id);
         });
}

}  // namespace

// ---- Steps ----

void Driver::feed(int number, const payment::Event& event) {
  Run& run = run_of(number);
  ++tally_.steps;
  const bool was_in_doubt = payment::attempt(run.state) != nullptr;
  const auto* heard = std::get_if<payment::Listed>(&event);
  heard_now_ = heard != nullptr;
  if (heard != nullptr && heard->jobs.empty()) {
    for (Row& row : ledger_of(run).rows) {
      row.was_blind |= row.wish.cell == cell_of(run) && (!row.look || row.look->jobs.empty());
    }
  }
  payment::Step step = mind_.step(run.policy, run.state, event, clock(run));
  if (log_) {
    say(number, describe(event) + ": " + describe(run.state) + " -> " + describe(step.state) +
                    describe(step.actions));
  }
  run.state = std::move(step.state);
  const Invariants invariants(*this);
  if (was_in_doubt && payment::evidence(run.state) == payment::Evidence::likely) {
    invariants.is_likely(run);
  }
  if (mind_.slip == Slip::posts_before_it_persists) {
    std::stable_partition(step.actions.begin(), step.actions.end(), [](const auto& action) {
      return std::holds_alternative<payment::Post>(action);
    });
  }
  run.stops_next = std::any_of(step.actions.begin(), step.actions.end(), [](const auto& action) {
    return std::holds_alternative<payment::AskStop>(action);
  });
  for (const payment::Action& action : step.actions) {
    if (run.kill_in == 0) return kill(number);
    if (choices_.chance(laws_.cuts) && ledger_of(run).is_shared) cut(number);
    if (run.kill_in > 0) --run.kill_in;
    carry_out(number, action);
    if (run.stage != Run::Stage::paying && run.stage != Run::Stage::delivering) return;
    if (std::exchange(run.is_overtaken, false)) {
      if (run.is_leaving) return feed(number, payment::StopWanted{});
      if (std::holds_alternative<payment::Resumed>(event)) return feed(number, event);
      // What another one has found likely is told by this one, too.
      const bool is_likely = payment::evidence(run.state) == payment::Evidence::likely &&
                             mind_.slip != Slip::tells_no_likely_of_others;
      return feed(number, is_likely ? payment::Event(payment::Resumed{}) : payment::Woke{});
    }
  }
  Row* row = row_of(run);
  const bool is_late = row != nullptr && run.left_at >= row->intended_at + payment::settling_time;
  Invariants(*this).is_written(run);
  // Only now it is known for good.
  if (heard != nullptr && is_late && shows_absence(row->state, *heard)) row->lacking = heard->jobs;
}

void Driver::carry_out(int number, const payment::Action& action) {
  Run& run = run_of(number);
  std::visit(
      [&](const auto& what) {
        using What = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<What, payment::Persist>) {
          persist(number, what);
        } else if constexpr (std::is_same_v<What, payment::ReadCell>) {
          ask(number, Run::Asked::cell);
        } else if constexpr (std::is_same_v<What, payment::Post>) {
          post(number);
        } else if constexpr (std::is_same_v<What, payment::Poll>) {
          ask(number, Run::Asked::poll);
        } else if constexpr (std::is_same_v<What, payment::AskStop>) {
          ask(number, Run::Asked::stop);
        } else if constexpr (std::is_same_v<What, payment::Wait>) {
          wait(number, what);
        } else if constexpr (std::is_same_v<What, payment::TellDoubt>) {
          run.is_told_of_doubt = true;
        } else if constexpr (std::is_same_v<What, payment::TellSettled>) {
          if (what.evidence == payment::Evidence::likely) {
            run.is_told_of_likely = true;
            ++tally_.likely;
          }
        } else if constexpr (std::is_same_v<What, payment::End>) {
          end_payment(number, what);
        }
      },
      action);
}

void Driver::ask(int number, Run::Asked what) {
  Run& run = run_of(number);
  const bool may_stop = what != Run::Asked::stop || (reach(number) && !run.is_row_lost);
  if (!may_stop && mind_.slip != Slip::stops_with_a_lost_place) {
    if (log_) say(number, "does not stop what another one may follow by now");
    return finish(number);
  }
  run.asked = what;
  run.asked_at = clock(run);
  run.left_at = now_;
  const std::string id = payment::generation_id(run.state);
  Service::Timed timed;
  if (what == Run::Asked::cell) {
    timed = service_.list(cell_of(run), now_);
  } else if (what == Run::Asked::poll) {
    timed = service_.poll(id, now_);
  } else {
    Invariants(*this).may_stop(run);
    int stopped = -1;
    timed = service_.stop(id, now_, &stopped);
    if (stopped >= 0) Invariants(*this).has_stopped(run, stopped);
  }
  run.reply = std::move(timed.reply);
  at(timed.answered_at, Due::What::reply, number, ++run.question);
}

void Driver::post(int number) {
  Run& run = run_of(number);
  const bool is_shared = ledger_of(run).is_shared;
  if (is_shared && !run.was_suspended && choices_.chance(laws_.suspensions)) return suspend(number);
  run.was_suspended = false;
  // Another machine may have taken up by now what seems to have been left.
  const bool is_late = is_shared &&
                       clock(run).up - payment::attempt(run.state)->posted.up > latest_post &&
                       mind_.slip != Slip::posts_after_a_suspension;
  if (run.is_leaving || is_late) {
    payment::Answer withdrawn;
    withdrawn.was_sent = false;
    withdrawn.text = is_late ? "the machine was held up" : "the run ends";
    return feed(number, payment::Replied{std::move(withdrawn)});
  }
  // What is waited for counts from here, and not from the intention.
  const bool dates_it = is_shared && mind_.slip != Slip::dates_posts_by_intentions;
  if (auto* posting = std::get_if<payment::Posting>(&run.state); posting != nullptr && dates_it) {
    posting->attempt.posted = clock(run);
  }
  Invariants(*this).may_post(run);
  ++tally_.posts;
  Row& row = *row_of(run);
  const payment::Attempt& attempt = *payment::attempt(run.state);
  if (row.key.empty()) row.key = attempt.key;
  row.posted_at = now_;
  run.asked = Run::Asked::post;
  run.sent = service_.post(row.wish.cell, attempt.key, row.origin, now_);
  const Service::Sent& sent = service_.posts()[index(run.sent)];
  if (sent.taken_at != never) at(sent.taken_at, Due::What::take, run.sent);
  at(sent.answered_at, Due::What::reply, number, ++run.question);
}

// The machine sleeps, and goes on where it was.
void Driver::suspend(int number) {
  Run& run = run_of(number);
  static constexpr Millis times[] = {5 * second, 9 * second, 15 * second, 40 * second, 3 * minute};
  run.suspended_until = now_ + choices_.pick(times);
  run.was_suspended = true;
  if (log_) say(number, "is suspended until " + describe_time(run.suspended_until));
  if (choices_.chance(80)) cut(number);
  at(run.suspended_until, Due::What::resume, number);
}

void Driver::take(int sent) {
  const int generation = service_.take(sent, now_);
  if (generation < 0) return;
  ++tally_.charges;
  if (log_) {
    say("    the service takes it: " + describe(service_.generations()[index(generation)]));
  }
  const Invariants::Charge charge = Invariants(*this).may_charge(generation);
  if (charge == Invariants::Charge::first) return;
  ++(charge == Invariants::Charge::forgotten ? tally_.forgotten : tally_.excused);
  excused_.push_back(generation);
}

void Driver::hear(int number) {
  Run& run = run_of(number);
  const Run::Asked asked = std::exchange(run.asked, Run::Asked::nothing);
  const Reply reply = asked == Run::Asked::post ? service_.answer(run.sent, now_)
                                                : std::exchange(run.reply, Reply{});
  payment::Answer answer = mind_.understand(reply);
  run.heard_cost = reply.cost;
  if (log_) say(number, "hears " + describe(reply));
  if (asked == Run::Asked::poll) {
    const bool is_denied =
        reply.body == Reply::Body::error && (reply.status == 401 || reply.status == 403);
    if (is_denied) {
      run.denied_at.push_back(now_);
    } else {
      run.denied_at.clear();
    }
    if (answer.word != payment::Answer::Word::none) run.failures = 0;
  }
  if (asked == Run::Asked::post) {
    run.not_before = now_ + reply.retry_after.value_or(0);
    return feed(number, payment::Replied{std::move(answer)});
  }
  if (asked == Run::Asked::poll) return feed(number, payment::Polled{std::move(answer)});
  if (asked == Run::Asked::stop) {
    feed(number, payment::StopReplied{std::move(answer)});
    if (run.stage == Run::Stage::paying && run.is_alone && !run.only_looks && !run.is_leaving) {
      share(run);
    }
    return;
  }
  run.heard.reset();
  if (reply.body == Reply::Body::cell && reply.is_whole) run.heard = reply.jobs;
  const std::string& id = payment::generation_id(run.state);
  run.cell_may_have_it =
      reply.body == Reply::Body::cell &&
      (!reply.is_whole || std::find(reply.jobs.begin(), reply.jobs.end(), id) != reply.jobs.end());
  if (reply.body != Reply::Body::cell) return feed(number, payment::Unlisted{std::move(answer)});
  if (payment::attempt(run.state) != nullptr && !reach(number)) {
    return end_with_error(number, "cannot reach the ledger: an error");
  }
  feed(number, listed(run, reply));
}

void Driver::wait(int number, const payment::Wait& wait) {
  Run& run = run_of(number);
  Millis time = wait.least;
  if (wait.pace == payment::Wait::Pace::backoff) {
    const unsigned doublings = std::min(run.failures++, 6U);
    time = std::max(time, std::min<Millis>(250LL << doublings, 30 * second));
  } else if (wait.pace == payment::Wait::Pace::schedule) {
    time = std::max(time, choices_.between(4 * second, 20 * second, 8 * second));
  }
  at(now_ + time, Due::What::wake, number, ++run.wait);
}

void Driver::end_payment(int number, const payment::End& end) {
  Run& run = run_of(number);
  Invariants(*this).may_end(run, end.kind);
  using Kind = payment::End::Kind;
  if (end.kind == Kind::in_doubt) run.is_told_of_doubt = true;
  if (run.only_looks) {
    note_what_is_left(number);
    run.row = -1;
    run.stage = Run::Stage::claiming;
    return at(now_, Due::What::claim, number);
  }
  if (end.kind == Kind::again) {
    run.passed_over.push_back(run.row);
    return claim_again(number);
  }
  if (end.kind == Kind::clip) {
    run.stage = Run::Stage::delivering;
    return at(now_ + 3 * second, Due::What::deliver, number);
  }
  if (mind_.slip == Slip::stops_after_an_error && end.kind != Kind::shut_down) {
    run.stage = Run::Stage::paying;
    run.is_leaving = true;
    return feed(number, payment::StopWanted{});
  }
  if (end.kind != Kind::shut_down) {
    run.stage = Run::Stage::paying;
    cancel(run);
    feed(number, payment::Left{});
  }
  if (run.stage == Run::Stage::paying) finish(number);
}

// What is under way, a POST apart, is of no interest any more.
void Driver::cancel(Run& run) {
  ++run.wait;
  if (run.asked == Run::Asked::post) return;
  ++run.question;
  run.asked = Run::Asked::nothing;
}

// The user shuts down.
void Driver::leave(int number) {
  Run& run = run_of(number);
  run.is_leaving = true;
  if (run.stage == Run::Stage::claiming || run.stage == Run::Stage::waiting) return finish(number);
  cancel(run);
  Row* row = row_of(run);
  // A ledger that is away says nothing of others: then it is not stopped.
  if (asker_of(run).stops_at_exit && !run.only_looks && row != nullptr && !run.is_alone &&
      reach(number) && take_alone(number)) {
    row->was_stop_wanted = true;
    run.stage = Run::Stage::paying;
    at(now_ + shutdown, Due::What::left, number);
    run.kill_in = -1;
    feed(number, payment::StopWanted{});
    if (run.could_not_write) return;
    return Invariants(*this).is_to_be_stopped(run);
  }
  if (row == nullptr && asker_of(run).stops_at_exit && !run.only_looks) {
    at(now_ + shutdown, Due::What::left, number);
    return feed(number, payment::StopWanted{});
  }
  feed(number, payment::Left{});
  if (run.stage == Run::Stage::paying || run.stage == Run::Stage::delivering) finish(number);
}

void Driver::deliver(int number) {
  Run& run = run_of(number);
  Row* row = row_of(run);
  if (!run.flow_fails) {
    run.is_delivered = true;
    row->delivered_at = std::min(row->delivered_at, now_);
    ++tally_.deliveries;
    Invariants(*this).has_delivered(run);
  } else if (log_) {
    say(number, "the flow fails");
  }
  if (!run.flow_fails || mind_.slip == Slip::notes_a_delivery_that_failed) {
    feed(number, payment::DeliveredWhole{});
  } else if (mind_.slip == Slip::stops_after_an_error) {
    feed(number, payment::StopWanted{});
  } else {
    feed(number, payment::Left{});
  }
  if (run.stage != Run::Stage::ended) finish(number);
}

void Driver::end_with_error(int number, const char* why) {
  if (log_) say(number, why);
  // It tells what may be charged.
  run_of(number).is_told_of_doubt = true;
  finish(number);
}

// In good order, or with an error; its process may live on or not.
void Driver::finish(int number) {
  Run& run = run_of(number);
  if (run.stage == Run::Stage::ended) return;
  Invariants(*this).has_ended(run);
  note_what_is_left(number);
  release(run);
  run.stage = Run::Stage::ended;
  const Row* row = row_of(run);
  if (row != nullptr && payment::meaning(row->state).is_unsettled) ++tally_.doubts;
  after_run(run);
}

void Driver::kill(int number) {
  Run& run = run_of(number);
  if (run.stage == Run::Stage::ended) return;
  if (log_) say(number, "is killed");
  ++tally_.kills;
  run.kill_in = -1;
  if (!run.forks || mind_.slip != Slip::leaves_locks_to_its_child) release(run);
  run.stage = Run::Stage::ended;
  after_run(run);
}

void Driver::reboot(int machine) {
  Machine& booted = machines_[index(machine)];
  ++tally_.boots;
  static constexpr Millis outs[] = {20 * second, 5 * minute, 26 * hour};
  booted.booted_at = now_ + choices_.pick(outs);
  ++booted.boots;
  static constexpr Millis errors[] = {0, 0, -2 * day, 2 * day};
  booted.wall_error += choices_.pick(errors);
  if (log_) {
    say("machine " + std::to_string(machine) + " goes down, until " +
        describe_time(booted.booted_at));
  }
  for (int number = 0; number < static_cast<int>(runs_.size()); ++number) {
    Run& run = run_of(number);
    if (run.machine != machine || run.stage == Run::Stage::waiting) continue;
    if (run.stage != Run::Stage::ended && ledger_of(run).is_shared) cut(number);
    run.forks = false;
    kill(number);
  }
}

}  // namespace genpro::simulation
