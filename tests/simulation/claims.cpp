// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which payment a run takes up, and the locks of rows and cells.
#include <algorithm>
#include <tuple>

#include "simulation/describe.h"
#include "simulation/driver.h"
#include "simulation/invariants.h"

namespace genpro::simulation {

namespace {

using payment::State;

// How often a run looks whether another one is done.
constexpr Millis look_interval = second;

}  // namespace

// How long others of the cell keep a request from it.
Millis Driver::wait_for_cell(Run& run, int except) {
  const Wish& wish = askers_[index(run.asker)].wish;
  const Ledger& ledger = ledgers_[index(run.ledger)];
  Millis wait = 0;
  for (int number = 0; number < static_cast<int>(ledger.rows.size()); ++number) {
    const Row& row = ledger.rows[index(number)];
    if (number == except || row.wish.cell != wish.cell) continue;
    if (!row.is_there || payment::attempt(row.state) == nullptr) continue;
    State state = read(run, row);
    expect_late_post(run, state);
    wait = std::max(wait, mind_.wait_for_others(state, clock(run)));
  }
  return wait;
}

bool Driver::take_cell(int number, int cell) {
  Run& run = run_of(number);
  int& holder = ledger_of(run).cells[index(cell)];
  if (holder >= 0 && holder != run.session && mind_.slip != Slip::posts_without_the_cell) {
    Invariants(*this).may_be_busy(holder);
    return false;
  }
  holder = run.session;
  session_of(run).cell = run.cell = cell;
  run.is_cell_lost = false;
  return true;
}

void Driver::follow(int number, int row) {
  Run& run = run_of(number);
  if (run.followed == row) return;
  release(run);
  ++ledger_of(run).rows[index(row)].followers;
  session_of(run).row = run.followed = row;
}

// Whether nobody else follows the row.
bool Driver::take_alone(int number) {
  Run& run = run_of(number);
  Session& session = session_of(run);
  Row& row = ledger_of(run).rows[index(run.followed)];
  const int own = session.row == run.followed ? 1 : 0;
  if (row.owner >= 0 || row.followers != own) return false;
  row.followers = 0;
  row.owner = run.session;
  session.row = run.followed;
  session.is_alone = run.is_alone = true;
  run.is_row_lost = false;
  return true;
}

// Others may follow it again.
void Driver::share(Run& run) {
  run.is_alone = false;
  Session& session = session_of(run);
  if (session.is_cut || session.row != run.followed) return;
  Row& row = ledger_of(run).rows[index(run.followed)];
  row.owner = -1;
  row.followers = 1;
  session.is_alone = false;
}

void Driver::release_cell(Run& run) {
  if (run.cell < 0) return;
  Session& session = session_of(run);
  run.cell = -1;
  run.is_cell_lost = false;
  if (session.is_cut || session.cell < 0) return;
  int& holder = ledger_of(run).cells[index(session.cell)];
  if (holder == run.session) holder = -1;
  session.cell = -1;
}

void Driver::release(Run& run) {
  if (run.session < 0) return;
  release_cell(run);
  run.is_alone = run.is_row_lost = false;
  run.followed = -1;
  Session& session = session_of(run);
  if (session.is_cut || session.row < 0) return;
  Row& row = ledger_of(run).rows[index(session.row)];
  if (session.is_alone) {
    row.owner = -1;
  } else {
    --row.followers;
  }
  session.is_alone = false;
  session.row = -1;
}

void Driver::claim(int number) {
  Run& run = run_of(number);
  run.stage = Run::Stage::claiming;
  run.claimed_at = now_;
  run.remembers = false;
  if (ledger_of(run).is_removed) {
    if (log_) say(number, "the ledger is not the one it was: an error");
    return finish(number);
  }
  if (choices_.chance(laws_.cuts) && ledger_of(run).is_shared) cut(number);
  if (!reach(number)) {
    if (log_) say(number, "cannot reach the ledger: an error, and nothing is sent");
    return finish(number);
  }
  if (run.only_looks) {
    if (!claim_to_look(number)) finish(number);
    return;
  }
  bool is_busy = false;
  if (claim_earlier(number, &is_busy)) return;
  const Asker& asker = asker_of(run);
  if (!is_busy) release(run);
  if (is_busy || !take_cell(number, asker.wish.cell)) {
    release_cell(run);
    return at(now_ + look_interval, Due::What::claim, number);
  }
  if (const Millis wait = wait_for_cell(run, -1); wait > 0) {
    if (log_) say(number, "waits " + describe_time(wait) + " for another request to the cell");
    release(run);
    return at(now_ + wait, Due::What::claim, number);
  }
  if (log_) say(number, "makes a new payment");
  run.row = -1;
  run.state = run.on_disk = payment::Prepared{};
  run.stage = Run::Stage::paying;
  std::get<payment::Prepared>(run.state).key = "k" + std::to_string(++keys_);
  feed(number, payment::Begun{});
}

// An earlier payment of the same request: true when it is taken, or somebody is at it.
bool Driver::claim_earlier(int number, bool* is_busy) {
  Run& run = run_of(number);
  const Asker& asker = asker_of(run);
  Ledger& ledger = ledger_of(run);
  // Whose clip is there first, then the one that is furthest, then the newest.
  const auto order = [](const Row& row) {
    return std::tuple(!std::holds_alternative<payment::Completed>(row.state),
                      std::holds_alternative<payment::Delivered>(row.state),
                      payment::generation_id(row.state).empty());
  };
  std::vector<int> rows;
  for (int row = static_cast<int>(ledger.rows.size()) - 1; row >= 0; --row) {
    const Wish& wish = ledger.rows[index(row)].wish;
    const auto& passed = run.passed_over;
    if (!ledger.rows[index(row)].is_there) continue;
    const bool is_same = wish.request == asker.wish.request && wish.cell == asker.wish.cell;
    if (is_same && std::find(passed.begin(), passed.end(), row) == passed.end())
      rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](int one, int other) {
    return order(ledger.rows[index(one)]) < order(ledger.rows[index(other)]);
  });
  const bool is_own = run.looks_for_its_own && asker.reuse == payment::Reuse::never;
  const payment::Reuse reuse = is_own ? payment::Reuse::in_flight : asker.reuse;
  for (const int candidate : rows) {
    Row& row = ledger.rows[index(candidate)];
    auto data = payment::ServiceData::same;
    if (run.has_unreadable_data) {
      data = payment::ServiceData::unreadable;
    } else if (row.wish.data != asker.wish.data && mind_.slip != Slip::takes_old_data) {
      data = payment::ServiceData::different;
    }
    const bool was_together = row.delivered_at != never && row.delivered_at > run.began_at;
    if (!mind_.can_serve(row.state, reuse, data, was_together)) continue;
    *is_busy = true;
    if (row.owner >= 0 && row.owner != run.session) {
      Invariants(*this).may_be_busy(row.owner);
      return false;
    }
    follow(number, candidate);
    if (payment::generation_id(row.state).empty()) {
      if (!take_cell(number, row.wish.cell)) return false;
      // It may be sent again, so that the same holds for it as for a new one.
      const Millis wait =
          mind_.slip == Slip::forgets_to_wait_in_take_up ? 0 : wait_for_cell(run, candidate);
      if (wait > 0) {
        if (log_) say(number, "waits " + describe_time(wait) + " for another request to the cell");
        release_cell(run);
        at(now_ + wait, Due::What::claim, number);
        return true;
      }
    }
    State state = read(run, row);
    if (const Millis wait = expect_late_post(run, state); wait > 0) {
      if (log_) say(number, "waits " + describe_time(wait) + " for a request that may yet leave");
      release_cell(run);
      at(now_ + wait, Due::What::claim, number);
      return true;
    }
    const bool is_stop_owed =
        payment::stop_wanted(row.state) && std::holds_alternative<payment::Known>(row.state);
    if (is_stop_owed) take_alone(number);
    Invariants(*this).may_take(run, row);
    run.row = candidate;
    run.on_disk = read(run, row);
    run.state = std::move(state);
    run.is_unsaved = false;
    run.stage = Run::Stage::paying;
    if (log_) say(number, "takes up row " + std::to_string(row.origin));
    feed(number, payment::Resumed{run.is_alone});
    return true;
  }
  return false;
}

