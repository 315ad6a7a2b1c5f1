// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Deliberate mistakes, each of which the simulation has to find.
#pragma once

#include <string_view>
#include <vector>

#include "simulation/mind.h"

namespace genpro::simulation {

struct Mistake {
  const char* name;
  const char* what;
  Mind mind;
};

const std::vector<Mistake>& mistakes();
const Mistake* find_mistake(std::string_view name);  // null: none of that name

}  // namespace genpro::simulation
