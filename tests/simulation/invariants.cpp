// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/invariants.h"

#include <algorithm>

#include "simulation/describe.h"

namespace genpro::simulation {

namespace {

using payment::Charged;
using payment::Evidence;

bool contains(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

[[noreturn]] void broken(const std::string& text) {
  throw Broken(text);
}

std::string name(const Row& row) {
  return "row " + std::to_string(row.origin) + ", " + describe(row.state) + ": ";
}

}  // namespace

const Row* Invariants::row_of(Origin origin, const Ledger** ledger) const {
  for (const Ledger& one : driver_.ledgers_) {
    for (const Row& row : one.rows) {
      if (row.origin != origin) continue;
      if (ledger != nullptr) *ledger = &one;
      return &row;
    }
  }
  return nullptr;
}

// Nobody could know, after the settling time, that there is such a generation.
bool Invariants::is_unknowable(const Service::Generation& generation) const {
  return generation.was_hidden ||
         (generation.was_forgotten && row_of(generation.origin)->was_blind);
}

// Where the laws allow no certainty: it is unknowable, and the service makes another one for the
// same key.
bool Invariants::is_excused(const Service::Generation& generation) const {
  const bool is_key_known = driver_.now_ - generation.taken_at < key_memory;
  const bool key_protects = driver_.service_.are_keys_honoured() && is_key_known;
  return !key_protects && is_unknowable(generation);
}

// Whether what `one` and `other` have paid was paid for the same.
bool Invariants::are_one_wish(const Row& one, const Row& other, const Ledger&) const {
  const Row& earlier = one.origin < other.origin ? one : other;
  const Row& later = one.origin < other.origin ? other : one;
  if (!(one.wish == other.wish)) return false;
  if (later.is_wanted_anew && later.made_by != earlier.made_by) return false;
  // It had its clip before the other one was asked for.
  if (earlier.delivered_at != never && earlier.delivered_at <= later.asked_at) return false;
  // Whether it was for the same could not be told.
  return later.is_data_known || !earlier.was_completed;
}

// The service has it no more, or has said so long enough, and its cell did not have it either.
bool Invariants::is_gone(const Run& run, const Service::Generation& generation) const {
  if (generation.is_lost(driver_.now_)) return true;
  const bool was_missing = generation.missing_from <= driver_.now_;
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const bool is_known_to_be_gone = run.row >= 0 && std::holds_alternative<payment::Gone>(
                                                       ledger.rows[Driver::index(run.row)].state);
  return was_missing && (!run.cell_may_have_it || is_known_to_be_gone);
}

// ---- At a moment ----

void Invariants::may_post(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  if (run.row < 0) broken("a POST leaves, and nothing is on disk");
  const Row& row = ledger.rows[Driver::index(run.row)];
  // While its machine slept, another run may have taken it up as in doubt, or a fail-over lost it.
  const bool has_slept = driver_.now_ > row.intended_at;
  if (!has_slept && (!std::holds_alternative<payment::Posting>(row.state) ||
                     !payment::same_on_disk(row.state, run.on_disk))) {
    broken(name(row) + "a POST leaves that is not on disk");
  }
  if (ledger.is_removed) broken("a POST leaves, and the ledger is not the one it was");
  // A connection may have been lost since.
  const int holder = ledger.cells[Driver::index(row.wish.cell)];
  if (ledger.is_shared ? !row.was_cell_held : holder != run.session) {
    broken(name(row) + "a POST leaves without the cell's lock");
  }
  if (driver_.now_ - row.intended_at > latest_post) {
    broken(name(row) + "a POST leaves long after it was written");
  }
  if (!payment::meaning(row.state).counts && !row.is_forgotten())
    broken(name(row) + "a POST leaves that no limit counts");
  const payment::Attempt& attempt = *payment::attempt(run.state);
  if (!row.key.empty() && row.key != attempt.key) broken(name(row) + "it has another key");
  if (!run.policy.may_post) broken(name(row) + "it was only to be looked at");
  if (driver_.now_ < run.not_before) broken(name(row) + "a POST leaves before it may");
  for (const Row& other : ledger.rows) {
    const bool is_in_doubt = payment::meaning(other.state).is_unsettled && other.posted_at != never;
    const bool was_forgotten =
        row.is_forgotten() || (other.forgotten_at != never && other.known_at > row.claimed_at);
    if (&other != &row && other.wish.cell == row.wish.cell && is_in_doubt && !was_forgotten &&
        driver_.now_ - other.posted_at < payment::settling_time) {
      broken(name(row) + "a POST leaves while another one of the cell is in doubt");
    }
  }
  if (run.is_leaving) broken(name(row) + "a POST leaves after its user has shut down");
}

Invariants::Charge Invariants::may_charge(int number) const {
  const auto& generations = driver_.service_.generations();
  const Service::Generation& charged = generations[Driver::index(number)];
  const Ledger* ledger = nullptr;
  const Row& row = *row_of(charged.origin, &ledger);
  if (ledger->is_removed) return Charge::first;
  Charge charge = Charge::first;
  for (const Service::Generation& other : generations) {
    if (&other == &charged || other.origin == stranger || other.is_over(driver_.now_)) continue;
    const Ledger* others = nullptr;
    const Row* earlier = row_of(other.origin, &others);
    if (others != ledger) continue;
    if (earlier != &row && !are_one_wish(*earlier, row, *ledger)) continue;
    if (was_forgotten(*earlier, row, charged) || was_forgotten(row, *earlier, other)) {
      charge = Charge::forgotten;
      continue;
    }
    if (!is_excused(other) && !is_excused(charged)) {
      broken(name(row) + charged.id + " is a second charge, beside " + other.id);
    }
    charge = Charge::excused;
  }
  const bool is_unknown = is_excused(charged) || row.is_forgotten();
  if (!payment::meaning(row.state).counts && !is_unknown) {
    broken(name(row) + "is charged for " + charged.id + ", and no limit counts it");
  }
  if (payment::charged(row.state) == Charged::no && !is_unknown) {
    broken(name(row) + "is charged for " + charged.id + ", and says that nothing was");
  }
  if (driver_.laws_.cost_limit > 0) holds_limit(*ledger);
  return charge;
}

// Whether the ledger lacked a POST of `row` while the other one's was decided on, or while another
// row was begun for the same.
bool Invariants::was_forgotten(const Row& row, const Row& other,
                               const Service::Generation& its) const {
  const auto was_between = [&](Millis claimed_at, Millis then) {
    return row.forgotten_at <= then && row.known_at > std::min(claimed_at, then);
  };
  return was_between(other.claimed_at, its.posted_at) ||
         (&row != &other && was_between(other.begun_at, other.created_at));
}

void Invariants::is_written_anew(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const Row& row = ledger.rows[Driver::index(run.row)];
  if (!row.is_there) broken(name(row) + "it was lost by a server, and is not written anew");
}

void Invariants::holds_limit(const Ledger& ledger) const {
  int paid = 0;
  for (const Row& row : ledger.rows) {
    if (driver_.now_ - row.created_at >= day || row.forgotten_at != never) continue;
    for (const Service::Generation& one : driver_.service_.generations()) {
      const bool is_its = one.origin == row.origin && !is_excused(one) && !is_unknowable(one);
      if (is_its) paid += one.paid(driver_.now_);
    }
  }
  if (paid > driver_.laws_.cost_limit) broken("more is charged than may be in a day");
}

void Invariants::may_stop(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const Row& row = ledger.rows[Driver::index(run.row)];
  if (payment::evidence(run.state) != Evidence::proven) {
    broken(name(row) + "it is only likely its own, and is stopped");
  }
  if (!row.was_stop_wanted) broken(name(row) + "nobody wants it stopped");
  if (!ledger.is_removed && !payment::stop_wanted(row.state)) {
    broken(name(row) + "a stop leaves that is not on disk");
  }
  const bool may_be_followed = row.followers > 0 || (row.owner >= 0 && row.owner != run.session);
  if (!run.is_alone || may_be_followed) broken(name(row) + "others may follow what is stopped");
}

void Invariants::has_stopped(const Run& run, int generation) const {
  const Row& row = driver_.ledgers_[Driver::index(run.ledger)].rows[Driver::index(run.row)];
  const Service::Generation& stopped = driver_.service_.generations()[Driver::index(generation)];
  if (stopped.origin != row.origin)
    broken(name(row) + "somebody else's " + stopped.id + " is stopped");
}

void Invariants::may_write(const Run& run, const payment::Persist& note) const {
  const Row& row = driver_.ledgers_[Driver::index(run.ledger)].rows[Driver::index(run.row)];
  if (note.came.empty()) broken(name(row) + "a line of its history is empty");
  if (std::holds_alternative<payment::Delivered>(row.state) &&
      !std::holds_alternative<payment::Delivered>(run.state)) {
    broken(name(row) + "its delivery is forgotten");
  }
  // Only who wants the clip, or its end, lets go of a stop.
  const bool is_stop_forgotten =
      payment::stop_wanted(row.state) && !payment::stop_wanted(run.state);
  const bool may_be_stopped =
      payment::meaning(run.state).is_unfinished && payment::evidence(run.state) == Evidence::proven;
  if (is_stop_forgotten && may_be_stopped && (run.only_looks || run.is_leaving) &&
      !std::holds_alternative<payment::Prepared>(run.state)) {
    broken(name(row) + "it is not to be stopped any more");
  }
  const auto& generations = driver_.service_.generations();
  const Charged charged = payment::charged(run.state);
  const std::string after = " (now " + describe(run.state) + ")";
  const std::string& id = payment::generation_id(run.state);
  if (!id.empty()) {
    const Service::Generation* named = driver_.service_.find(id);
    if (named == nullptr) broken(name(row) + "names no generation" + after);
    if (named->origin != row.origin && payment::evidence(run.state) == Evidence::proven) {
      broken(name(row) + "names somebody else's as proven" + after);
    }
    const bool is_refunded = named->is_refunded(driver_.now_);
    const bool has_ended = std::holds_alternative<payment::Failed>(run.state) ||
                           std::holds_alternative<payment::Stopped>(run.state);
    if (has_ended && !named->is_over(driver_.now_)) broken(name(row) + "has not ended" + after);
    if (charged == Charged::no && !is_refunded) broken(name(row) + "was not refunded" + after);
    if (std::holds_alternative<payment::Gone>(run.state) && !is_gone(run, *named)) {
      broken(name(row) + "is not gone" + after);
    }
    if (std::holds_alternative<payment::Delivered>(run.state) && row.delivered_at == never) {
      broken(name(row) + "was not delivered" + after);
    }
  }
  if (charged == Charged::no && !row.is_forgotten()) {
    for (const Service::Generation& one : generations) {
      const bool is_its = one.origin == row.origin && !one.is_refunded(driver_.now_);
      if (is_its && !is_excused(one)) broken(name(row) + "is charged for " + one.id + after);
    }
  }
}

void Invariants::is_written(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  if (run.row < 0 || ledger.is_removed) return;
  const Row& row = ledger.rows[Driver::index(run.row)];
  const auto differs = [&](auto property) { return property(row.state) != property(run.state); };
  const auto is_doubtful = [](const payment::State& state) {
    const payment::Attempt* attempt = payment::attempt(state);
    return attempt != nullptr && attempt->doubtful;
  };
  if (run.is_unsaved) return;
  // Who follows with others may not have heard what they have written.
  if (!payment::same_on_disk(run.on_disk, row.state)) return;
  if (differs([](const payment::State& state) { return state.index(); }) || differs(is_doubtful) ||
      differs(payment::generation_id) || differs(payment::evidence) ||
      differs(payment::stop_wanted)) {
    broken(name(row) + "it is not written that it is " + describe(run.state));
  }
}

void Invariants::is_to_be_stopped(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  if (run.row < 0 || ledger.is_removed || payment::evidence(run.state) == Evidence::likely) return;
  // A fail-over has lost what the run knows of it.
  if (ledger.rows[Driver::index(run.row)].went_back_at >= run.claimed_at) return;
  const payment::State& state = ledger.rows[Driver::index(run.row)].state;
  const bool may_be_stopped =
      payment::attempt(state) != nullptr || (std::holds_alternative<payment::Known>(state) &&
                                             payment::evidence(state) == Evidence::proven);
  if (may_be_stopped && !payment::stop_wanted(state)) {
    broken(name(ledger.rows[Driver::index(run.row)]) + "nothing notes that it is to be stopped");
  }
}

void Invariants::may_take(const Run& run, const Row& row) const {
  const bool was_delivered_before =
      std::holds_alternative<payment::Delivered>(row.state) && row.delivered_at <= run.began_at;
  if (run.has_unreadable_data && was_delivered_before) {
    broken(name(row) + "is delivered once more, though its data cannot be read");
  }
}

void Invariants::is_likely(const Run& run) const {
  const Row& row = driver_.ledgers_[Driver::index(run.ledger)].rows[Driver::index(run.row)];
  const std::string& id = payment::generation_id(run.state);
  // Another one has gone further, so that it will not be written.
  if (payment::attempt(row.state) == nullptr) return;
  if (run.policy.asks_when_in_doubt) broken(name(row) + "follows " + id + ", and was to ask");
  if (!row.before) broken(name(row) + "nothing is known of what the cell had, to follow " + id);
  if (contains(*row.before, id)) broken(name(row) + id + " was there before it");
  if (row.lacking && !contains(*row.lacking, id)) {
    broken(name(row) + "a listing after the settling time lacked " + id);
  }
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const Service::Generation& named = *driver_.service_.find(id);
  for (const Row& other : ledger.rows) {
    if (&other == &row || other.wish.cell != row.wish.cell || other.is_forgotten()) continue;
    const bool is_its =
        other.origin == named.origin && !is_unknowable(named) && !named.is_over(driver_.now_);
    if (is_its || payment::generation_id(other.state) == id) {
      broken(name(row) + id + " is another row's");
    }
    // As the run's machine tells it. A look that has lost what was there before tells nothing.
    const payment::Moment& posted = *payment::posted_at(run.state);
    const payment::Attempt& attempt = *payment::attempt(row.state);
    const bool is_comparable =
        other.look && other.look->at.boot == posted.boot && attempt.before &&
        std::all_of(attempt.before->begin(), attempt.before->end(),
                    [&](const std::string& one) { return contains(other.look->jobs, one); });
    // Of another machine's request it is only known that it did not leave later than this.
    const bool is_known_to_be_late =
        !ledger.is_shared ||
        (is_comparable && other.look->at.up - posted.up >= payment::settling_time);
    if (is_comparable && is_known_to_be_late &&
        other.looked_at >= row.intended_at + payment::settling_time &&
        !contains(other.look->jobs, id)) {
      broken(name(row) + "another row's look after the settling time lacked " + id);
    }
  }
}

void Invariants::has_delivered(const Run& run) const {
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const Row& row = ledger.rows[Driver::index(run.row)];
  const std::string& id = payment::generation_id(run.state);
  const Service::Generation* clip = driver_.service_.find(id);
  if (clip == nullptr || clip->end != Service::Word::completed || driver_.now_ < clip->clip_at) {
    broken(name(row) + "there is no clip of " + id);
  }
  const Wish& wish = driver_.askers_[Driver::index(run.asker)].wish;
  if (!run.has_unreadable_data && row.wish.data != wish.data) {
    broken(name(row) + "the clip is of old data");
  }
  const bool is_likely = payment::evidence(run.state) == Evidence::likely;
  if (is_likely && run.policy.asks_when_in_doubt) {
    broken(name(row) + id + " is delivered, and was to be asked about");
  }
  if (is_likely && !run.is_told_of_likely) {
    broken(name(row) + id + ", which is only likely its own, is delivered untold");
  }
  if (clip->origin != row.origin && !is_likely) {
    broken(name(row) + "somebody else's " + id + " is delivered untold");
  }
}

void Invariants::may_end(const Run& run, payment::End::Kind kind) const {
  using Kind = payment::End::Kind;
  const Millis now = driver_.now_;
  const std::string text = describe(run.state) + " ends as \"" + name_of(kind) + "\"";
  const std::string& id = payment::generation_id(run.state);
  const Service::Generation* named = id.empty() ? nullptr : driver_.service_.find(id);
  bool is_right = true;
  switch (kind) {
    case Kind::clip:
      is_right = named != nullptr && named->end == Service::Word::completed &&
                 (run.only_looks ? named->ends_at : named->clip_at) <= now;
      break;
    case Kind::unreachable:
    case Kind::refused:
      is_right = std::holds_alternative<payment::Refused>(run.state);
      break;
    case Kind::in_doubt:
      is_right = std::holds_alternative<payment::InDoubt>(run.state) ||
                 (payment::evidence(run.state) == Evidence::likely &&
                  (run.policy.asks_when_in_doubt || named->is_over(now)));
      break;
    case Kind::failed:
    case Kind::stopped:
    case Kind::again:
      is_right = named != nullptr && named->is_over(now);
      break;
    case Kind::no_clip:
      is_right = named != nullptr && named->end == Service::Word::completed &&
                 now >= named->ends_at + payment::settling_time;
      break;
    case Kind::gone:
      is_right = named != nullptr && is_gone(run, *named);
      break;
    case Kind::denied:
      is_right =
          run.denied_at.size() >= 3 && run.denied_at.back() - run.denied_at.front() >= minute;
      break;
    case Kind::timed_out:
      is_right = run.has_timed_out;
      break;
    case Kind::running:
    case Kind::unanswered:
      is_right = run.only_looks;
      break;
    case Kind::shut_down:
      is_right = run.is_leaving || run.has_timed_out;
      break;
  }
  if (!is_right) broken(text + ", and should not");
}

void Invariants::has_ended(const Run& run) const {
  if (run.row < 0) return;
  const Ledger& ledger = driver_.ledgers_[Driver::index(run.ledger)];
  const Row& row = ledger.rows[Driver::index(run.row)];
  if (ledger.is_removed || run.is_leaving) return;
  const bool is_in_doubt = payment::meaning(run.state).is_unsettled;
  if (is_in_doubt && !run.is_told_of_doubt) broken(name(row) + "its run ends and tells no doubt");
}

void Invariants::may_be_busy(int holder) const {
  const Session& session = driver_.sessions_[Driver::index(holder)];
  const Run& run = driver_.runs_[Driver::index(session.run)];
  if (run.stage == Run::Stage::ended && !session.is_cut) {
    broken("a run waits for one that has ended");
  }
}

// ---- When nothing is under way any more ----

void Invariants::is_nothing_lost() const {
  const auto& generations = driver_.service_.generations();
  for (std::size_t number = 0; number < generations.size(); ++number) {
    const Service::Generation& paid = generations[number];
    if (paid.origin == stranger || paid.is_over(never)) continue;
    const Ledger* ledger = nullptr;
    const Row& row = *row_of(paid.origin, &ledger);
    if (ledger->is_removed || row.is_forgotten()) continue;
    if (payment::generation_id(row.state) == paid.id) continue;
    if (payment::meaning(row.state).is_unsettled) continue;
    // Another one is followed in its place, with a warning, or it is an excused second one.
    const bool is_excused_second = std::any_of(
        driver_.excused_.begin(), driver_.excused_.end(),
        [&](int excused) { return generations[Driver::index(excused)].origin == paid.origin; });
    if (is_excused_second || is_excused(paid)) continue;
    if (payment::evidence(row.state) == Evidence::likely && is_unknowable(paid)) continue;
    // Another row of the ledger follows it, with a warning.
    const bool is_taken =
        std::any_of(ledger->rows.begin(), ledger->rows.end(), [&](const Row& other) {
          return payment::generation_id(other.state) == paid.id &&
                 payment::evidence(other.state) == Evidence::likely;
        });
    if (is_taken) continue;
    broken(name(row) + paid.id + " was paid, and is lost");
  }
}

void Invariants::do_rows_explain_their_money() const {
  for (const Ledger& ledger : driver_.ledgers_) {
    if (ledger.is_removed) continue;
    for (const Row& row : ledger.rows) {
      if (row.is_forgotten()) continue;
      bool was_charged = false, is_charged = false;
      for (const Service::Generation& one : driver_.service_.generations()) {
        if (one.origin != row.origin) continue;
        was_charged = true;
        if (!one.is_refunded(driver_.now_) && !is_excused(one)) is_charged = true;
      }
      const payment::Meaning& meaning = payment::meaning(row.state);
      if (is_charged && payment::charged(row.state) == Charged::no)
        broken(name(row) + "it was charged");
      if (was_charged && !meaning.counts)
        broken(name(row) + "it was asked for, and does not count");
      if (meaning.charged == Charged::yes && !was_charged &&
          payment::evidence(row.state) == Evidence::proven) {
        broken(name(row) + "it was not charged");
      }
    }
  }
}

}  // namespace genpro::simulation
