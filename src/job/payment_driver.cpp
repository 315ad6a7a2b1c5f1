// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/payment_driver.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "job/answers.h"
#include "ledger/store/address.h"
#include "ledger/store/clock.h"

namespace genpro::job {

namespace {

using payment::Millis;
using std::chrono::milliseconds;

// A machine that was asleep, or whose time is measured otherwise than by timers, is not slept
// through: the boot clock is looked at this often.
constexpr milliseconds longest_nap{1000};

// What cannot be an age, since the wall clock was set, is a new generation's.
milliseconds age_of(const payment::Moment& posted) {
  constexpr Millis oldest = 24LL * 3600 * 1000;
  const Millis age = payment::most_age(posted, ledger::clock_now());
  return milliseconds(age > oldest ? 0 : age);
}

}  // namespace

PaymentDriver::PaymentDriver(Runtime& runtime, const std::string& ledger, const api::Access& access,
                             milliseconds silence, PaymentSettings settings, Owner& owner)
    : access_(access),
      log_(log::Category::job, access.log_id),
      settings_(std::move(settings)),
      owner_(owner),
      ledger_(runtime, ledger),
      is_shared_(ledger::is_server_address(ledger)),
      client_(runtime, access, silence),
      posted_(std::chrono::steady_clock::now()) {}

PaymentDriver::~PaymentDriver() {
  client_.cancel();
  if (entry_.id != 0) note_what_is_left();
}

void PaymentDriver::begin(ledger::LifeLock cell) {
  cell_ = std::move(cell);
  state_ = payment::Prepared{take_string(g_uuid_string_random())};
  handle(payment::Begun{});
}

void PaymentDriver::resume(ledger::Entry entry, ledger::LifeLock presence, ledger::LifeLock cell,
                           bool is_alone) {
  entry_ = std::move(entry);
  presence_ = std::move(presence);
  cell_ = std::move(cell);
  is_exclusive_ = is_alone;
  state_ = is_shared_ ? payment::with_latest_departure(entry_.state) : entry_.state;
  if (const payment::Moment* posted = payment::posted_at(state_)) {
    posted_ = std::chrono::steady_clock::now() - age_of(*posted);
  }
  handle(payment::Resumed{is_alone});
}

void PaymentDriver::hold(ledger::Entry entry, ledger::LifeLock presence) {
  entry_ = std::move(entry);
  presence_ = std::move(presence);
  state_ = entry_.state;
  rest();
}

milliseconds PaymentDriver::age() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - posted_);
}

void PaymentDriver::handle(payment::Event event) {
  // A question would take the place of the request to stop.
  if (is_stopping_ && std::holds_alternative<payment::Woke>(event)) return;
  waiting_.push_back(std::move(event));
  handle_waiting();
}

void PaymentDriver::handle_waiting() {
  const std::weak_ptr<char> here = here_;
  while (!here.expired() && !is_busy_ && !waiting_.empty()) {
    const payment::Event event = std::move(waiting_.front());
    waiting_.pop_front();
    process(event);
  }
}

void PaymentDriver::process(const payment::Event& event) {
  is_busy_ = true;
  waits_for_schedule_ = false;
  act(std::make_shared<Turn>(Turn{
          event, payment::step(settings_.policy, as_it_left(state_), event, ledger::clock_now())}),
      0);
}

void PaymentDriver::act(const TurnPtr& turn, std::size_t next) {
  const std::weak_ptr<char> here = here_;
  const payment::Step& step = turn->step;
  for (; next < step.actions.size(); ++next) {
    const payment::Action& action = step.actions[next];
    if (std::holds_alternative<payment::Persist>(action)) return persist(turn, next);
    set_state(step.state);
    act(action);
    if (here.expired()) return;
  }
  set_state(step.state);
  is_busy_ = false;
  handle_waiting();
}

