// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The models, and what their clips cost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/store/records.h"

namespace genpro::emulator {

struct Model {
  const char* name;
  MilliCredits per_second;
  bool audio;
  bool moov_at_end;
};

// Null when there is no such model.
const Model* model_named(const std::string& name);
std::vector<std::string> model_names();
// What a clip of `seconds` costs; nothing for an unknown model.
std::optional<MilliCredits> price(const std::string& model, int seconds);

}  // namespace genpro::emulator
