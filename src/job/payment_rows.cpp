// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the driver of a payment has on disk before it acts, and what it catches up with when the
// ledger could not be written for a while.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "job/payment_driver.h"
#include "ledger/store/clock.h"

namespace genpro::job {

namespace {

constexpr std::chrono::seconds between_tries{5};

// For a request that did not leave.
payment::State withdrawn() {
  return payment::Refused{"the run ended before the request left"};
}
ledger::Note withdrawn_note() {
  ledger::Note note;
  note.came = "the run ends";
  note.decided = "the request never left: nothing was charged";
  return note;
}

// The note in the history for what could not be written when it happened.
ledger::Note late_note() {
  ledger::Note note;
  note.came = "the ledger could not be written for a while";
  note.decided = "what has become of the generation meanwhile is written now";
  return note;
}

template <typename Action>
bool has_later(const payment::Step& step, std::size_t next) {
  return std::any_of(
      step.actions.begin() + static_cast<std::ptrdiff_t>(next), step.actions.end(),
      [](const payment::Action& action) { return std::holds_alternative<Action>(action); });
}

}  // namespace

// Whoever comes next finds on disk what was heard and wanted, also where a slow disk had left it
// waiting, and the row free only then.
void PaymentDriver::note_what_is_left() {
  std::vector<Change> changes;
  payment::State state = as_it_left(stored_ ? stored_->step.state : state_);
  payment::State on_disk = stored_ ? stored_->step.state : unsaved_ ? *unsaved_ : entry_.state;
  const auto take = [&](const payment::Event& event) -> bool {
    const payment::Step step = payment::step(settings_.policy, state, event, ledger::clock_now());
    // Nobody is there to send it.
    if (has_later<payment::Post>(step, 0)) return false;
    state = step.state;
    for (const payment::Action& action : step.actions) {
      const auto* line = std::get_if<payment::Persist>(&action);
      if (line == nullptr) continue;
      changes.push_back({std::exchange(on_disk, state), state, note(*line, state)});
      return true;
    }
    return false;
  };
  for (const payment::Event& event : waiting_) take(event);
  const bool is_wish_untold = is_stopping_ && alone_ && !payment::stop_wanted(state);
  const std::size_t wish = changes.size();
  const std::shared_ptr<Alone> needed =
      is_wish_untold && take(payment::StopWanted{}) ? alone_ : nullptr;
  take(payment::Left{});
  if (changes.empty() && unsaved_ && !stored_) changes.push_back({*unsaved_, state, late_note()});
  if (changes.empty() && !stored_) return;
  const auto presence = std::make_shared<ledger::LifeLock>(std::move(presence_));
  const auto cell = std::make_shared<ledger::LifeLock>(std::move(cell_));
  std::optional<payment::State> prepared;
  if (stored_ && std::holds_alternative<payment::Prepared>(entry_.state)) prepared = entry_.state;
  ledger_.tell([id = entry_.id, prepared = std::move(prepared), changes = std::move(changes), wish,
                needed, presence, cell](ledger::Ledger& ledger) {
    // The row still holds that only where the request was forbidden, as by a limit.
    if (prepared) {
      (void)ledger.store(id, *prepared, withdrawn(), withdrawn_note(), ledger::clock_now());
    }
    for (std::size_t at = 0; at < changes.size(); ++at) {
      if (needed && at >= wish && !*needed) break;
      const Change& change = changes[at];
      (void)ledger.store(id, change.before, change.after, change.note, ledger::clock_now());
    }
    if (needed) needed->reset();
    presence->release();
    cell->release();
  });
}

ledger::Note PaymentDriver::note(const payment::Persist& line, const payment::State& after) const {
  ledger::Note note;
  note.came = redact(line.came, access_.key);
  note.decided = redact(line.decided, access_.key);
  if (generation_) note.cost = generation_->cost;
  const payment::Moment* posted = payment::posted_at(after);
  if (unfinished_age_ && posted != nullptr) {
    note.unfinished_at = posted->wall + unfinished_age_->count();
  }
  return note;
}

void PaymentDriver::persist(const TurnPtr& turn, std::size_t next) {
  const auto& line = std::get<payment::Persist>(turn->step.actions[next]);
  const bool is_first = entry_.id == 0;
  // Before the first request leaves there is nothing to be kept.
  if (!ledger_.is_kept() ||
      (is_first && !std::holds_alternative<payment::Posting>(turn->step.state))) {
    return go_on(turn, next);
  }
  stored_ = turn;
  if (!is_first) {
    ledger_.ask<payment::State>(
        [id = entry_.id, before = unsaved_.value_or(entry_.state), after = turn->step.state,
         note = note(line, turn->step.state), limits = settings_.limits](ledger::Ledger& ledger) {
          return ledger.store(id, before, after, note, ledger::clock_now(), limits);
        },
        [this, turn, next](Result<payment::State> stored) {
          on_stored(turn, next, std::move(stored));
        });
    return;
  }
  ledger_.ask<ledger::Ledger::Begun>(
      [identity = settings_.identity, state = turn->step.state, note = note(line, turn->step.state),
       limits = settings_.limits, here = std::weak_ptr<char>(here_)](ledger::Ledger& ledger) {
        auto begun = ledger.begin(identity, state, note, limits, ledger::clock_now());
        // The job that would have sent it is gone.
        if (begun && here.expired()) {
          (void)ledger.store(begun->entry.id, state, withdrawn(), withdrawn_note(),
                             ledger::clock_now());
        }
        return begun;
      },
      [this, turn, next](Result<ledger::Ledger::Begun> begun) {
        stored_.reset();
        if (!begun) return owner_.on_ledger_error(std::move(begun.error()));
        entry_ = std::move(begun->entry);
        presence_ = std::move(begun->presence);
        go_on(turn, next);
      });
}

void PaymentDriver::on_stored(const TurnPtr& turn, std::size_t next,
                              Result<payment::State> stored) {
  stored_.reset();
  if (!stored) {
    // What was to be on disk before a request leaves is not, so it does not leave.
    if (has_later<payment::Post>(turn->step, next)) {
      return owner_.on_ledger_error(std::move(stored.error()));
    }
    // Nor does a request to stop what another machine may follow by now.
    if (is_shared_ && has_later<payment::AskStop>(turn->step, next)) {
      return owner_.on_end({payment::End::Kind::shut_down, "", {}});
    }
    if (!unsaved_) {
      unsaved_ = entry_.state;
      owner_.on_warning(stored.error().message +
                        " What became of this generation is not noted until that is over, and a "
                        "later run may not know that it was paid for.");
    }
    catch_up_later();
    return go_on(turn, next);
  }
  unsaved_.reset();
  if (payment::same_on_disk(*stored, turn->step.state)) return go_on(turn, next);
  // Another process that follows it has heard more, and what was decided was not about that.
  const auto is_likely = [](const payment::State& state) {
    return payment::evidence(state) == payment::Evidence::likely;
  };
  // This run tells as well that the generation is only likely.
  const bool is_likely_now = is_likely(*stored) && !is_likely(entry_.state) && !is_stopping_;
  entry_.state = *stored;
  set_state(*stored);
  // Who has sent a request since had the cell, which was lost with a connection.
  if (is_shared_ && !is_stopping_ && payment::meaning(*stored).is_unsettled) cell_.release();
  if (needs_claim()) return owner_.on_claim_needed();
  const bool is_asked_again = std::holds_alternative<payment::StopWanted>(turn->event) ||
                              std::holds_alternative<payment::Resumed>(turn->event);
  process(is_asked_again  ? turn->event
          : is_likely_now ? payment::Event(payment::Resumed{is_exclusive_})
                          : payment::Event(payment::Woke{}));
}

void PaymentDriver::catch_up_later() {
  catch_up_timer_.start(between_tries, [this] { catch_up(); });
}

void PaymentDriver::catch_up() {
  if (!unsaved_) return;
  // A change that is being written brings the row up to date as well.
  if (stored_) return catch_up_later();
  ledger_.ask<payment::State>(
      [id = entry_.id, before = *unsaved_, after = entry_.state](ledger::Ledger& ledger) {
        return ledger.store(id, before, after, late_note(), ledger::clock_now());
      },
      [this, written = entry_.state](const Result<payment::State>& stored) {
        if (!unsaved_) return;
        if (!stored) return catch_up_later();
        log_.info([&] { return label() + "the ledger has caught up"; });
        if (payment::same_on_disk(written, entry_.state)) {
          unsaved_.reset();
        } else {
          unsaved_ = written;
          catch_up_later();
        }
      });
}

}  // namespace genpro::job
