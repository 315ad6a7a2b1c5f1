// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/store/places.h"

#include <algorithm>
#include <utility>

namespace genpro::ledger {

LifeLock::LifeLock(LifeLock&& other) noexcept
    : places_(std::move(other.places_)), place_(other.place_), exclusive_(other.exclusive_) {
  other.places_.reset();
}

LifeLock& LifeLock::operator=(LifeLock&& other) noexcept {
  if (this == &other) return *this;
  release();
  places_ = std::exchange(other.places_, nullptr);
  place_ = other.place_;
  exclusive_ = other.exclusive_;
  return *this;
}

void LifeLock::release() noexcept {
  if (const auto places = std::exchange(places_, nullptr)) places->release(place_, exclusive_);
}

void LifeLock::share() noexcept {
  if (!places_ || !exclusive_) return;
  places_->downgrade(place_);
  exclusive_ = false;
}

// Each look at the table comes after is_inherited(): in a forked child, the table's mutex
// may be one that a thread of its parent held.
std::optional<LifeLock> Places::share(std::int64_t place) {
  if (is_inherited()) return std::nullopt;
  TableLock table(table_.lock());
  const auto found = (*table)->held.find(place);
  if (found == (*table)->held.end()) {
    if (!obtain(table, place, Mode::shared)) return std::nullopt;
  } else {
    if (found->second.exclusive) return std::nullopt;
    if (is_lost(place)) return share_again(table, place);
    ++found->second.shared;
  }
  return LifeLock(shared_from_this(), place, false);
}

// One that was lost with a connection, which somebody else may have now.
std::optional<LifeLock> Places::share_again(TableLock& table, std::int64_t place) {
  if (is_slow()) table.reset();
  if (!set(place, Mode::shared)) return std::nullopt;
  if (!table) table.emplace(table_.lock());
  const auto found = (*table)->held.find(place);
  if (found == (*table)->held.end() || found->second.exclusive) {
    // Given back meanwhile.
    give(place, Mode::none);
    return std::nullopt;
  }
  ++found->second.shared;
  return LifeLock(shared_from_this(), place, false);
}

// As long as it is being asked for, it looks taken.
bool Places::obtain(TableLock& table, std::int64_t place, Mode mode) {
  (*table)->held[place] = {0, true};
  if (is_slow()) table.reset();
  const auto finish = [&](bool is_obtained) {
    if (!table) table.emplace(table_.lock());
    if (!is_obtained) {
      (*table)->held.erase(place);
    } else if (mode == Mode::shared) {
      (*table)->held[place] = {1, false};
    }
    return is_obtained;
  };
  try {
    return finish(set(place, mode));
  } catch (...) {
    finish(false);
    throw;
  }
}

std::optional<LifeLock> Places::take(TableLock& table, std::int64_t place) {
  if ((*table)->held.contains(place) || !obtain(table, place, Mode::exclusive)) {
    return std::nullopt;
  }
  return LifeLock(shared_from_this(), place, true);
}

std::optional<LifeLock> Places::take(std::int64_t place) {
  if (is_inherited()) return std::nullopt;
  TableLock table(table_.lock());
  return take(table, place);
}

std::optional<LifeLock> Places::take_or_wait(std::int64_t place, const Waiter& waiter,
                                             bool* is_in_line) {
  if (is_inherited()) return std::nullopt;
  TableLock table(table_.lock());
  auto lock = take(table, place);
  if (lock || !(*table)->held.contains(place)) return lock;
  *is_in_line = true;
  std::deque<Waiter>& line = (*table)->lines[place];
  const bool is_known = std::any_of(line.begin(), line.end(), [&](const Waiter& other) {
    return !other.alive.owner_before(waiter.alive) && !waiter.alive.owner_before(other.alive);
  });
  if (!is_known) line.push_back(waiter);
  return std::nullopt;
}

bool Places::is_held(std::int64_t place) {
  if (is_inherited()) return true;
  {
    auto table = table_.lock();
    if (table->held.contains(place)) return true;
    if (!is_slow()) return is_held_by_others(place);
  }
  return is_held_by_others(place);
}

std::function<void()> Places::next_in_line(Table& table, std::int64_t place) {
  const auto found = table.lines.find(place);
  if (found == table.lines.end()) return nullptr;
  std::deque<Waiter>& line = found->second;
  std::function<void()> wake;
  while (!line.empty() && !wake) {
    if (!line.front().alive.expired()) wake = std::move(line.front().wake);
    line.pop_front();
  }
  if (line.empty()) table.lines.erase(found);
  return wake;
}

void Places::release(std::int64_t place, bool exclusive) noexcept {
  if (is_inherited()) return;
  std::function<void()> wake;
  {
    auto table = table_.lock();
    const auto found = table->held.find(place);
    if (found == table->held.end()) return;
    if (!exclusive && --found->second.shared > 0) return;
    table->held.erase(found);
    give(place, Mode::none);
    wake = next_in_line(*table, place);
  }
  if (wake) wake();
}

void Places::downgrade(std::int64_t place) noexcept {
  if (is_inherited()) return;
  auto table = table_.lock();
  const auto found = table->held.find(place);
  if (found == table->held.end()) return;
  give(place, Mode::shared);
  found->second = {1, false};
}

}  // namespace genpro::ledger
