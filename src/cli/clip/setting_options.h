// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The settings of a generation as options, by the names that the elements' properties have.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/options.h"
#include "settings/settings.h"

namespace genpro::cli {

// All but the API's key, which must not stand on a command line, and --ingredient. `without`: one
// that the command itself decides.
void add_settings(Options& options, std::initializer_list<std::string_view> without = {});
// Those that were given; `max-cost` is one unless it is an option of the command's own. Throws
// UsageError.
Settings read_given_settings(const Options& options, const Globals& globals,
                             bool has_own_max_cost = false);
// As above, and what the environment and the profile say of the others. Throws
// UsageError.
Settings read_settings(const Options& options, const Globals& globals,
                       bool has_own_max_cost = false);

// Files, file:// URIs and ids; a relative name is one in `base`. They take the place of what was
// set. Throws std::runtime_error.
void set_ingredients(Settings& settings, const std::vector<std::string>& ingredients,
                     const std::string& base);

// For commands that ask for nothing that is charged: where the API is, who asks, and what is named
// besides, such as "agent-id".
void add_access(Options& options, std::initializer_list<std::string_view> more = {});

// These alone, such as "archive".
void add_named(Options& options, std::span<const std::string_view> names);
inline void add_named(Options& options, std::initializer_list<std::string_view> names) {
  add_named(options, std::span(names.begin(), names.size()));
}

// Of settings that are missing, as options; any other error as it is.
Error named_as_options(Error error);
// Throws one CommandError for all of these ids, and the API's key, that are not set.
void require_settings(const Settings& settings, std::initializer_list<const char*> ids);

}  // namespace genpro::cli
