// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Deliberate mistakes in what payment::step() and its companions decide, made from outside: each
// changes what goes into a step, or what comes out of it. The numbers are the rules that are
// broken. Only mistakes.cpp includes this.
#pragma once

#include <algorithm>
#include <utility>

#include "simulation/mind.h"

namespace genpro::simulation::wrong {

using namespace payment;
using Word = Answer::Word;

using StepFunction = Step(const Policy&, const State&, const Event&, const Now&);

// The answer of a kind of event.
template <typename Happened>
const Answer* answer_of(const Event& event) {
  const auto* happened = std::get_if<Happened>(&event);
  return happened != nullptr ? &happened->answer : nullptr;
}

template <auto change>
inline Step on_replied(const Policy& policy, const State& state, const Event& event,
                       const Now& now) {
  const Answer* answer = answer_of<Replied>(event);
  if (answer == nullptr) return payment::step(policy, state, event, now);
  Answer changed = *answer;
  change(changed);
  return payment::step(policy, state, Replied{std::move(changed)}, now);
}

template <auto change>
inline Step on_polled(const Policy& policy, const State& state, const Event& event,
                      const Now& now) {
  const Answer* answer = answer_of<Polled>(event);
  if (answer == nullptr) return payment::step(policy, state, event, now);
  Answer changed = *answer;
  change(changed);
  return payment::step(policy, state, Polled{std::move(changed)}, now);
}

// A listing of the cell of a request in doubt.
template <auto change>
inline Step on_doubt_listed(const Policy& policy, const State& state, const Event& event,
                            const Now& now) {
  if (!std::holds_alternative<InDoubt>(state) || !std::holds_alternative<Listed>(event)) {
    return payment::step(policy, state, event, now);
  }
  InDoubt doubt = std::get<InDoubt>(state);
  Listed listed = std::get<Listed>(event);
  change(doubt, listed);
  return payment::step(policy, doubt, listed, now);
}

template <auto change>
inline Step with_policy(const Policy& policy, const State& state, const Event& event,
                        const Now& now) {
  Policy changed = policy;
  change(changed);
  return payment::step(changed, state, event, now);
}

// What comes out of it.
template <auto change>
inline Step then(const Policy& policy, const State& state, const Event& event, const Now& now) {
  Step step = payment::step(policy, state, event, now);
  change(step, state, event);
  return step;
}

template <typename What>
inline void drop(std::vector<Action>& actions) {
  std::erase_if(actions, [](const Action& action) { return std::holds_alternative<What>(action); });
}

template <typename What>
inline bool has(const std::vector<Action>& actions) {
  return std::any_of(actions.begin(), actions.end(),
                     [](const Action& action) { return std::holds_alternative<What>(action); });
}

inline Generation* generation_of(State& state) {
  return std::visit(
      [](auto& stage) -> Generation* {
        if constexpr (requires { stage.generation; }) return &stage.generation;
        return nullptr;
      },
      state);
}

inline bool is_likely_new(const Step& step, const State& before) {
  return attempt(before) != nullptr && std::holds_alternative<Known>(step.state) &&
         evidence(step.state) == Evidence::likely;
}

// ---- 1: refused takes proof ----

inline void refused(Answer& answer) {
  answer.status = 400;
  answer.is_api_error = true;
  answer.was_redirected = false;
  answer.code.clear();
}

inline void conflict_is_refusal(Answer& answer) {
  if (answer.is_api_error && (answer.status == 409 || answer.status == 425)) refused(answer);
}
inline void time_out_is_refusal(Answer& answer) {
  if (answer.is_api_error && answer.status == 408) refused(answer);
}
inline void rate_limit_is_refusal(Answer& answer) {
  if (answer.is_api_error && answer.status == 429) refused(answer);
}
inline void server_error_is_refusal(Answer& answer) {
  if (answer.is_api_error && answer.status >= 500) refused(answer);
}
inline void bare_success_is_refusal(Answer& answer) {
  if (answer.status >= 200 && answer.status < 400 && answer.generation.empty()) refused(answer);
}
inline void gateway_is_api(Answer& answer) {
  if (answer.status >= 400 && answer.status < 500) answer.is_api_error = true;
}
inline void redirect_is_overlooked(Answer& answer) {
  answer.was_redirected = false;
}
inline void silence_is_not_sent(Answer& answer) {
  if (answer.status == 0) answer.was_sent = false;
}

// What is known of a doubtful try, or of one that the service has queued, is forgotten when the
// next one is refused, or did not leave.
template <bool Attempt::*known>
inline Step refusal_after(const Policy& policy, const State& state, const Event& event,
                          const Now& now) {
  const auto* posting = std::get_if<Posting>(&state);
  if (posting == nullptr) return payment::step(policy, state, event, now);
  Posting changed = *posting;
  changed.attempt.*known = false;
  return payment::step(policy, changed, event, now);
}

// ---- 2: evidence ----

inline bool is_new(const Attempt& attempt, const Listed& listed, const std::string& job) {
  const auto lacks = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), job) == ids.end();
  };
  return attempt.before && lacks(*attempt.before) && lacks(listed.claimed);
}

