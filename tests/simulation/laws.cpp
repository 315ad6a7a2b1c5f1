// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/laws.h"

namespace genpro::simulation {

namespace {

// Most kinds of trouble are absent from most histories, so that the others show what they do.
unsigned some_trouble(Choices& choices) {
  static constexpr unsigned rates[] = {0, 0, 0, 30, 60, 90};
  return choices.pick(rates);
}

}  // namespace

Laws draw_laws(Choices& choices) {
  Laws laws;
  static constexpr Laws::Keys keys[] = {Laws::Keys::honoured, Laws::Keys::ignored,
                                        Laws::Keys::ignored, Laws::Keys::refused};
  laws.keys = choices.pick(keys);
  laws.are_keys_documented = choices.chance(40) && laws.keys == Laws::Keys::honoured;
  static constexpr unsigned post_rates[] = {0, 0, 50, 80, 95};
  laws.post_trouble = choices.pick(post_rates);
  laws.cell_trouble = some_trouble(choices);
  laws.poll_trouble = some_trouble(choices);
  laws.stop_trouble = some_trouble(choices);
  laws.are_posts_held = choices.chance(25);
  static constexpr Millis delays[] = {0, 5 * second, 29 * second, 29 * second, 100 * second};
  laws.latest_listing = choices.pick(delays);
  laws.is_forgetful = choices.chance(8);
  laws.is_cell_unreadable = choices.chance(6);
  static constexpr unsigned ends[] = {0, 0, 40};
  laws.ends_badly = choices.pick(ends);
  laws.are_clips_late = choices.chance(20);
  laws.loses_generations = choices.chance(10);
  laws.has_spurious_404 = choices.chance(20);
  laws.has_long_404 = choices.chance(8);
  if (choices.chance(15)) {
    laws.away_from = choices.between(0, 90 * second, second);
    laws.away_until = laws.away_from + choices.between(second, 5 * minute, 10 * second);
  }
  if (choices.chance(8)) {
    laws.denied_from = choices.between(0, 90 * second, second);
    laws.denied_until = laws.denied_from + choices.between(second, 3 * minute, 10 * second);
  }
  laws.keeps_stopped = choices.chance(30);
  laws.tells_credit = choices.chance(50);
  static constexpr int limits[] = {0, 0, estimated_cost, 2 * estimated_cost};
  laws.cost_limit = choices.pick(limits);
  static constexpr unsigned kills[] = {0, 0, 40, 80};
  laws.kills = choices.pick(kills);
  laws.is_shared = choices.chance(35);
  if (laws.is_shared) {
    static constexpr unsigned cuts[] = {0, 3, 10, 25};
    laws.cuts = choices.pick(cuts);
    static constexpr unsigned rates[] = {0, 0, 0, 5, 40};
    laws.lost_commits = choices.pick(rates);
    laws.conflicts = choices.pick(rates);
    static constexpr unsigned suspensions[] = {0, 0, 0, 30};
    laws.suspensions = choices.pick(suspensions);
    if (choices.chance(25)) {
      laws.fails_over_at = choices.between(0, 90 * second, 500);
      laws.failing_over_loses = choices.between(500, 10 * second, 500);
    }
  }
  return laws;
}

std::string describe(const Laws& laws) {
  std::string text = "keys ";
  text += laws.keys == Laws::Keys::honoured  ? "honoured"
          : laws.keys == Laws::Keys::ignored ? "ignored"
                                             : "refused";
  if (laws.are_keys_documented) text += " and documented";
  const auto add = [&text](const char* what, Millis amount, const char* unit) {
    if (amount > 0) text += std::string(", ") + what + " " + std::to_string(amount) + unit;
  };
  add("trouble with POSTs", laws.post_trouble, "%");
  add("cells", laws.cell_trouble, "%");
  add("polls", laws.poll_trouble, "%");
  add("stops", laws.stop_trouble, "%");
  add("ends badly", laws.ends_badly, "%");
  add("listed within", laws.latest_listing / second, " s");
  const auto flag = [&text](bool is_so, const char* what) {
    if (is_so) text += std::string(", ") + what;
  };
  flag(laws.are_posts_held, "POSTs may be held");
  flag(laws.is_forgetful, "forgetful cells");
  flag(laws.is_cell_unreadable, "cells cannot be read");
  flag(laws.are_clips_late, "late clips");
  flag(laws.loses_generations, "may lose generations");
  flag(laws.has_spurious_404, "spurious 404");
  flag(laws.has_long_404, "404 for a while");
  flag(laws.keeps_stopped, "keeps what was paid for what is stopped");
  flag(laws.tells_credit, "tells of refunds");
  add("may cost", laws.cost_limit, " a day");
  flag(laws.away_from != never, "an outage");
  flag(laws.denied_from != never, "denies the key for a while");
  flag(laws.is_shared, "machines share the ledger");
  add("connections to it are lost", laws.cuts, "%");
  add("commits without an answer", laws.lost_commits, "%");
  add("transactions that are undone", laws.conflicts, "%");
  add("machines sleep before POSTs", laws.suspensions, "%");
  flag(laws.fails_over_at != never, "a fail-over");
  return text;
}

}  // namespace genpro::simulation
