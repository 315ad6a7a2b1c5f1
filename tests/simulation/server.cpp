// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger on a server, which hosts share: connections that are lost and made anew, what they hold,
// and the times of other machines.
#include <algorithm>
#include <type_traits>

#include "simulation/describe.h"
#include "simulation/driver.h"
#include "simulation/invariants.h"

namespace genpro::simulation {

namespace {

using payment::State;

// How often a call to the ledger is made, at most.
constexpr unsigned most_tries = 3;

}  // namespace

// ---- Connections ----

int Driver::open_session(int number) {
  Session session;
  session.run = number;
  session.is_cut = ledger_of(run_of(number)).is_shared && now_ < server_away_until_;
  sessions_.push_back(session);
  return static_cast<int>(sessions_.size()) - 1;
}

// The run's connection is lost, which the server and the run find out later.
void Driver::cut(int number) {
  Run& run = run_of(number);
  Session& session = session_of(run);
  if (session.is_cut) return;
  session.is_cut = true;
  ++tally_.connections;
  static constexpr Millis delays[] = {0, 0, 5 * second, 20 * second, 90 * second};
  const Millis delay = choices_.pick(delays);
  static constexpr Millis aways[] = {0, 0, 0, 8 * second, 40 * second};
  run.away_until = now_ + choices_.pick(aways);
  if (log_) {
    say(number, "loses its connection to the ledger, whose server notices " +
                    (delay == 0 ? "at once" : "at " + describe_time(now_ + delay)));
  }
  if (delay == 0) return free_locks(run.session);
  at(now_ + delay, Due::What::free_locks, run.session);
}

// The server gives back what a lost connection has held.
void Driver::free_locks(int number) {
  Session& session = sessions_[index(number)];
  Ledger& ledger = ledger_of(run_of(session.run));
  if (session.cell >= 0 && ledger.cells[index(session.cell)] == number) {
    ledger.cells[index(session.cell)] = -1;
  }
  session.cell = -1;
  if (session.row < 0) return;
  Row& row = ledger.rows[index(session.row)];
  if (session.is_alone) {
    row.owner = -1;
  } else {
    --row.followers;
  }
  session.row = -1;
}

bool Driver::reach(int number) {
  Run& run = run_of(number);
  if (!session_of(run).is_cut) return true;
  if (now_ < std::max(run.away_until, server_away_until_)) return false;
  if (log_) say(number, "connects to the ledger anew");
  run.session = open_session(number);
  // What it had alone may have been another one's in between.
  run.is_cell_lost = run.cell >= 0;
  if (run.followed < 0) return true;
  Row& row = ledger_of(run).rows[index(run.followed)];
  run.is_row_lost = run.is_alone || row.owner >= 0;
  if (run.is_row_lost) return true;
  ++row.followers;
  session_of(run).row = run.followed;
  return true;
}

// Whether a row was begun although its commit had no answer: its request will not leave.
bool Driver::withdraw_begun(int number) {
  const State& wanted = run_of(number).state;
  for (Row& row : ledger_of(run_of(number)).rows) {
    if (row.made_by != number || !payment::same_on_disk(row.state, wanted)) continue;
    // Who has been taken for gone may have been followed by another one, which knows better.
    if (row.followers > 0 || row.owner >= 0) return true;
    if (log_) say(number, "withdraws what it has begun");
    row.state = payment::Refused{"the connection to the ledger was lost before it left"};
    row.changed_at = now_;
    keep_version(row);
    return true;
  }
  return false;
}

// False: it is not written, as far as the run knows.
bool Driver::store(int number, const payment::Persist& note) {
  Run& run = run_of(number);
  if (!ledger_of(run).is_shared) {
    write(number, note);
    return true;
  }
  const bool is_money = std::holds_alternative<payment::Posting>(run.state);
  const bool is_first = run.row < 0;
  const State wanted = run.state;
  run.could_not_write = true;
  for (unsigned tries = 0; tries < most_tries; ++tries) {
    if (!reach(number)) return false;
    if (is_first && tries > 0) {
      if (mind_.slip == Slip::inserts_again) {
        take_cell(number, cell_of(run));
      } else if (withdraw_begun(number)) {
        return false;
      }
    }
    const bool may_post = !run.is_cell_lost || mind_.slip == Slip::posts_with_a_lost_place;
    if (is_money && !may_post) return false;
    if (is_money && !is_first && !row_of(run)->is_there) return false;
    if (run.is_row_lost && payment::stop_wanted(run.state) &&
        !payment::stop_wanted(row_of(run)->state)) {
      return false;
    }
    if (choices_.chance(laws_.conflicts)) {
      if (log_) say(number, "is in another transaction's way");
      continue;
    }
    const bool is_answered = !choices_.chance(laws_.lost_commits);
    const bool is_committed = is_answered || choices_.below(2) == 0;
    if (is_committed) write(number, note);
    if (is_answered || mind_.slip == Slip::takes_unknown_for_done) {
      run.could_not_write = false;
      if (is_committed) Invariants(*this).is_written_anew(run);
      return true;
    }
    if (log_)
      say(number, is_committed ? "hears of no commit, which is done" : "hears of no commit");
    if (is_first) run.row = run.followed = -1;
    run.state = wanted;
    run.is_overtaken = false;
    cut(number);
  }
  return false;
}

// ---- A fail-over ----

void Driver::keep_version(Row& row) {
  if (laws_.fails_over_at == never) return;
  row.versions.push_back({now_, row.state, row.look, row.cost, row.intended_at, row.looked_at});
}

// Another server takes over, which lacks the latest transactions. All connections end.
void Driver::fail_over() {
  static constexpr Millis aways[] = {0, 5 * second, 30 * second};
  server_away_until_ = now_ + choices_.pick(aways);
  ++tally_.fail_overs;
  if (log_) {
    say("    the ledger's server fails over, and loses the latest " +
        describe_time(laws_.failing_over_loses));
  }
  for (std::size_t number = 0; number < sessions_.size(); ++number) {
    if (!ledger_of(run_of(sessions_[number].run)).is_shared) continue;
    free_locks(static_cast<int>(number));
    sessions_[number].is_cut = true;
  }
  for (Row& row : ledgers_.front().rows) {
    const auto is_lost = [&](const Row::Version& version) {
      return version.at > now_ - laws_.failing_over_loses;
    };
    if (std::erase_if(row.versions, is_lost) == 0) continue;
    row.went_back_at = now_;
    row.lacking.reset();
    row.is_there = !row.versions.empty();
    const Row::Version left = row.is_there ? row.versions.back() : Row::Version{.intended_at = -1};
    if (left.intended_at < row.intended_at && !row.is_forgotten()) {
      row.forgotten_at = now_;
      row.known_at = never;
    }
    if (log_) {
      say("    row " + std::to_string(row.origin) +
          (row.is_there ? " is " + describe(left.state) + " again" : " is lost"));
    }
    if (!row.is_there) continue;
    row.state = left.state;
    row.look = left.look;
    row.looked_at = left.looked_at;
    row.cost = left.cost;
    row.changed_at = left.at;
  }
  int& last_number = ledgers_.front().last_number;
  last_number = 0;
  for (const Row& row : ledgers_.front().rows) {
    if (row.is_there) last_number = std::max(last_number, row.number);
  }
  for (Run& run : runs_) {
    const bool is_at_it = run.stage == Run::Stage::paying || run.stage == Run::Stage::delivering;
    run.remembers = is_at_it && run.row >= 0 && ledger_of(run).is_shared;
  }
}

// -1: none.
int Driver::row_numbered(const Ledger& ledger, int number) const {
  for (int row = 0; row < static_cast<int>(ledger.rows.size()); ++row) {
    const Row& one = ledger.rows[index(row)];
    if (one.is_there && one.number == number) return row;
  }
  return -1;
}

// Who follows a row holds its place, so that nobody has removed it: the server has lost it. Its
// number may be another one's by now.
void Driver::write_anew(int number) {
  Run& run = run_of(number);
  Row& row = *row_of(run);
  if (row.is_there || mind_.slip == Slip::forgets_lost_rows) return;
  Ledger& ledger = ledger_of(run);
  const int other = row_numbered(ledger, row.number);
  if (other >= 0 && mind_.slip == Slip::trusts_numbers) {
    run.row = other;
    return;
  }
  if (log_) say(number, "writes its row anew");
  if (other >= 0) row.number = ledger.last_number + 1;
  ledger.last_number = std::max(ledger.last_number, row.number);
  row.is_there = true;
  row.state = payment::on_disk(run.on_disk);
  row.changed_at = now_;
  row.look.reset();
  const payment::Attempt* attempt = payment::attempt(row.state);
  if (attempt != nullptr && attempt->before) {
    row.look = payment::Listed::Look{attempt->looked, *attempt->before};
  }
}

// ---- The times of other machines ----

// What both the server and the two machines' clocks say is at least so long ago is, and else it is
// as if it were now. From then on it is a time of this boot.
payment::Moment Driver::local(Run& run, const payment::Moment& moment, const Row& row) {
  if (!ledger_of(run).is_shared || moment.boot.empty()) return moment;
  const payment::Now now = clock(run);
  if (moment.boot == now.boot) return moment;
  if (mind_.slip == Slip::takes_clocks_for_its_own) return {now.boot, moment.up, moment.wall};
  for (const auto& [there, here] : run.moments) {
    if (there.boot == moment.boot && there.up == moment.up) return here;
  }
  const Millis unchanged = now_ - row.changed_at;
  const Millis age = std::clamp<Millis>(now.wall - moment.wall, 0, unchanged);
  payment::Moment here{now.boot, std::max<Millis>(now.up - age, 0), moment.wall};
  run.moments.emplace_back(moment, here);
  return here;
}

// When a cell was looked at is told by the clock that was looked at then: taken for later than it
// was, it would say that what came after it is somebody else's.
payment::Moment Driver::look_of(Run& run, const payment::Moment& moment, const Row& row) {
  return mind_.slip == Slip::takes_looks_for_later ? local(run, moment, row) : moment;
}

// The latest that a request can have left whose run may only sleep. 0, or how long that may still
// happen.
Millis Driver::expect_late_post(const Run& run, State& state) const {
  auto* posting = std::get_if<payment::Posting>(&state);
  if (posting == nullptr || !ledgers_[index(run.ledger)].is_shared) return 0;
  if (mind_.slip == Slip::dates_posts_by_intentions) return 0;
  const Millis age = payment::least_age(posting->attempt.posted, clock(run));
  posting->attempt.posted.up += latest_post;
  return std::max<Millis>(latest_post - age, 0);
}

State Driver::read(Run& run, const Row& row) {
  State state = row.state;
  if (!ledger_of(run).is_shared) return state;
  const auto move = [&](payment::Attempt& attempt) {
    attempt.posted = local(run, attempt.posted, row);
    attempt.looked = look_of(run, attempt.looked, row);
  };
  std::visit(
      [&](auto& stage) {
        if constexpr (requires { stage.attempt; }) move(stage.attempt);
        if constexpr (requires { stage.generation; }) {
          stage.generation.posted = local(run, stage.generation.posted, row);
          if (stage.generation.attempt) move(*stage.generation.attempt);
        }
      },
      state);
  return state;
}

}  // namespace genpro::simulation