inline void takes_the_first(InDoubt& doubt, Listed& listed) {
  bool is_first = true;
  std::erase_if(listed.jobs, [&](const std::string& job) {
    return is_new(doubt.attempt, listed, job) && !std::exchange(is_first, false);
  });
}
inline void takes_the_last(InDoubt& doubt, Listed& listed) {
  std::reverse(listed.jobs.begin(), listed.jobs.end());
  takes_the_first(doubt, listed);
}
inline void absence_is_forgotten(InDoubt& doubt, Listed&) {
  doubt.attempt.is_absent = false;
}
inline void all_is_new(InDoubt& doubt, Listed&) {
  if (doubt.attempt.before) doubt.attempt.before->clear();
}
inline void nothing_is_new(InDoubt& doubt, Listed& listed) {
  if (doubt.attempt.before) doubt.attempt.before = listed.jobs;
}
inline void claims_are_overlooked(InDoubt&, Listed& listed) {
  listed.claimed.clear();
}
inline void cut_list_is_whole(InDoubt&, Listed& listed) {
  listed.is_whole = true;
}
inline void loss_is_overlooked(InDoubt& doubt, Listed& listed) {
  if (!doubt.attempt.before) return;
  std::erase_if(*doubt.attempt.before, [&](const std::string& job) {
    return std::find(listed.jobs.begin(), listed.jobs.end(), job) == listed.jobs.end();
  });
}
inline void does_not_wait(InDoubt& doubt, Listed&) {
  doubt.attempt.posted.up -= settling_time;
}

// Reads the cell at once, and believes what it says.
inline Step settles_at_once(const Policy& policy, const State& state, const Event& event,
                            const Now& now) {
  const auto* doubt = std::get_if<InDoubt>(&state);
  if (doubt == nullptr || !std::holds_alternative<Listed>(event)) {
    Step step = payment::step(policy, state, event, now);
    auto* wait = step.actions.empty() ? nullptr : std::get_if<Wait>(&step.actions.back());
    if (wait != nullptr && std::holds_alternative<InDoubt>(step.state)) {
      step.actions.back() = ReadCell{};
    }
    return step;
  }
  return on_doubt_listed<does_not_wait>(policy, state, event, now);
}

inline void likely_is_proven(Step& step, const State& before, const Event&) {
  if (is_likely_new(step, before)) generation_of(step.state)->evidence = Evidence::proven;
}
inline void likely_is_not_told(Step& step, const State&, const Event&) {
  drop<TellSettled>(step.actions);
}
inline void likely_is_told_once(Step& step, const State&, const Event& event) {
  if (std::holds_alternative<Resumed>(event)) drop<TellSettled>(step.actions);
}
inline void doubt_is_not_told(Step& step, const State&, const Event&) {
  drop<TellDoubt>(step.actions);
}
inline void never_asks(Policy& policy) {
  policy.asks_when_in_doubt = false;
}
inline void unread_is_empty(Step& step, const State& before, const Event&) {
  auto* posting = std::get_if<Posting>(&step.state);
  if (posting == nullptr || !std::holds_alternative<Prepared>(before)) return;
  if (!posting->attempt.before) posting->attempt.before.emplace();
}