void PaymentDriver::act(const payment::Action& action) {
  const bool asks = std::holds_alternative<payment::ReadCell>(action) ||
                    std::holds_alternative<payment::Poll>(action) ||
                    std::holds_alternative<payment::Wait>(action);
  if (asks && is_resting_) return;
  if (std::holds_alternative<payment::ReadCell>(action)) {
    read_cell();
  } else if (std::holds_alternative<payment::Post>(action)) {
    post();
  } else if (std::holds_alternative<payment::Poll>(action)) {
    client_.get_generation(payment::generation_id(state_), [this](Reply reply) {
      on_reply(std::move(reply), false, [](payment::Answer a) { return payment::Polled{a}; });
    });
  } else if (std::holds_alternative<payment::AskStop>(action)) {
    ask_stop();
  } else if (const auto* pause = std::get_if<payment::Wait>(&action)) {
    wait(*pause);
  } else if (const auto* doubt = std::get_if<payment::TellDoubt>(&action)) {
    log_.info([&] { return label() + "whether it was charged is in doubt: " + doubt->reason; });
    owner_.on_doubt(*doubt);
  } else if (const auto* settled = std::get_if<payment::TellSettled>(&action)) {
    log_.info([&] { return label() + "the doubt is settled: " + settled->reason; });
    owner_.on_settled(*settled);
  } else if (const auto* outage = std::get_if<payment::TellOutage>(&action)) {
    log_.info([&] { return label() + "the service does not tell: " + outage->reason; });
    owner_.on_outage(*outage);
  } else if (const auto* end = std::get_if<payment::End>(&action)) {
    owner_.on_end(*end);
  }
}

std::string PaymentDriver::label() const {
  const std::string& id = payment::generation_id(state_);
  return (entry_.id != 0 ? "row " + std::to_string(entry_.id) + ", " : "") +
         (id.empty() ? "no generation yet: " : "generation " + id + ": ");
}

void PaymentDriver::set_state(const payment::State& state) {
  state_ = state;
  // With its generation known, or proven not to be, the next request of the cell can be told apart.
  if (!payment::meaning(state_).is_unsettled &&
      !std::holds_alternative<payment::Prepared>(state_)) {
    cell_.release();
  }
}

void PaymentDriver::go_on(const TurnPtr& turn, std::size_t next) {
  const std::weak_ptr<char> here = here_;
  log_.info([&] {
    const auto& line = std::get<payment::Persist>(turn->step.actions[next]);
    return label() + redact(line.came, access_.key) + ": " + redact(line.decided, access_.key);
  });
  entry_.state = turn->step.state;
  set_state(turn->step.state);
  owner_.on_progress();
  if (here.expired()) return;
  if (needs_claim()) {
    for (const payment::Action& action : turn->step.actions) {
      if (const auto* doubt = std::get_if<payment::TellDoubt>(&action)) owner_.on_doubt(*doubt);
    }
    return owner_.on_claim_needed();
  }
  act(turn, next + 1);
}

// One run at a time decides a doubt, while it holds the cell.
bool PaymentDriver::needs_claim() const {
  return entry_.id != 0 && !cell_ && payment::meaning(state_).is_unsettled;
}

const std::string& PaymentDriver::agent_id() const {
  const bool has_row = entry_.id != 0 || !settings_.request;
  return has_row ? entry_.identity.agent_id : settings_.request->agent_id;
}

void PaymentDriver::read_cell() {
  const bool has_row = entry_.id != 0 || !settings_.request;
  const std::string& path = has_row ? entry_.identity.cell_path : settings_.request->cell_path;
  const payment::Moment asked = ledger::clock_now();
  client_.get_cell(path, agent_id(), [this, asked](Result<api::Cell, api::Failure> cell) {
    on_cell(std::move(cell), asked);
  });
}

