// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From a generation to its clip, or to its end.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "payment/answers.h"
#include "payment/machine.h"

namespace genpro::payment {

namespace {

using Word = Answer::Word;

bool has_ended(const State& state) {
  return std::holds_alternative<Completed>(state) || std::holds_alternative<Failed>(state) ||
         std::holds_alternative<Stopped>(state);
}

Asking asked_anew() {
  Asking asking;
  asking.is_resumed = true;
  return asking;
}

std::string describe(Word word) {
  switch (word) {
    case Word::pending:
      return "the service says that it is pending";
    case Word::processing:
      return "the service says that it is being processed";
    case Word::completed:
      return "the service says that it is completed";
    case Word::failed:
      return "the service says that it failed";
    case Word::stopped:
      return "the service says that it is stopped";
    case Word::none:
    case Word::unknown:
      break;
  }
  return "the service says something unknown of it";
}

const char* decision_on(const State& state) {
  if (std::holds_alternative<Completed>(state)) return "its clip is to be delivered";
  if (charged(state) == Charged::no) return "it is refunded";
  if (std::holds_alternative<Failed>(state)) return "it is charged, though it failed";
  if (std::holds_alternative<Stopped>(state)) {
    return charged(state) == Charged::yes ? "it is charged, though it is stopped"
                                          : "it is stopped, and its refund is not proven";
  }
  return "it is waited for";
}

// Each run that delivers what is only likely says so. (2)
std::vector<Action> told_again(const Generation& generation) {
  if (generation.evidence == Evidence::proven) return {};
  return {TellSettled{Evidence::likely, "generation " + generation.id +
                                            " was the only one in the cell that was new since the "
                                            "request left"}};
}

}  // namespace

State reached(const State& from, Generation generation, const Answer& answer) {
  // What was delivered stays so, whatever becomes of it afterwards.
  if (std::holds_alternative<Delivered>(from)) return Delivered{std::move(generation)};
  const std::optional<Attempt> attempt = std::exchange(generation.attempt, std::nullopt);
  const Word word = answer.word;
  switch (word) {
    case Word::completed:
      return Completed{std::move(generation)};
    case Word::failed:
      return Failed{std::move(generation), "", answer.credit};
    case Word::stopped:
      return Stopped{std::move(generation), answer.credit};
    default:
      break;
  }
  if (std::holds_alternative<Completed>(from)) return Completed{std::move(generation)};
  generation.attempt = attempt;
  Known known{std::move(generation)};
  if (const auto* before = std::get_if<Known>(&from)) {
    known.phase = before->phase;
    known.stop_wanted = before->stop_wanted;
  }
  if (word == Word::pending) known.phase = Phase::pending;
  if (word == Word::processing) known.phase = Phase::processing;
  return known;
}

End::Kind end_of(const State& state) {
  if (std::holds_alternative<Failed>(state)) return End::Kind::failed;
  if (std::holds_alternative<Stopped>(state)) return End::Kind::stopped;
  return End::Kind::clip;
}

bool Machine::is_only_likely(const Generation& generation) const {
  return policy_.asks_when_in_doubt && policy_.may_post && !policy_.is_attached &&
         generation.evidence == Evidence::likely;
}

Step Machine::not_followed(State state) {
  const std::string id = generation_id(state);
  return {std::move(state),
          {End{End::Kind::in_doubt,
               "generation " + id + " is likely to be this request's, which is not proven",
               {id}}}};
}

Step Machine::ended(State state) {
  const End::Kind kind =
      std::holds_alternative<Refused>(state) ? End::Kind::refused : end_of(state);
  const std::string why = reason(state);
  return {std::move(state), {End{kind, why, {}}}};
}

Step Machine::ended_before(State state) const {
  if (policy_.is_attached || !policy_.may_post) return ended(std::move(state));
  return {std::move(state), {End{End::Kind::again, "", {}}}};
}

Moment Machine::placed(Moment moment) const {
  const bool is_of_another_clock = moment.boot == now_.boot && now_.up < moment.up;
  if (!moment.boot.empty() && !is_of_another_clock) return moment;
  moment.up = now_.up;
  moment.boot = now_.boot;
  return moment;
}

Step Machine::on(Known known, const Resumed& resumed) {
  if (is_only_likely(known.generation)) return not_followed(known);
  known.generation.asking = asked_anew();
  known.generation.posted = placed(known.generation.posted);
  if (known.generation.attempt) known.generation.attempt->posted = known.generation.posted;
  std::vector<Action> actions = told_again(known.generation);
  if (!known.stop_wanted) {
    actions.emplace_back(Poll{});
    return {known, std::move(actions)};
  }
  // An earlier run wanted it stopped and could not say so. What the service says of it now decides
  // whether there is a clip to pick up.
  if (resumed.is_alone && known.generation.evidence == Evidence::proven) {
    known.generation.asking.is_stopping = true;
    return {known, {AskStop{}}};
  }
  if (policy_.may_post) {
    known.stop_wanted = false;
    actions.insert(actions.begin(),
                   Persist{"another run takes it up", "it is not stopped: its clip is wanted"});
  }
  actions.emplace_back(Poll{});
  return {known, std::move(actions)};
}

template <typename Stage>
Step Machine::asked_again(Stage stage) {
  if (is_only_likely(stage.generation)) return not_followed(stage);
  stage.generation.asking = asked_anew();
  stage.generation.posted = placed(stage.generation.posted);
  std::vector<Action> actions = told_again(stage.generation);
  actions.emplace_back(Poll{});
  return {std::move(stage), std::move(actions)};
}

template <typename Stage>
Step Machine::answered(const Stage& from, const Answer& answer) {
  const Asking& asked = from.generation.asking;
  if (!says_status(answer)) {
    return asked.is_stopping ? not_stopped(from, answer) : not_answered(from, answer);
  }
  Generation generation = from.generation;
  generation.asking = {};
  generation.asking.bare_since = asked.bare_since;
  State after = reached(from, std::move(generation), answer);
  const bool is_over =
      std::holds_alternative<Failed>(after) || std::holds_alternative<Stopped>(after);
  if (is_over && from.generation.attempt) {
    if (charged(after) == Charged::no) {
      return not_likely_any_more(from.generation, describe(answer.word));
    }
    return not_refunded(from, policy_.may_post ? End::Kind::in_doubt : end_of(after),
                        describe(answer.word));
  }
  if (auto* failed = std::get_if<Failed>(&after)) failed->reason = answer.text;
  if (asked.is_stopping) {
    return has_ended(after) ? stopped(from, std::move(after), answer) : not_stopped(from, answer);
  }
  std::vector<Action> actions;
  if (!same_on_disk(from, after)) {
    actions.emplace_back(Persist{describe(answer.word), decision_on(after)});
  }
  if (is_over) {
    // Its clip is not to be had, so that a new one is no second one.
    const bool again = asked.is_resumed && policy_.may_post && !policy_.is_attached;
    actions.emplace_back(End{again ? End::Kind::again : end_of(after), answer.text, {}});
  } else if (answer.word == Word::completed) {
    finish(after, answer, actions);
  } else if (!policy_.may_post) {
    actions.emplace_back(End{End::Kind::running, "", {}});
  } else {
    actions.emplace_back(Wait{Wait::Pace::schedule, 0});
  }
  return {std::move(after), std::move(actions)};
}

// That a generation was refunded that may be somebody else's proves nothing about this request. (2)
Step Machine::not_likely_any_more(Generation generation, const std::string& came) {
  InDoubt doubt{std::move(*generation.attempt),
                "generation " + generation.id + " was only likely to be this request's"};
  doubt.attempt.is_absent = true;
  return reconcile(std::move(doubt), {Persist{came, "it was only likely to be this request's"},
                                      TellDoubt{"nothing comes of generation " + generation.id +
                                                ", which was only likely to be this request's"}});
}

// It may have paid for this request, and a repeat might pay for it once more. (3)
Step Machine::not_refunded(State likely, End::Kind kind, const std::string& came) const {
  const std::string id = generation_id(likely);
  std::vector<Action> actions;
  if (policy_.may_post) actions.emplace_back(Persist{came, "its refund is not proven"});
  actions.emplace_back(End{kind,
                           "generation " + id +
                               ", which is likely to be this request's, has ended, and its refund "
                               "is not proven",
                           {id}});
  return {std::move(likely), std::move(actions)};
}

Step Machine::on(const Known& known, const Accounted& accounted) {
  if (known.generation.attempt && accounted.credit == Credit::refunded) {
    return not_likely_any_more(known.generation, accounted.came);
  }
  return not_refunded(known, End::Kind::in_doubt, accounted.came);
}

// The resources of a completed generation may come a while later.
void Machine::finish(State& state, const Answer& answer, std::vector<Action>& actions) const {
  auto* delivered = std::get_if<Delivered>(&state);
  Asking& asking = delivered != nullptr ? delivered->generation.asking
                                        : std::get<Completed>(state).generation.asking;
  if (answer.has_clip || !policy_.may_post) {
    actions.emplace_back(End{End::Kind::clip, "", {}});
    return;
  }
  if (!asking.bare_since) asking.bare_since = now_.up;
  if (now_.up - *asking.bare_since < settling_time) {
    actions.emplace_back(Wait{Wait::Pace::exactly, resources_interval});
  } else {
    actions.emplace_back(End{End::Kind::no_clip, answer.text, {}});
  }
}

// A question that brought nothing. It costs nothing to wait for what is paid. (8)
template <typename Stage>
Step Machine::not_answered(Stage from, const Answer& answer) {
  Asking& asking = from.generation.asking;
  if (!policy_.may_post) return {from, {End{End::Kind::unanswered, answer.text, {}}}};
  // What a user named may be a slip, as long as nothing is known of it.
  if (policy_.is_attached && asking.is_resumed) {
    if (!answer.is_retryable || asking.failures >= policy_.retries) {
      return {from, {End{End::Kind::unanswered, answer.text, {}}}};
    }
    ++asking.failures;
    return {from, {backoff(answer)}};
  }
  if (is_missing(answer)) return missing(std::move(from), answer);
  asking.missing_since.reset();
  if (is_denied(answer)) {
    if (!asking.denied_since) asking.denied_since = now_.up;
    ++asking.failures;
    const bool is_over = now_.up - *asking.denied_since >= (denied_answers - 1) * denied_interval;
    if (asking.failures >= denied_answers && is_over) {
      return {from, {End{End::Kind::denied, answer.text, {}}}};
    }
    return {from, {Wait{Wait::Pace::exactly, denied_interval}}};
  }
  asking.failures = 0;
  asking.denied_since.reset();
  std::vector<Action> actions;
  if (!std::exchange(asking.is_outage, true)) actions.emplace_back(TellOutage{answer.text});
  actions.emplace_back(backoff(answer));
  return {std::move(from), std::move(actions)};
}

// (5)
template <typename Stage>
Step Machine::missing(Stage from, const Answer& answer) {
  Asking& asking = from.generation.asking;
  // Right after the request it only means that it is not there yet.
  if (least_age(from.generation.posted, now_) < settling_time) return {from, {backoff(answer)}};
  asking.failures = 0;
  asking.denied_since.reset();
  if (!asking.missing_since) asking.missing_since = now_.up;
  const Millis left = gone_interval - (now_.up - *asking.missing_since);
  if (left > 0) return {from, {Wait{Wait::Pace::exactly, left}}};
  if (std::is_same_v<Stage, Gone> || policy_.is_attached) return gone(std::move(from));
  return {std::move(from), {ReadCell{}}};
}

template <typename Stage>
Step Machine::looked_for(Stage from, const Listed& listed) {
  const auto& jobs = listed.jobs;
  const bool is_listed = std::find(jobs.begin(), jobs.end(), from.generation.id) != jobs.end();
  if (!is_listed && listed.is_whole) return gone(std::move(from));
  if (is_listed) from.generation.asking.missing_since.reset();
  return {std::move(from), {Wait{Wait::Pace::backoff, 0}}};
}

template <typename Stage>
Step Machine::not_looked_for(Stage from, const Unlisted& unlisted) {
  const Answer& answer = unlisted.answer;
  if (answer.was_sent && !answer.is_retryable) return gone(std::move(from));
  return {std::move(from), {backoff(answer)}};
}

template <typename Stage>
Step Machine::gone(Stage from) {
  const std::string why = "the API says that there is no generation " + from.generation.id;
  std::vector<Action> actions;
  // What was delivered stays so.
  if constexpr (std::is_same_v<Stage, Delivered>) {
    return {std::move(from), {End{End::Kind::gone, why, {}}}};
  }
  if (!std::is_same_v<Stage, Gone>) {
    actions.emplace_back(
        Persist{why + ", twice, and the cell does not have it", "what was paid is gone"});
  }
  actions.emplace_back(End{End::Kind::gone, why, {}});
  from.generation.attempt.reset();
  return {Gone{std::move(from.generation), why}, std::move(actions)};
}

// ---- Stopping (6) ----

Step Machine::on(Known known, const StopWanted&) {
  if (policy_.is_attached || known.generation.evidence != Evidence::proven) {
    return {known, {End{End::Kind::shut_down, "it is not proven to be this request's", {}}}};
  }
  known.stop_wanted = true;
  known.generation.asking = {};
  known.generation.asking.is_stopping = true;
  return {known, {Persist{"the pipeline shuts down", "it is to be stopped"}, AskStop{}}};
}

Step Machine::on(const Known& known, const StopReplied& replied) {
  const Answer& answer = replied.answer;
  if (says_status(answer)) {
    State after = reached(known, known.generation, answer);
    if (has_ended(after)) return stopped(known, std::move(after), answer);
  }
  // The generation may have ended before; where no answer came, asking would bring none either.
  if (answer.status != 0) return {known, {Poll{}}};
  return not_stopped(known, answer);
}

// The service was asked to stop it, and it has ended.
template <typename Stage>
Step Machine::stopped(const Stage& from, State after, const Answer& answer) {
  std::vector<Action> actions{Persist{describe(answer.word), decision_on(after)}};
  const bool was_resumed = from.generation.asking.is_resumed && policy_.may_post;
  if (!was_resumed) {
    actions.emplace_back(End{policy_.may_post ? End::Kind::shut_down : end_of(after), "", {}});
  } else if (auto* completed = std::get_if<Completed>(&after)) {
    completed->generation.asking = {};
    actions.emplace_back(Poll{});
  } else {
    actions.emplace_back(End{End::Kind::again, "", {}});
  }
  return {std::move(after), std::move(actions)};
}

// It was asked for in vain: the wish is kept, unless this run wants the clip.
template <typename Stage>
Step Machine::not_stopped(Stage from, const Answer& answer) {
  Asking& asking = from.generation.asking;
  asking.is_stopping = false;
  if (!policy_.may_post) {
    const auto kind = says_status(answer) ? End::Kind::running : End::Kind::unanswered;
    return {from, {End{kind, answer.text, {}}}};
  }
  if (!asking.is_resumed) return {from, {End{End::Kind::shut_down, answer.text, {}}}};
  std::vector<Action> actions;
  if constexpr (std::is_same_v<Stage, Known>) {
    if (std::exchange(from.stop_wanted, false)) {
      actions.emplace_back(Persist{"the service does not stop it", "its clip is waited for"});
    }
  }
  actions.emplace_back(Wait{Wait::Pace::schedule, 0});
  return {std::move(from), std::move(actions)};
}

// Whether it was refunded may be told later than its end. A run has no use for it.
Step Machine::on(const Stopped& stopped, const Resumed&) {
  const bool is_asked = !policy_.may_post && !policy_.is_attached;
  if (is_asked && charged(stopped) != Charged::no) return {stopped, {Poll{}}};
  return ended_before(stopped);
}

Step Machine::on(const Stopped& stopped, const Polled& polled) {
  // The stop came too late.
  if (says_status(polled.answer) && polled.answer.word == Word::completed) {
    const State after = Completed{stopped.generation};
    return {after,
            {Persist{describe(Word::completed), decision_on(after)}, End{End::Kind::clip, "", {}}}};
  }
  const bool is_stopped = says_status(polled.answer) && polled.answer.word == Word::stopped;
  return on(stopped, Accounted{is_stopped ? polled.answer.credit : Credit::unknown,
                               "the service tells what became of its credits"});
}

Step Machine::on(const Stopped& stopped, const Accounted& accounted) {
  if (accounted.credit == Credit::unknown || accounted.credit == stopped.credit) {
    return ended(stopped);
  }
  const State after = Stopped{stopped.generation, accounted.credit};
  return {after, {Persist{accounted.came, decision_on(after)}, End{End::Kind::stopped, "", {}}}};
}

Step Machine::delivered(Generation generation) {
  generation.asking = {};
  generation.attempt.reset();
  return {Delivered{std::move(generation)},
          {Persist{"every byte and the end of the stream were pushed", "it is delivered"}}};
}

Step step(const Policy& policy, const State& state, const Event& event, const Now& now) {
  Machine machine(policy, now);
  return std::visit(
      [&](const auto& stage, const auto& happened) { return machine.on(stage, happened); }, state,
      event);
}

}  // namespace genpro::payment
