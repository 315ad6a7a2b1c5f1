// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/postgresql/advisory_locks.h"

#include <unistd.h>

namespace genpro::ledger {

namespace {

// Other programs may use small numbers in the same database: "genproLg".
constexpr std::uint64_t own_numbers = 0x67656e70726f4c67;

std::int64_t key_of(std::int64_t place) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(place) ^ own_numbers);
}

}  // namespace

AdvisoryLocks::AdvisoryLocks(std::shared_ptr<Session> session)
    : session_(std::move(session)), process_(getpid()) {}

bool AdvisoryLocks::is_inherited() const {
  return getpid() != process_;
}

bool AdvisoryLocks::ask(const char* function, std::int64_t place) {
  sql::Query query(*session_, std::string("SELECT ") + function + "(?)::int", key_of(place));
  return query.step() && query.integer(0) == 1;
}

bool AdvisoryLocks::set(std::int64_t place, Mode mode) {
  send_given_back();
  const bool is_taken =
      ask(mode == Mode::shared ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock", place);
  if (is_taken) {
    auto state = state_.lock();
    state->held[place] = mode;
    state->lost.erase(place);
  }
  return is_taken;
}

void AdvisoryLocks::give(std::int64_t place, Mode mode) noexcept {
  std::function<void()> wake;
  {
    auto state = state_.lock();
    if (mode == Mode::none && state->lost.erase(place) > 0) return;
    if (!state->held.contains(place) && !state->lost.contains(place)) return;
    state->given_back.emplace_back(place, mode);
    wake = state->wake;
  }
  if (wake) return wake();
  try {
    if (session_->is_open()) send_given_back();
  } catch (const std::exception&) {
    // With the connection, the server has got them all.
  }
}

void AdvisoryLocks::send_given_back() {
  while (true) {
    std::int64_t place = 0;
    Mode from = Mode::none;
    Mode to = Mode::none;
    {
      auto state = state_.lock();
      if (state->given_back.empty()) return;
      std::tie(place, to) = state->given_back.front();
      state->given_back.erase(state->given_back.begin());
      const auto held = state->held.find(place);
      if (held != state->held.end()) {
        from = held->second;
        if (to == Mode::none) {
          state->held.erase(held);
        } else {
          held->second = to;
        }
      }
    }
    // One that was lost, and that is followed together with others from now on.
    if (from == Mode::none) {
      if (to == Mode::shared && ask("pg_try_advisory_lock_shared", place)) {
        auto state = state_.lock();
        state->held[place] = Mode::shared;
        state->lost.erase(place);
      }
      continue;
    }
    // Not given up in between: a session's own locks are not in each other's way.
    if (to == Mode::shared && from == Mode::exclusive) ask("pg_try_advisory_lock_shared", place);
    if (to != from) {
      ask(from == Mode::shared ? "pg_advisory_unlock_shared" : "pg_advisory_unlock", place);
    }
  }
}

void AdvisoryLocks::take_again() {
  std::vector<std::int64_t> shared;
  {
    auto state = state_.lock();
    for (const auto& [place, mode] : std::exchange(state->given_back, {})) {
      if (mode == Mode::none) {
        state->held.erase(place);
      } else {
        state->held[place] = mode;
      }
    }
    // Before anything is asked, which may fail: what was held alone may have been another one's.
    for (const auto& [place, mode] : state->held) {
      if (mode == Mode::exclusive) {
        state->lost.insert(place);
      } else {
        shared.push_back(place);
      }
    }
    std::erase_if(state->held, [](const auto& item) { return item.second == Mode::exclusive; });
  }
  for (const std::int64_t place : shared) {
    if (ask("pg_try_advisory_lock_shared", place)) continue;
    auto state = state_.lock();
    state->held.erase(place);
    state->lost.insert(place);
  }
}

bool AdvisoryLocks::is_lost(std::int64_t place) {
  return state_.lock()->lost.contains(place);
}

void AdvisoryLocks::when_given_back(std::function<void()> wake) {
  state_.lock()->wake = std::move(wake);
}

// What other programs lock in the same database is none of these.
std::vector<std::int64_t> AdvisoryLocks::held_by_others(std::size_t most) {
  constexpr std::int64_t kinds = std::int64_t{1} << 60;  // of rows, uploads and cells
  std::vector<std::int64_t> places;
  sql::Query query(*session_,
                   "SELECT DISTINCT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE "
                   "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE "
                   "datname = current_database()) AND objsubid = 1 AND granted AND "
                   "pid <> pg_backend_pid()");
  while (query.step() && places.size() < most) {
    const std::int64_t place = key_of(query.integer(0));
    const std::int64_t kind = place / kinds;
    if (place > 0 && (kind == 0 || kind == 2 || kind == 4)) places.push_back(place);
  }
  return places;
}

// Without taking it for a moment, which would be in others' way.
bool AdvisoryLocks::is_held_by_others(std::int64_t place) {
  send_given_back();
  const auto key = static_cast<std::uint64_t>(key_of(place));
  return session_
      ->integer(
          "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM "
          "pg_database WHERE datname = current_database()) AND classid::bigint = ? AND "
          "objid::bigint = ? AND objsubid = 1 AND granted LIMIT 1",
          static_cast<std::int64_t>(key >> 32), static_cast<std::int64_t>(key & 0xffffffff))
      .has_value();
}

}  // namespace genpro::ledger