void PaymentDriver::on_cell(Result<api::Cell, api::Failure> cell, const payment::Moment& asked) {
  if (!cell) {
    // What is told is the request's failure, where there is one.
    const bool is_told = !failure_ || payment::attempt(state_) == nullptr;
    if (is_told) {
      ++tries_;
      failure_ = cell.error();
    }
    return handle(payment::Unlisted{facts_of(cell.error())});
  }
  backoff_.reset();
  tries_ = 0;
  payment::Listed listed;
  listed.jobs = std::move(cell->jobs);
  listed.is_whole = cell->is_whole;
  listed.asked = asked;
  if (payment::attempt(state_) == nullptr || !ledger_.is_kept()) return handle(std::move(listed));
  // Of two arguments either may be made first, and the other one takes the list.
  std::vector<std::string> jobs = listed.jobs;
  ledger_.ask<ledger::Ledger::Others>(
      [entry = entry_, jobs = std::move(jobs)](ledger::Ledger& ledger) {
        return ledger.others(entry, jobs);
      },
      [this, listed = std::move(listed)](Result<ledger::Ledger::Others> others) mutable {
        if (!others) return owner_.on_ledger_error(std::move(others.error()));
        listed.claimed = std::move(others->claimed);
        listed.contested = std::move(others->contested);
        listed.later = std::move(others->later);
        handle(std::move(listed));
      });
}

void PaymentDriver::post() {
  const payment::Attempt* attempt = payment::attempt(state_);
  if (attempt == nullptr || !settings_.request) return;
  if (is_stopping_) return withdraw("the run ended before the request left");
  // Another machine takes up what seems to have been left, and must not be followed by a request of
  // one that was asleep meanwhile, or took its time to connect.
  left_at_.reset();
  const auto may_leave = [this, intended = attempt->posted.up] {
    const payment::Now now = ledger::clock_now();
    if (is_shared_ && now.up - intended > payment::latest_departure) return false;
    left_at_ = now;
    posted_ = std::chrono::steady_clock::now();
    return true;
  };
  if (!may_leave()) {
    return withdraw(
        "More than 10 s went by from the intention in the ledger on, and another machine may have "
        "gone on with it: the request was not sent. Start again; if that happens each time, see to "
        "the way to the ledger's server.");
  }
  // A key is for one call with one body: those that the row has, in whatever words this run was
  // asked for the same.
  api::GenerationRequest request = *settings_.request;
  if (entry_.id != 0) {
    request.cell_path = entry_.identity.cell_path;
    request.agent_id = entry_.identity.agent_id;
    request.body = entry_.identity.request;
  }
  client_.generate(
      request, attempt->key,
      [this](Reply reply) {
        on_reply(std::move(reply), true, [](payment::Answer a) { return payment::Replied{a}; });
      },
      may_leave);
}

// What is waited for counts from when the request left, and not from its intention.
payment::State PaymentDriver::as_it_left(payment::State state) const {
  auto* posting = std::get_if<payment::Posting>(&state);
  if (posting == nullptr || !left_at_) return state;
  payment::Attempt& attempt = posting->attempt;
  const bool is_first = attempt.posted == attempt.made;
  attempt.posted = *left_at_;
  if (is_first) attempt.made = *left_at_;
  return state;
}

void PaymentDriver::withdraw(const char* reason) {
  payment::Answer never;
  never.was_sent = false;
  never.text = reason;
  handle(payment::Replied{std::move(never)});
}

void PaymentDriver::on_reply(Reply reply, bool is_post,
                             std::function<payment::Event(payment::Answer)> event) {
  if (!reply) {
    failure_ = reply.error();
    ++tries_;
    return handle(event(is_post ? facts_of_post(reply.error()) : facts_of(reply.error())));
  }
  backoff_.reset();
  tries_ = 0;
  const bool goes_on = reply->phase == api::Phase::pending ||
                       reply->phase == api::Phase::processing ||
                       reply->phase == api::Phase::unknown;
  if (goes_on && !is_post) unfinished_age_ = age();
  generation_ = std::move(*reply);
  const std::weak_ptr<char> here = here_;
  handle(event(facts_of(*generation_, access_)));
  if (!here.expired()) owner_.on_progress();
}

