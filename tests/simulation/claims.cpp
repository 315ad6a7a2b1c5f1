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

// How often a run looks whether another one is done.
constexpr Millis look_interval = second;

}  // namespace

// How long others of the cell keep a request from it.
Millis Driver::wait_for_cell(const Run& run, int except) const {
  const Wish& wish = askers_[index(run.asker)].wish;
  const Ledger& ledger = ledgers_[index(run.ledger)];
  Millis wait = 0;
  for (int number = 0; number < static_cast<int>(ledger.rows.size()); ++number) {
    const Row& row = ledger.rows[index(number)];
    if (number == except || row.wish.cell != wish.cell) continue;
    wait = std::max(wait, mind_.wait_for_others(row.state, clock(run)));
  }
  return wait;
}

bool Driver::take_cell(int number, int cell) {
  int& holder = ledger_of(run_of(number)).cells[index(cell)];
  if (holder >= 0 && holder != number && mind_.slip != Slip::posts_without_the_cell) {
    Invariants(*this).may_be_busy(holder);
    return false;
  }
  holder = number;
  run_of(number).cell = cell;
  return true;
}

void Driver::follow(int number, int row) {
  Run& run = run_of(number);
  if (run.followed == row) return;
  release(run);
  ++ledger_of(run).rows[index(row)].followers;
  run.followed = row;
}

void Driver::release_cell(Run& run) {
  if (run.cell < 0) return;
  int& holder = ledger_of(run).cells[index(run.cell)];
  if (holder >= 0 && &run_of(holder) == &run) holder = -1;
  run.cell = -1;
}

void Driver::release(Run& run) {
  release_cell(run);
  if (run.followed < 0) return;
  Row& row = ledger_of(run).rows[index(run.followed)];
  if (run.is_alone) {
    row.owner = -1;
  } else {
    --row.followers;
  }
  run.is_alone = false;
  run.followed = -1;
}

void Driver::claim(int number) {
  Run& run = run_of(number);
  run.stage = Run::Stage::claiming;
  if (ledger_of(run).is_removed) {
    if (log_) say(number, "the ledger is not the one it was: an error");
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
    if (row.owner >= 0 && row.owner != number) {
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
    const bool is_stop_owed =
        payment::stop_wanted(row.state) && std::holds_alternative<payment::Known>(row.state);
    if (is_stop_owed && row.followers == 1) {
      row.followers = 0;
      row.owner = number;
      run.is_alone = true;
    }
    Invariants(*this).may_take(run, row);
    run.row = candidate;
    run.state = run.on_disk = row.state;
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
    if (row.followers > 0 || row.owner >= 0 || !is_open) continue;
    if (std::find(passed.begin(), passed.end(), candidate) != passed.end()) continue;
    run.passed_over.push_back(candidate);
    release(run);
    if (payment::generation_id(row.state).empty() && !take_cell(number, row.wish.cell)) continue;
    row.owner = number;
    run.followed = candidate;
    run.is_alone = true;
    run.row = candidate;
    run.state = run.on_disk = row.state;
    run.stage = Run::Stage::paying;
    if (log_) say(number, "looks at row " + std::to_string(row.origin));
    feed(number, payment::Resumed{true});
    return true;
  }
  return false;
}

}  // namespace genpro::simulation