// That a likely one was refunded is taken for a refund of what was asked for.
inline Step likely_is_refunded(const Policy& policy, const State& state, const Event& event,
                               const Now& now) {
  State changed = state;
  Generation* generation = generation_of(changed);
  if (generation != nullptr && std::holds_alternative<Polled>(event)) generation->attempt.reset();
  return payment::step(policy, changed, event, now);
}

// A likely one that was stopped is taken for refunded, so that its request is sent again.
inline Step stopped_is_refunded(const Policy& policy, const State& state, const Event& event,
                                const Now& now) {
  Event changed = event;
  auto* polled = std::get_if<Polled>(&changed);
  const bool is_stopped = polled != nullptr && polled->answer.word == Answer::Word::stopped;
  if (is_stopped && evidence(state) == Evidence::likely) polled->answer.credit = Credit::refunded;
  return payment::step(policy, state, changed, now);
}

// ---- 3: a repeat carries the same key ----

inline void new_key(Step& step, const State& before, const Event&) {
  auto* posting = std::get_if<Posting>(&step.state);
  const bool is_repeat = std::holds_alternative<InDoubt>(before);
  if (posting != nullptr && is_repeat) posting->attempt.key += "'";
}
inline void new_key_by_wall(Step& step, const State& before, const Event& event) {
  auto* doubt = std::get_if<InDoubt>(&step.state);
  if (doubt == nullptr || attempt(before) == nullptr || !std::holds_alternative<Resumed>(event)) {
    return;
  }
  doubt->attempt.key += "'";
}
inline Step wall_step_gives_a_new_key(const Policy& policy, const State& state, const Event& event,
                                      const Now& now) {
  Step step = payment::step(policy, state, event, now);
  const Attempt* held = attempt(state);
  if (held != nullptr && now.wall - held->made.wall > key_lifetime) {
    new_key_by_wall(step, state, event);
  }
  return step;
}
inline void keys_are_trusted(Policy& policy) {
  policy.keys_are_documented = true;
}
inline Step expired_key_is_trusted(const Policy& policy, const State& state, const Event& event,
                                   const Now& now) {
  State changed = state;
  if (auto* doubt = std::get_if<InDoubt>(&changed)) doubt->attempt.made = now;
  if (auto* posting = std::get_if<Posting>(&changed)) posting->attempt.made = now;
  return payment::step(policy, changed, event, now);
}
inline Step unread_cell_is_empty(const Policy& policy, const State& state, const Event& event,
                                 const Now& now) {
  const auto* doubt = std::get_if<InDoubt>(&state);
  if (doubt == nullptr || !std::holds_alternative<Unlisted>(event) || !doubt->attempt.before) {
    return payment::step(policy, state, event, now);
  }
  Listed listed;
  listed.jobs = *doubt->attempt.before;
  listed.asked = now;
  return payment::step(policy, state, listed, now);
}

// ---- 4: what is under way is waited for as told ----

inline void comes_back_too_soon(Answer& answer) {
  answer.retry_after.reset();
}

// ---- 5: gone ----

