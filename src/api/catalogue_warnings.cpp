// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/catalogue_warnings.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "api/dialect.h"
#include "base/text.h"
#include "catalogue/catalogue.h"

namespace genpro::api {

namespace {

using catalogue::Model;

constexpr const char* refused = " The service may refuse it.";

std::string seconds_of(std::string_view seconds) {
  const std::size_t dash = seconds.find('-');
  if (dash == std::string_view::npos) return list_of(seconds) + " s";
  if (seconds.starts_with("1-")) return "up to " + std::string(seconds.substr(2)) + " s";
  return std::string(seconds.substr(0, dash)) + " to " + std::string(seconds.substr(dash + 1)) +
         " s";
}

char letter_of(GenerationType type) {
  if (type == GenerationType::video_from_text) return 'T';
  return type == GenerationType::video_from_image ? 'I' : 'G';
}

bool is_video(GenerationType type) {
  return type == GenerationType::video_from_ingredients ||
         type == GenerationType::video_from_text || type == GenerationType::video_from_image;
}

bool is_of_seed(const RequestSettings& settings) {
  return settings.dialect == seed_dialect.word;
}

std::string quoted(const std::string& value) {
  return "\"" + one_line(value, 80) + "\"";
}

// Limits of a prompt are in units of UTF-16.
std::size_t utf16_units(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

std::vector<std::string> other_type_warnings(const RequestSettings& settings, GenerationType type) {
  const auto other = std::ranges::find(catalogue::other_types(), std::string_view(type_word(type)),
                                       &catalogue::OtherType::type);
  if (settings.model.empty() || other == catalogue::other_types().end() ||
      catalogue::has_word(other->models, settings.model)) {
    return {};
  }
  return {"model is " + quoted(settings.model) + ", but " + type_word(type) +
          " is documented to take " + list_of(other->models) + "." + refused};
}

// The models that the cell may have.
std::vector<const Model*> known_models(const RequestSettings& settings, GenerationType type) {
  std::vector<const Model*> known;
  for (const Model& model : catalogue::models()) {
    if (model.of_seed == is_of_seed(settings) && model.makes(letter_of(type))) {
      known.push_back(&model);
    }
  }
  return known;
}

// What none of the models that the cell may have is known to take.
std::vector<std::string> warnings_without_model(const RequestSettings& settings,
                                                GenerationType type) {
  const char letter = letter_of(type);
  const auto models = known_models(settings, type);
  const std::string taken = ", which no model that is known for " + std::string(type_word(type)) +
                            " in dialect " + settings.dialect + " is documented to take: ";
  std::vector<std::string> warnings;
  const auto check = [&](const char* setting, const std::string& value, auto words_of) {
    std::string known;
    for (const Model* model : models) {
      for (const std::string_view word : split(words_of(*model), ' ')) {
        if (word.empty() || catalogue::has_word(known, word)) continue;
        known += (known.empty() ? "" : " ") + std::string(word);
      }
    }
    if (value.empty() || known.empty() || catalogue::has_word(known, value)) return;
    warnings.push_back(std::string(setting) + " is " + quoted(value) + taken + list_of(known) +
                       "." + refused);
  };
  check("aspect-ratio", settings.aspect_ratio,
        [letter](const Model& model) { return model.ratios_for(letter); });
  check("resolution", settings.resolution, [](const Model& model) { return model.resolutions; });

  std::vector<std::string> lengths;
  bool is_known = settings.duration == 0;
  bool has_undocumented = false;
  unsigned longest = 0;
  for (const Model* model : models) {
    const std::string_view seconds = model->seconds_for(letter);
    has_undocumented = has_undocumented || (seconds.empty() && model->of_seed);
    if (seconds.empty()) continue;
    longest = std::max(longest, catalogue::bounds_of(seconds).most);
    is_known = is_known || catalogue::has_seconds(seconds, settings.duration);
    std::string length = seconds_of(seconds);
    if (std::ranges::find(lengths, length) == lengths.end()) lengths.push_back(std::move(length));
  }
  // What lies between those of the others may be one's of which no lengths are documented.
  if (has_undocumented && settings.duration <= longest) is_known = true;
  if (!is_known && !lengths.empty()) {
    warnings.push_back("duration is " + std::to_string(settings.duration) + " s" + taken +
                       join(lengths, "; ") + "." + refused);
  }
  return warnings;
}

std::string unknown_model(const RequestSettings& settings, GenerationType type) {
  std::vector<std::string> names;
  for (const Model* model : known_models(settings, type)) names.emplace_back(model->name);
  return "model is " + quoted(settings.model) + ", which is none of those known for " +
         type_word(type) + " in dialect " + settings.dialect + ": " + join(names) + "." + refused;
}

}  // namespace

std::vector<std::string> catalogue_warnings(const RequestSettings& settings, GenerationType type,
                                            const std::string& prompt, std::size_t assets) {
  if (!is_video(type)) return other_type_warnings(settings, type);
  if (settings.model.empty()) return warnings_without_model(settings, type);
  const Model* model = catalogue::find_model(settings.model, is_of_seed(settings));
  if (model == nullptr) return {unknown_model(settings, type)};

  std::vector<std::string> warnings;
  const std::string name(model->name);
  const char letter = letter_of(type);
  if (!model->makes(letter)) {
    warnings.push_back("model is " + name + ", which is not documented to make " + type_word(type) +
                       "." + refused);
  }
  const std::string_view seconds = model->seconds_for(letter);
  if (settings.duration != 0 && !seconds.empty() &&
      !catalogue::has_seconds(seconds, settings.duration)) {
    warnings.push_back("duration is " + std::to_string(settings.duration) + " s, but " + name +
                       " is documented to make " + seconds_of(seconds) + "." + refused);
  }
  // Jobs have the field also for models whose cards have none.
  if (settings.duration != 0 && seconds.empty() && settings.dialect == actions_dialect.word) {
    warnings.push_back("duration is " + std::to_string(settings.duration) + " s, but " + name +
                       " is documented to have no such field." + refused);
  }
  const std::tuple<const char*, const std::string&, std::string_view> words[] = {
      {"aspect-ratio", settings.aspect_ratio, model->ratios_for(letter)},
      {"resolution", settings.resolution, model->resolutions},
  };
  for (const auto& [setting, value, known] : words) {
    if (value.empty() || catalogue::has_word(known, value)) continue;
    // Jobs have both fields also for models whose cards have none.
    if (known.empty() && settings.dialect == vidsheet_dialect.word) continue;
    warnings.push_back(std::string(setting) + " is " + quoted(value) + ", but " + name +
                       (known.empty() ? " is documented to have no such field."
                                      : " is documented to take " + list_of(known) + ".") +
                       refused);
  }
  if (type == GenerationType::video_from_ingredients && model->images > 0 &&
      assets > model->images) {
    warnings.push_back("ingredients are " + std::to_string(assets) + ", but " + name +
                       " is documented to take " + std::to_string(model->images) + " images." +
                       refused);
  }
  if (type == GenerationType::video_from_image && !model->of_seed && assets > 1 &&
      !model->has_last_frame) {
    warnings.push_back("ingredients have a last frame, which " + name +
                       " is not documented to take." + refused);
  }
  const std::size_t units = utf16_units(prompt);
  if (const unsigned most = model->prompt_limit(); most > 0 && units > most) {
    warnings.push_back("prompt has " + std::to_string(units) + " UTF-16 units, but " + name +
                       " is documented to take " + std::to_string(most) + "." + refused);
  }
  return warnings;
}

}  // namespace genpro::api
