// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From a request to the generation that it pays for.
#include <algorithm>
#include <utility>

#include "payment/answers.h"
#include "payment/machine.h"

namespace genpro::payment {

namespace {

using Ids = Machine::Ids;
using Word = Answer::Word;

bool contains(const Ids& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::string join(const Ids& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
  return text;
}

// Whether the settling time of a request was over by then. What another boot's clock says cannot be
// compared.
bool was_over(const Moment& posted, const Moment& then) {
  return !posted.boot.empty() && posted.boot == then.boot && then.up - posted.up >= settling_time;
}

// Those of the listing that may have come of the request. (2)
Ids candidates(const Attempt& attempt, const Listed& listed) {
  Ids result;
  if (!attempt.before) return result;
  for (const std::string& job : listed.jobs) {
    if (!may_be_of(attempt, job, listed.later) || contains(listed.claimed, job) ||
        contains(result, job)) {
      continue;
    }
    result.push_back(job);
  }
  return result;
}

// A listing that has lost what was in an earlier one may lack others as well.
bool has_shrunk(const Attempt& attempt, const Ids& jobs) {
  return attempt.before &&
         std::any_of(attempt.before->begin(), attempt.before->end(),
                     [&](const std::string& job) { return !contains(jobs, job); });
}

}  // namespace

bool may_be_of(const Attempt& attempt, const std::string& job,
               const std::vector<Listed::Look>& looks) {
  if (attempt.is_absent || (attempt.before && contains(*attempt.before, job))) return false;
  // A listing after the settling time that lacked it: it came of something else.
  return std::none_of(looks.begin(), looks.end(), [&](const Listed::Look& look) {
    return was_over(attempt.posted, look.at) && !contains(look.jobs, job) &&
           !has_shrunk(attempt, look.jobs);
  });
}

// ---- The request has not left ----

Step Machine::on(const Prepared& prepared, const Resumed&) {
  if (policy_.may_post) return {prepared, {ReadCell{}}};
  return never_sent("its process ended before the request left");
}

Step Machine::on(const Prepared& prepared, const Listed& listed) {
  // An entry that cannot be read now may look like a new one later.
  if (!listed.is_whole) return first_post(prepared, "the cell's list is not whole");
  return first_post(prepared,
                    "the cell lists " + std::to_string(listed.jobs.size()) + " generations",
                    listed.jobs, listed.asked);
}

Step Machine::on(Prepared prepared, const Unlisted& unlisted) {
  const Answer& answer = unlisted.answer;
  // Nothing else would get through either, and nothing has been asked for yet.
  if (!answer.was_sent || answer.status == 429) {
    const bool is_final = !answer.was_sent && !answer.is_retryable;
    if (is_final || prepared.failures >= policy_.retries) return never_sent(answer.text);
    ++prepared.failures;
    return {prepared, {backoff(answer)}};
  }
  // The address is not the API's.
  if (answer.was_redirected) return never_sent(answer.text);
  if (answer.is_retryable && prepared.failures < std::min(policy_.retries, 1U)) {
    ++prepared.failures;
    return {prepared, {backoff(answer)}};
  }
  return first_post(prepared, "the cell cannot be read: " + answer.text);
}

Step Machine::first_post(const Prepared& prepared, const std::string& came,
                         std::optional<Ids> before, const Moment& looked) {
  Attempt attempt;
  attempt.key = prepared.key;
  attempt.made = attempt.posted = now_;
  attempt.before = std::move(before);
  attempt.looked = looked;
  attempt.posts = prepared.failures + 1;
  return {Posting{std::move(attempt)}, {Persist{came, "the request is sent"}, Post{}}};
}

Step Machine::never_sent(const std::string& text) {
  return {Refused{text},
          {Persist{text, "the request never left: nothing was charged"},
           End{End::Kind::unreachable, text, {}}}};
}

Step Machine::withdrawn() {
  return {Refused{"the run ended before the request left"},
          {Persist{"the run ends", "the request never left: nothing was charged"},
           End{End::Kind::shut_down, "", {}}}};
}

// ---- It is under way ----

Step Machine::on(const Posting& posting, const Replied& replied) {
  const Answer& answer = replied.answer;
  const bool may_be_taken = posting.attempt.doubtful || posting.attempt.was_put_off;
  if (names_generation(answer)) {
    // One that was there before the first request is not its own; a repeat may name what came of
    // that.
    const std::optional<Ids>& before = posting.attempt.before;
    const bool is_older =
        !posting.attempt.doubtful && before && contains(*before, answer.generation);
    if (!is_older) return named(posting.attempt, answer);
    InDoubt doubt{posting.attempt, "the answer names generation " + answer.generation +
                                       ", which was there before the request"};
    doubt.is_final = true;
    const std::string came = doubt.reason;
    return into_doubt(std::move(doubt), came);
  }
  if (!answer.was_sent && !may_be_taken) {
    if (posting.attempt.stop_wanted) return withdrawn();
    if (!answer.is_retryable || posting.attempt.posts > policy_.retries) {
      return never_sent(answer.text);
    }
    return {
        Prepared{posting.attempt.key, posting.attempt.posts},
        {Persist{answer.text, "the request did not leave, and is sent again"}, backoff(answer)}};
  }
  if (is_refusal(answer) && !may_be_taken) {
    return {Refused{answer.text},
            {Persist{answer.text, "the API itself refused it: nothing was charged"},
             End{End::Kind::refused, answer.text, {}}}};
  }
  InDoubt doubt{posting.attempt, answer.text};
  doubt.is_under_way = is_under_way(answer);
  doubt.is_not_taken = policy_.keys_are_documented && is_not_taken(answer);
  // What answers a POST with something that is no answer may be no GEN API at all.
  doubt.is_final = answer.was_sent && !doubt.is_under_way && !answer.is_retryable;
  if (answer.retry_after) doubt.not_before = now_.up + *answer.retry_after;
  return into_doubt(std::move(doubt), answer.text);
}

Step Machine::named(const Attempt& attempt, const Answer& answer) {
  const std::string came = "the answer names generation " + answer.generation;
  const std::string decided = "it is proven to be this request's";
  Known known{Generation{answer.generation, Evidence::proven, attempt.posted, {}, {}}};
  known.stop_wanted = attempt.stop_wanted;
  known.generation.asking.is_stopping = attempt.stop_wanted;
  if (answer.word == Word::processing) known.phase = Phase::processing;

  std::vector<Action> actions{Persist{came, decided}};
  if (attempt.doubtful) actions.emplace_back(TellSettled{Evidence::proven, came});
  State state = known;
  if (attempt.stop_wanted) {
    actions.emplace_back(AskStop{});
  } else if (answer.word == Word::completed && !answer.has_clip) {
    // Only a GET has the resources: this is no end yet.
    actions.emplace_back(Poll{});
  } else if (answer.word == Word::completed || answer.word == Word::failed ||
             answer.word == Word::stopped) {
    state = reached(known, known.generation, answer);
    if (auto* failed = std::get_if<Failed>(&state)) failed->reason = answer.text;
    actions.emplace_back(End{end_of(state), answer.text, {}});
  } else {
    actions.emplace_back(Wait{Wait::Pace::schedule, 0});
  }
  return {std::move(state), std::move(actions)};
}

Step Machine::on(const Posting& posting, const Resumed& resumed) {
  return on(InDoubt{posting.attempt, "its process ended while the request was under way"}, resumed);
}

// The answer that is on its way says what there is to stop.
Step Machine::on(Posting posting, const StopWanted&) {
  posting.attempt.stop_wanted = true;
  return {posting, {Persist{"the pipeline shuts down", "what comes of it is to be stopped"}}};
}

// The answer may still come, as long as the run is there.
Step Machine::on(const Posting& posting, const TimedOut&) {
  return {posting,
          {TellDoubt{"the answer to the request has not come"}, End{End::Kind::timed_out, "", {}}}};
}

Step Machine::on(const Posting& posting, const Left&) {
  InDoubt doubt{posting.attempt, "the run ended before the answer came"};
  doubt.attempt.doubtful = true;
  return {doubt, {Persist{"the run ends", "the request may have been taken"}}};
}

// ---- Whether it was taken is not known ----

Step Machine::into_doubt(InDoubt doubt, const std::string& came) {
  const char* decided = !doubt.is_not_taken         ? "it may have been taken"
                        : doubt.attempt.stop_wanted ? "it may be taken later; it keeps its key"
                                                    : "it is sent again with its key";
  std::vector<Action> actions{Persist{came, decided}};
  if (!doubt.is_not_taken && !std::exchange(doubt.attempt.doubtful, true)) {
    actions.emplace_back(TellDoubt{doubt.reason});
  }
  if (doubt.attempt.stop_wanted) {
    actions.emplace_back(End{End::Kind::shut_down, doubt.reason, {}});
    return {std::move(doubt), std::move(actions)};
  }
  if (key_protects(doubt)) {
    const Millis least = std::max<Millis>(doubt.not_before - now_.up, 0);
    actions.emplace_back(Wait{Wait::Pace::backoff, least});
    return {std::move(doubt), std::move(actions)};
  }
  return reconcile(std::move(doubt), std::move(actions));
}

Step Machine::on(InDoubt doubt, const Resumed&) {
  Attempt& attempt = doubt.attempt;
  const bool was_doubtful = std::exchange(attempt.doubtful, true);
  attempt.posts = attempt.failures = 0;
  attempt.posted = placed(attempt.posted);
  doubt.is_under_way = doubt.is_final = doubt.is_not_taken = false;
  doubt.not_before = 0;
  // Somebody wants its clip now.
  if (policy_.may_post) attempt.stop_wanted = false;
  std::vector<Action> actions{
      Persist{was_doubtful ? "another run takes it up" : "its process has ended",
              "whether it was taken is found out"},
      TellDoubt{doubt.reason}};
  return reconcile(std::move(doubt), std::move(actions));
}

Step Machine::on(const InDoubt& doubt, const Woke&) {
  return reconcile(doubt, {});
}

// What can be done about a doubt now. (2, 3)
Step Machine::reconcile(InDoubt doubt, std::vector<Action> actions) {
  const Attempt& attempt = doubt.attempt;
  if (key_protects(doubt)) {
    const Millis wait = doubt.not_before - now_.up;
    if (wait <= 0) return repeat(std::move(doubt), "the answer is not known", std::move(actions));
    actions.emplace_back(Wait{Wait::Pace::exactly, wait});
    return {std::move(doubt), std::move(actions)};
  }
  if (!attempt.before) {
    return undecided(std::move(doubt),
                     "the cell could not be read before the request was sent, so that nothing "
                     "tells what came of it",
                     {}, std::move(actions));
  }
  const Millis wait =
      std::max(settling_time - least_age(attempt.posted, now_), doubt.not_before - now_.up);
  if (wait > 0) {
    actions.emplace_back(Wait{Wait::Pace::exactly, wait});
  } else {
    actions.emplace_back(ReadCell{});
  }
  return {std::move(doubt), std::move(actions)};
}

bool Machine::may_repeat(const InDoubt& doubt) const {
  // What the service itself says it has not taken is no doubt to be asked about.
  const bool is_to_be_asked = policy_.asks_when_in_doubt && !doubt.is_not_taken;
  return policy_.may_post && !is_to_be_asked && !doubt.is_final &&
         (doubt.is_under_way || doubt.attempt.posts <= policy_.retries);
}

bool Machine::key_protects(const InDoubt& doubt) const {
  return policy_.keys_are_documented && may_repeat(doubt) &&
         most_age(doubt.attempt.made, now_) < key_lifetime;
}

// With the key that it had, and never another one. (3)
Step Machine::repeat(InDoubt doubt, const std::string& came, std::vector<Action> actions) {
  Attempt attempt = std::move(doubt.attempt);
  attempt.posted = now_;
  attempt.doubtful |= !doubt.is_not_taken;
  attempt.was_put_off |= doubt.is_not_taken;
  attempt.is_absent = false;
  attempt.failures = 0;
  ++attempt.posts;
  actions.emplace_back(Persist{came, "the request is sent again with its key"});
  actions.emplace_back(Post{});
  return {Posting{std::move(attempt)}, std::move(actions)};
}

Step Machine::on(InDoubt doubt, const Listed& listed) {
  const Attempt& attempt = doubt.attempt;
  if (!attempt.before || least_age(attempt.posted, listed.asked) < settling_time) {
    return reconcile(std::move(doubt), {});
  }
  if (!listed.is_whole) return unreadable(std::move(doubt), "the cell's list is not whole", {});
  const Ids found = candidates(attempt, listed);
  if (found.size() == 1 && contains(listed.contested, found.front())) {
    return undecided(std::move(doubt),
                     "generation " + found.front() +
                         " may be this request's, or that of another one in doubt to the same cell",
                     found);
  }
  if (found.size() == 1) return likely(std::move(doubt), found.front());
  if (found.size() > 1) {
    return undecided(std::move(doubt),
                     "the cell has several new generations, and which is this request's cannot be "
                     "told: " +
                         join(found),
                     found);
  }
  if (has_shrunk(attempt, listed.jobs)) {
    return unreadable(std::move(doubt), "the cell's list has lost what it had before", {});
  }
  return absent(std::move(doubt), listed);
}

Step Machine::on(InDoubt doubt, const Unlisted& unlisted) {
  const Answer& answer = unlisted.answer;
  const std::string why = "the cell cannot be read: " + answer.text;
  if (answer.was_sent && !answer.is_retryable) return undecided(std::move(doubt), why, {});
  return unreadable(std::move(doubt), why, answer.retry_after);
}

// No evidence; the next reading may bring some.
Step Machine::unreadable(InDoubt doubt, const std::string& why, std::optional<Millis> retry_after) {
  if (doubt.attempt.failures >= policy_.retries) return undecided(std::move(doubt), why, {});
  ++doubt.attempt.failures;
  return {std::move(doubt), {Wait{Wait::Pace::backoff, retry_after.value_or(0)}}};
}

Step Machine::undecided(InDoubt doubt, std::string why, Ids found, std::vector<Action> actions) {
  actions.emplace_back(End{End::Kind::in_doubt, std::move(why), std::move(found)});
  return {std::move(doubt), std::move(actions)};
}

Step Machine::likely(InDoubt doubt, const std::string& id) {
  const std::string why =
      "generation " + id + " is the only one in the cell that is new since the request left";
  if (policy_.asks_when_in_doubt) return undecided(std::move(doubt), why, {id});
  const Moment posted = doubt.attempt.posted;
  doubt.attempt.stop_wanted = false;
  return {Known{Generation{id, Evidence::likely, posted, std::move(doubt.attempt), {}}},
          {Persist{why, "it is likely to be this request's"}, TellSettled{Evidence::likely, why},
           Poll{}}};
}

Step Machine::absent(InDoubt doubt, const Listed& listed) {
  const std::string why = "the cell had no generation that can be this request's " +
                          std::to_string(settling_time / 1000) + " s after it was sent";
  if (may_repeat(doubt)) {
    doubt.attempt.before = listed.jobs;
    doubt.attempt.looked = listed.asked;
    return repeat(std::move(doubt), why, {});
  }
  std::vector<Action> actions;
  // What appears from now on is not this request's, also for who looks next.
  if (!std::exchange(doubt.attempt.is_absent, true)) {
    actions.emplace_back(Persist{why, "it stays in doubt"});
  }
  return undecided(std::move(doubt), why, {}, std::move(actions));
}

// What the service has queued it may still take: the next run repeats it with its key. (4)
Step Machine::on(InDoubt doubt, const TimedOut&) {
  if (std::exchange(doubt.attempt.doubtful, true)) return timed_out(doubt);
  return {doubt,
          {Persist{"the longest wait is over", "it keeps its key: it may yet be taken"},
           TellDoubt{doubt.reason}, End{End::Kind::timed_out, "", {}}}};
}

Step Machine::on(InDoubt doubt, const StopWanted&) {
  doubt.attempt.doubtful = true;
  doubt.attempt.stop_wanted = true;
  return {doubt,
          {Persist{"the pipeline shuts down", "what is proven to be its own is to be stopped"},
           End{End::Kind::shut_down, "", {}}}};
}

}  // namespace genpro::payment
