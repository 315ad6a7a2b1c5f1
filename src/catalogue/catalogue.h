// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The models that are known, and what each of them makes: the one table that warnings, the command
// line, the documentation and the emulator take theirs from. The service knows more tomorrow, so
// that nothing is refused because of it.
//
// Includes nothing but the standard library.
#pragma once

#include <span>
#include <string_view>

namespace genpro::catalogue {

struct Model {
  std::string_view name;
  bool of_seed;              // of dialect seed; else of the others
  std::string_view types;    // T: from text, I: from an image, G: from ingredients
  std::string_view ratios;   // with a space in between; empty: it has no such field
  std::string_view seconds;  // "4-15" or "5 10"; empty: likewise
  unsigned default_seconds;  // 0: not documented
  std::string_view resolutions;
  unsigned images;  // most reference images; 0: none, or not documented
  bool has_last_frame;
  // Where it is not the same for all types.
  std::string_view seconds_of_ingredients = seconds;
  bool has_ratio_of_image = true;
  // In dialect actions, also where the type has them.
  bool images_are_optional = false;

  // `type`: a letter of `types`.
  bool makes(char type) const { return types.find(type) != std::string_view::npos; }
  std::string_view seconds_for(char type) const {
    return type == 'G' ? seconds_of_ingredients : seconds;
  }
  std::string_view ratios_for(char type) const {
    return type == 'I' && !has_ratio_of_image ? std::string_view() : ratios;
  }
  // Of a prompt, in units of UTF-16; 0: not documented.
  unsigned prompt_limit() const;
};

// What the types that are no models' work take in their place: with a space in between; empty:
// none.
struct OtherType {
  std::string_view type;
  std::string_view dialects;
  std::string_view models;
};
std::span<const OtherType> other_types();

std::span<const Model> models();
// Null when there is none.
const Model* find_model(std::string_view name, bool of_seed);
// Whether `list` has the word; a list of seconds may be a range.
bool has_word(std::string_view list, std::string_view word);
bool has_seconds(std::string_view list, unsigned seconds);
struct Seconds {
  unsigned least = 0;
  unsigned most = 0;
};
// Of a list that is not empty.
Seconds bounds_of(std::string_view list);

}  // namespace genpro::catalogue