// Others that follow it go on, and the last one of them stops it.
void PaymentDriver::when_alone(std::function<void()> then) {
  if (entry_.id == 0 || is_exclusive_) return then();
  presence_.release();
  alone_ = std::make_shared<Alone>();
  ledger_.ask<bool>(
      [id = entry_.id, alone = alone_](ledger::Ledger& ledger) -> Result<bool> {
        auto held = ledger.take_own(id);
        if (!held) return std::move(held.error());
        *alone = std::move(*held);
        return alone->has_value();
      },
      [this, then = std::move(then)](const Result<bool>& is_alone) {
        const std::shared_ptr<Alone> alone = std::move(alone_);
        // A ledger that cannot be used now says nothing of others: then it is not stopped.
        if (!is_alone || !*is_alone) {
          left_to_others_ = static_cast<bool>(is_alone);
          return owner_.on_end({payment::End::Kind::shut_down, "", {}});
        }
        presence_ = std::move(**alone);
        is_exclusive_ = true;
        then();
      });
}

void PaymentDriver::ask_stop() {
  when_alone([this] {
    if (!is_shared_ || entry_.id == 0) return send_stop();
    // With the connection to the ledger the row's place is lost, and another machine may follow it.
    ledger_.ask<bool>([id = entry_.id](ledger::Ledger& ledger) { return ledger.has_kept(id); },
                      [this](const Result<bool>& is_kept) {
                        if (is_kept && *is_kept) return send_stop();
                        owner_.on_end({payment::End::Kind::shut_down, "", {}});
                      });
  });
}

void PaymentDriver::send_stop() {
  client_.stop_generation(payment::generation_id(state_), agent_id(), [this](Reply reply) {
    presence_.share();
    is_exclusive_ = false;
    on_reply(std::move(reply), false, [](payment::Answer a) { return payment::StopReplied{a}; });
  });
}

void PaymentDriver::stop() {
  is_stopping_ = true;
  timer_.stop();
  std::erase_if(waiting_, [](const payment::Event& event) {
    return std::holds_alternative<payment::Woke>(event);
  });
  // The answer that is on its way says what there is to stop.
  if (!std::holds_alternative<payment::Posting>(state_)) client_.cancel();
  if (!std::holds_alternative<payment::Known>(state_)) return handle(payment::StopWanted{});
  when_alone([this] { handle(payment::StopWanted{}); });
}

void PaymentDriver::rest() {
  is_resting_ = true;
  timer_.stop();
  if (!std::holds_alternative<payment::Posting>(state_)) client_.cancel();
}

void PaymentDriver::release() {
  presence_.release();
  cell_.release();
}

void PaymentDriver::wait(const payment::Wait& wait) {
  if (is_stopping_) return;
  switch (wait.pace) {
    case payment::Wait::Pace::exactly:
      return wait_until(ledger::clock_now().up + wait.least);
    case payment::Wait::Pace::backoff:
      return wake_later(
          backoff_.next(wait.least > 0 ? std::optional(milliseconds(wait.least)) : std::nullopt));
    case payment::Wait::Pace::schedule:
      waits_for_schedule_ = true;
      return wake_later(owner_.until_next_poll());
  }
}

void PaymentDriver::poll_by_schedule() {
  if (waits_for_schedule_) wake_later(owner_.until_next_poll());
}

void PaymentDriver::wake_later(milliseconds delay) {
  log_.log([&] { return label() + "waits for " + std::to_string(delay.count()) + " ms"; });
  timer_.start(delay, [this] { handle(payment::Woke{}); });
}

void PaymentDriver::wait_until(Millis due) {
  const Millis left = due - ledger::clock_now().up;
  if (left <= 0) return wake_later(milliseconds(0));
  timer_.start(std::min(milliseconds(left), longest_nap), [this, due] {
    if (ledger::clock_now().up >= due) return handle(payment::Woke{});
    wait_until(due);
  });
}

}  // namespace genpro::job