inline Step one_404_is_gone(const Policy& policy, const State& state, const Event& event,
                            const Now& now) {
  const Answer* answer = answer_of<Polled>(event);
  const auto* known = std::get_if<Known>(&state);
  if (answer == nullptr || known == nullptr || answer->status != 404 || !answer->is_api_error) {
    return payment::step(policy, state, event, now);
  }
  return {Gone{known->generation, "404"}, {Persist{"404", "gone"}, End{End::Kind::gone, "", {}}}};
}
inline Step gateway_404_is_gone(const Policy& policy, const State& state, const Event& event,
                                const Now& now) {
  const Answer* answer = answer_of<Polled>(event);
  const auto* known = std::get_if<Known>(&state);
  if (answer == nullptr || known == nullptr || answer->status != 404 ||
      !known->generation.asking.is_resumed) {
    return payment::step(policy, state, event, now);
  }
  return {state, {End{End::Kind::again, "", {}}}};
}
inline Step early_404_counts(const Policy& policy, const State& state, const Event& event,
                             const Now& now) {
  State changed = state;
  Generation* generation = generation_of(changed);
  if (generation == nullptr) return payment::step(policy, state, event, now);
  generation->posted.up -= hour;
  Step step = payment::step(policy, changed, event, now);
  if (Generation* after = generation_of(step.state)) after->posted.up += hour;
  return step;
}
inline Step cell_is_not_asked(const Policy& policy, const State& state, const Event& event,
                              const Now& now) {
  if (!std::holds_alternative<Known>(state) || !std::holds_alternative<Listed>(event)) {
    return payment::step(policy, state, event, now);
  }
  return payment::step(policy, state, Listed{}, now);
}
inline bool gone_serves_nobody(const State& state, Reuse reuse, ServiceData data,
                               bool was_together) {
  return !std::holds_alternative<Gone>(state) &&
         payment::can_serve(state, reuse, data, was_together);
}

// ---- 6: stopped ----

inline Step likely_is_stopped(const Policy& policy, const State& state, const Event& event,
                              const Now& now) {
  const auto* known = std::get_if<Known>(&state);
  if (known == nullptr || !std::holds_alternative<StopWanted>(event)) {
    return payment::step(policy, state, event, now);
  }
  Known changed = *known;
  changed.generation.evidence = Evidence::proven;
  Step step = payment::step(policy, changed, event, now);
  generation_of(step.state)->evidence = known->generation.evidence;
  return step;
}
inline void likely_pays_the_owed_stop(Step& step, const State& before, const Event&) {
  if (!is_likely_new(step, before) || !payment::stop_wanted(before)) return;
  std::get<Known>(step.state).stop_wanted = true;
  drop<Poll>(step.actions);
  step.actions.emplace_back(AskStop{});
}
inline void stop_is_not_written(Step& step, const State&, const Event& event) {
  if (std::holds_alternative<StopWanted>(event)) drop<Persist>(step.actions);
}
// The answer of this status to a request to stop; 0: there was none.
template <unsigned status>
inline Step counts_as_stopped(const Policy& policy, const State& state, const Event& event,
                              const Now& now) {
  const Answer* answer = answer_of<StopReplied>(event);
  if (answer == nullptr || answer->status != status) {
    return payment::step(policy, state, event, now);
  }
  Answer changed;
  changed.status = 200;
  changed.word = Word::stopped;
  return payment::step(policy, state, StopReplied{std::move(changed)}, now);
}

inline void stop_is_refund(Step& step, const State&, const Event&) {
  if (auto* stopped = std::get_if<Stopped>(&step.state)) stopped->credit = Credit::refunded;
}

inline std::optional<double> doubt_is_free(const State& state, std::optional<double> cost,
                                           std::optional<double> estimate) {
  return meaning(state).is_unsettled ? 0 : payment::expense(state, cost, estimate);
}
inline std::optional<double> stop_is_free(const State& state, std::optional<double> cost,
                                          std::optional<double> estimate) {
  return std::holds_alternative<Stopped>(state) ? 0 : payment::expense(state, cost, estimate);
}
inline std::optional<double> nothing_costs_before_its_end(const State& state,
                                                          std::optional<double> cost,
                                                          std::optional<double> estimate) {
  return meaning(state).is_unfinished ? 0 : payment::expense(state, cost, estimate);
}

