// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `@photo` in a prompt: an ingredient by its name.
#pragma once

#include <string>
#include <vector>

#include "assets/ingredient.h"

namespace genpro::assets {

// A prompt in parts: `texts` has one more entry than `ingredients`, and each of them stands between
// two texts.
struct Prompt {
  std::vector<std::string> texts{1};
  std::vector<std::size_t> ingredients;  // indices

  bool has_references() const { return !ingredients.empty(); }
};

// An @ at the start of a word names an ingredient: by its number in the list, the first is 1; its
// id; its file name, `@photo.jpg`; or that without its extension, `@photo`. Case does not matter.
// `\@` is an @. Fails with ErrorKind::settings where a name is none or several.
Result<Prompt> parse_prompt(const std::string& text, const std::vector<Ingredient>& ingredients);

// With what the service calls them: "Image 1". `kinds`: "image", "video" or "audio", one for each
// ingredient; each kind is numbered by itself.
std::string fill(const Prompt& prompt, const std::vector<std::string>& kinds);

}  // namespace genpro::assets
