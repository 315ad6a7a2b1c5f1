// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a run writes into its ledger's rows, and what it reads of those of others.
#include <algorithm>

#include "simulation/describe.h"
#include "simulation/driver.h"
#include "simulation/invariants.h"

namespace genpro::simulation {

namespace {

using payment::State;

// Until a ledger that could not be written is tried again.
constexpr Millis between_tries = 5 * second;

payment::Persist late_note() {
  return {"the ledger could not be written for a while", "it is written now"};
}

bool is_settled(const State& state) {
  return !payment::generation_id(state).empty() || payment::is_closed(state);
}

}  // namespace

// In the transaction that writes the row.
bool Driver::is_affordable(const Ledger& ledger) const {
  if (laws_.cost_limit == 0) return true;
  double spent = 0;
  for (const Row& row : ledger.rows) {
    if (!row.is_there || now_ - row.created_at >= day) continue;
    if (!payment::meaning(row.state).counts) continue;
    spent += mind_.expense(row.state, row.cost, estimated_cost).value_or(0);
  }
  return spent + estimated_cost <= laws_.cost_limit;
}

void Driver::insert_row(int number) {
  Run& run = run_of(number);
  const Asker& asker = asker_of(run);
  Ledger& ledger = ledger_of(run);
  Row row;
  row.origin = ++origins_;
  row.wish = asker.wish;
  row.number = ++ledger.last_number;
  row.made_by = number;
  row.is_wanted_anew = asker.reuse == payment::Reuse::never;
  row.is_data_known = !run.has_unreadable_data;
  row.asked_at = run.began_at;
  row.begun_at = run.claimed_at;
  row.created_at = row.changed_at = now_;
  row.state = payment::on_disk(run.state);
  ledger.rows.push_back(std::move(row));
  run.row = static_cast<int>(ledger.rows.size()) - 1;
  ++ledger.rows.back().followers;
  session_of(run).row = run.followed = run.row;
}

void Driver::persist(int number, const payment::Persist& note) {
  Run& run = run_of(number);
  Ledger& ledger = ledger_of(run);
  const bool is_money = std::holds_alternative<payment::Posting>(run.state);
  if (ledger.is_removed && mind_.slip != Slip::writes_to_a_removed_ledger) {
    if (!is_money) return;
    if (log_) say(number, "the ledger is not the one it was: an error, and nothing is sent");
    return finish(number);
  }
  // Before the first request leaves there is nothing to be kept.
  if (run.row < 0 && !is_money && mind_.slip != Slip::posts_before_it_persists) return;
  if (run.row < 0 && !is_affordable(ledger)) {
    if (log_) say(number, "may not cost as much: an error, and nothing is sent");
    return finish(number);
  }
  if (store(number, note)) {
    run.on_disk = payment::on_disk(run.state);
    run.is_unsaved = false;
  } else {
    if (is_money) {
      return end_with_error(number, "could not write the ledger: an error, and nothing is sent");
    }
    // Nor is a stop sent to what another machine may follow by now.
    if (run.stops_next) return finish(number);
    run.is_unsaved = true;
    at(now_ + between_tries, Due::What::catch_up, number);
  }
  if (is_settled(run.state)) {
    release_cell(run);
  } else if (run.cell < 0) {
    // In doubt again: what comes next needs the cell.
    if (run.is_leaving) return finish(number);
    run.looks_for_its_own = mind_.slip != Slip::pays_again_in_doubt;
    claim_again(number);
  }
}

// What the run knows, and could not write.
void Driver::catch_up(int number) {
  Run& run = run_of(number);
  if (!run.is_unsaved) return;
  const State known = run.state;
  if (!store(number, late_note())) {
    return at(now_ + between_tries, Due::What::catch_up, number);
  }
  if (log_) say(number, "has caught up");
  // What another one has written beyond that is seen when it writes the next time.
  run.state = known;
  run.is_overtaken = false;
  run.on_disk = payment::on_disk(run.state);
  run.is_unsaved = false;
}

// Once more at the end, for whoever comes next.
void Driver::note_what_is_left(int number) {
  Run& run = run_of(number);
  if (std::exchange(run.is_unsaved, false)) store(number, late_note());
  run.is_overtaken = false;
}

// One transaction. When another run has gone further, the run has its state then.
void Driver::write(int number, const payment::Persist& note) {
  Run& run = run_of(number);
  const bool is_money = std::holds_alternative<payment::Posting>(run.state);
  if (run.row < 0) insert_row(number);
  write_anew(number);
  Row& row = *row_of(run);
  if (!row.is_there) return;
  const State held = read(run, row);
  // Who follows with others may be behind what they have written.
  const std::string known = payment::generation_id(held);
  const bool is_further = payment::is_behind(held, run.state) &&
                          (known.empty() || known == payment::generation_id(run.state));
  const bool is_overtaken = !payment::same_on_disk(held, run.on_disk) && !is_further &&
                            !payment::same_on_disk(held, run.state) &&
                            mind_.slip != Slip::overwrites_who_is_further;
  if (is_overtaken) {
    // The rest of the step was decided for another state.
    run.state = held;
    run.is_overtaken = true;
    run.remembers = false;
    // Who finds out about it now has the cell.
    const bool is_taken_over = payment::meaning(held).is_unsettled && !run.is_leaving;
    if (is_taken_over && mind_.slip != Slip::keeps_a_lost_cell) release_cell(run);
    if (log_) say(number, "is behind: " + describe(held));
    return;
  }
  Invariants(*this).may_write(run, note);
  row.state = payment::on_disk(run.state);
  row.changed_at = now_;
  const payment::Attempt* attempt = payment::attempt(row.state);
  if (is_money && !attempt->doubtful) row.before = run.heard;
  if (is_money) {
    row.intended_at = now_;
    row.claimed_at = run.claimed_at;
    row.was_cell_held = ledger_of(run).cells[index(row.wish.cell)] == run.session;
    row.lacking.reset();
  }
  if (is_money && attempt->before) {
    if (heard_now_) row.looked_at = run.left_at;
    const bool is_slip = mind_.slip == Slip::dates_looks_by_posts;
    row.look = payment::Listed::Look{is_slip ? attempt->posted : attempt->looked, *attempt->before};
  }
  if (std::holds_alternative<payment::Completed>(row.state) && run.heard_cost) {
    row.cost = *run.heard_cost;
  }
  row.was_completed |= std::holds_alternative<payment::Completed>(row.state);
  if (std::exchange(run.remembers, false) && row.is_forgotten()) row.known_at = now_;
  keep_version(row);
}

// The run looks for a payment once more.
void Driver::claim_again(int number) {
  Run& run = run_of(number);
  note_what_is_left(number);
  release(run);
  run.row = -1;
  run.not_before = 0;  // no row says it
  run.stage = Run::Stage::claiming;
  at(now_, Due::What::claim, number);
}

// A listing, with what the ledger knows about it.
payment::Event Driver::listed(Run& run, const Reply& reply) {
  payment::Listed heard;
  heard.jobs = reply.jobs;
  heard.is_whole = reply.is_whole;
  heard.asked = run.asked_at;
  const std::vector<Row>& rows = ledgers_[index(run.ledger)].rows;
  std::vector<payment::State> others;
  std::vector<payment::Listed::Look> looks;
  for (const Row& row : rows) {
    if (!row.is_there || row.wish.cell != cell_of(run)) continue;
    if (row.look) looks.push_back({look_of(run, row.look->at, row), row.look->jobs});
    if (run.row >= 0 && &row == &rows[index(run.row)]) continue;
    others.push_back(read(run, row));
    if (row.look && mind_.slip != Slip::tells_no_later_looks) heard.later.push_back(looks.back());
  }
  for (const std::string& job : heard.jobs) {
    const auto is_any = [&](auto holds) {
      return std::any_of(others.begin(), others.end(), holds);
    };
    if (is_any([&](const State& other) { return payment::generation_id(other) == job; })) {
      heard.claimed.push_back(job);
    } else if (mind_.slip != Slip::tells_no_rivals && is_any([&](const State& other) {
                 const payment::Attempt* attempt = payment::attempt(other);
                 return attempt != nullptr && payment::may_be_of(*attempt, job, looks);
               })) {
      heard.contested.push_back(job);
    }
  }
  return heard;
}

}  // namespace genpro::simulation
