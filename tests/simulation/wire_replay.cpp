// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/wire_replay.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "ledger/store/clock.h"
#include "simulation/describe.h"

namespace genpro::simulation {

namespace {

using What = Exchange::What;
using payment::State;

// A key that the driver draws, until it is seen.
constexpr const char* unknown_key = "?";

bool has(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void strip(payment::Attempt& attempt) {
  attempt.made = attempt.posted = attempt.looked = {};
  attempt.posts = attempt.failures = 0;
}

std::string* key_of(State& state) {
  if (auto* prepared = std::get_if<payment::Prepared>(&state)) return &prepared->key;
  if (auto* posting = std::get_if<payment::Posting>(&state)) return &posting->attempt.key;
  if (auto* doubt = std::get_if<payment::InDoubt>(&state)) return &doubt->attempt.key;
  return nullptr;
}

}  // namespace

State bare(State state) {
  std::visit(
      [](auto& stage) {
        using Stage = std::decay_t<decltype(stage)>;
        if constexpr (requires { stage.attempt; }) strip(stage.attempt);
        if constexpr (requires { stage.reason; }) stage.reason.clear();
        if constexpr (requires { stage.generation; }) {
          stage.generation.asking = {};
          stage.generation.posted = {};
          if (stage.generation.attempt) strip(*stage.generation.attempt);
        }
        if constexpr (std::is_same_v<Stage, payment::Prepared>) stage.failures = 0;
        if constexpr (std::is_same_v<Stage, payment::InDoubt>) {
          stage.is_under_way = stage.is_final = false;
          stage.not_before = 0;
        }
      },
      state);
  return state;
}

WireReplay::WireReplay(std::vector<WireRow> rows, WireWish wish, Millis began_at)
    : wish_(wish), boot_(ledger::clock_now().boot), latest_(began_at) {
  Path path;
  path.rows = std::move(rows);
  path.heard_at = began_at;
  paths_.push_back(std::move(path));
}

payment::Now WireReplay::moment(Millis up) const {
  payment::Now now;
  now.boot = boot_;
  now.up = up;
  now.wall = 1'700'000'000'000 + up;
  return now;
}

// ---- Claims ----

// What serves the wish, or a new payment. False: it is being stopped, and the run waits.
bool WireReplay::begin(Path& path, Millis now) const {
  const auto rank = [](const State& state) {
    if (std::holds_alternative<payment::Completed>(state)) return 1;
    if (std::holds_alternative<payment::Delivered>(state)) return 2;
    if (std::holds_alternative<payment::Known>(state)) return 3;
    return std::holds_alternative<payment::Gone>(state) ? 5 : 4;
  };
  std::vector<int> candidates;
  for (int number = static_cast<int>(path.rows.size()) - 1; number >= 0; --number) {
    const WireRow& row = path.rows[static_cast<std::size_t>(number)];
    if (row.wish != wish_.wish || path.passed_over.contains(number)) continue;
    if (!payment::can_serve(row.state, wish_.reuse, payment::ServiceData::same, false)) continue;
    candidates.push_back(number);
  }
  std::stable_sort(candidates.begin(), candidates.end(), [&](int one, int other) {
    return rank(path.rows[static_cast<std::size_t>(one)].state) <
           rank(path.rows[static_cast<std::size_t>(other)].state);
  });
  Payment& main = path.main;
  main = {};
  main.is_begun = true;
  path.given_back = -1;
  // It has waited for others of the cell, and for its own settling time.
  const auto waits = [&](const WireRow& row) {
    const payment::Attempt* attempt = payment::attempt(row.state);
    if (attempt == nullptr) return;
    const Millis over = attempt->posted.up + payment::settling_time;
    path.heard_at = std::max(path.heard_at, std::min(now, over));
  };
  if (candidates.empty()) {
    path.log += "    makes a new payment\n";
    main.state = payment::Prepared{unknown_key, 0};
    main.has_cell = true;
    for (const WireRow& row : path.rows) waits(row);
    feed(path, true, payment::Begun{}, now);
    return true;
  }
  main.row = candidates.front();
  if (path.stops.is_begun && !path.stops.end && path.stops.row == main.row) return false;
  main.state = path.rows[static_cast<std::size_t>(main.row)].state;
  main.has_cell = payment::generation_id(main.state).empty();
  if (main.has_cell) {
    for (const WireRow& row : path.rows) waits(row);
  }
  const bool is_alone =
      payment::stop_wanted(main.state) && payment::meaning(main.state).is_unfinished;
  path.log += "    takes up row " + std::to_string(main.row + 1) + "\n";
  feed(path, true, payment::Resumed{is_alone}, now);
  return true;
}

bool WireReplay::begin_stop(Path& path, int number, Millis now) const {
  const State& state = path.rows[static_cast<std::size_t>(number)].state;
  if (!payment::stop_wanted(state) || !std::holds_alternative<payment::Known>(state)) return false;
  if (path.main.is_begun && path.main.row == number) return false;
  if (path.stops.is_begun && !path.stops.end) return false;
  path.stops = {};
  path.stops.is_begun = true;
  path.stops.row = number;
  path.stops.state = state;
  path.log += "    a stop of row " + std::to_string(number + 1) + " is owed\n";
  feed(path, false, payment::Resumed{true}, now);
  return true;
}

// ---- Steps ----

void WireReplay::feed(Path& path, bool is_main, const payment::Event& event, Millis now) const {
  Payment& payment = is_main ? path.main : path.stops;
  payment::Policy policy = wish_.policy;
  if (!is_main) {
    policy = {};
    policy.may_post = false;
    policy.retries = 0;
  }
  payment::Step step = payment::step(policy, payment.state, event, moment(now));
  path.log += std::string("    ") + (is_main ? "" : "(stops) ") + describe(event) + ": " +
              describe(payment.state) + " -> " + describe(step.state) + describe(step.actions) +
              "\n";
  payment.state = step.state;
  payment.waits = Waits::nothing;
  const bool is_settled = !payment::meaning(payment.state).is_unsettled &&
                          !std::holds_alternative<payment::Prepared>(payment.state);
  if (is_settled) payment.has_cell = false;
  const bool is_resting = is_main && path.has_ended;
  for (const payment::Action& action : step.actions) {
    if (std::holds_alternative<payment::Persist>(action)) {
      persist(path, is_main);
      const bool is_in_doubt = payment::meaning(payment.state).is_unsettled;
      if (is_main && payment.row >= 0 && is_in_doubt && !payment.has_cell) {
        path.given_back = std::exchange(payment, {}).row;
        return;
      }
    } else if (std::holds_alternative<payment::ReadCell>(action)) {
      if (!is_resting) payment.waits = Waits::cell;
    } else if (std::holds_alternative<payment::Poll>(action)) {
      if (!is_resting) payment.waits = Waits::poll;
    } else if (std::holds_alternative<payment::Wait>(action)) {
      if (!is_resting) payment.waits = Waits::wake;
    } else if (std::holds_alternative<payment::AskStop>(action)) {
      payment.waits = Waits::stop;
    } else if (std::holds_alternative<payment::Post>(action)) {
      payment.waits = Waits::post;
      if (!path.is_leaving) continue;
      payment::Answer withdrawn;
      withdrawn.was_sent = false;
      return feed(path, is_main, payment::Replied{withdrawn}, now);
    } else if (const auto* end = std::get_if<payment::End>(&action)) {
      if (is_main && end->kind == End::again && !path.is_leaving && !path.has_ended) {
        path.passed_over.insert(payment.row);
        payment = {};
        return;
      }
      if (is_main && path.has_ended && !path.is_leaving) continue;
      payment.end = end->kind;
      if (is_main && !path.is_leaving) path.has_ended = true;
    }
  }
}

void WireReplay::persist(Path& path, bool is_main) const {
  Payment& payment = is_main ? path.main : path.stops;
  const auto* posting = std::get_if<payment::Posting>(&payment.state);
  if (payment.row < 0 && posting == nullptr) return;
  if (payment.row < 0) {
    WireRow row;
    row.wish = wish_.wish;
    payment.row = static_cast<int>(path.rows.size());
    path.rows.push_back(std::move(row));
  }
  WireRow& row = path.rows[static_cast<std::size_t>(payment.row)];
  row.state = payment.state;
  if (posting != nullptr && posting->attempt.before) {
    row.looked_jobs = posting->attempt.before;
    row.looked = posting->attempt.looked;
  }
}

payment::Event WireReplay::event_of(const Path& path, bool is_main, Millis asked) const {
  const Payment& payment = is_main ? path.main : path.stops;
  const Exchange& exchange = *payment.heard;
  const payment::Answer answer = understand(exchange);
  if (exchange.what == What::post) return payment::Replied{answer};
  if (exchange.what == What::poll) return payment::Polled{answer};
  if (exchange.what == What::stop) return payment::StopReplied{answer};
  if (exchange.reply.body != Reply::Body::cell) return payment::Unlisted{answer};
  payment::Listed listed;
  listed.jobs = exchange.reply.jobs;
  listed.is_whole = exchange.reply.is_whole;
  listed.asked = moment(asked);
  if (payment::attempt(payment.state) == nullptr) return listed;
  std::vector<payment::Listed::Look> looks;
  for (int number = 0; number < static_cast<int>(path.rows.size()); ++number) {
    const WireRow& row = path.rows[static_cast<std::size_t>(number)];
    if (row.looked_jobs) looks.push_back({row.looked, *row.looked_jobs});
    if (number == payment.row) continue;
    if (row.looked_jobs) listed.later.push_back(looks.back());
    const std::string id = payment::generation_id(row.state);
    if (!id.empty() && has(listed.jobs, id)) listed.claimed.push_back(id);
  }
  for (const std::string& job : listed.jobs) {
    for (int number = 0; number < static_cast<int>(path.rows.size()); ++number) {
      const WireRow& row = path.rows[static_cast<std::size_t>(number)];
      const payment::Attempt* attempt = payment::attempt(row.state);
      if (number == payment.row || attempt == nullptr) continue;
      if (!payment::may_be_of(*attempt, job, looks)) continue;
      listed.contested.push_back(job);
      break;
    }
  }
  return listed;
}

// An answer was heard between the time when it was sent, and `until`.
std::vector<WireReplay::Path> WireReplay::heard(const Path& path, bool is_main,
                                                Millis until) const {
  const Payment& payment = is_main ? path.main : path.stops;
  if (!payment.heard || payment.heard->answered_at == never) return {path};
  std::vector<Path> paths;
  const Exchange& exchange = *payment.heard;
  for (const Millis asked : {exchange.came_at, path.heard_at}) {
    for (const Millis now : {std::min(exchange.answered_at, until), until}) {
      Path one = path;
      const payment::Event event = event_of(path, is_main, asked);
      (is_main ? one.main : one.stops).heard.reset();
      if (is_main) one.heard_at = exchange.answered_at;
      feed(one, is_main, event, now);
      paths.push_back(std::move(one));
    }
    if (exchange.what != What::cell) break;
  }
  return paths;
}

bool WireReplay::matches(const Payment& payment, const Exchange& exchange) {
  switch (exchange.what) {
    case What::cell:
      return payment.waits == Waits::cell;
    case What::post: {
      State state = payment.state;
      const std::string* key = key_of(state);
      return payment.waits == Waits::post && key != nullptr &&
             (*key == unknown_key || *key == exchange.key);
    }
    case What::poll:
      return payment.waits == Waits::poll && payment::generation_id(payment.state) == exchange.id;
    case What::stop:
      return payment.waits == Waits::stop && payment::generation_id(payment.state) == exchange.id;
  }
  return false;
}

void WireReplay::ask(const Exchange& exchange) {
  std::vector<Path> after;
  const auto take = [&](Path path, bool is_main) {
    Payment& payment = is_main ? path.main : path.stops;
    for (int turns = 0; payment.waits == Waits::wake && turns < 3; ++turns) {
      feed(path, is_main, payment::Woke{}, exchange.came_at);
    }
    if (!matches(payment, exchange)) return;
    if (exchange.what == What::post) {
      if (std::string* key = key_of(payment.state)) *key = exchange.key;
      if (payment.row >= 0) {
        WireRow& row = path.rows[static_cast<std::size_t>(payment.row)];
        row.state = payment.state;
        row.key = exchange.key;
      }
    }
    path.log += describe_time(exchange.came_at) + "  " + describe(exchange) + "\n";
    payment.waits = Waits::nothing;
    payment.heard = exchange;
    after.push_back(std::move(path));
  };
  // Asked before the run ended, and nobody hears what comes of it.
  const auto is_stray = [&](const Path& path) {
    if (!path.has_ended && !path.is_leaving) return false;
    return exchange.what == What::cell ||
           (exchange.what == What::poll && payment::generation_id(path.main.state) == exchange.id);
  };
  const auto each = [&](const Path& path) {
    for (Path& main : heard(path, true, exchange.came_at)) {
      // Claims are made when they are needed, at the latest.
      for (int turns = 0; !main.main.is_begun && turns < 3; ++turns) {
        if (main.has_ended || !begin(main, exchange.came_at)) break;
      }
      if (is_stray(main)) after.push_back(main);
      take(std::move(main), true);
    }
    if (exchange.what != What::stop && exchange.what != What::poll) return;
    for (Path& stops : heard(path, false, exchange.came_at)) {
      take(stops, false);
      for (int row = 0; row < static_cast<int>(stops.rows.size()); ++row) {
        const State& state = stops.rows[static_cast<std::size_t>(row)].state;
        if (payment::generation_id(state) != exchange.id) continue;
        Path begun = stops;
        if (begin_stop(begun, row, exchange.came_at)) take(std::move(begun), false);
      }
    }
  };
  for (Path& path : paths_) {
    each(path);
    // What sends the stops may have heard its answer without asking anything more.
    if (path.stops.heard) {
      for (const Path& stops : heard(path, false, exchange.came_at)) each(stops);
    }
  }
  merge(std::move(after), describe(exchange));
}

void WireReplay::time_out(Millis at) {
  hear_all(at, true);
  // Its payment may have begun, and asked for nothing yet.
  std::vector<Path> begun;
  for (const Path& path : paths_) {
    if (path.main.is_begun || path.has_ended) continue;
    begun.push_back(path);
    if (!begin(begun.back(), at) || begun.back().has_ended) begun.pop_back();
  }
  paths_.insert(paths_.end(), begun.begin(), begun.end());
  for (Path& path : paths_) {
    if (path.has_ended) continue;
    if (!path.main.is_begun) {
      path.main.end = End::timed_out;
      path.has_ended = true;
      continue;
    }
    if (!std::holds_alternative<payment::Posting>(path.main.state)) path.main.heard.reset();
    // It may be on its way to the service.
    const bool is_about_to_post = path.main.waits == Waits::post;
    feed(path, true, payment::TimedOut{}, at);
    if (is_about_to_post) path.main.waits = Waits::post;
  }
}

void WireReplay::leave(Millis at) {
  // The answer may have been there when it was told to stop.
  hear_all(at, true);
  std::vector<Path> after;
  for (Path& path : paths_) {
    path.is_leaving = true;
    // Of a run that has not begun its payment there is nothing to be stopped, and an error of its
    // own is no wish to stop.
    const bool has_failed =
        path.has_ended && path.main.end != End::clip && path.main.end != End::timed_out;
    if (!path.main.is_begun && path.given_back >= 0 && wish_.stops && !has_failed) {
      // It was told so before it was claimed anew.
      Path held = path;
      held.main.is_begun = true;
      held.main.row = path.given_back;
      held.main.state = held.rows[static_cast<std::size_t>(path.given_back)].state;
      feed(held, true, payment::StopWanted{}, at);
      after.push_back(std::move(held));
    }
    if (!path.main.is_begun || !wish_.stops || has_failed) {
      after.push_back(std::move(path));
      continue;
    }
    // An answer is still told that is on its way through the ledger.
    if (payment::attempt(path.main.state) == nullptr) path.main.heard.reset();
    const bool is_about_to_post = path.main.waits == Waits::post;
    path.main.waits = Waits::nothing;
    path.main.end.reset();
    feed(path, true, payment::StopWanted{}, at);
    if (is_about_to_post) {
      Path unsent = path;
      payment::Answer withdrawn;
      withdrawn.was_sent = false;
      feed(unsent, true, payment::Replied{withdrawn}, at);
      after.push_back(std::move(unsent));
      path.main.waits = Waits::post;
    }
    after.push_back(std::move(path));
  }
  merge(std::move(after), "the shutdown");
}

void WireReplay::drop(Millis at) {
  hear_all(at, true);
  std::vector<Path> after;
  for (Path& path : paths_) {
    const payment::Step left =
        payment::step(wish_.policy, path.main.state, payment::Left{}, moment(at));
    if (path.main.is_begun && path.main.row >= 0 && !left.actions.empty()) {
      // It is not written over what is just being written.
      if (path.is_leaving) after.push_back(path);
      path.main.state = left.state;
      persist(path, true);
    }
    after.push_back(std::move(path));
  }
  merge(std::move(after), "the end of the run");
}

void WireReplay::kill(Millis at) {
  hear_all(at, true);
  for (Path& path : paths_) path.log += describe_time(at) + "  is killed\n";
}

void WireReplay::end(Millis at, const Told& is_told) {
  std::vector<Path> after;
  for (const Path& path : paths_) {
    for (Path& main : heard(path, true, at)) {
      // It may have found at once that there is nothing to be waited for.
      for (int turns = 0; main.main.waits == Waits::wake && turns < 3 && !main.has_ended; ++turns) {
        feed(main, true, payment::Woke{}, at);
      }
      if (!main.main.is_begun && !main.has_ended) begin(main, at);
      if (!main.main.end || !is_told(*main.main.end, main.main.state)) continue;
      after.push_back(std::move(main));
    }
  }
  merge(std::move(after), "how the run ended");
}

void WireReplay::rest(Millis at) {
  hear_all(at, true);
}

void WireReplay::deliver() {
  for (Path& path : paths_) {
    if (path.main.row < 0) continue;
    const payment::Step step =
        payment::step(wish_.policy, path.main.state, payment::DeliveredWhole{}, moment(latest_));
    path.main.state = step.state;
    persist(path, true);
  }
}

void WireReplay::compare(const std::vector<WireRow>& rows) {
  std::vector<Path> after;
  std::string text;
  for (const WireRow& row : rows) {
    text += "\n    row " + std::to_string(row.id) + " " + describe(row.state);
  }
  for (Path path : paths_) {
    bool is_same = path.rows.size() == rows.size();
    for (std::size_t at = 0; is_same && at < rows.size(); ++at) {
      State expected = bare(path.rows[at].state);
      const State found = bare(rows[at].state);
      // The run was over before its key was seen.
      State copy = found;
      std::string* key = key_of(expected);
      const std::string* real = key_of(copy);
      if (key != nullptr && real != nullptr && *key == unknown_key) *key = *real;
      is_same = expected == found && path.rows[at].wish == rows[at].wish;
      path.rows[at].id = rows[at].id;
      // With the times as they are.
      path.rows[at].state = rows[at].state;
      if (const payment::Attempt* attempt = payment::attempt(rows[at].state)) {
        path.rows[at].looked_jobs = attempt->before;
        path.rows[at].looked = attempt->looked;
      }
    }
    if (is_same) after.push_back(std::move(path));
  }
  merge(std::move(after), "the ledger, which has" + text);
}

}  // namespace genpro::simulation
