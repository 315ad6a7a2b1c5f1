// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/references.h"

#include <map>

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::assets {

namespace {

// Bytes of a letter beyond ASCII, too.
bool is_name_byte(char c) {
  return g_ascii_isalnum(c) || c == '_' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

std::string folded(std::string_view name) {
  return take_string(g_utf8_casefold(valid_utf8(name).c_str(), -1));
}

// The name that begins there; a full stop at its end is the sentence's.
std::string_view read_name(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && (is_name_byte(text[length]) || text[length] == '.')) ++length;
  while (length > 0 && !is_name_byte(text[length - 1])) --length;
  return text.substr(0, length);
}

// Without its extension.
std::string stem_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

std::vector<std::size_t> find(const std::string& name, const std::vector<Ingredient>& ingredients) {
  if (const auto number = parse_unsigned(name);
      number && *number >= 1 && *number <= ingredients.size()) {
    return {static_cast<std::size_t>(*number - 1)};
  }
  const std::string wanted = folded(name);
  for (const bool is_whole : {true, false}) {
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < ingredients.size(); ++index) {
      const std::string own = folded(name_of(ingredients[index]));
      if ((is_whole ? own : stem_of(own)) == wanted) found.push_back(index);
    }
    if (!found.empty()) return found;
  }
  return {};
}

std::string list_of(const std::vector<Ingredient>& ingredients) {
  std::vector<std::string> names;
  for (const Ingredient& ingredient : ingredients) {
    names.push_back("@" + std::to_string(names.size() + 1) + " (" + name_of(ingredient) + ")");
  }
  return one_line(join(names, ", ", " and "), 400);
}

}  // namespace

Result<Prompt> parse_prompt(const std::string& text, const std::vector<Ingredient>& ingredients) {
  Prompt prompt;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '@') {
      prompt.texts.back() += '@';
      ++at;
      continue;
    }
    const bool starts_word =
        text[at] == '@' && (at == 0 || !(is_name_byte(text[at - 1]) || text[at - 1] == '.'));
    const std::string name(starts_word ? read_name(std::string_view(text).substr(at + 1)) : "");
    if (name.empty()) {
      prompt.texts.back() += text[at];
      continue;
    }
    const auto found = find(name, ingredients);
    if (found.size() != 1) {
      return settings_error("prompt names @" + one_line(name, 80) + ", which is " +
                            (found.empty() ? "none" : "more than one") + " of the ingredients " +
                            list_of(ingredients) + ". Write one of these, or \\@ for an @ itself.");
    }
    prompt.ingredients.push_back(found[0]);
    prompt.texts.emplace_back();
    at += name.size();
  }
  return prompt;
}

std::string fill(const Prompt& prompt, const std::vector<std::string>& kinds) {
  std::map<std::string, int> counts;
  std::vector<std::string> names;
  for (const std::string& kind : kinds) {
    std::string name = kind;
    if (!name.empty()) name[0] = g_ascii_toupper(name[0]);
    names.push_back(name + " " + std::to_string(++counts[kind]));
  }
  std::string text = prompt.texts[0];
  for (std::size_t i = 0; i < prompt.ingredients.size(); ++i) {
    text += names[prompt.ingredients[i]] + prompt.texts[i + 1];
  }
  return text;
}

}  // namespace genpro::assets
