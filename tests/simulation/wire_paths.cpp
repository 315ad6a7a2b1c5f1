// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What may be, of which nothing is followed twice.
#include <algorithm>
#include <tuple>
#include <utility>

#include "simulation/wire_replay.h"

namespace genpro::simulation {

namespace {

// Of what may be, at most so much is followed.
constexpr std::size_t most_paths = 400;

}  // namespace

void WireReplay::hear_all(Millis until, bool may_be_unheard) {
  std::vector<Path> after;
  for (const Path& path : paths_) {
    if (may_be_unheard) after.push_back(path);
    for (const Path& main : heard(path, true, until)) {
      after.push_back(main);
      if (!main.stops.heard) continue;
      for (Path& stops : heard(main, false, until)) after.push_back(std::move(stops));
    }
    if (!may_be_unheard || !path.stops.heard) continue;
    for (Path& stops : heard(path, false, until)) after.push_back(std::move(stops));
  }
  merge(std::move(after), "an answer");
}

void WireReplay::merge(std::vector<Path> paths, const std::string& why) {
  if (paths_.empty()) return;
  const auto is_same = [](const Path& one, const Path& other) {
    const auto key = [](const Payment& p) {
      return std::tuple(p.row, p.waits, p.is_begun, p.has_cell, p.end,
                        p.heard ? p.heard->came_at : never);
    };
    return one.main.state == other.main.state && one.stops.state == other.stops.state &&
           key(one.main) == key(other.main) && key(one.stops) == key(other.stops) &&
           one.rows == other.rows && one.heard_at == other.heard_at &&
           one.passed_over == other.passed_over && one.given_back == other.given_back &&
           one.is_leaving == other.is_leaving && one.has_ended == other.has_ended;
  };
  std::vector<Path> different;
  for (Path& path : paths) {
    if (different.size() >= most_paths) break;
    const bool is_known = std::any_of(different.begin(), different.end(),
                                      [&](const Path& other) { return is_same(path, other); });
    if (!is_known) different.push_back(std::move(path));
  }
  if (different.empty()) {
    refuted_by_ = why;
    refuted_log_ = paths_.front().log;
  }
  paths_ = std::move(different);
}

std::string WireReplay::key() const {
  const Path& path = paths_.front();
  return path.main.row < 0 ? "" : path.rows[static_cast<std::size_t>(path.main.row)].key;
}

payment::Evidence WireReplay::evidence() const {
  return payment::evidence(paths_.front().main.state);
}

std::string WireReplay::log() const {
  return is_refuted() ? refuted_log_ : paths_.front().log;
}

}  // namespace genpro::simulation
