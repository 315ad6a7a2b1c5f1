// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What happens in a history: who wants what, what happens to machines, and in which order.
#include <algorithm>

#include "simulation/describe.h"
#include "simulation/driver.h"
#include "simulation/invariants.h"

namespace genpro::simulation {

namespace {

// So that a history that never ends is found.
constexpr unsigned most_steps = 10'000;
constexpr std::size_t most_runs = 14;

constexpr Millis wall_at_the_beginning = 1'700'000'000'000;

}  // namespace

Driver::Driver(const Mind& mind, Choices& choices, std::string* log)
    : mind_(mind),
      choices_(choices),
      log_(log),
      laws_(draw_laws(choices)),
      service_(laws_, choices) {
  // References into these are held while they grow.
  runs_.reserve(most_runs + 2);
  askers_.reserve(4);
  ledgers_.reserve(4);
  due_.reserve(16);
}

payment::Now Driver::clock(int machine) const {
  const Machine& one = machines_[index(machine)];
  payment::Now now;
  now.boot = mind_.slip == Slip::forgets_boots
                 ? "b"
                 : std::to_string(machine) + "b" + std::to_string(one.boots);
  now.up = now_ - one.booted_at;
  now.wall = wall_at_the_beginning + now_ + one.wall_error;
  if (mind_.slip == Slip::measures_by_the_wall) now.up = now.wall;
  return now;
}

// ---- The plan ----

void Driver::plan() {
  machines_.resize(laws_.is_shared ? 3 : 2);
  // Those before have been up for a while.
  machines_[0].booted_at = machines_[1].booted_at = -hour;
  if (laws_.is_shared) {
    machines_[1].booted_at = -5 * minute;
    machines_[2].booted_at = -3 * day;
    for (Machine& machine : machines_) {
      static constexpr Millis errors[] = {
          0, 0, 0, -20 * second, 20 * second, -5 * minute, 5 * minute, -2 * day, 2 * day};
      machine.wall_error = choices_.pick(errors);
    }
  }
  Ledger ledger;
  ledger.cells.assign(2, -1);
  ledger.rows.reserve(most_runs + 2);
  ledgers_.push_back(ledger);
  ledgers_.push_back(ledger);
  ledgers_.front().is_shared = laws_.is_shared;

  // What somebody has made before.
  static constexpr unsigned olds[] = {0, 0, 0, 1, 2};
  for (unsigned left = choices_.pick(olds); left > 0; --left) {
    service_.generate_by_stranger(0, -10 * minute);
  }
  static constexpr int counts[] = {1, 1, 1, 2, 2, 2, 3};
  const int count = choices_.pick(counts);
  for (int number = 0; number < count; ++number) {
    Asker asker;
    if (number > 0) {
      static constexpr int kinds[] = {0, 0, 1, 1, 1, 2, 3};
      const int kind = choices_.pick(kinds);
      asker.wish.request = kind == 0 ? 0 : number;      // the same, or another one of the same cell
      if (kind == 2) asker.ledger = asker.machine = 1;  // somebody else's machine
      if (kind == 3) asker.wish.cell = 1;
    }
    if (laws_.is_shared && asker.ledger == 0) {
      asker.machine = static_cast<int>((static_cast<unsigned>(number) + choices_.below(3)) % 3);
    }
    asker.policy.keys_are_documented = laws_.are_keys_documented;
    asker.policy.asks_when_in_doubt = choices_.chance(8);
    static constexpr unsigned retries[] = {5, 5, 2, 0};
    asker.policy.retries = choices_.pick(retries);
    static constexpr payment::Reuse reuses[] = {
        payment::Reuse::in_flight, payment::Reuse::in_flight, payment::Reuse::in_flight,
        payment::Reuse::in_flight, payment::Reuse::completed, payment::Reuse::never};
    asker.reuse = choices_.pick(reuses);
    static constexpr Millis timeouts[] = {30 * minute, 30 * minute, 10 * minute, 45 * second};
    asker.generation_timeout = choices_.pick(timeouts);
    asker.stops_at_exit = !choices_.chance(20);
    askers_.push_back(asker);
    plan_run(number, number == 0 ? 0 : choices_.between(0, 60 * second, 500));
  }

  static constexpr unsigned strangers[] = {0, 0, 0, 0, 1, 1, 2};
  for (unsigned left = choices_.pick(strangers); left > 0; --left) {
    at(choices_.between(0, 60 * second, second), Due::What::stranger, 0);
  }
  const auto any_machine = [&] {
    return laws_.is_shared ? static_cast<int>(choices_.below(3)) : 0;
  };
  if (choices_.chance(10)) {
    const int machine = any_machine();
    at(choices_.between(0, 90 * second, 500), Due::What::reboot, machine);
  }
  if (choices_.chance(6)) {
    const int machine = any_machine();
    at(choices_.between(0, 90 * second, 500), Due::What::step_wall, machine);
  }
  if (laws_.fails_over_at != never) at(laws_.fails_over_at, Due::What::fail_over, 0);
  if (!laws_.is_shared && choices_.chance(2)) {
    at(choices_.between(0, 30 * second, 500), Due::What::remove_ledger, 0);
  }
}

void Driver::plan_run(int asker, Millis when) {
  if (runs_.size() >= most_runs) return;
  Asker& who = askers_[index(asker)];
  const Millis booted_at = machines_[index(who.machine)].booted_at;
  when = std::max(when, booted_at + second);
  Run run;
  run.asker = asker;
  run.ledger = who.ledger;
  run.machine = who.machine;
  run.policy = who.policy;
  run.has_unreadable_data = choices_.chance(2);
  if (choices_.chance(laws_.kills)) {
    run.kill_in = static_cast<int>(choices_.below(14));
    run.forks = choices_.chance(20);
  }
  run.flow_fails = choices_.chance(10);
  if (choices_.chance(8)) run.prepares_for = choices_.between(0, 60 * second, 5 * second);
  runs_.push_back(std::move(run));
  const int number = static_cast<int>(runs_.size()) - 1;
  at(when, Due::What::start, number);
  at(when + who.generation_timeout, Due::What::time_out, number);
  if (choices_.chance(20)) {
    // Often right at the beginning, where a request is under way.
    const Millis stay = choices_.chance(50) ? choices_.between(0, 3 * second, 100)
                                            : choices_.between(0, 90 * second, 500);
    at(when + run_of(number).prepares_for + stay, Due::What::leave, number);
  }
}

// `genpro ledger reconcile`, by somebody who looks the ledger over.
void Driver::look_over(int ledger, Millis when) {
  if (runs_.size() >= most_runs) return;
  Run run;
  run.ledger = ledger;
  run.only_looks = true;
  run.policy.may_post = false;
  run.policy.keys_are_documented = laws_.are_keys_documented;
  for (std::size_t asker = 0; asker < askers_.size(); ++asker) {
    if (askers_[asker].ledger != ledger) continue;
    run.asker = static_cast<int>(asker);
    run.machine = askers_[asker].machine;
  }
  const Millis booted_at = machines_[index(run.machine)].booted_at;
  runs_.push_back(std::move(run));
  at(std::max(when, booted_at + second), Due::What::start, static_cast<int>(runs_.size()) - 1);
}

// The same is tried again by who did not get it, and sometimes by who did.
void Driver::after_run(const Run& run) {
  if (run.only_looks) return;
  Asker& asker = asker_of(run);
  const bool goes_on = choices_.chance(run.is_delivered ? 8 : 80);
  static constexpr Millis pauses[] = {second, second, 35 * second, 2 * minute, 26 * hour};
  const Millis pause = choices_.pick(pauses);
  if (choices_.chance(6)) look_over(run.ledger, now_ + pause / 2);
  if (!goes_on || asker.runs_left == 0) return;
  --asker.runs_left;
  // Whoever asks for a new one means the first time.
  if (asker.reuse == payment::Reuse::never) asker.reuse = payment::Reuse::in_flight;
  if (choices_.chance(3)) ++asker.wish.data;
  plan_run(run.asker, now_ + pause);
}

// ---- Time ----

void Driver::at(Millis when, Due::What what, int whose, int number) {
  due_.push_back({when, what, whose, number});
}

void Driver::run() {
  plan();
  if (log_) say("Laws: " + describe(laws_));
  while (!due_.empty()) {
    // The first of those that come first.
    const auto next =
        std::min_element(due_.begin(), due_.end(),
                         [](const Due& one, const Due& other) { return one.at < other.at; });
    const Due due = *next;
    due_.erase(next);
    now_ = std::max(now_, due.at);
    happen(due);
    if (tally_.steps > most_steps) throw Broken("a run does not end");
  }
  for (const Run& run : runs_) {
    if (run.stage != Run::Stage::ended) throw Broken("a run does not end");
  }
  const Invariants invariants(*this);
  invariants.is_nothing_lost();
  invariants.do_rows_explain_their_money();
}

void Driver::happen(const Due& due) {
  using What = Due::What;
  switch (due.what) {
    case What::take:
      return take(due.whose);
    case What::stranger:
      service_.generate_by_stranger(0, now_);
      if (log_) say("    " + describe(service_.generations().back()) + " is taken");
      return;
    case What::reboot:
      return reboot(due.whose);
    case What::fail_over:
      return fail_over();
    case What::free_locks:
      return free_locks(due.whose);
    case What::step_wall: {
      static constexpr Millis steps[] = {2 * day, -2 * day, 10 * day};
      machines_[index(due.whose)].wall_error += choices_.pick(steps);
      if (log_) say("    the wall clock steps");
      return;
    }
    case What::remove_ledger: {
      // Somebody removes the file, and whoever opens it next makes a new one.
      Ledger& old = ledgers_[index(due.whose)];
      old.is_removed = true;
      Ledger ledger;
      ledger.cells.assign(old.cells.size(), -1);
      ledger.rows.reserve(most_runs + 2);
      ledgers_.push_back(std::move(ledger));
      for (Asker& asker : askers_) {
        if (asker.ledger == due.whose) asker.ledger = static_cast<int>(ledgers_.size()) - 1;
      }
      for (Run& run : runs_) {
        if (run.stage == Run::Stage::waiting) run.ledger = asker_of(run).ledger;
      }
      if (log_) say("    the ledger is removed");
      return;
    }
    default:
      break;
  }
  Run& run = run_of(due.whose);
  if (now_ < run.suspended_until) return at(run.suspended_until, due.what, due.whose, due.number);
  const bool is_at_it = run.stage == Run::Stage::paying || run.stage == Run::Stage::delivering;
  switch (due.what) {
    case What::start:
      if (run.stage != Run::Stage::waiting) return;
      if (const Millis up = machines_[index(run.machine)].booted_at; now_ < up) {
        return at(up + second, What::start, due.whose);
      }
      run.began_at = now_;
      run.session = open_session(due.whose);
      ++tally_.runs;
      if (log_) {
        say(due.whose, run.only_looks
                           ? "looks over the ledger"
                           : "wants request " + std::to_string(asker_of(run).wish.request));
      }
      run.stage = Run::Stage::claiming;
      return at(now_ + run.prepares_for, What::claim, due.whose);
    case What::claim:
      if (run.stage == Run::Stage::claiming) claim(due.whose);
      return;
    case What::wake:
      if (is_at_it && due.number == run.wait) feed(due.whose, payment::Woke{});
      return;
    case What::reply:
      if (is_at_it && due.number == run.question) hear(due.whose);
      return;
    case What::time_out:
      if (run.stage == Run::Stage::claiming) return finish(due.whose);
      if (run.stage != Run::Stage::paying || run.is_leaving) return;
      run.has_timed_out = true;
      cancel(run);
      feed(due.whose, payment::TimedOut{});
      if (run.stage == Run::Stage::paying) throw Broken("the longest wait is over, and it goes on");
      return;
    case What::leave:
      if (run.stage != Run::Stage::ended && run.stage != Run::Stage::waiting && !run.is_leaving) {
        if (log_) say(due.whose, "is shut down by its user");
        leave(due.whose);
      }
      return;
    case What::left:
      if (!is_at_it) return;
      cancel(run);
      feed(due.whose, payment::Left{});
      if (run.stage == Run::Stage::paying || run.stage == Run::Stage::delivering) finish(due.whose);
      return;
    case What::catch_up:
      if (is_at_it) catch_up(due.whose);
      return;
    case What::resume:
      if (run.stage == Run::Stage::paying && run.was_suspended) post(due.whose);
      return;
    case What::deliver:
      if (run.stage == Run::Stage::delivering) deliver(due.whose);
      return;
    default:
      return;
  }
}

void Driver::say(const std::string& text) {
  *log_ += describe_time(now_) + "  " + text + "\n";
}

void Driver::say(int run, const std::string& text) {
  *log_ += describe_time(now_) + "  run " + std::to_string(run + 1) + " " + text + "\n";
}

}  // namespace genpro::simulation
