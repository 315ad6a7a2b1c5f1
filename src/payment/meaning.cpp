// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What states mean: for a row of the ledger, for limits, for the next request.
#include <algorithm>
#include <array>
#include <type_traits>

#include "payment/payment.h"

namespace genpro::payment {

namespace {

// The order of the alternatives of State, with the two phases of Known apart.
enum Row : std::size_t {
  row_prepared,
  row_posting,
  row_in_doubt,
  row_refused,
  row_pending,
  row_processing,
  row_completed,
  row_delivered,
  row_failed,
  row_stopped,
  row_gone,
};

// How far a state is; what several processes hear of a generation only leads upwards.
int rank(const State& state) {
  struct Rank {
    int operator()(const Prepared&) const { return 0; }
    int operator()(const Posting&) const { return 0; }
    int operator()(const InDoubt&) const { return 0; }
    int operator()(const Refused&) const { return 0; }
    int operator()(const Known& known) const { return known.phase == Phase::pending ? 1 : 2; }
    int operator()(const Gone&) const { return 3; }
    int operator()(const Completed&) const { return 4; }
    int operator()(const Failed&) const { return 5; }
    int operator()(const Stopped&) const { return 5; }
    int operator()(const Delivered&) const { return 6; }
  };
  return std::visit(Rank{}, state);
}

const Generation* generation(const State& state) {
  return std::visit(
      [](const auto& stage) -> const Generation* {
        if constexpr (requires { stage.generation; }) return &stage.generation;
        return nullptr;
      },
      state);
}

}  // namespace

Millis least_age(const Moment& moment, const Now& now) {
  if (moment.boot.empty()) return 0;
  // It was before this boot.
  if (moment.boot != now.boot) return now.up;
  return std::max<Millis>(now.up - moment.up, 0);
}

Millis most_age(const Moment& moment, const Now& now) {
  if (!moment.boot.empty() && moment.boot == now.boot && now.up >= moment.up) {
    return now.up - moment.up;
  }
  // Only the wall clock can tell. What it says is no age if it was set back in the meantime.
  const Millis by_wall = now.wall - moment.wall;
  if (moment.wall <= 0 || by_wall < 0) return unlimited;
  return moment.boot.empty() || by_wall >= now.up ? by_wall : unlimited;
}

namespace {

constexpr std::array<Meaning, 11> all_meanings = {{
    // word, charged, unsettled, unfinished, counts
    {"prepared", Charged::no, false, true, true},
    {"submitting", Charged::unknown, true, true, true},
    {"unknown", Charged::unknown, true, true, true},
    {"refused", Charged::no, false, false, false},
    {"pending", Charged::yes, false, true, true},
    {"processing", Charged::yes, false, true, true},
    {"completed", Charged::yes, false, false, true},
    {"completed", Charged::yes, false, false, true},
    {"failed", Charged::no, false, false, true},
    {"stopped", Charged::unknown, false, false, true},
    {"gone", Charged::yes, false, false, true},
}};

Credit credit_of(const State& state) {
  const auto* failed = std::get_if<Failed>(&state);
  const auto* stopped = std::get_if<Stopped>(&state);
  return failed != nullptr    ? failed->credit
         : stopped != nullptr ? stopped->credit
                              : Credit::unknown;
}

Charged charged_by(const Meaning& meaning, Credit credit) {
  return credit == Credit::unknown   ? meaning.charged
         : credit == Credit::charged ? Charged::yes
                                     : Charged::no;
}

}  // namespace

std::span<const Meaning> meanings() {
  return all_meanings;
}

const Meaning& meaning(const State& state) {
  struct RowOf {
    Row operator()(const Prepared&) const { return row_prepared; }
    Row operator()(const Posting&) const { return row_posting; }
    Row operator()(const InDoubt&) const { return row_in_doubt; }
    Row operator()(const Refused&) const { return row_refused; }
    Row operator()(const Known& known) const {
      return known.phase == Phase::pending ? row_pending : row_processing;
    }
    Row operator()(const Completed&) const { return row_completed; }
    Row operator()(const Delivered&) const { return row_delivered; }
    Row operator()(const Failed&) const { return row_failed; }
    Row operator()(const Stopped&) const { return row_stopped; }
    Row operator()(const Gone&) const { return row_gone; }
  };
  return all_meanings[std::visit(RowOf{}, state)];
}

Charged charged(const State& state) {
  const Charged by_state = charged_by(meaning(state), credit_of(state));
  // A refund is the service's own word of the one generation that the row can have paid for.
  if (by_state == Charged::no) return by_state;
  return evidence(state) == Evidence::likely ? Charged::unknown : by_state;
}

std::optional<double> expense(const State& state, std::optional<double> cost,
                              std::optional<double> estimate) {
  return expense(meaning(state), credit_of(state), cost, estimate);
}

std::optional<double> expense(const Meaning& meaning, Credit credit, std::optional<double> cost,
                              std::optional<double> estimate) {
  // What is about to be asked for is not charged yet, and will be.
  const bool is_prepared = meaning.word == all_meanings[row_prepared].word;
  if (charged_by(meaning, credit) == Charged::no && !is_prepared) return 0;
  const bool is_completed = meaning.word == all_meanings[row_completed].word;
  if (const auto told = told_cost(is_completed, cost, estimate)) return told;
  // An estimate of 0 is a price that is not known.
  return estimate && *estimate > 0 ? estimate : std::nullopt;
}

std::optional<double> told_cost(bool is_completed, std::optional<double> cost,
                                std::optional<double> estimate) {
  if (!cost) return std::nullopt;
  const double expected = std::max(estimate.value_or(0), 0.0);
  // A 0 may stand for a cost that is not told, and what is said before the end for a part of it.
  const bool is_told = is_completed ? *cost > 0 || expected == 0 : *cost > 0 && *cost >= expected;
  return is_told ? std::optional(std::max(*cost, 0.0)) : std::nullopt;
}

std::string generation_id(const State& state) {
  const Generation* known = generation(state);
  return known != nullptr ? known->id : "";
}

std::string reason(const State& state) {
  return std::visit(
      [](const auto& stage) -> std::string {
        if constexpr (requires { stage.reason; }) return stage.reason;
        return "";
      },
      state);
}

const Moment* posted_at(const State& state) {
  const Attempt* request = attempt(state);
  const Generation* known = generation(state);
  return request != nullptr ? &request->posted : known != nullptr ? &known->posted : nullptr;
}

bool stop_wanted(const State& state) {
  if (const auto* known = std::get_if<Known>(&state)) return known->stop_wanted;
  const Attempt* request = attempt(state);
  return request != nullptr && request->stop_wanted;
}

Evidence evidence(const State& state) {
  const Generation* known = generation(state);
  return known != nullptr ? known->evidence : Evidence::proven;
}

const Attempt* attempt(const State& state) {
  if (const auto* posting = std::get_if<Posting>(&state)) return &posting->attempt;
  if (const auto* doubt = std::get_if<InDoubt>(&state)) return &doubt->attempt;
  return nullptr;
}

bool is_closed(const State& state) {
  return !meaning(state).is_unfinished && !std::holds_alternative<Completed>(state);
}

State on_disk(State state) {
  std::visit(
      [](auto& stage) {
        using Stage = std::decay_t<decltype(stage)>;
        if constexpr (requires { stage.attempt; }) {
          stage.attempt.was_put_off = false;
          stage.attempt.posts = 0;
          stage.attempt.failures = 0;
        }
        if constexpr (requires { stage.generation; }) {
          stage.generation.asking = {};
          if (stage.generation.attempt) {
            stage.generation.attempt->was_put_off = false;
            stage.generation.attempt->posts = 0;
            stage.generation.attempt->failures = 0;
          }
        }
        if constexpr (std::is_same_v<Stage, Prepared>) stage.failures = 0;
        if constexpr (std::is_same_v<Stage, InDoubt>) {
          stage.is_under_way = false;
          stage.is_final = false;
          stage.is_not_taken = false;
          stage.not_before = 0;
        }
      },
      state);
  return state;
}

bool same_on_disk(const State& one, const State& other) {
  return on_disk(one) == on_disk(other);
}

bool is_behind(const State& state, const State& other) {
  // What is in doubt once more has been found not to be what somebody still follows as likely.
  if (attempt(state) != nullptr && evidence(other) == Evidence::likely) return false;
  return rank(state) < rank(other);
}

State with_latest_departure(State state) {
  if (auto* posting = std::get_if<Posting>(&state)) posting->attempt.posted.up += latest_departure;
  return state;
}

Millis wait_for_others(const State& state, const Now& now) {
  const Attempt* request = attempt(state);
  if (request == nullptr) return 0;
  return std::max<Millis>(settling_time - least_age(request->posted, now), 0);
}

bool can_serve(const State& state, Reuse reuse, ServiceData data, bool was_together) {
  if (reuse == Reuse::never || data == ServiceData::different) return false;
  if (std::holds_alternative<Delivered>(state)) {
    // Once its clip has been delivered, only a request that would surely make the same again may
    // have it again.
    return (reuse == Reuse::completed && data == ServiceData::same) || was_together;
  }
  return meaning(state).is_unfinished || std::holds_alternative<Completed>(state) ||
         std::holds_alternative<Gone>(state);
}

}  // namespace genpro::payment
