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
  MilliCredits price;
  bool audio;
  bool moov_at_end;
  bool is_flat = false;  // the price is that of a clip; else of a second
};

// Null when there is no such model.
const Model* model_named(const std::string& name);
// As the catalogue's types have it.
char letter_of(Kind kind);
std::vector<std::string> model_names();  // of the seed
std::vector<std::string> all_model_names();
// Also those that an older page of the seed's contract has for texts and images.
std::vector<std::string> model_names_of(Kind kind, bool is_of_today);
// What the catalogue has for clips of that kind, in its order; empty: the model has no such field.
std::vector<std::string> aspect_ratios_of(const std::string& model, Kind kind, bool is_of_today);
// By its model: no model is of both contracts.
bool is_of_seed(const GenerationSettings& settings);
// The one that makes clips of a kind where nothing names one.
std::string default_model(Kind kind, bool is_of_today);
// Seconds of a clip of the live service's models; nothing where that is not documented.
std::optional<int> default_duration(const std::string& model);
// What a clip costs.
MilliCredits price(const GenerationSettings& settings);

}  // namespace genpro::emulator
