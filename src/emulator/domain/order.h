// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The order of a sheet's columns and rows and of a cell's layers. Positions count from 1 and have
// no gaps, whatever is asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace genpro::emulator {

// Where somebody wants to have something.
struct Place {
  std::int64_t id = 0;
  std::int64_t position = 0;
};

// `things` with those that are wanted somewhere at their places. The others fill what is left, in
// the order that they had. A position behind the end is the end, one before 1 the start. Of two
// that are wanted at one position the one that is named first gets it and the other comes right
// after it: so a whole list that counts from 0 gives the order it means, too. Nothing may be named
// twice, or be missing in `things`.
template <typename Thing>
std::vector<Thing> put_in_order(const std::vector<Thing>& things, std::vector<Place> wanted) {
  std::stable_sort(wanted.begin(), wanted.end(), [](const Place& left, const Place& right) {
    return left.position < right.position;
  });
  std::map<std::int64_t, const Thing*> named;
  for (const auto& place : wanted) named[place.id] = nullptr;
  std::vector<const Thing*> others;
  for (const auto& thing : things) {
    const auto found = named.find(thing.id);
    if (found != named.end()) {
      found->second = &thing;
    } else {
      others.push_back(&thing);
    }
  }
  std::vector<Thing> ordered;
  auto place = wanted.begin();
  auto other = others.begin();
  while (place != wanted.end() || other != others.end()) {
    const auto position = static_cast<std::int64_t>(ordered.size()) + 1;
    if (place != wanted.end() && (place->position <= position || other == others.end())) {
      ordered.push_back(*named.at((place++)->id));
    } else {
      ordered.push_back(**other++);
    }
  }
  return ordered;
}

}  // namespace genpro::emulator
