// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/pricing.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "catalogue/catalogue.h"

namespace genpro::emulator {

namespace {

// pika costs what the documented example says; the others keep a plausible order. Clips with the
// index at the end and at the start both exist in the field, so both are made here.
constexpr std::array<Model, 7> priced_models{{
    {"pika", 700, false, true},
    {"kling_1_6", 1000, false, false},
    {"seedance_lite", 500, false, false},
    {"veo_3_1", 4000, true, false},
    {"veo_3_1_fast", 1500, true, false},
    {"veo_3", 4000, true, false},
    {"kling_2_6", 1000, false, false},
}};

// What makes a clip as long as its media cannot tell its length beforehand, and costs the same
// whatever it is.
constexpr std::array<Model, 4> flat_models{{
    {"gen", 6000, true, false, true},
    {"sync.so", 9000, true, false, true},
    {"transparent", 3000, true, false, true},
    {"render", 500, true, false, true},
}};

// Nothing certain is published about what these cost.
constexpr MilliCredits price_of_today = 1000;

}  // namespace

char letter_of(Kind kind) {
  if (kind == Kind::text) return 'T';
  return kind == Kind::image ? 'I' : 'G';
}

namespace {

const std::vector<Model>& all_models() {
  static const std::vector<Model> known = [] {
    std::vector<Model> all(flat_models.begin(), flat_models.end());
    for (const auto& model : catalogue::models()) {
      const auto priced = std::find_if(priced_models.begin(), priced_models.end(),
                                       [&](const Model& one) { return model.name == one.name; });
      // The names are literals.
      all.push_back(priced != priced_models.end()
                        ? *priced
                        : Model{model.name.data(), price_of_today, false, false});
    }
    return all;
  }();
  return known;
}

}  // namespace

const Model* model_named(const std::string& name) {
  for (const auto& model : all_models()) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

std::vector<std::string> model_names_of(Kind kind, bool is_of_today) {
  switch (kind) {
    case Kind::lipsync:
      return {"gen", "sync.so"};
    case Kind::remove_background:
      return {"transparent"};
    case Kind::render:
      return {"render"};
    default:
      break;
  }
  std::vector<std::string> names;
  for (const auto& model : catalogue::models()) {
    // Which of the seed's models make texts and images is not said.
    const bool makes = model.makes(letter_of(kind)) || (model.of_seed && kind != Kind::ingredients);
    if (model.of_seed != is_of_today && makes) names.emplace_back(model.name);
  }
  return names;
}

std::vector<std::string> aspect_ratios_of(const std::string& name, Kind kind, bool is_of_today) {
  std::vector<std::string> ratios;
  const auto* model = catalogue::find_model(name, !is_of_today);
  if (model == nullptr) return ratios;
  std::istringstream words{std::string(model->ratios_for(letter_of(kind)))};
  for (std::string word; words >> word;) ratios.push_back(word);
  return ratios;
}

bool is_of_seed(const GenerationSettings& settings) {
  const auto names = model_names_of(Kind::text, false);
  return std::find(names.begin(), names.end(), settings.model) != names.end();
}

std::string default_model(Kind kind, bool is_of_today) {
  if (kind == Kind::lipsync || kind == Kind::remove_background || kind == Kind::render) {
    return model_names_of(kind, is_of_today).front();
  }
  return is_of_today ? "seedance-2.0-fast" : "pika";
}

std::optional<int> default_duration(const std::string& name) {
  const auto* model = catalogue::find_model(name, false);
  if (model == nullptr || model->default_seconds == 0) return {};
  return static_cast<int>(model->default_seconds);
}

MilliCredits price(const GenerationSettings& settings) {
  const Model* model = model_named(settings.model);
  if (model == nullptr) return 0;
  return model->is_flat ? model->price : model->price * settings.duration;
}

std::vector<std::string> all_model_names() {
  std::vector<std::string> names;
  for (const auto& model : all_models()) names.emplace_back(model.name);
  return names;
}

std::vector<std::string> model_names() {
  return model_names_of(Kind::ingredients, false);
}

}  // namespace genpro::emulator