inline Step stop_is_forgotten(const Policy& policy, const State& state, const Event& event,
                              const Now& now) {
  if (!std::holds_alternative<Posting>(state) || !std::holds_alternative<StopWanted>(event)) {
    return payment::step(policy, state, event, now);
  }
  return {state, {}};
}

// ---- 7: others wait ----

inline Millis waits_for_nobody(const State&, const Now&) {
  return 0;
}

// ---- 8: what is paid is waited for ----

template <auto is_so, End::Kind kind>
inline Step ends_the_run(const Policy& policy, const State& state, const Event& event,
                         const Now& now) {
  const Answer* answer = answer_of<Polled>(event);
  if (answer == nullptr || !is_so(*answer)) return payment::step(policy, state, event, now);
  return {state, {End{kind, "", {}}}};
}
inline bool is_outage(const Answer& answer) {
  return answer.status == 0 || answer.status >= 500;
}
inline bool is_denial(const Answer& answer) {
  return answer.status == 401 || answer.status == 403 || answer.status == 409;
}
inline bool is_bare(const Answer& answer) {
  return answer.word == Word::completed && !answer.has_clip;
}
inline void gateway_denies(Answer& answer) {
  if (answer.status == 401 || answer.status == 403) answer.is_api_error = true;
}
inline void unknown_is_failed(Answer& answer) {
  if (answer.word == Word::unknown) answer.word = Word::failed;
}
inline Step time_out_forgets(const Policy& policy, const State& state, const Event& event,
                             const Now& now) {
  if (!std::holds_alternative<Posting>(state) || !std::holds_alternative<TimedOut>(event)) {
    return payment::step(policy, state, event, now);
  }
  return {Refused{""}, {Persist{"timed out", "given up"}, End{End::Kind::timed_out, "", {}}}};
}
inline Step leaving_forgets(const Policy& policy, const State& state, const Event& event,
                            const Now& now) {
  if (!std::holds_alternative<Posting>(state) || !std::holds_alternative<Left>(event)) {
    return payment::step(policy, state, event, now);
  }
  return {Refused{""}, {Persist{"left", "given up"}}};
}

// ---- 9, 11: whom a payment serves ----

inline bool doubt_serves_nobody(const State& state, Reuse reuse, ServiceData data,
                                bool was_together) {
  return attempt(state) == nullptr && payment::can_serve(state, reuse, data, was_together);
}
inline bool completed_serves_nobody(const State& state, Reuse reuse, ServiceData data,
                                    bool was_together) {
  return !std::holds_alternative<Completed>(state) &&
         payment::can_serve(state, reuse, data, was_together);
}
inline bool those_together_pay_twice(const State& state, Reuse reuse, ServiceData data, bool) {
  return payment::can_serve(state, reuse, data, false);
}
inline void completed_is_delivered(Step& step, const State&, const Event&) {
  if (const auto* completed = std::get_if<Completed>(&step.state)) {
    const Generation generation = completed->generation;
    step.state = Delivered{generation};
  }
}

// ---- What is on disk ----

inline void post_is_not_written(Step& step, const State&, const Event&) {
  if (has<Post>(step.actions)) drop<Persist>(step.actions);
}
inline void answer_is_not_written(Step& step, const State&, const Event& event) {
  if (std::holds_alternative<Replied>(event)) drop<Persist>(step.actions);
}
inline void history_is_empty(Step& step, const State&, const Event&) {
  for (Action& action : step.actions) {
    if (auto* persist = std::get_if<Persist>(&action)) persist->came.clear();
  }
}
inline Step posting_was_not_sent(const Policy& policy, const State& state, const Event& event,
                                 const Now& now) {
  const auto* posting = std::get_if<Posting>(&state);
  if (posting == nullptr || !std::holds_alternative<Resumed>(event)) {
    return payment::step(policy, state, event, now);
  }
  return payment::step(policy, Prepared{posting->attempt.key}, event, now);
}
inline void may_always_post(Policy& policy) {
  policy.may_post = true;
}

}  // namespace genpro::simulation::wrong
