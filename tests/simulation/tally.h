// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace genpro::simulation {

// What happened in histories.
struct Tally {
  unsigned long long runs = 0, steps = 0, posts = 0, charges = 0, deliveries = 0;
  unsigned long long doubts = 0;   // runs that ended in doubt
  unsigned long long likely = 0;   // how often a run has told that its generation is only likely
  unsigned long long excused = 0;  // second charges where the laws allow no certainty
  unsigned long long kills = 0, boots = 0;
  unsigned long long fail_overs = 0;
  unsigned long long forgotten = 0;    // second charges of what a fail-over had lost
  unsigned long long connections = 0;  // to a ledger's server that were lost

  Tally& operator+=(const Tally& other) {
    runs += other.runs;
    steps += other.steps;
    posts += other.posts;
    charges += other.charges;
    deliveries += other.deliveries;
    doubts += other.doubts;
    likely += other.likely;
    excused += other.excused;
    kills += other.kills;
    boots += other.boots;
    fail_overs += other.fail_overs;
    forgotten += other.forgotten;
    connections += other.connections;
    return *this;
  }
};

}  // namespace genpro::simulation