// A row that nobody is at, and that something is still to be found out about or to be stopped.
bool Driver::claim_to_look(int number) {
  Run& run = run_of(number);
  Ledger& ledger = ledger_of(run);
  for (int candidate = 0; candidate < static_cast<int>(ledger.rows.size()); ++candidate) {
    Row& row = ledger.rows[index(candidate)];
    const auto& passed = run.passed_over;
    const bool is_unproven = std::holds_alternative<payment::Stopped>(row.state) &&
                             payment::charged(row.state) == payment::Charged::unknown;
    const bool is_open = payment::meaning(row.state).is_unfinished || is_unproven;
    if (row.followers > 0 || row.owner >= 0 || !is_open || !row.is_there) continue;
    if (std::find(passed.begin(), passed.end(), candidate) != passed.end()) continue;
    run.passed_over.push_back(candidate);
    release(run);
    State state = read(run, row);
    if (expect_late_post(run, state) > 0) continue;
    if (payment::generation_id(row.state).empty() && !take_cell(number, row.wish.cell)) continue;
    run.followed = candidate;
    take_alone(number);
    run.row = candidate;
    run.on_disk = read(run, row);
    run.state = std::move(state);
    run.is_unsaved = false;
    run.stage = Run::Stage::paying;
    if (log_) say(number, "looks at row " + std::to_string(row.origin));
    feed(number, payment::Resumed{true});
    return true;
  }
  return false;
}

}  // namespace genpro::simulation
