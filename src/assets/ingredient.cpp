// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/ingredient.h"

#include <algorithm>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "base/web/url.h"

namespace genpro::assets {

namespace {

// The entries, trimmed. Empty ones are kept, but for empty lines and a line break after a comma.
std::vector<std::string> split_entries(std::string_view text) {
  std::vector<std::string> entries(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (text[at] == '\\' && (next == ',' || next == '\\')) {
      entries.back() += next;
      ++at;
    } else if (text[at] == ',' || text[at] == '\n') {
      if (text[at] == ',' || !trim(entries.back()).empty()) entries.emplace_back();
    } else {
      entries.back() += text[at];
    }
  }
  for (std::string& entry : entries) entry = std::string(trim(entry));
  return entries;
}

std::string shown(const std::string& entry) {
  return "\"" + one_line(entry, 200) + "\"";
}

}  // namespace

Result<std::vector<std::string>> split_ingredients(const std::string& text) {
  // A list of lines ends with a line break.
  const std::string_view list = trim(text);
  if (list.empty()) return std::vector<std::string>();
  auto entries = split_entries(list);
  if (std::ranges::find(entries, "") != entries.end()) {
    return settings_error("ingredients is " + shown(text) +
                          ", where an entry is empty. Write files and ids separated by commas, "
                          "such as photo.jpg,502; a comma in a name as \\,.");
  }
  return entries;
}

std::string join_ingredients(const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& entry : entries) {
    if (!list.empty()) list += ',';
    for (const char c : entry) {
      if (c == ',' || c == '\\') list += '\\';
      list += c;
    }
  }
  return list;
}

Result<std::vector<Ingredient>> parse_ingredients(const std::string& text, const char* folder) {
  auto entries = split_ingredients(text);
  if (!entries) return std::move(entries.error());
  std::vector<Ingredient> ingredients;
  for (const std::string& entry : *entries) {
    const GCharPtr scheme(g_uri_parse_scheme(entry.c_str()));
    Ingredient ingredient;
    if (is_id(entry)) {
      ingredient.id = plain_id(entry);
    } else if (scheme && entry.find("://") == std::char_traits<char>::length(scheme.get())) {
      char* host = nullptr;
      const GCharPtr path(g_filename_from_uri(entry.c_str(), &host, nullptr));
      const std::string on = take_string(host);
      if (!path || (!on.empty() && on != "localhost")) {
        return settings_error(
            "ingredients names " + shown(address_for_log(entry)) +
            ", which is no file of this machine. Write the file's name, a file:// "
            "URI, or the id of a content resource.");
      }
      ingredient.path = path.get();
    } else {
      ingredient.path = take_string(g_canonicalize_filename(entry.c_str(), folder));
    }
    ingredients.push_back(std::move(ingredient));
  }
  return ingredients;
}

std::string name_of(const Ingredient& ingredient) {
  if (ingredient.path.empty()) return ingredient.id;
  return one_line(take_string(g_path_get_basename(ingredient.path.c_str())), 120);
}

}  // namespace genpro::assets
