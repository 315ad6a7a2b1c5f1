// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a request is made of, as a person writes it.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace genpro::assets {

// A file or a content resource: one of both is empty.
struct Ingredient {
  std::string path;  // absolute
  std::string id;
};

// Reads a list of files, file:// URIs and ids, separated by commas or line breaks:
// `photo.jpg,502,logo.png`. In a name, `\,` is a comma and `\\` a backslash. What has only letters,
// digits, _ and - is an id; a file of such a name is written `./photo`. Names are
// relative to `folder`, null: the current one. Touches no file. Fails with ErrorKind::settings.
Result<std::vector<Ingredient>> parse_ingredients(const std::string& text,
                                                  const char* folder = nullptr);

// The entries of such a list as they stand there, but for the backslashes. Fails with
// ErrorKind::settings when one is empty.
Result<std::vector<std::string>> split_ingredients(const std::string& text);

// The other way around: files and ids as such a list, which has to hold none that is empty.
std::string join_ingredients(const std::vector<std::string>& entries);

// "photo.jpg", fit for a message.
std::string name_of(const Ingredient& ingredient);

}  // namespace genpro::assets
